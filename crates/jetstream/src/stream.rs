//! A stream, as a state machine.
//!
//! What it is asked is decided against what it holds and what is [ahead](ahead) of that: proposed, but not yet in the log for
//! good. What was decided in a turn is one [`Proposal`]; when it is in the log it is [committed](Stream::committed): applied,
//! and answered. If it comes to nothing, the stream is as it was.
//!
//! Nothing here reads a clock or a disk: the time comes with each question ([`Surroundings`]), messages are held by whoever
//! can ([`Messages`]).

mod acknowledgement;
mod ahead;
mod applying;
mod atomic;
mod backing_up;
mod checkpoint;
mod clearing;
mod committing;
mod consumers;
mod counter;
mod dead_letters;
mod direct;
mod discard;
mod duplicates;
mod effect;
pub mod entry;
mod expectation;
mod expiry;
mod fast;
mod lifetime;
mod limits;
mod publishing;
mod purging;
mod republish;
mod requests;
mod rollup;
mod schedule;
mod showing;
mod sourcing;
mod staged;
mod state;
mod waking;

pub use ahead::Proposal;
pub use backing_up::{is_half_restored, while_restored};
pub use committing::COMMITTED_AT_ONCE;
pub use consumers::Requested;
pub use consumers::entry::{ConsumerEntry, Kept};
pub use direct::{DirectMessage, DirectRequest, Further};
pub use effect::{Abandonment, Done, Effect, Effects, Said};
pub use publishing::{Publish, Published};
pub use schedule::TimeZones;
pub use showing::Decided;
pub use sourcing::{Heard, Hearing, Known};
pub use state::Details;

use crate::account::Room;
use crate::config::{ServerLimits, StreamConfig};
use crate::error::ApiError;
use crate::held::{Cold, Messages};
use crate::time::Time;
use acknowledgement::Acknowledgements;
use ahead::{Ahead, Detail, Foreseen};
use atomic::AtomicBatches;
use bytes::Bytes;
use clearing::Clearing;
use committing::Committing;
use consumers::Consumers;
use dead_letters::DeadLetters;
use duplicates::Duplicates;
use entry::{Entry, Store};
use expiry::Expiry;
use fast::FastBatches;
use schedule::Schedules;
use sourcing::Sourcing;
use vagus_routing::Transform;

/// A stream.
#[derive(Debug)]
pub struct Stream<M> {
    config: StreamConfig,
    incarnation: u64,
    created: Time,
    acknowledgements: Acknowledgements,
    /// What subjects become.
    transform: Option<Transform>,
    /// On which subjects what is stored is published anew.
    republish: Option<Transform>,
    held: M,
    /// The sequence of the first message, or of the next if there is none; 0 before there was any.
    first: u64,
    last: u64,
    last_time: Option<Time>,
    last_id: Bytes,
    /// The time of the last message that was decided for, whether it is stored or not.
    latest: Time,
    duplicates: Duplicates,
    expiry: Expiry,
    schedules: Schedules,
    consumers: Consumers,
    sourcing: Sourcing,
    dead_letters: DeadLetters,
    ahead: Ahead,
    atomic: AtomicBatches,
    fast: FastBatches,
    /// What is in the log and not yet applied.
    committing: Committing,
    /// Messages that are going by what is being applied.
    clearing: Option<Box<Clearing>>,
    effects: Effects,
}

/// What a stream has to know to decide.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// What time it is.
    pub now: Time,
    /// What is to be drawn is drawn from this.
    pub random: u32,
    /// How much more may be stored.
    pub room: Room,
    /// What the server allows.
    pub limits: &'a ServerLimits,
    /// How many more batches the server lets be under way, of all its streams.
    pub batches_left: usize,
    /// The time zones that there are.
    pub zones: TimeZones<'a>,
    /// Whether somebody listens to a subject.
    pub has_interest: Listeners<'a>,
}

/// Says of subjects whether somebody listens to them.
pub type Listeners<'a> = &'a dyn Fn(&[u8]) -> bool;

/// Why something is not decided as it was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stop {
    /// It is refused.
    Refused(ApiError),
    /// The message has been stored before.
    Duplicate(u64),
    /// It cannot be told before what is ahead is in the log.
    Unsettled,
    /// A message has to be read first.
    Cold(Cold),
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<Cold> for Stop {
    fn from(cold: Cold) -> Self {
        Self::Cold(cold)
    }
}

impl<M: Messages> Stream<M> {
    /// A stream without messages. `domain`: that of the server; empty: none.
    pub fn new(config: StreamConfig, incarnation: u64, created: Time, domain: &str, held: M) -> Self {
        let mut stream = Self {
            acknowledgements: Acknowledgements::new(&config.name, domain),
            transform: None,
            republish: None,
            held,
            first: config.first_seq,
            last: config.first_seq.saturating_sub(1),
            last_time: None,
            last_id: Bytes::new(),
            latest: Time(i64::MIN),
            duplicates: Duplicates::default(),
            expiry: Expiry::default(),
            schedules: Schedules::default(),
            consumers: Consumers::new(incarnation ^ created.0.unsigned_abs()),
            sourcing: Sourcing::default(),
            dead_letters: DeadLetters::default(),
            ahead: Ahead::default(),
            atomic: AtomicBatches::default(),
            fast: FastBatches::default(),
            committing: Committing::default(),
            clearing: None,
            effects: Effects::default(),
            config,
            incarnation,
            created,
        };
        stream.prepare_transforms();
        stream
    }

    /// What it is configured to be.
    pub fn config(&self) -> &StreamConfig {
        &self.config
    }

    /// What no other stream of its account is, of whatever name.
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// Since when there is it.
    pub fn created(&self) -> Time {
        self.created
    }

    /// The last sequence that was given.
    pub fn last_sequence(&self) -> u64 {
        self.last
    }

    /// The sequence of the first message, or of the next if there is none.
    pub fn first_sequence(&self) -> u64 {
        self.first
    }

    /// The messages that it holds.
    pub fn held(&self) -> &M {
        &self.held
    }

    /// How many batches it has under way.
    pub fn batches(&self) -> usize {
        self.atomic.len() + self.fast.len()
    }

    /// What is to be done, of what was decided and applied since.
    pub fn take_effects(&mut self) -> Effects {
        self.consumers.next_turn();
        std::mem::take(&mut self.effects)
    }

    /// What was decided since the last proposal; None: nothing. It is to be written into the log, and
    /// [committed](Self::committed) or [given up](Self::failed).
    pub fn propose(&mut self) -> Option<&Proposal> {
        self.log_changes();
        self.release_done_with();
        let letters = self.letters_ahead();
        self.ahead.propose(letters)
    }

    /// All proposals up to this number are in the log for good: they are applied.
    pub fn committed(&mut self, number: u64, zones: TimeZones<'_>) {
        self.commit(number, zones, &mut { usize::MAX });
    }

    /// Nothing that was proposed comes into the log, because of this: who waits for an answer gets it. What is in the log
    /// [is applied](Self::commit) before.
    pub fn failed(&mut self, error: &ApiError) {
        self.give_up_committing();
        for proposal in self.ahead.forget() {
            self.dead_letters.given_up.extend(proposal.letters);
            for entry in proposal.entries {
                self.refuse_entry(entry, error);
            }
            for answer in proposal.answers {
                match answer {
                    Effect::Answer { to, .. } => self.refuse(&to, error),
                    Effect::Done { request, .. } => self.done(Some(request), Err(error.clone())),
                    _ => {}
                }
            }
        }
        self.fast.forget_pending();
        self.expiry.look_again();
        self.forget_consumers_ahead();
        self.source_again(self.latest);
    }

    fn refuse_entry(&mut self, entry: Entry, error: &ApiError) {
        match entry {
            Entry::Store(store) => self.refuse(&store.answer.reply, error),
            Entry::Batch(stores) => {
                if let Some(last) = stores.last() {
                    self.refuse(&last.answer.reply, error);
                }
            }
            Entry::Delete { request, .. } | Entry::Configure { request, .. } => {
                self.done(request, Err(error.clone()))
            }
            Entry::Purge(purge) => self.done(purge.request, Err(error.clone())),
            Entry::Release(sequences) => self.release_again(sequences),
            Entry::Consumer(entry) => {
                self.lose_consumer(&entry);
                self.done(entry.request(), Err(error.clone()));
            }
            // Who has them is asked for them again.
            Entry::Source(_) | Entry::Mirror { .. } | Entry::Skip(_) | Entry::Known { .. } => {}
            Entry::Expire(_) => {}
        }
    }

    /// No consumer needs these messages any more: they go, if that has messages go here.
    fn release(&mut self, sequences: Vec<u64>) {
        if !sequences.is_empty() {
            self.decide(Entry::Release(sequences), Vec::new());
        }
    }

    /// When something is stored that comes now: times of messages never go back, even if clocks do.
    fn stamp(&self, now: Time) -> Time {
        now.max(self.latest)
    }

    /// Decides for an entry: it comes with the next proposal.
    fn decide(&mut self, entry: Entry, details: Vec<Detail>) {
        if let Some(Store { time, .. }) = entry.stores().last() {
            self.latest = *time;
        }
        let foreseen = Foreseen {
            last: self.last,
            last_id: &self.last_id,
            storage: self.config.storage,
            details,
        };
        self.ahead.push(entry, foreseen);
    }

    fn done(&mut self, request: Option<u64>, outcome: Result<Done, ApiError>) {
        if let Some(request) = request {
            self.effects.list.push(Effect::Done { request, outcome });
        }
    }

    /// Sends somebody something, unless he wants nothing or nobody gets anything.
    fn answer(&mut self, to: &Bytes, payload: impl Into<Bytes>) {
        if !to.is_empty() && !self.config.no_ack {
            let (to, payload) = (to.clone(), payload.into());
            self.effects.list.push(Effect::Answer { to, payload });
        }
    }

    fn refuse(&mut self, to: &Bytes, error: &ApiError) {
        if !to.is_empty() && !self.config.no_ack {
            let payload = self.acknowledgements.refusal(&self.config.name, error);
            self.answer(to, payload);
        }
    }

    fn prepare_transforms(&mut self) {
        // They were checked: what cannot be is not configured.
        let transform = |src: &str, dest: &str| Transform::new(src, dest).ok();
        let config = &self.config;
        self.transform = (config.subject_transform.as_ref()).and_then(|subjects| {
            transform(
                &subjects.src,
                if subjects.dest.is_empty() {
                    ">"
                } else {
                    &subjects.dest
                },
            )
        });
        self.republish =
            (config.republish.as_ref()).and_then(|republish| transform(&republish.src, &republish.dest));
    }
}

#[cfg(test)]
mod tests;
