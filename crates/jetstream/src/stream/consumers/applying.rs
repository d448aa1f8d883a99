//! What becomes of consumers when something that was decided is in the log for good.

use super::entry::ConsumerEntry;
use super::{AtWork, Consumers};
use crate::consumer::config::{ConsumerConfig, DeliverPolicy};
use crate::consumer::{
    Consumer, ConsumerEvent, ConsumerInfo, Identity, Moment, Progress, View, dead_letter, start,
};
use crate::held::Messages;
use crate::stream::{Done, Effect, Stream};
use crate::time::Time;
use bytes::Bytes;

impl<M: Messages> Stream<M> {
    /// Applies what was decided of a consumer.
    pub(in crate::stream) fn apply_consumer(&mut self, entry: ConsumerEntry) {
        match entry {
            ConsumerEntry::Create {
                number,
                name,
                config,
                time,
                is_bound,
                request,
            } => {
                let identity = Identity {
                    number,
                    name: name.clone(),
                    created: time,
                };
                self.consumers.ahead.remove(&name);
                self.make_consumer(identity, *config, is_bound);
                let info = self.info_at(number, time, request);
                self.done(request, Ok(Done::Consumer { name, info }));
            }
            ConsumerEntry::Restore {
                number,
                name,
                config,
                time,
                progress,
                request,
            } => {
                let identity = Identity {
                    number,
                    name: name.clone(),
                    created: time,
                };
                self.put_new(identity, *config, progress.0, false);
                self.with_consumer(number, |mut work| {
                    work.consumer.tell(&mut work.out, ConsumerEvent::Created);
                });
                self.done(request, Ok(Done::Restored));
            }
            ConsumerEntry::Update {
                number,
                config,
                time,
                is_bound,
                request,
            } => {
                if let Some(name) = self.settle_ahead(number) {
                    self.change_consumer(number, *config, time, is_bound);
                    let info = self.info_at(number, time, request);
                    self.done(request, Ok(Done::Consumer { name, info }));
                }
            }
            ConsumerEntry::Delete { number, request } => {
                self.settle_ahead(number);
                self.drop_consumer(number);
                self.done(request, Ok(Done::ConsumerDeleted));
            }
            ConsumerEntry::Reset {
                number,
                next,
                time,
                request,
            } => {
                if let Some(name) = self.settle_ahead(number) {
                    self.reset_consumer(number, next);
                    let info = self.info_at(number, time, request);
                    self.done(request, Ok(Done::ConsumerReset { name, info, next }));
                }
            }
            ConsumerEntry::Came { number, progress } => {
                self.with_consumer(number, |work| {
                    let AtWork { consumer, view, .. } = work;
                    consumer.take_progress(progress.0, &view);
                });
            }
            ConsumerEntry::Changed { number, changes } => {
                self.with_consumer(number, |work| {
                    let AtWork { consumer, view, .. } = work;
                    for change in &changes {
                        consumer.apply(change, &view);
                    }
                });
            }
        }
    }

    /// What a consumer is at a time, for who has asked for it; None: something has to be read to tell.
    fn info_at(&mut self, number: u64, now: Time, request: Option<u64>) -> Option<Box<ConsumerInfo>> {
        request?;
        let stream = self.config.name.clone();
        let moment = Moment {
            now,
            has_interest: &|_| true,
        };
        let info = self.with_consumer(number, |work| {
            work.consumer.info(&stream, &work.view, moment).ok()
        });
        info.flatten().map(Box::new)
    }

    /// Nothing is ahead of a consumer any more. Its name, if there is it.
    fn settle_ahead(&mut self, number: u64) -> Option<String> {
        let consumer = self.consumers.by_number.get_mut(&number)?;
        consumer.marks.is_resetting = false;
        self.consumers.ahead.remove(&consumer.name);
        Some(consumer.name.clone())
    }

    fn make_consumer(&mut self, identity: Identity, config: ConsumerConfig, is_bound: bool) {
        let (number, now) = (identity.number, identity.created);
        let gathered = self.take_gathered(number);
        #[cfg(test)]
        self.check_gathered(&config, gathered.as_ref());
        let view = View {
            held: &self.held,
            first: self.first,
            last: self.last,
            removals: &self.consumers.removals,
        };
        // Where it begins follows from the log for most; for the others it is written down.
        let is_told = matches!(
            config.deliver_policy,
            DeliverPolicy::All | DeliverPolicy::New | DeliverPolicy::ByStartSequence
        );
        let progress = start(&config, &view, self.config.max_per_subject, gathered);
        self.put_new(identity, config, progress, !is_told);
        self.with_consumer(number, |mut work| {
            let is_paused = work.consumer.is_paused(now);
            work.consumer.tell(&mut work.out, ConsumerEvent::Created);
            if is_paused {
                work.consumer.tell_of_pause(now, &mut work.out);
            }
            work.consumer.set_bound(is_bound, now);
        });
        self.consumers.make_ready(number);
        self.consumers.settle();
    }

    /// There is a consumer that there was not, and which begins to work.
    fn put_new(
        &mut self,
        identity: Identity,
        config: ConsumerConfig,
        progress: Progress,
        is_unwritten: bool,
    ) {
        let (number, now) = (identity.number, identity.created);
        let (stream, form) = (&self.config.name, &self.consumers.form);
        let mut consumer = Consumer::new(identity, config, progress, stream, form);
        consumer.marks.is_unwritten = is_unwritten;
        self.consumers.created = self.consumers.created.max(number);
        self.put_consumer(consumer);
        self.begin_consumer(number, now);
        self.consumers.make_ready(number);
        self.consumers.settle();
    }

    /// A consumer is among the others from now on.
    pub(super) fn put_consumer(&mut self, consumer: Consumer) {
        let number = consumer.number;
        let consumers = &mut self.consumers;
        consumers.note_wishes(&consumer);
        consumers.hidden += usize::from(consumer.config.direct);
        consumers.names.insert(consumer.name.clone(), number);
        consumers.by_number.insert(number, Box::new(consumer));
    }

    /// A consumer begins to work.
    pub(super) fn begin_consumer(&mut self, number: u64, now: Time) {
        let (last, burst) = (self.last, self.consumers.burst);
        self.with_consumer(number, |work| {
            let AtWork { consumer, view, out } = work;
            consumer.learn_subjects(&view);
            consumer.begin(now, last, burst, out.random);
            out.effects.push(consumer.began());
            // What was given up before, and is not where it is to go.
            consumer.newly_given_up = consumer.all_given_up();
        });
    }

    fn change_consumer(&mut self, number: u64, config: ConsumerConfig, now: Time, is_bound: bool) {
        let Some(consumer) = self.consumers.by_number.get(&number) else {
            return;
        };
        let before = consumer.config.clone();
        let (old_filter, next) = (consumer.filter.clone(), consumer.first_needed());
        let has_other_filter = before.filter_subject != config.filter_subject
            || before.filter_subjects != config.filter_subjects;
        if has_other_filter {
            self.unwatch(number);
            self.consumers.settle();
            if let Some(consumer) = self.consumers.by_number.get_mut(&number) {
                self.consumers.keepers.forget(consumer);
            }
        }
        self.consumers.forget_wishes(number);
        let burst = self.consumers.burst;
        self.with_consumer(number, |work| {
            let AtWork {
                consumer,
                view,
                mut out,
            } = work;
            consumer.take_config(config);
            consumer.keep_moved(&view);
            consumer.learn_subjects(&view);
            if before.inactive_threshold != consumer.config.inactive_threshold {
                consumer.take_threshold(now, out.random);
            }
            if before.rate_limit != consumer.config.rate_limit {
                consumer.take_rate(burst);
            }
            if before.deliver_subject != consumer.config.deliver_subject {
                consumer.moved(now, &mut out);
                consumer.set_bound(is_bound, now);
                out.effects.push(consumer.began());
            }
            if before.pause_until != consumer.config.pause_until {
                consumer.take_pause(now);
                consumer.tell_of_pause(now, &mut out);
            }
        });
        if let Some(consumer) = self.consumers.by_number.remove(&number) {
            self.consumers.hidden += usize::from(consumer.config.direct);
            self.consumers.hidden -= usize::from(before.direct);
            self.consumers.note_wishes(&consumer);
            self.consumers.by_number.insert(number, consumer);
        }
        if has_other_filter {
            self.may_be_unneeded(next, self.last, old_filter);
        }
        self.consumers.make_ready(number);
        self.consumers.settle();
    }

    fn reset_consumer(&mut self, number: u64, next: u64) {
        let before = self.with_consumer(number, |work| {
            let before = (work.consumer.first_needed(), work.consumer.filter.clone());
            work.consumer.reset(next);
            before
        });
        if let Some((first, filter)) = before {
            self.may_be_unneeded(first, self.last, filter);
        }
        self.consumers.make_ready(number);
        self.consumers.settle();
    }

    fn drop_consumer(&mut self, number: u64) {
        self.unwatch(number);
        self.consumers.forget_wishes(number);
        self.consumers.settle();
        let dropped = self.with_consumer(number, |mut work| {
            work.consumer.send_away(&mut work.out, "409 Consumer Deleted");
            work.consumer.tell(&mut work.out, ConsumerEvent::Deleted);
            let name = work.consumer.name.clone();
            work.out.effects.push(Effect::ConsumerEnded { name });
        });
        let consumer = dropped.and_then(|()| self.consumers.by_number.remove(&number));
        let Some(mut consumer) = consumer else {
            return;
        };
        let consumers = &mut self.consumers;
        consumers.keepers.forget(&mut consumer);
        consumers.names.remove(&consumer.name);
        consumers.hidden -= usize::from(consumer.config.direct);
        let marks = &consumer.marks;
        marks.wake_at.map(|time| consumers.wakes.remove(&(time, number)));
        let unconcerned = marks.unconcerned_before;
        unconcerned.map(|before| consumers.unconcerned.remove(&(before, number)));
        self.unneeded_without(&consumer);
    }

    fn unwatch(&mut self, number: u64) {
        let consumers = &mut self.consumers;
        if let Some(consumer) = consumers.by_number.get_mut(&number)
            && std::mem::take(&mut consumer.marks.is_watching)
        {
            for pattern in consumer.filter.patterns() {
                consumers.watching.remove(pattern, number);
            }
        }
    }
}

impl Consumers {
    /// What a consumer wants is in the indices from now on.
    fn note_wishes(&mut self, consumer: &Consumer) {
        let is_mourning = dead_letter::target(&consumer.config).is_some();
        for pattern in consumer.filter.patterns() {
            self.wanting.insert(pattern, consumer.number);
            if is_mourning {
                self.mourning.insert(pattern, consumer.number);
            }
        }
    }

    /// It no longer is.
    fn forget_wishes(&mut self, number: u64) {
        let Some(consumer) = self.by_number.get(&number) else {
            return;
        };
        for pattern in consumer.filter.patterns() {
            self.wanting.remove(pattern, number);
            self.mourning.remove(pattern, number);
        }
    }
}

impl Consumer {
    /// That there is it, and where it delivers.
    pub(crate) fn began(&self) -> Effect {
        Effect::ConsumerBegan {
            name: self.name.clone(),
            deliver_to: Bytes::copy_from_slice(self.config.deliver_subject.as_bytes()),
            group: Bytes::copy_from_slice(self.config.deliver_group.as_bytes()),
        }
    }
}
