//! Messages on their way from those that have something to publish to the InProcess.

use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use tokio::sync::oneshot;
use vagus_routing::ConnectionId;

/// A message to be published. The one who hands it in has made sure that the subject is one that can be published on, and
/// bounds how many wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InProcessMessage {
    /// The subject, without wildcards.
    pub subject: Bytes,
    /// Where answers go.
    pub reply: Option<Bytes>,
    /// The header block, from `NATS/1.0` to its empty line.
    pub header: Option<Bytes>,
    /// The payload.
    pub payload: Bytes,
    /// Whose subscriptions it does not go to, by their [number](super::InProcessSubscription::number).
    pub except: Option<ConnectionId>,
}

/// Messages that were handed in together, of which some may have been published.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Those that have not been.
    pub(super) messages: VecDeque<InProcessMessage>,
    /// How many of the others somebody took.
    pub(super) taken: usize,
    /// Who is to hear how many that are of all.
    pub(super) answer: oneshot::Sender<usize>,
}

/// What waits. The InProcess is told when there is something, and takes all there is in one turn: however many hand
/// messages in, it is one message between actors.
#[derive(Debug, Default)]
pub(super) struct HandedIn(Mutex<VecDeque<Waiting>>);

impl HandedIn {
    /// Adds messages; true if the InProcess has to be told.
    pub(super) fn add(&self, messages: VecDeque<InProcessMessage>, answer: oneshot::Sender<usize>) -> bool {
        let mut waiting = self.0.lock();
        waiting.push_back(Waiting {
            messages,
            taken: 0,
            answer,
        });
        waiting.len() == 1
    }

    /// Takes what waits.
    pub(super) fn take(&self) -> VecDeque<Waiting> {
        std::mem::take(&mut *self.0.lock())
    }

    /// Some of it has to wait for another turn, of which the InProcess need not be told.
    pub(super) fn put_back(&self, mut rest: VecDeque<Waiting>) {
        let mut waiting = self.0.lock();
        rest.append(&mut waiting);
        *waiting = rest;
    }
}
