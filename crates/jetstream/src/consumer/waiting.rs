//! Requests for messages that wait.

use super::request::PullRequest;
use crate::time::Time;
use bytes::Bytes;
use std::collections::VecDeque;

/// A request that waits.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    /// Where messages are to go.
    pub(crate) reply: Bytes,
    /// How many are still to come.
    pub(crate) batch: i64,
    /// How many have.
    pub(crate) delivered: u64,
    /// How many bytes are still to come; 0: as many as there are.
    pub(crate) bytes: i64,
    pub(crate) expires: Option<Time>,
    pub(crate) heartbeat: i64,
    /// When there is to be a sign of life.
    pub(crate) heartbeat_due: Option<Time>,
    pub(crate) no_wait: bool,
    pub(crate) priority: i64,
    pub(crate) min_pending: i64,
    pub(crate) min_ack_pending: i64,
    /// By what the server knows its client.
    pub(crate) pin: Bytes,
    /// Of which group it is; empty: of none.
    pub(crate) group: Bytes,
    /// Among the effects of the turn of this number, which one delivers to it.
    pub(crate) run: (u64, usize),
}

/// Requests that wait, in the order in which they are served.
#[derive(Debug, Default)]
pub(crate) struct WaitingQueue {
    requests: VecDeque<Waiting>,
    /// None of them expires or is due for a sign of life before this.
    soonest: Option<Time>,
}

impl Waiting {
    pub(crate) fn new(reply: Bytes, request: &PullRequest, now: Time) -> Self {
        let heartbeat_due = (request.heartbeat > 0).then(|| now.after(request.heartbeat));
        Self {
            reply,
            batch: request.batch,
            delivered: 0,
            bytes: request.max_bytes,
            expires: (request.expires != 0).then(|| now.after(request.expires)),
            heartbeat: request.heartbeat,
            heartbeat_due,
            no_wait: request.no_wait,
            priority: request.priority,
            min_pending: request.min_pending,
            min_ack_pending: request.min_ack_pending,
            pin: Bytes::copy_from_slice(request.id.as_bytes()),
            group: Bytes::copy_from_slice(request.group.as_bytes()),
            run: (0, 0),
        }
    }

    fn soonest(&self) -> Option<Time> {
        self.expires.into_iter().chain(self.heartbeat_due).min()
    }
}

impl WaitingQueue {
    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// How many messages they wait for.
    pub(crate) fn wanted(&self) -> i64 {
        let batches = self.requests.iter().map(|request| request.batch);
        batches.fold(0, i64::saturating_add)
    }

    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        self.requests.pop_front()
    }

    pub(crate) fn push(&mut self, request: Waiting) {
        self.note(&request);
        self.requests.push_back(request);
    }

    /// Puts a request behind those that go before it and those that are like it.
    pub(crate) fn insert(&mut self, request: Waiting) {
        self.note(&request);
        let at = (self.requests).partition_point(|other| other.priority <= request.priority);
        self.requests.insert(at, request);
    }

    fn note(&mut self, request: &Waiting) {
        if let Some(time) = request.soonest() {
            self.soonest = Some(self.soonest.map_or(time, |soonest| soonest.min(time)));
        }
    }

    /// When one of them may expire or be due for a sign of life.
    pub(crate) fn due(&self) -> Option<Time> {
        self.soonest.filter(|_| !self.requests.is_empty())
    }

    /// Where among the effects of a turn one of them gets messages that are to go there.
    pub(crate) fn place_of(&self, reply: &Bytes, turn: u64) -> Option<usize> {
        let alike = self.requests.iter().filter(|request| request.run.0 == turn);
        let place = alike
            .filter(|request| request.reply == *reply)
            .map(|request| request.run.1);
        place.max()
    }

    /// Whether one of them does not wait where nothing is there.
    pub(crate) fn has_impatient(&self) -> bool {
        self.requests.iter().any(|request| request.no_wait)
    }

    /// Looks at each, and keeps those of which that says so.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&mut Waiting) -> bool) {
        self.requests.retain_mut(keep);
        self.soonest = self.requests.iter().filter_map(Waiting::soonest).min();
    }

    pub(crate) fn take(&mut self) -> VecDeque<Waiting> {
        self.soonest = None;
        std::mem::take(&mut self.requests)
    }
}
