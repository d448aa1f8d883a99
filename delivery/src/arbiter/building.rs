//! Fan-outs so wide that making one takes longer than others may wait: another thread makes them.
//!
//! The publisher waits for it meanwhile and nobody else does. What has ended since the list was made is not left out of
//! such a fan-out, so the turn that first delivers by it asks each subscription again, as a [`Spread`](super::Spread)
//! does.

use super::with_care::ConnectionFanout;
use crate::lines::Lines;
use crate::outbox::Outbox;
use parking_lot::Mutex;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use vagus_routing::{AccountId, Matches, Version};

/// A list of more plain subscriptions than this is made into a fan-out elsewhere: as many take some 50 ms.
pub(super) const MADE_HERE_AT_MOST: usize = 65_536;

/// How many fan-outs of one arbiter's publishers are made elsewhere at once: each holds its list and what comes of it.
const AT_ONCE: usize = 4;

/// A fan-out that another thread makes for the publishers of an arbiter.
#[derive(Debug)]
pub(super) struct Building {
    pub(super) account: AccountId,
    subject: Box<[u8]>,
    /// That of before the list was begun.
    pub(super) version: Version,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// These publishers wait for it.
    Begun(Vec<Arc<Outbox>>),
    Done(Arc<ConnectionFanout>),
    /// It cannot be made there.
    Failed,
}

/// How far a fan-out is.
#[derive(Debug)]
pub(super) enum Built {
    NotYet,
    Done(Arc<ConnectionFanout>),
    Failed,
}

impl Building {
    pub(super) fn result(&self) -> Built {
        match &*self.state.lock() {
            State::Begun(_) => Built::NotYet,
            State::Done(fanout) => Built::Done(fanout.clone()),
            State::Failed => Built::Failed,
        }
    }

    /// Has a publisher woken when it is done; false if it is already.
    pub(super) fn wait(&self, publisher: &Arc<Outbox>) -> bool {
        let State::Begun(waiting) = &mut *self.state.lock() else {
            return false;
        };
        if !waiting.iter().any(|other| Arc::ptr_eq(other, publisher)) {
            waiting.push(publisher.clone());
        }
        true
    }

    fn end(&self, state: State) {
        let before = std::mem::replace(&mut *self.state.lock(), state);
        if let State::Begun(waiting) = before {
            waiting.iter().for_each(|publisher| publisher.wake_owner());
        }
    }
}

/// What is being made for the publishers of one arbiter.
#[derive(Debug, Default)]
pub(super) struct UnderWay(Vec<Arc<Building>>);

impl UnderWay {
    /// The fan-out of a subject that holds as of now.
    pub(super) fn find(&self, account: AccountId, subject: &[u8], version: Version) -> Option<Arc<Building>> {
        let is_it = |building: &&Arc<Building>| {
            building.account == account && building.version == version && *building.subject == *subject
        };
        self.0.iter().find(is_it).cloned()
    }

    /// Begins one; None if there are too many.
    pub(super) fn begin(
        &mut self,
        builder: &Builder,
        (account, subject): (AccountId, &[u8]),
        version: Version,
        matches: Matches<Arc<Outbox>>,
    ) -> Option<Arc<Building>> {
        self.tidy();
        if self.0.len() >= AT_ONCE {
            return None;
        }
        let building = Arc::new(Building {
            account,
            subject: subject.into(),
            version,
            state: Mutex::new(State::Begun(Vec::new())),
        });
        builder.hand_in(Task {
            matches,
            building: building.clone(),
        });
        self.0.push(building.clone());
        Some(building)
    }

    /// The first that is not done.
    pub(super) fn first(&self) -> Option<&Arc<Building>> {
        self.0.first()
    }

    /// Forgets what is done: what still holds is in the cache.
    pub(super) fn tidy(&mut self) {
        self.0
            .retain(|building| matches!(*building.state.lock(), State::Begun(_)));
    }
}

struct Task {
    matches: Matches<Arc<Outbox>>,
    building: Arc<Building>,
}

/// The thread that makes wide fan-outs for all arbiters of a server. It begins when it is first needed, and ends with
/// this.
#[derive(Debug, Default)]
pub(super) struct Builder(Mutex<Option<Sender<Task>>>);

impl Builder {
    fn hand_in(&self, task: Task) {
        let mut sender = self.0.lock();
        let handed_in = match &*sender {
            Some(sender) => sender.send(task),
            None => {
                let (tasks, to_do) = mpsc::channel();
                let thread = thread::Builder::new().name("fan-outs".to_owned());
                // Without the thread nobody receives, and the task comes back.
                drop(thread.spawn(move || work(&to_do)));
                sender.insert(tasks).send(task)
            }
        };
        if let Err(mpsc::SendError(task)) = handed_in {
            *sender = None;
            task.building.end(State::Failed);
        }
    }
}

fn work(tasks: &Receiver<Task>) {
    for Task { matches, building } in tasks {
        let subject = &building.subject;
        let made = catch_unwind(AssertUnwindSafe(|| {
            matches.into_fanout(building.account, subject, &Lines)
        }));
        building.end(made.map_or(State::Failed, |fanout| State::Done(Arc::new(fanout))));
    }
}

#[cfg(test)]
mod tests;
