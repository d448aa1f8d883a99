//! What a consumer delivers next, and where.

use super::config::AckPolicy;
use super::per_subject::Delivering;
use super::progress::Change;
use super::view::View;
use super::{Consumer, ConsumerEvent, Delivery, Moment, Outgoing, Waits};
use crate::header;
use crate::held::{Cold, Messages};
use crate::message::Message;
use bytes::Bytes;

/// How many messages that have to wait, or are not to come, are passed in a turn.
const SET_ASIDE: usize = 1024;

/// What a consumer has come to that delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// It has done its share for now.
    Share,
    /// It delivers nothing until something else is.
    Until(Waits),
}

/// A message that may be delivered next.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    sequence: u64,
    /// How often it will then have been.
    deliveries: u64,
}

impl Candidate {
    fn new(sequence: u64) -> Self {
        Self {
            sequence,
            deliveries: 1,
        }
    }
}

/// What may be delivered next.
#[derive(Debug, Clone, Copy)]
enum Next {
    Message(Candidate),
    /// Nothing, for now.
    Nothing,
    /// That is not yet known: so much was set aside that others have their turn.
    Unknown,
}

impl Consumer {
    /// Delivers what it can: no more than so many messages. The sequences are added of those that need no acknowledgement.
    ///
    /// # Errors
    /// If a message has to be read first; all before it are delivered.
    pub(crate) fn deliver<M: Messages>(
        &mut self,
        view: &View<'_, M>,
        moment: Moment<'_>,
        out: &mut Outgoing<'_>,
        share: usize,
        done_with: &mut Vec<u64>,
    ) -> Result<Delivered, Cold> {
        let mut set_aside = 0;
        for _ in 0..share {
            if let Some(waits) = self.held_back(moment) {
                return Ok(Delivered::Until(waits));
            }
            let candidate = match self.candidate(view, out, &mut set_aside)? {
                Next::Message(candidate) => candidate,
                Next::Unknown => return Ok(Delivered::Share),
                Next::Nothing => {
                    let waits = match self.is_full() {
                        true => Waits::MaxAckPending,
                        false if self.has_waiting_for_others() => Waits::MaxAckPendingPerSubject,
                        false => Waits::NothingMatches,
                    };
                    self.come_to_the_end(waits, view, moment, out);
                    return Ok(Delivered::Until(waits));
                }
            };
            let pending = self.pending.count(&self.filter, view, self.counted_from())?;
            let Some(message) = view.held.get(candidate.sequence)? else {
                self.give_up(candidate, view);
                continue;
            };
            if let Some(waits) = self.deliver_one((candidate, message), pending, view, moment, out, done_with)
            {
                // A request that does not wait is not served later either.
                self.serve_those_due(moment, out, waits != Waits::Pace);
                return Ok(Delivered::Until(waits));
            }
        }
        Ok(Delivered::Share)
    }

    /// A message cannot be read: it is not delivered, and nobody waits for it.
    fn give_up<M: Messages>(&mut self, candidate: Candidate, view: &View<'_, M>) {
        let Candidate { sequence, deliveries } = candidate;
        if let Some(subject) = view.held.subject_of(sequence) {
            self.progress.removed_of(&subject, sequence, view);
        }
        self.progress.removed(sequence);
        if deliveries == 1 {
            if sequence >= self.counted_from() {
                self.pending.passed();
            }
            self.progress.pass(sequence);
        }
    }

    /// How many messages are still to come.
    ///
    /// # Errors
    /// If something has to be read first.
    pub(crate) fn count_pending<M: Messages>(&mut self, view: &View<'_, M>) -> Result<u64, Cold> {
        let counted = self.pending.count(&self.filter, view, self.counted_from())?;
        Ok(self.still_to_come(counted))
    }

    /// How many messages are still to come, if so many were counted.
    fn still_to_come(&self, counted: u64) -> u64 {
        let all = counted + self.known_to_come();
        all.saturating_sub(self.progress.moved.len() as u64)
    }

    /// How many messages are still to come that are known without being looked for.
    fn known_to_come(&self) -> u64 {
        self.progress.last_of_each.len() + self.waiting_for_others()
    }

    /// From where on messages are counted; those before that are still to come are known one by one.
    pub(super) fn counted_from(&self) -> u64 {
        let progress = &self.progress;
        progress.next.max(progress.last_of_each_up_to + 1)
    }

    /// Why nothing at all is delivered, whatever there is.
    pub(crate) fn held_back(&self, moment: Moment<'_>) -> Option<Waits> {
        if self.is_paused(moment.now) {
            return Some(Waits::Paused);
        }
        if self.paced_until.is_some_and(|until| moment.now < until) {
            return Some(Waits::Pace);
        }
        match self.is_pull() {
            true => self.waiting.is_empty().then_some(Waits::NoRequest),
            false if !self.is_bound => Some(Waits::NobodyListens),
            false => {
                let is_stalled = self.flow.as_ref().is_some_and(super::flow::Flow::is_stalled);
                is_stalled.then_some(Waits::FlowControl)
            }
        }
    }

    /// Whether as many messages are unacknowledged as may be.
    pub(crate) fn is_full(&self) -> bool {
        let most = usize::try_from(self.config.max_ack_pending).unwrap_or(0);
        most > 0 && self.progress.unacknowledged.len() >= most
    }

    fn candidate<M: Messages>(
        &mut self,
        view: &View<'_, M>,
        out: &mut Outgoing<'_>,
        set_aside: &mut usize,
    ) -> Result<Next, Cold> {
        while let Some(sequence) = self.redeliver.front().copied() {
            let deliveries = self.progress.unacknowledged.get(sequence);
            let deliveries = deliveries.map_or(0, |delivered| delivered.deliveries) + 1;
            if !self.progress.unacknowledged.is_due(sequence) {
                self.redeliver.pop_front();
            } else if self.is_last_delivery(deliveries - 1) {
                self.redeliver.pop_front();
                self.exhaust(sequence, out);
            } else {
                return Ok(Next::Message(Candidate { sequence, deliveries }));
            }
        }
        if self.is_full() {
            return Ok(Next::Nothing);
        }
        if let Some(sequence) = self.next_free(view) {
            return Ok(Next::Message(Candidate::new(sequence)));
        }
        while let Some(sequence) = self.progress.last_of_each.first() {
            if view.exists(sequence) {
                return Ok(Next::Message(Candidate::new(sequence)));
            }
            self.progress.removed(sequence);
        }
        loop {
            let waiting = self.is_pull().then_some(&self.waiting);
            let wanted = || {
                let wanted = waiting.map_or(i64::MAX, |waiting| waiting.wanted());
                usize::try_from(wanted).unwrap_or(1)
            };
            let found = (self.search).next(&self.filter, view, self.progress.next, wanted)?;
            let Some(sequence) = found else {
                return Ok(Next::Nothing);
            };
            if *set_aside >= SET_ASIDE {
                return Ok(Next::Unknown);
            }
            if !self.sets_aside(sequence, view)? && !self.passes_moved(sequence, view)? {
                return Ok(Next::Message(Candidate::new(sequence)));
            }
            *set_aside += 1;
        }
    }

    /// Whether a message is not to come though it is there, as it is where dead letters go.
    ///
    /// # Errors
    /// If something has to be read first.
    fn passes_moved<M: Messages>(&mut self, sequence: u64, view: &View<'_, M>) -> Result<bool, Cold> {
        if !self.progress.moved.contains(&sequence) {
            return Ok(false);
        }
        // What is still to come is counted as long as this message is a part of that.
        self.pending.count(&self.filter, view, self.counted_from())?;
        self.progress.pass(sequence);
        self.pending.passed();
        Ok(true)
    }

    /// Whether a message is not delivered again that has been so often.
    pub(super) fn is_last_delivery(&self, deliveries: u64) -> bool {
        let most = u64::try_from(self.config.max_deliver).unwrap_or(0);
        most > 0 && deliveries >= most
    }

    /// A message has been delivered as often as it may be.
    pub(super) fn exhaust(&mut self, sequence: u64, out: &mut Outgoing<'_>) {
        let delivered = self.progress.unacknowledged.get(sequence);
        let Some(deliveries) = delivered.map(|delivered| delivered.deliveries) else {
            return;
        };
        self.change(Change::Exhausted { sequence });
        self.note_given_up(sequence);
        let event = ConsumerEvent::MaxDeliveries { sequence, deliveries };
        self.tell(out, event);
    }

    /// Nothing more is there for now: who does not wait is told so.
    fn come_to_the_end<M: Messages>(
        &mut self,
        waits: Waits,
        view: &View<'_, M>,
        moment: Moment<'_>,
        out: &mut Outgoing<'_>,
    ) {
        let is_end = waits == Waits::NothingMatches;
        if is_end {
            self.progress.go_on_with(view.last + 1);
            self.pending.none(view);
        }
        self.serve_those_due(moment, out, is_end);
    }

    /// Delivers a message; or says why not.
    fn deliver_one<M: Messages>(
        &mut self,
        (candidate, message): (Candidate, Message),
        pending: u64,
        view: &View<'_, M>,
        moment: Moment<'_>,
        out: &mut Outgoing<'_>,
        done_with: &mut Vec<u64>,
    ) -> Option<Waits> {
        let Candidate { sequence, deliveries } = candidate;
        let is_new = deliveries == 1;
        let is_counted = is_new && sequence >= self.counted_from();
        let rest = self.still_to_come(pending).saturating_sub(u64::from(is_new));
        let consumer_sequence = self.progress.delivered.consumer + 1;
        let reply = out.replies.write(
            &self.ack_prefix,
            deliveries,
            sequence,
            consumer_sequence,
            message.time,
            rest,
        );
        let subject = message.subject.clone();
        let mut delivery = Delivery {
            reply,
            subject: message.subject,
            headers: message.headers,
            payload: message.payload,
        };
        if self.config.headers_only {
            let size = delivery.payload.len().to_string();
            delivery.headers = header::with(&delivery.headers, &[(header::MESSAGE_SIZE, size.as_bytes())]);
            delivery.payload = Bytes::new();
        }
        let size = size(&delivery);
        if let Some(due) = self.pace.due(sequence, message.time, size)
            && moment.now < due
        {
            self.paced_until = Some(due);
            return Some(Waits::Pace);
        }
        let mut pushed = 0;
        if self.is_pull() {
            if let Err(waits) = self.serve(delivery, size, rest, moment, out) {
                return Some(waits);
            }
        } else {
            pushed = self.push(delivery, out);
        }
        self.paced_until = None;
        self.pace.delivered(moment.now, message.time, size);
        let change = match is_new {
            true => Change::Delivered {
                consumer_sequence,
                first: sequence,
                count: 1,
                time: moment.now,
            },
            false => Change::Redelivered {
                consumer_sequence,
                sequence,
                deliveries,
                time: moment.now,
            },
        };
        if !is_new {
            self.redeliver.pop_front();
        }
        let subject = &subject;
        self.change_by(change, &Delivering { view, subject });
        if is_counted {
            self.pending.passed();
        }
        if self.config.ack_policy == AckPolicy::None {
            done_with.push(sequence);
        }
        match self.is_pull() {
            true => self.used(moment.now),
            false => self.pushed(pushed, moment, out),
        }
        None
    }

    /// Pushes a message; says for how many bytes it counts on its way.
    fn push(&self, delivery: Delivery, out: &mut Outgoing<'_>) -> usize {
        let bytes = size(&delivery) + self.deliver_to.len() - delivery.subject.len();
        out.send(&self.deliver_to, &self.deliver_group, delivery);
        bytes
    }

    /// A message of so many bytes has been pushed.
    fn pushed(&mut self, bytes: usize, moment: Moment<'_>, out: &mut Outgoing<'_>) {
        self.heartbeat_due = self.next_heartbeat(moment.now);
        let is_last = self.config.ack_policy == AckPolicy::FlowControl && self.is_full();
        if let Some(flow) = &mut self.flow
            && flow.sent(bytes, is_last)
        {
            self.ask_for_flow(out);
        }
    }
}

/// How many bytes of a message count that is delivered.
fn size(delivery: &Delivery) -> usize {
    delivery.subject.len() + delivery.reply.len() + delivery.headers.len() + delivery.payload.len()
}
