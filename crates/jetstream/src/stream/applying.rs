//! What becomes of a stream when something that was decided is in the log for good.

use super::clearing::{Step, Stored, Then};
use super::entry::{Entry, Purge, Store};
use super::lifetime::Lifetime;
use super::limits::LimitOfSubjects;
use super::rollup::Rollup;
use super::schedule::{self, TimeZones};
use super::{Done, Stream};
use crate::config::{Retention, Storage};
use crate::error::ApiError;
use crate::header;
use crate::held::Messages;
use bytes::Bytes;
use std::collections::VecDeque;

/// How much work it is to store a message.
const STORED: usize = 2;

impl<M: Messages> Stream<M> {
    /// Applies an entry: as one that was decided here, or one that is read from the log.
    pub fn apply(&mut self, entry: Entry, zones: TimeZones<'_>) {
        self.apply_in_parts(entry, zones, &mut { usize::MAX });
        self.clear_all();
    }

    /// Applies an entry for as much work as is left: what it has go may still be [going](Self::is_clearing) then.
    pub(super) fn apply_in_parts(&mut self, entry: Entry, zones: TimeZones<'_>, work: &mut usize) {
        match entry {
            Entry::Store(store) => self.store(store, zones, work),
            Entry::Source(store) => {
                self.note_source(&store.headers);
                self.store(store, zones, work);
            }
            Entry::Mirror { sequence, store } => {
                // What has been purged meanwhile is not wanted any more.
                if sequence > self.last {
                    self.skip(sequence - 1);
                    self.store(store, zones, work);
                }
            }
            Entry::Skip(sequence) => self.skip(sequence),
            Entry::Known { index, known } => self.note_known(index, known),
            Entry::Batch(stores) => {
                for store in stores {
                    self.store(store, zones, work);
                    self.clear_all();
                }
            }
            Entry::Purge(purge) => {
                let steps = [Step::Purge(purge.clone())];
                self.clear(steps.into(), Then::Purged(purge), work);
            }
            Entry::Delete {
                sequence,
                erased,
                request,
            } => {
                let outcome = match self.remove(sequence, erased) {
                    true => Ok(Done::Deleted),
                    false => Err(self.not_found(sequence)),
                };
                self.done(request, outcome);
            }
            Entry::Expire(sequences) => {
                let these = Step::These(sequences.into_iter());
                self.clear([these].into(), Then::Nothing, work);
            }
            Entry::Release(sequences) => {
                // Limits alone do not let go what consumers have done with.
                if self.config.retention != Retention::Limits {
                    let these = Step::These(sequences.into_iter());
                    self.clear([these].into(), Then::Nothing, work);
                }
            }
            Entry::Consumer(entry) => self.apply_consumer(entry),
            Entry::Configure { config, request } => {
                let retention = std::mem::replace(&mut self.config, *config).retention;
                if retention != self.config.retention {
                    self.done_with_may_be_unneeded();
                }
                self.prepare_transforms();
                let steps = [Step::LimitOfSubjects(LimitOfSubjects::default()), Step::Totals];
                self.clear(steps.into(), Then::Configured(request), work);
            }
        }
    }

    /// That there is no message to delete: nats-server's files say where they look.
    fn not_found(&self, sequence: u64) -> ApiError {
        match self.config.storage {
            Storage::File if sequence > self.last => ApiError::message_delete_failed("stream store EOF"),
            Storage::File if sequence < self.first || self.last == 0 => {
                ApiError::message_delete_failed("no message found")
            }
            _ => ApiError::sequence_not_found(sequence),
        }
    }

    /// No message gets one of the sequences up to this one.
    fn skip(&mut self, sequence: u64) {
        if sequence > self.last {
            self.last = sequence;
            if self.held.count() == 0 {
                self.first = sequence + 1;
            }
        }
    }

    pub(super) fn store(&mut self, store: Store, zones: TimeZones<'_>, work: &mut usize) {
        let sequence = self.last + 1;
        *work = work.saturating_sub(STORED);
        let id = store.id().map(Bytes::copy_from_slice).unwrap_or_default();
        let is_wanted = self.is_wanted(sequence, &store.subject);
        let republished = match is_wanted {
            true => self.republished_on(&store.subject),
            false => None,
        };
        let before = match &republished {
            Some(_) => self.held.of_subject(&store.subject).map_or(0, |of_it| of_it.last),
            None => 0,
        };
        if is_wanted {
            self.keep(sequence, &store, zones);
        } else if self.held.count() == 0 {
            self.first = sequence + 1;
        }
        self.last = sequence;
        self.last_time = Some(store.time);
        if self.config.allow_schedules
            && let Some(scheduler) = header::said(&store.headers, header::SCHEDULER)
        {
            self.ahead.firing.remove(scheduler);
            self.schedules.advance(scheduler, &store.headers);
        }
        if !id.is_empty() {
            self.duplicates
                .note(&id, sequence, self.config.duplicate_window, store.time);
        }
        self.last_id = id;
        let stored = Stored {
            sequence,
            republished,
            before,
            store,
        };
        let mut steps = VecDeque::new();
        if is_wanted && !self.enforce_totals(work) {
            steps.push_back(Step::Totals);
        }
        self.have_others_go(&stored.store, u64::from(is_wanted), &mut steps);
        match steps.is_empty() {
            true => self.stored(stored),
            false => self.clear(steps, Then::Stored(Box::new(stored)), work),
        }
    }

    fn keep(&mut self, sequence: u64, store: &Store, zones: TimeZones<'_>) {
        let message = store.message(sequence);
        self.effects.bytes += message.size(self.config.storage) as i64;
        if self.held.count() == 0 {
            self.first = sequence;
        }
        // What came from elsewhere may say how long it stays where that does not matter.
        let lifetime = match self.config.allow_ttl {
            true => store.lifetime,
            false => Lifetime::Unsaid,
        };
        self.expiry.stored(sequence, store.time, lifetime, &store.headers);
        if self.config.allow_schedules {
            self.schedules.stored(&message, zones);
        }
        self.gather_stored(sequence, &store.subject);
        self.held.insert(message);
        self.last = sequence;
        self.consumers.stored(&store.subject);
        self.enforce_limit_of(&store.subject);
    }

    /// Lets those go that a message has go, but for itself if it is kept.
    fn have_others_go(&self, store: &Store, keep: u64, steps: &mut VecDeque<Step>) {
        if !self.config.allow_rollup || self.config.deny_purge {
            return;
        }
        let mut purge = |filter: Bytes, keep| {
            steps.push_back(Step::Purge(Purge {
                filter,
                keep,
                ..Purge::default()
            }));
        };
        match store.rollup {
            Rollup::None => {}
            Rollup::Subject => purge(store.subject.clone(), keep),
            Rollup::All => purge(Bytes::new(), keep),
        }
        if let Some(schedule) = schedule::ended(&store.headers) {
            purge(Bytes::copy_from_slice(schedule), 0);
        }
    }

    /// A message is stored, and what it had go has gone.
    pub(super) fn stored(&mut self, stored: Stored) {
        let Stored {
            sequence,
            republished,
            before,
            store,
            ..
        } = stored;
        if let Some(on) = republished {
            self.publish_anew(on, &store.message(sequence), before);
        }
        self.acknowledge_stored(sequence, store);
    }

    fn acknowledge_stored(&mut self, sequence: u64, store: Store) {
        let answer = store.answer;
        if let Some((batch, place)) = &answer.fast {
            self.stored_in_fast_batch(batch, *place, &answer.reply, sequence);
            return;
        }
        if !answer.reply.is_empty() && !self.config.no_ack {
            let payload = self.acknowledgements.stored(sequence, &answer);
            self.answer(&answer.reply, payload);
        }
    }
}
