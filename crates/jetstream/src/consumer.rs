//! A consumer of a stream, as a part of the stream's machine: which messages it delivers, where, and what becomes of
//! them.
//!
//! What it has done is its [`Progress`], which is made at once and written into the log behind: nobody waits for the disk to
//! get a message. Who waits for messages is not kept.

mod acknowledging;
mod advisory;
mod backing_up;
pub mod config;
pub(crate) mod dead_letter;
mod delivering;
mod filter;
mod flow;
mod info;
mod outgoing;
mod pace;
mod pending;
mod per_subject;
mod progress;
mod pulling;
mod random;
mod reply;
pub mod request;
mod search;
mod serving;
mod showing;
mod start;
mod unacknowledged;
mod view;
mod waiting;
mod waking;

pub use advisory::{Advisory, AdvisoryContext, Concerned, ConsumerEvent};
pub use info::{
    BehindOthers, ConsumerHealth, ConsumerInfo, ConsumerInfoAnswer, ConsumerListAnswer, ConsumerNamesAnswer,
    CreateConsumerAnswer, DeleteConsumerAnswer, PauseConsumerAnswer, PriorityGroupInfo, ResetConsumerAnswer,
    SequenceInfo, UnpinConsumerAnswer, Waits,
};
pub use outgoing::Delivery;
pub use progress::Change;
pub use reply::ReplyForm;

pub(crate) use delivering::Delivered;
pub(crate) use filter::Filter;
pub(crate) use outgoing::Outgoing;
pub(crate) use progress::{LastOfEach, Progress};
pub(crate) use random::{Random, letters};
pub(crate) use reply::{Acknowledged, ReplyWriter, read_flow};
pub(crate) use start::start;
pub(crate) use view::{Removals, View};

use crate::stream::Effect;
use crate::time::{SECOND, Time};
use bytes::Bytes;
use config::{ConsumerConfig, PriorityPolicy, ReplayPolicy};
use flow::Flow;
use pace::Pace;
use pending::Pending;
use progress::{Changes, NotAsked, Subjects};
use search::Search;
use std::collections::VecDeque;
use unacknowledged::AckWait;
use waiting::WaitingQueue;

/// What time it is, and who listens.
#[derive(Clone, Copy)]
pub(crate) struct Moment<'a> {
    pub(crate) now: Time,
    /// Whether somebody listens to a subject.
    pub(crate) has_interest: &'a dyn Fn(&[u8]) -> bool,
}

/// A client that is the only one that is served.
#[derive(Debug, Clone)]
struct Pin {
    id: Bytes,
    group: Bytes,
    since: Time,
    /// Until then it has to ask again.
    until: Time,
}

/// A consumer.
#[derive(Debug)]
pub(crate) struct Consumer {
    /// What no other consumer of the stream has ever had.
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) config: ConsumerConfig,
    pub(crate) created: Time,
    pub(crate) filter: Filter,
    pub(crate) progress: Progress,
    /// What of it is not yet proposed to the log.
    pub(crate) changes: Changes,
    ack_wait: AckWait,
    ack_prefix: Box<[u8]>,
    flow_prefix: String,
    deliver_to: Bytes,
    deliver_group: Bytes,
    pending: Pending,
    search: Search,
    /// Messages that are due for another delivery; some may have been acknowledged meanwhile.
    redeliver: VecDeque<u64>,
    waiting: WaitingQueue,
    /// Messages that it has given up, of which its stream does not know yet; none where it is not to know.
    pub(crate) newly_given_up: Vec<u64>,
    /// Whether somebody listens where messages are pushed.
    is_bound: bool,
    flow: Option<Flow>,
    heartbeat_due: Option<Time>,
    pace: Pace,
    paced_until: Option<Time>,
    pin: Option<Pin>,
    /// When it delivers again, if that is to be told.
    pause_ends: Option<Time>,
    /// After how long without use it goes; 0: never.
    threshold: i64,
    /// When it goes if it is not used until then.
    inactive_at: Option<Time>,
    pub(crate) marks: Marks,
}

/// What its stream notes of a consumer.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// Whether it waits for its turn to deliver.
    pub(crate) is_ready: bool,
    /// Whether something has been done to it since the indices were brought up to date.
    pub(crate) is_touched: bool,
    /// Whether some of its progress is not yet proposed to the log.
    pub(crate) is_unlogged: bool,
    /// Whether it is told of messages that it wants.
    pub(crate) is_watching: bool,
    /// Whether it waits for a message to be read.
    pub(crate) is_reading: bool,
    /// Whether it is about to begin anew: what it would deliver until then would be lost.
    pub(crate) is_resetting: bool,
    /// Whether all of its progress is to be written: changes of it were lost, or cannot be told from the log.
    pub(crate) is_unwritten: bool,
    /// When it is to be woken.
    pub(crate) wake_at: Option<Time>,
    /// The first message that something is kept of.
    pub(crate) first_kept: Option<u64>,
    /// Whether it keeps more than is noted for each message.
    pub(crate) is_broad: bool,
    /// Before which message purges do not concern it.
    pub(crate) unconcerned_before: Option<u64>,
}

/// What a consumer has to know of its surroundings, and never changes.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) created: Time,
}

impl Consumer {
    /// A consumer that is so far.
    pub(crate) fn new(
        identity: Identity,
        config: ConsumerConfig,
        progress: Progress,
        stream: &str,
        form: &ReplyForm,
    ) -> Self {
        let Identity {
            number,
            name,
            created,
        } = identity;
        Self {
            ack_prefix: form.ack_prefix(stream, &name),
            flow_prefix: form.flow_prefix(stream, &name),
            number,
            name,
            created,
            filter: Filter::default(),
            progress,
            changes: Changes::default(),
            ack_wait: AckWait::default(),
            deliver_to: Bytes::new(),
            deliver_group: Bytes::new(),
            pending: Pending::default(),
            search: Search::default(),
            redeliver: VecDeque::new(),
            waiting: WaitingQueue::default(),
            newly_given_up: Vec::new(),
            is_bound: false,
            flow: None,
            heartbeat_due: None,
            pace: Pace::default(),
            paced_until: None,
            pin: None,
            pause_ends: None,
            threshold: 0,
            inactive_at: None,
            marks: Marks::default(),
            config: ConsumerConfig::default(),
        }
        .configured(config)
    }

    fn configured(mut self, config: ConsumerConfig) -> Self {
        self.take_config(config);
        self
    }

    /// Becomes what a configuration says, but for what its stream has to be asked for.
    pub(crate) fn take_config(&mut self, config: ConsumerConfig) {
        self.filter = Filter::new(config.filters());
        self.ack_wait = AckWait::new(config.ack_wait, &config.backoff);
        self.deliver_to = Bytes::copy_from_slice(config.deliver_subject.as_bytes());
        self.deliver_group = Bytes::copy_from_slice(config.deliver_group.as_bytes());
        if config.flow_control && self.flow.is_none() {
            self.flow = Some(Flow::default());
        }
        if self.config.filter_subject != config.filter_subject
            || self.config.filter_subjects != config.filter_subjects
        {
            self.pending.forget();
            self.search.forget();
            if let Some(by_subject) = &mut self.progress.by_subject {
                by_subject.keep_wanted(|subject| self.filter.matches(subject));
            }
        }
        if config.priority_policy != PriorityPolicy::PinnedClient {
            self.pin = None;
        }
        self.config = config;
        self.take_limit_per_subject();
    }

    /// It begins to work at this moment: it was made, or read from disk. `last`: the last message of its stream;
    /// `burst`: how many bytes it may push at once where that is limited.
    pub(crate) fn begin(&mut self, now: Time, last: u64, burst: usize, random: &mut Random) {
        if self.config.replay_policy != ReplayPolicy::Instant {
            self.pace.replay_up_to(last);
        }
        self.pace.set_rate(self.config.rate_limit, burst);
        self.take_threshold(now, random);
        self.pause_ends = self.paused_until().filter(|until| *until > now);
    }

    /// When it goes for want of use. Pull consumers of which several are not used go one after the other.
    pub(crate) fn take_threshold(&mut self, now: Time, random: &mut Random) {
        let threshold = self.config.inactive_threshold;
        let jitter = i64::try_from(100 + random.below(900)).unwrap_or(100) * (SECOND / 1000);
        self.threshold = match (threshold > 0, self.is_pull()) {
            (false, _) => 0,
            (true, true) => threshold.saturating_add(jitter),
            (true, false) => threshold,
        };
        self.inactive_at = None;
        self.used(now);
    }

    /// The rate at which it delivers has changed.
    pub(crate) fn take_rate(&mut self, burst: usize) {
        self.pace.set_rate(self.config.rate_limit, burst);
        self.paced_until = None;
    }

    pub(crate) fn is_pull(&self) -> bool {
        !self.config.is_push()
    }

    /// Whether its progress is kept beyond the end of the server.
    pub(crate) fn is_kept(&self) -> bool {
        !self.config.memory_storage && !self.config.direct
    }

    /// Whether it counts against limits.
    pub(crate) fn is_counted(&self) -> bool {
        !self.config.direct && !self.config.sourcing
    }

    /// Whether somebody listens where it pushes messages.
    pub(crate) fn is_bound(&self) -> bool {
        self.is_bound
    }

    /// Until when it is paused.
    pub(crate) fn paused_until(&self) -> Option<Time> {
        let until = self.config.pause_until.as_ref();
        until.filter(|until| !until.is_zero()).map(|until| until.time())
    }

    pub(crate) fn is_paused(&self, now: Time) -> bool {
        self.paused_until().is_some_and(|until| now < until)
    }

    /// It has been told to pause, or no longer to.
    pub(crate) fn take_pause(&mut self, now: Time) {
        self.pause_ends = self.paused_until().filter(|until| *until > now);
    }

    /// Whether a message is still to be acknowledged, or to be delivered first.
    pub(crate) fn needs(&self, sequence: u64, subject: &[u8]) -> bool {
        self.progress.needs(sequence, subject) && self.filter.matches(subject)
    }

    /// No message before this one is needed.
    pub(crate) fn first_needed(&self) -> u64 {
        let kept = self.progress.first_kept().unwrap_or(u64::MAX);
        kept.min(self.progress.next)
    }

    /// It has been used.
    pub(crate) fn used(&mut self, now: Time) {
        if self.threshold > 0 && (self.is_pull() || !self.is_bound) {
            self.inactive_at = Some(now.after(self.threshold));
        }
    }

    /// Makes a change, and notes it for the log.
    fn change(&mut self, change: Change) {
        self.change_by(change, &NotAsked);
    }

    /// Makes a change of messages.
    fn change_by(&mut self, change: Change, subjects: &impl Subjects) {
        let (policy, ack_wait) = (self.config.ack_policy, &self.ack_wait);
        self.progress.apply(&change, policy, ack_wait, subjects);
        if self.is_kept() {
            self.changes.push(change);
        }
    }

    /// Makes a change that is read from the log.
    pub(crate) fn apply(&mut self, change: &Change, subjects: &impl Subjects) {
        let (policy, ack_wait) = (self.config.ack_policy, &self.ack_wait);
        self.progress.apply(change, policy, ack_wait, subjects);
        self.pending.forget();
    }

    /// Whether some of its progress is not yet proposed to the log.
    pub(crate) fn has_unlogged(&self) -> bool {
        self.is_kept() && (self.marks.is_unwritten || !self.changes.is_empty())
    }

    /// Has come so far.
    pub(crate) fn take_progress(&mut self, progress: Progress, subjects: &impl Subjects) {
        self.progress.replace(progress);
        self.progress.keep_those_there(subjects);
        self.keep_moved(subjects);
        self.take_limit_per_subject();
        self.pending.forget();
        self.search.forget();
    }

    /// What has been moved, and is not there or not wanted any more, is not remembered.
    pub(crate) fn keep_moved(&mut self, subjects: &impl Subjects) {
        let filter = &self.filter;
        self.progress
            .keep_moved(subjects, |subject| filter.matches(subject));
    }

    /// Writes subjects of another form from now on.
    pub(crate) fn set_form(&mut self, stream: &str, form: &ReplyForm) {
        self.ack_prefix = form.ack_prefix(stream, &self.name);
        self.flow_prefix = form.flow_prefix(stream, &self.name);
    }

    /// Begins anew, as if nothing had been delivered.
    pub(crate) fn reset(&mut self, next: u64) {
        self.progress.replace(Progress::new(next));
        self.take_limit_per_subject();
        self.redeliver.clear();
        self.search.forget();
        self.pending.forget();
        // What was changed and is not yet written is no more.
        self.changes.take();
    }

    /// All messages have gone.
    pub(crate) fn all_removed(&mut self) {
        self.progress.all_removed();
        self.redeliver.clear();
        self.search.forget();
        self.pending.forget();
    }

    /// All messages before one have gone that it wants.
    pub(crate) fn purged(&mut self, first: u64) {
        self.progress.purged(first);
        self.pending.forget();
    }

    /// A message is to be delivered once more.
    fn deliver_again(&mut self, sequence: u64) {
        if !self.progress.unacknowledged.make_due(sequence) {
            return;
        }
        // Those of one subject come again in the order in which they came.
        let place = match self.progress.by_subject {
            Some(_) => self.redeliver.partition_point(|other| *other < sequence),
            None => self.redeliver.len(),
        };
        self.redeliver.insert(place, sequence);
    }

    fn advisory(&self, event: ConsumerEvent) -> Effect {
        Effect::Advisory(Advisory {
            consumer: self.name.clone(),
            event,
        })
    }

    /// Tells of something.
    pub(crate) fn tell(&self, out: &mut Outgoing<'_>, event: ConsumerEvent) {
        out.effects.push(self.advisory(event));
    }
}
