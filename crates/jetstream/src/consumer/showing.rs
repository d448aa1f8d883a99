//! What a consumer shows of itself.

use super::config::PriorityPolicy;
use super::info::{BehindOthers, ConsumerHealth, ConsumerInfo, PriorityGroupInfo, SequenceInfo, Waits};
use super::progress::Position;
use super::view::View;
use super::{Consumer, Moment};
use crate::held::{Cold, Messages};
use crate::time::Time;

impl Position {
    fn info(self, last: Option<Time>) -> SequenceInfo {
        SequenceInfo {
            consumer: self.consumer,
            stream: self.stream,
            last,
        }
    }
}

impl Consumer {
    /// What nats-server tells of a consumer.
    ///
    /// # Errors
    /// If something has to be read first.
    pub(crate) fn info<M: Messages>(
        &mut self,
        stream: &str,
        view: &View<'_, M>,
        moment: Moment<'_>,
    ) -> Result<ConsumerInfo, Cold> {
        let num_pending = self.count_pending(view)?;
        self.waiting.retain(|request| {
            let is_over = request.expires.is_some_and(|expires| expires <= moment.now);
            is_over || (moment.has_interest)(&request.reply)
        });
        let progress = &self.progress;
        let is_paused = self.is_paused(moment.now);
        let remaining = self.paused_until().map_or(0, |until| until.since(moment.now));
        let pin = self.pin.as_ref();
        let group = self
            .config
            .priority_groups
            .first()
            .map(|group| PriorityGroupInfo {
                group: group.clone(),
                pinned: pin.map_or(String::new(), |pin| String::from_utf8_lossy(&pin.id).into_owned()),
                since: pin.map(|pin| pin.since),
            });
        Ok(ConsumerInfo {
            stream: stream.to_owned(),
            name: self.name.clone(),
            created: self.created,
            config: self.config.clone(),
            delivered: progress.delivered.info(progress.last_delivered),
            ack_floor: progress.floor.info(progress.last_acknowledged),
            num_ack_pending: progress.unacknowledged.len(),
            // Where nothing is ever delivered again, nothing is told of it.
            num_redelivered: match self.config.max_deliver {
                1 => 0,
                _ => progress.redelivered(),
            },
            num_waiting: self.waiting.len(),
            num_pending,
            cluster: None,
            push_bound: self.is_bound,
            paused: is_paused,
            pause_remaining: if is_paused { remaining } else { 0 },
            now: moment.now,
            priority_groups: group.into_iter().collect(),
        })
    }

    /// What nats-server does not tell.
    ///
    /// # Errors
    /// If something has to be read first.
    pub(crate) fn health<M: Messages>(
        &mut self,
        view: &View<'_, M>,
        moment: Moment<'_>,
    ) -> Result<ConsumerHealth, Cold> {
        let next = self.next_wanted(view)?;
        let age = |time: Time| moment.now.since(time).max(0);
        let unacknowledged = self.progress.unacknowledged.iter();
        let oldest = unacknowledged.map(|(_, delivered)| delivered.time).min();
        let waits = self.held_back(moment).or_else(|| self.waits_for(next.is_some()));
        let by_subject = self.progress.by_subject.as_ref();
        let behind_others = by_subject.map(|by_subject| BehindOthers {
            messages: by_subject.waiting(),
            subjects: by_subject.waiting_subjects(),
        });
        Ok(ConsumerHealth {
            waits,
            behind_others,
            lag: next.and_then(|next| view.held.time_of(next)).map_or(0, age),
            oldest_unacknowledged: oldest.map_or(0, age),
        })
    }

    /// The first message that is still to come.
    fn next_wanted<M: Messages>(&mut self, view: &View<'_, M>) -> Result<Option<u64>, Cold> {
        let known = self
            .progress
            .last_of_each
            .iter()
            .find(|sequence| view.exists(*sequence));
        let known = known.or(self.progress.first_waiting());
        match known {
            Some(sequence) => Ok(Some(sequence)),
            None => self.search.next(&self.filter, view, self.progress.next, || 1),
        }
    }

    /// Why nothing is delivered, though somebody could get it; None: something is.
    fn waits_for(&self, is_something_there: bool) -> Option<Waits> {
        if self.marks.is_reading {
            return Some(Waits::Reading);
        }
        if self
            .redeliver
            .iter()
            .any(|sequence| self.progress.unacknowledged.is_due(*sequence))
        {
            return self.nobodys_turn();
        }
        if self.is_full() {
            return Some(Waits::MaxAckPending);
        }
        let by_subject = self.progress.by_subject.as_ref();
        let is_free = by_subject.is_some_and(|by_subject| by_subject.first_free().is_some());
        if self.has_waiting_for_others() && !is_free && !self.marks.is_ready {
            return Some(Waits::MaxAckPendingPerSubject);
        }
        match is_something_there {
            true => self.nobodys_turn(),
            false => Some(Waits::NothingMatches),
        }
    }

    /// Why it is nobody's turn of those that wait; None: it may be somebody's.
    fn nobodys_turn(&self) -> Option<Waits> {
        let is_passed_over = !self.marks.is_ready && self.is_pull() && !self.waiting.is_empty();
        match self.config.priority_policy {
            PriorityPolicy::PinnedClient if is_passed_over && self.pin.is_some() => Some(Waits::Pinned),
            PriorityPolicy::Overflow if is_passed_over => Some(Waits::Overflow),
            _ => None,
        }
    }

    /// How often a message was delivered that is not acknowledged, and which of the deliveries the first was.
    #[cfg(test)]
    pub(crate) fn unacknowledged_at(&self, sequence: u64) -> Option<(u64, u64)> {
        let delivered = self.progress.unacknowledged.get(sequence)?;
        Some((delivered.deliveries, delivered.consumer_sequence))
    }
}
