//! What is asked is answered behind what was published before.
//!
//! What is asked comes by another way than what is published. It has its turn when all is decided that had come to the mailbox
//! before: so what is to be done is decided in the order in which clients said it. A question then waits until what is
//! decided so far is in the log and applied, as its answer may depend on it ([`Machine::decided`]): for one write. Nothing
//! waits for what comes later, nor for a log that has failed. Of thousands of questions that have come together the first
//! waits, and the others are answered by what it has waited for.

use super::asking::{Asked, Carry, DIRECT_AT_MOST, Question};
use super::{Machine, Stream};
use crate::jetstream::stored::Stored;
use std::collections::VecDeque;
use std::time::Instant;
use vagus_delivery::mailbox::Message;
use vagus_jetstream::api::GetRequest;
use vagus_jetstream::stream::Decided;

/// How long what is asked directly may be, in bytes, with its subjects and headers, to wait for what is on its way. What is
/// longer, or one too many, is answered at once, by what there is.
const DIRECT_BYTES: usize = 4096;

/// Once there is so much to be said, others than those who have waited have their turn.
const SAID_AT_ONCE: usize = 64;

/// What waits for what came before it.
#[derive(Default)]
pub(super) struct InTurn {
    /// Each until the mailbox is taken, and decided about, up to there.
    arrived: VecDeque<(u64, Arrived)>,
    /// Each until the log is that far; then all is seen that had come before a moment, if that is known.
    questions: VecDeque<(Decided, Option<Instant>, Asked)>,
    /// How many of those are asked directly.
    direct: usize,
    /// All that had come before is seen.
    seen_up_to: Option<Instant>,
}

/// What has come by another way than the mailbox.
enum Arrived {
    /// And the messages that it is about; None: the stream. It has come then.
    Question(Question, Option<GetRequest>, Instant),
    Wish(Carry),
}

impl InTurn {
    /// How much waits.
    pub(super) fn len(&self) -> usize {
        self.arrived.len() + self.questions.len()
    }

    /// All is seen that had come before a moment, if that is known.
    fn is_seen(&mut self, came_at: Option<Instant>) {
        self.seen_up_to = self.seen_up_to.max(came_at);
    }

    /// Nobody is answered any more. What was wished for.
    pub(super) fn forget(&mut self) -> impl Iterator<Item = Carry> + use<> {
        let Self { arrived, .. } = std::mem::take(self);
        arrived.into_iter().filter_map(|(_, arrived)| match arrived {
            Arrived::Wish(carry) => Some(carry),
            Arrived::Question(..) => None,
        })
    }
}

impl Stream {
    /// Asks the machine when all is seen in it that was published before a moment. How many ask is bounded by who lets them.
    pub(super) fn ask(&mut self, question: Question, asked_at: Instant) {
        match self.in_turn.seen_up_to >= Some(asked_at) {
            true => self.ask_now(question),
            false => self.ask_in_turn(question, None),
        }
    }

    /// The same for messages: what is on its way is waited for only if they may be among that.
    pub(super) fn ask_for(&mut self, wanted: GetRequest, question: Question) {
        self.ask_in_turn(question, Some(wanted));
    }

    /// Asks the machine what it shows now.
    pub(super) fn ask_now(&mut self, question: Question) {
        self.guarded(|stream| stream.ask_on(Asked::of_server(question)));
    }

    fn ask_in_turn(&mut self, question: Question, about: Option<GetRequest>) {
        // Before it is looked at what has come.
        let now = Instant::now();
        match self.is_in_turn() {
            true => drop(self.guarded(|stream| stream.ask_when_seen(question, about, now))),
            false => self.arrived(Arrived::Question(question, about, now)),
        }
    }

    /// Does what is wished for, when all is decided that was published before.
    pub(super) fn wish_in_turn(&mut self, carry: Carry) {
        match self.is_in_turn() {
            true => self.wish(carry),
            false => self.arrived(Arrived::Wish(carry)),
        }
    }

    /// Asks what somebody has asked the stream itself, in the order of what is published. `waits`: when what is on its way
    /// into the log is there.
    pub(super) fn ask_directly(&mut self, question: Question, waits: bool) {
        let asked = Asked::directly(question);
        match waits {
            true => {
                self.in_turn.direct += 1;
                let decided = self.machine.decided();
                self.in_turn.questions.push_back((decided, None, asked));
            }
            false => self.ask_on(asked),
        }
    }

    /// Whether who asks this directly may wait for what is on its way: what that costs is bounded.
    pub(super) fn may_wait(&self, asked: &Message) -> bool {
        self.in_turn.direct < DIRECT_AT_MOST && asked.size() <= DIRECT_BYTES
    }

    /// Answers those whose turn it is.
    pub(super) fn take_turns(&mut self) {
        self.take_turns_of_arrived();
        let mut is_direct = false;
        let shows = |machine: &Machine<Stored>, decided| machine.shows(decided);
        while self.spoken.len() < SAID_AT_ONCE
            && let Some((_, came_at, asked)) =
                (self.in_turn.questions).pop_front_if(|(decided, ..)| shows(&self.machine, *decided))
        {
            self.in_turn.is_seen(came_at);
            if asked.is_direct() {
                self.in_turn.direct -= 1;
                is_direct = true;
            }
            self.ask_on(asked);
        }
        let next = self.in_turn.questions.front();
        self.has_more |= next.is_some_and(|(decided, ..)| self.machine.shows(*decided));
        if is_direct {
            // Consumers were asked for messages, perhaps.
            self.propose();
        }
    }

    fn arrived(&mut self, arrived: Arrived) {
        let behind = self.mailbox.end();
        self.in_turn.arrived.push_back((behind, arrived));
    }

    /// Whether all that has come to the mailbox is decided.
    fn is_in_turn(&self) -> bool {
        self.decided_up_to() == Some(self.mailbox.end()) || self.keeping.is_closing()
    }

    /// Up to where of the mailbox all is decided; None: something that was taken has to wait.
    fn decided_up_to(&self) -> Option<u64> {
        self.held_back.is_none().then(|| self.mailbox.taken())
    }

    fn take_turns_of_arrived(&mut self) {
        if self.in_turn.arrived.is_empty() {
            return;
        }
        let decided_up_to = match self.keeping.is_closing() {
            // What still waits there is not taken any more.
            true => Some(u64::MAX),
            false => self.decided_up_to(),
        };
        let mut is_wished = false;
        while let Some((_, arrived)) =
            (self.in_turn.arrived).pop_front_if(|(behind, _)| Some(*behind) <= decided_up_to)
        {
            match arrived {
                Arrived::Question(question, about, came_at) => self.ask_when_seen(question, about, came_at),
                Arrived::Wish(carry) => {
                    self.wish(carry);
                    is_wished = true;
                }
            }
        }
        if is_wished {
            self.propose();
        }
    }

    /// All that had come before a moment is decided.
    fn ask_when_seen(&mut self, question: Question, about: Option<GetRequest>, came_at: Instant) {
        let decided = self.machine.decided();
        let may_be_ahead = |wanted: GetRequest| self.machine.may_be_ahead(&wanted);
        let is_seen = self.machine.shows(decided);
        if is_seen {
            self.in_turn.is_seen(Some(came_at));
        }
        let waits = !is_seen && about.is_none_or(may_be_ahead);
        let asked = Asked::of_server(question);
        match waits {
            true => (self.in_turn.questions).push_back((decided, Some(came_at), asked)),
            false => self.ask_on(asked),
        }
    }
}
