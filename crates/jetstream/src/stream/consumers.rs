//! The consumers of a stream: who of them has something to do.
//!
//! Those that have nothing to do cost nothing: who waits for messages is found by the subject of a message, who waits for a
//! time is first in their order, who keeps something of a message is found by that. What was done to consumers in a turn
//! is brought into these indices at its end.

mod applying;
mod checkpoint;
mod delivering;
pub(super) mod entry;
mod gathering;
mod giving_up;
mod keepers;
mod logging;
mod patterns;
mod removing;
mod requests;
mod restoring;
mod retention;
mod showing;
mod sourcing;
mod sweep;
mod using;

pub use requests::Requested;

use super::{Stream, Surroundings};
use crate::consumer::config::ConsumerConfig;
use crate::consumer::{Consumer, Moment, Outgoing, Random, Removals, ReplyForm, ReplyWriter, View};
use crate::error::ApiError;
use crate::held::Messages;
use crate::time::Time;
use foldhash::fast::RandomState;
use gathering::Gatherings;
use hashbrown::HashMap;
use keepers::Keepers;
use patterns::Patterns;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use sweep::Sweep;

/// The consumers of a stream.
#[derive(Debug)]
pub(super) struct Consumers {
    by_number: HashMap<u64, Box<Consumer>, RandomState>,
    names: BTreeMap<String, u64>,
    /// How many of them only mirrors and sources use, and nobody is told of.
    hidden: usize,
    /// How many there have ever been.
    created: u64,
    /// What consumers are to become of which something is proposed that is not yet in the log; None: nothing.
    ahead: BTreeMap<String, Option<ConsumerConfig>>,
    form: ReplyForm,
    /// Those that may have something to deliver, in their turn.
    ready: VecDeque<u64>,
    /// Those of which something is not yet in the indices.
    touched: Vec<u64>,
    /// Those whose progress is not yet proposed to the log.
    unlogged: Vec<u64>,
    /// Until when that waits for more of it.
    unlogged_until: Option<Time>,
    /// Those that are told of messages that they want.
    watching: Patterns,
    /// What all of them want.
    wanting: Patterns,
    /// What those want of which what expires is a dead letter.
    mourning: Patterns,
    /// When they are to be woken.
    wakes: BTreeSet<(Time, u64)>,
    keepers: Keepers,
    /// Before which message purges do not concern each.
    unconcerned: BTreeSet<(u64, u64)>,
    /// Those that wait for a message to be read.
    reading: BTreeMap<u64, Vec<u64>>,
    /// Messages that some consumer is done with, if that may have them go.
    done_with: Vec<u64>,
    sweeps: VecDeque<Sweep>,
    /// What consumers begin with that are still to be decided, or applied.
    gatherings: Gatherings,
    /// The consumer that needed a message when that was last asked: it often needs the next, too.
    last_in_need: u64,
    removals: Removals,
    replies: ReplyWriter,
    random: Random,
    /// Counts how often effects were taken.
    turn: u64,
    /// How many bytes may be pushed at once where that is limited.
    burst: usize,
}

impl Consumers {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::default();
        random.stir(seed);
        Self {
            form: ReplyForm::plain(),
            random,
            by_number: HashMap::default(),
            names: BTreeMap::new(),
            hidden: 0,
            created: 0,
            ahead: BTreeMap::new(),
            ready: VecDeque::new(),
            touched: Vec::new(),
            unlogged: Vec::new(),
            unlogged_until: None,
            watching: Patterns::default(),
            wanting: Patterns::default(),
            mourning: Patterns::default(),
            wakes: BTreeSet::new(),
            keepers: Keepers::default(),
            unconcerned: BTreeSet::new(),
            reading: BTreeMap::new(),
            done_with: Vec::new(),
            sweeps: VecDeque::new(),
            gatherings: Gatherings::default(),
            last_in_need: 0,
            removals: Removals::default(),
            replies: ReplyWriter::default(),
            turn: 1,
            burst: 0,
        }
    }

    pub(super) fn named(&self, name: &str) -> Result<&Consumer, ApiError> {
        let number = self.names.get(name).ok_or(ApiError::CONSUMER_NOT_FOUND)?;
        self.by_number
            .get(number)
            .map(|consumer| &**consumer)
            .ok_or(ApiError::CONSUMER_NOT_FOUND)
    }

    /// It may have something to deliver.
    fn make_ready(&mut self, number: u64) {
        if let Some(consumer) = self.by_number.get_mut(&number)
            && !consumer.marks.is_ready
            && !consumer.marks.is_reading
        {
            consumer.marks.is_ready = true;
            self.ready.push_back(number);
        }
    }

    /// A message has come: those that wait for it may deliver it.
    pub(super) fn stored(&mut self, subject: &[u8]) {
        if self.watching.is_empty() {
            return;
        }
        let (by_number, ready) = (&mut self.by_number, &mut self.ready);
        self.watching.for_each(subject, |number| {
            if let Some(consumer) = by_number.get_mut(&number)
                && !consumer.marks.is_ready
                && !consumer.marks.is_reading
            {
                consumer.marks.is_ready = true;
                ready.push_back(number);
            }
        });
    }

    /// Whether nobody has anything to do.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.ready.is_empty() && self.touched.is_empty() && self.wakes.is_empty() && self.watching.is_empty()
    }

    /// Effects are taken: places among them no longer hold.
    pub(super) fn next_turn(&mut self) {
        self.turn += 1;
    }

    /// Brings what was done to consumers into the indices.
    fn settle(&mut self) {
        for number in std::mem::take(&mut self.touched) {
            let Some(consumer) = self.by_number.get_mut(&number) else {
                continue;
            };
            consumer.marks.is_touched = false;
            let wake_at = consumer.wake_at();
            let before = std::mem::replace(&mut consumer.marks.wake_at, wake_at);
            if before != wake_at {
                before.map(|time| self.wakes.remove(&(time, number)));
                wake_at.map(|time| self.wakes.insert((time, number)));
            }
            let unconcerned_before = Some(consumer.progress.unconcerned_before());
            let before = std::mem::replace(&mut consumer.marks.unconcerned_before, unconcerned_before);
            if before != unconcerned_before {
                before.map(|sequence| self.unconcerned.remove(&(sequence, number)));
                unconcerned_before.map(|sequence| self.unconcerned.insert((sequence, number)));
            }
            if self.keepers.settle(consumer) {
                self.keepers.turn(&mut self.by_number);
            }
        }
    }

    /// A consumer has been woken for this time: it is not again before something else is done to it.
    fn forget_wake(&mut self, time: Time, number: u64) {
        if self.wakes.remove(&(time, number))
            && let Some(consumer) = self.by_number.get_mut(&number)
        {
            consumer.marks.wake_at = None;
        }
    }

    /// When one of them is to be woken, or what they have done is to be proposed.
    pub(super) fn wake_at(&mut self) -> Option<Time> {
        self.settle();
        let woken = self.wakes.first().map(|(time, _)| *time);
        [woken, self.unlogged_until].into_iter().flatten().min()
    }
}

/// A consumer, and what it has to know to do something.
struct AtWork<'a, M> {
    consumer: &'a mut Consumer,
    view: View<'a, M>,
    out: Outgoing<'a>,
}

impl<M: Messages> Stream<M> {
    /// Has a consumer do something.
    fn with_consumer<T>(&mut self, number: u64, work: impl FnOnce(AtWork<'_, M>) -> T) -> Option<T> {
        let consumers = &mut self.consumers;
        let consumer = consumers.by_number.get_mut(&number)?;
        consumer.progress.set_noting(consumers.keepers.is_noting());
        let view = View {
            held: &self.held,
            first: self.first,
            last: self.last,
            removals: &consumers.removals,
        };
        let out = Outgoing {
            effects: &mut self.effects.list,
            turn: consumers.turn,
            replies: &mut consumers.replies,
            random: &mut consumers.random,
        };
        let done = work(AtWork { consumer, view, out });
        let consumer = consumers.by_number.get_mut(&number)?;
        let given_up = consumer.newly_given_up.drain(..);
        self.dead_letters
            .given_up
            .extend(given_up.map(|sequence| (number, sequence)));
        if !consumer.marks.is_touched {
            consumer.marks.is_touched = true;
            consumers.touched.push(number);
        }
        if consumer.has_unlogged() && !consumer.marks.is_unlogged {
            consumer.marks.is_unlogged = true;
            consumers.unlogged.push(number);
        }
        Some(done)
    }
}

/// What time it is, and who listens.
fn moment<'a>(around: &Surroundings<'a>) -> Moment<'a> {
    Moment {
        now: around.now,
        has_interest: around.has_interest,
    }
}
