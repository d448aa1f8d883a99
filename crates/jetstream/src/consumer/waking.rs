//! What a consumer does by itself when its time has come, and when that is.

use super::config::AckPolicy;
use super::{Consumer, ConsumerEvent, Moment, Outgoing};
use crate::time::Time;

/// How long the name of a request for flow control is.
const FLOW_ID: usize = 8;

/// What has become of a consumer that was woken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Woken {
    /// Whether it may have something to deliver.
    pub(crate) is_ready: bool,
    /// Whether it goes for want of use.
    pub(crate) is_over: bool,
}

impl Consumer {
    /// When it is to be woken; None: not before something happens. A consumer that nothing is waited for of has no time.
    pub(crate) fn wake_at(&self) -> Option<Time> {
        let times = [
            self.progress.unacknowledged.next_deadline(),
            self.waiting.due(),
            self.heartbeat_due,
            self.paced_until,
            self.pin.as_ref().map(|pin| pin.until),
            self.pause_ends,
            self.inactive_at,
        ];
        times.into_iter().flatten().min()
    }

    /// Does what is due.
    pub(crate) fn wake(&mut self, moment: Moment<'_>, out: &mut Outgoing<'_>) -> Woken {
        let now = moment.now;
        let is_past = |time: Option<Time>| time.is_some_and(|time| time <= now);
        let mut woken = Woken::default();
        if is_past(self.pause_ends) {
            self.pause_ends = None;
            woken.is_ready = true;
            self.tell_of_pause(now, out);
        }
        if is_past(self.paced_until) {
            self.paced_until = None;
            woken.is_ready = true;
        }
        if let Some(pin) = self.pin.take_if(|pin| pin.until <= now) {
            let group = String::from_utf8_lossy(&pin.group).into_owned();
            self.tell_unpinned(group, "timeout", out);
            woken.is_ready = true;
        }
        woken.is_ready |= self.redeliver_late(now, out);
        // Who does not wait but has some is let go then, even if it is acknowledgements that hold up the rest.
        let ends = is_past(self.waiting.due());
        self.serve_those_due(moment, out, ends);
        if is_past(self.heartbeat_due) {
            let heartbeat = self.heartbeat();
            out.status(&self.deliver_to.clone(), bytes::Bytes::new(), &heartbeat);
            let unasked = self.flow.as_ref().is_some_and(|flow| flow.asked().is_none());
            let waits_for_acks =
                self.config.ack_policy == AckPolicy::FlowControl && !self.progress.unacknowledged.is_empty();
            if unasked && waits_for_acks {
                self.ask_for_flow(out);
            }
            self.heartbeat_due = self.next_heartbeat(now);
        }
        if is_past(self.inactive_at) {
            self.inactive_at = self.still_used_until(moment, out);
            woken.is_over = self.inactive_at.is_none();
        }
        woken
    }

    /// Has messages be delivered again that were not acknowledged in time. Says whether there are some.
    fn redeliver_late(&mut self, now: Time, out: &mut Outgoing<'_>) -> bool {
        let late = self.progress.unacknowledged.past_deadline(now);
        let had_room = !self.is_full() && !self.has_waiting_for_others();
        for sequence in &late {
            let delivered = self.progress.unacknowledged.get(*sequence);
            let deliveries = delivered.map_or(0, |delivered| delivered.deliveries);
            if self.is_last_delivery(deliveries) {
                self.exhaust(*sequence, out);
            } else {
                self.deliver_again(*sequence);
            }
        }
        !self.redeliver.is_empty() || !had_room
    }

    /// Until when it stays although it was not used for as long as it may: somebody may still be at work.
    fn still_used_until(&mut self, moment: Moment<'_>, out: &mut Outgoing<'_>) -> Option<Time> {
        let later = moment.now.after(self.threshold);
        if !self.is_pull() {
            return self.is_bound.then_some(later);
        }
        if self.still_wanted(moment, out) != 0 || !self.waiting.is_empty() {
            return Some(later);
        }
        let deadlines = self.progress.unacknowledged.iter().map(|(_, delivered)| {
            let deadline = self.ack_wait.deadline(delivered.time, delivered.deliveries);
            deadline.after(self.threshold)
        });
        deadlines.max().filter(|latest| *latest > moment.now)
    }

    /// Somebody listens where it pushes messages, or nobody does any more. Says whether it may have something to deliver.
    pub(crate) fn set_bound(&mut self, is_bound: bool, now: Time) -> bool {
        if self.is_pull() || self.is_bound == is_bound {
            return false;
        }
        self.is_bound = is_bound;
        self.heartbeat_due = self.next_heartbeat(now);
        self.inactive_at = None;
        self.used(now);
        is_bound
    }

    /// Messages go elsewhere from now on: all that are not acknowledged go there, too.
    pub(crate) fn moved(&mut self, now: Time, out: &mut Outgoing<'_>) {
        self.is_bound = false;
        self.heartbeat_due = None;
        self.used(now);
        let pending: Vec<u64> = self
            .progress
            .unacknowledged
            .iter()
            .map(|(sequence, _)| sequence)
            .collect();
        for sequence in pending {
            let delivered = self.progress.unacknowledged.get(sequence);
            let deliveries = delivered.map_or(0, |delivered| delivered.deliveries);
            if self.is_last_delivery(deliveries) {
                self.exhaust(sequence, out);
            } else {
                self.deliver_again(sequence);
            }
        }
    }

    /// When there is to be a sign of life if nothing is pushed until then.
    pub(super) fn next_heartbeat(&self, now: Time) -> Option<Time> {
        let has_heartbeat = self.config.heartbeat > 0 && self.is_bound;
        has_heartbeat.then(|| now.after(self.config.heartbeat))
    }

    /// Asks who gets messages to say how far he has come.
    pub(super) fn ask_for_flow(&mut self, out: &mut Outgoing<'_>) {
        let subject: bytes::Bytes = format!("{}{}", self.flow_prefix, out.random.name(FLOW_ID)).into();
        if let Some(flow) = &mut self.flow {
            flow.ask(subject.clone());
            out.status(&self.deliver_to, subject, "100 FlowControl Request");
        }
    }

    /// No client of a group is the only one any more that is served: somebody wants that.
    pub(crate) fn unpin(&mut self, group: &str, out: &mut Outgoing<'_>) {
        self.pin = None;
        self.tell_unpinned(group.to_owned(), "admin", out);
    }

    fn tell_unpinned(&self, group: String, reason: &'static str, out: &mut Outgoing<'_>) {
        self.tell(out, ConsumerEvent::Unpinned { group, reason });
    }

    /// Tells whether it is paused.
    pub(crate) fn tell_of_pause(&self, now: Time, out: &mut Outgoing<'_>) {
        let event = ConsumerEvent::Paused {
            is_paused: self.is_paused(now),
            until: self.paused_until(),
        };
        self.tell(out, event);
    }
}
