//! The actor of one stream.
//!
//! Its role is to carry out what its machine decides (`vagus_jetstream::stream`): it takes what is published from its
//! mailbox, has what was decided in a turn be written as one entry of the log, applies it when that is durable, and then
//! answers. What takes as long as the disk does is done by others meanwhile. While nothing happens it owns its machine and
//! no more: no thread, no open file, no timer unless something is due.

mod asking;
mod backing_up;
mod carrier;
mod consuming;
mod deciding;
mod in_turn;
mod keeping;
mod recovering;
mod showing;
mod sourcing;
mod speaking;
mod telling;

pub use asking::{Shown, StreamAddress};
pub use showing::ShownConsumer;

use super::account::AccountStreams;
use super::figures::StreamFigures;
use super::log::{Follower, NewEntry};
use super::server::Server;
use super::stored::Stored;
use crate::mailbox::{Observe, tell};
use crate::router::{Announce, Announcer, ListenersChanged, ListenersWatch, WatchListeners};
use actix::prelude::*;
use asking::{Asked, Carry, Outcome};
use bytes::Bytes;
use carrier::Carrier;
use consuming::Reached;
use in_turn::InTurn;
use keeping::{Keeping, Unwritten};
use recovering::{Ailment, Anew};
use serde::Serialize;
use sourcing::Ear;
use speaking::Spoken;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;
use tokio::sync::oneshot;
use vagus_delivery::arbiter::LocalArbiter;
use vagus_delivery::mailbox::{Mailbox, Messages};
use vagus_delivery::outbox::{ConnectionSubscription, WhenFull};
use vagus_delivery::subscriptions::Change;
use vagus_jetstream::config::{Storage, StreamConfig};
use vagus_jetstream::held::Messages as _;
use vagus_jetstream::stream::{Publish, Stream as Machine};
use vagus_routing::ConnectionKind;
use vagus_store::StreamIdentity;
use vagus_store::messages::Flush;
use vagus_store::wal::{Importance, WalError};

/// What may wait in the mailbox of a stream, in bytes, until publishers are paused.
const WAITING_AT_MOST: usize = 8 << 20;

/// What may be on its way into the log, in bytes, until nothing more is taken from the mailbox.
const IN_FLIGHT_AT_MOST: usize = 8 << 20;

/// The queue group of all who can answer the same direct request.
const DIRECT_GROUP: &[u8] = b"_sys_";

/// As what something comes, by the number of the subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    /// It is to be kept.
    Published,
    /// Somebody asks for messages directly, or for the last one of a subject.
    Direct,
    DirectLast,
    /// Somebody says what has become of a message that a consumer delivered.
    Acknowledgement,
    /// Somebody asks a consumer for messages.
    Pull,
    /// Somebody has taken what a consumer pushed.
    Flow,
}

impl Came {
    /// All that is not to be kept. Their numbers are counted down from the largest, in this order.
    const REQUESTS: [Self; 5] = [
        Self::Direct,
        Self::DirectLast,
        Self::Acknowledgement,
        Self::Pull,
        Self::Flow,
    ];

    fn of(number: u32) -> Self {
        let place = (u32::MAX - number) as usize;
        Self::REQUESTS.get(place).copied().unwrap_or(Self::Published)
    }

    /// The number by which it comes; None for what is to be kept, which has others.
    fn number(self) -> Option<u32> {
        let place = Self::REQUESTS.iter().position(|other| *other == self)?;
        Some(u32::MAX - place as u32)
    }
}

/// A stream with its messages, that no actor has yet.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) machine: Machine<Stored>,
    pub(super) identity: StreamIdentity,
    /// The index of the last entry of its log.
    pub(super) index: u64,
    /// That of the last that is in its checkpoint.
    pub(super) checkpointed: u64,
    /// Whether it has just been made.
    pub(super) is_new: bool,
    /// Why what is there is not all of it, if that is so.
    pub(super) failure: Option<String>,
    /// What could not be written yet, as the disk had no room.
    pub(super) flush: Option<Flush>,
}

/// What a stream subscribes to.
struct Wanted {
    subject: Bytes,
    came: Came,
}

/// One stream.
pub(super) struct Stream {
    /// What it shows to those who do not ask it.
    figures: Arc<StreamFigures>,
    server: Arc<Server>,
    account: Arc<AccountStreams>,
    arbiter: LocalArbiter,
    machine: Machine<Stored>,
    identity: StreamIdentity,
    mailbox: Mailbox,
    subscriptions: Vec<Arc<ConnectionSubscription>>,
    next_number: u32,
    /// Where those are heard whose messages it gets, if there are some.
    ear: Option<Box<Ear>>,
    /// What was taken from the mailbox, as far as nothing is decided of it.
    incoming: Messages,
    /// A message that has to wait, before all others: for the log, or for something that is being read.
    held_back: Option<Publish>,
    /// The index before its first proposal, which has number 1.
    began_at: u64,
    /// The indices of the last proposal, of the last that is in the log for good, and of the last that was applied.
    proposed: u64,
    durable: u64,
    applied: u64,
    /// How long entries are that are on their way into the log, by their index.
    in_flight: VecDeque<(u64, usize)>,
    bytes_in_flight: usize,
    requests: HashMap<u64, oneshot::Sender<Outcome>>,
    next_request: u64,
    /// What waits for what came before it.
    in_turn: InTurn,
    /// What is asked that has to wait for something that is being read, by what that is.
    questions: VecDeque<(u64, Asked)>,
    /// What is asked and has not learnt all, in its turn; and what is asked directly.
    unfinished: VecDeque<Asked>,
    unfinished_direct: VecDeque<Asked>,
    /// What has to be wished again when the log is further, and when something is gathered.
    wishes: VecDeque<Carry>,
    gathering: VecDeque<Carry>,
    /// How the consumers that there are get to those who have them, by their names.
    consumers: HashMap<String, Reached>,
    /// What of its interest has changed and is not yet announced.
    changes: Vec<Change>,
    /// That message still has to wait.
    is_held_up: bool,
    /// What is to be published.
    spoken: VecDeque<Spoken>,
    keeping: Keeping,
    /// How many batches it has had counted.
    batches: usize,
    waker: Option<Waker>,
    /// More of what is large is to be done in its next turn.
    has_more: bool,
    own: Addr<Self>,
    is_new: bool,
    /// For how many bytes it has had itself counted.
    counted_bytes: i64,
    /// How many of them wait to be written into segments, as it has said.
    counted_unwritten: u64,
    /// Whether the disk has room for messages of it.
    has_room: bool,
    /// Nothing more gets in, for this reason.
    ailment: Option<Ailment>,
    anew: Anew,
    /// Why it is to be opened anew as soon as it begins.
    failure: Option<String>,
}

/// What a stream shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamActorState {
    /// The account that it is in.
    pub account: String,
    /// What it is called.
    pub name: String,
    /// How many messages it holds.
    pub messages: u64,
    /// The last sequence that it has given.
    pub last_sequence: u64,
    /// The last entry of its log that it has applied.
    pub applied: u64,
    /// Bytes of entries that are on their way into the log.
    pub bytes_in_flight: usize,
    /// Requests that wait for something to be read.
    pub waiting: usize,
    /// Why nothing gets in, if that is so.
    pub failure: Option<String>,
}

impl Stream {
    /// Starts it on this arbiter, on the thread of which this must be called. It takes in what is published once this has
    /// been told of.
    pub(super) fn start(
        server: Arc<Server>,
        account: Arc<AccountStreams>,
        arbiter: LocalArbiter,
        found: Found,
        in_force: oneshot::Sender<()>,
    ) -> StreamAddress {
        let Found {
            machine,
            identity,
            index,
            checkpointed,
            is_new,
            failure,
            flush,
        } = found;
        let mailbox = Mailbox::new(
            &arbiter.borrow().shared,
            ConnectionKind::Stream,
            WAITING_AT_MOST,
            WhenFull::Pause,
        );
        let name = identity.name.clone();
        let told_by = (machine.incarnation(), machine.identity().into());
        let context = Context::new();
        let own: Addr<Self> = context.address();
        let figures = Arc::new(StreamFigures::new(machine.config().storage));
        figures.write(&machine);
        let mut stream = Self {
            figures: figures.clone(),
            server,
            account,
            arbiter,
            machine,
            identity,
            mailbox,
            subscriptions: Vec::new(),
            next_number: 1,
            ear: None,
            incoming: Messages::default(),
            held_back: None,
            began_at: index,
            proposed: index,
            durable: index,
            applied: index,
            in_flight: VecDeque::new(),
            bytes_in_flight: 0,
            requests: HashMap::new(),
            next_request: 1,
            in_turn: InTurn::default(),
            questions: VecDeque::new(),
            unfinished: VecDeque::new(),
            unfinished_direct: VecDeque::new(),
            wishes: VecDeque::new(),
            gathering: VecDeque::new(),
            consumers: HashMap::new(),
            changes: Vec::new(),
            is_held_up: false,
            spoken: VecDeque::new(),
            keeping: Keeping::at(checkpointed),
            batches: 0,
            waker: None,
            has_more: false,
            own: own.clone(),
            is_new,
            counted_bytes: 0,
            counted_unwritten: 0,
            has_room: true,
            ailment: None,
            anew: Anew::default(),
            failure,
        };
        let changes = stream.changes_of_interest();
        stream.announce(changes, Some(in_force));
        if let Some(flush) = flush {
            stream.write_again(Unwritten::Flush(flush));
        }
        stream.follow_log();
        context.run(stream);
        StreamAddress::new(own, name, told_by, figures)
    }

    /// Hears what becomes of its entries.
    fn follow_log(&self) {
        if self.is_logged() {
            let follower = Box::new(FollowingStream(self.own.clone()));
            self.server.log.follow(self.identity.group, follower);
        }
    }

    /// It counts for so many bytes more or, below 0, less.
    fn count_bytes(&mut self, bytes: i64) {
        self.counted_bytes += bytes;
        self.account.use_bytes(&self.identity.name, bytes);
    }

    /// Whether its entries go into the log.
    fn is_logged(&self) -> bool {
        self.machine.config().storage == Storage::File
    }

    /// For how many bytes its messages count.
    fn held_bytes(&self) -> i64 {
        i64::try_from(self.machine.held().bytes()).unwrap_or(i64::MAX)
    }

    fn config(&self) -> &StreamConfig {
        self.machine.config()
    }

    /// What it has to subscribe to, and what no longer, to take in what it is configured to.
    fn changes_of_interest(&mut self) -> Vec<Change> {
        let config = self.machine.config();
        let mut wanted: Vec<Wanted> = Vec::new();
        // Nobody publishes to what is a copy.
        if config.mirror.is_none() {
            let subjects = config.subjects.iter();
            wanted.extend(subjects.map(|subject| Wanted {
                subject: Bytes::copy_from_slice(subject.as_bytes()),
                came: Came::Published,
            }));
        }
        let origin = config
            .mirror
            .as_ref()
            .filter(|_| self.machine.answers_for_origin());
        let names = config.allow_direct.then_some(&config.name).into_iter();
        for name in names.chain(origin.map(|origin| &origin.name)) {
            for prefix in self.server.api_prefixes() {
                let direct = format!("{prefix}DIRECT.GET.{name}");
                wanted.push(Wanted {
                    subject: format!("{direct}.>").into(),
                    came: Came::DirectLast,
                });
                wanted.push(Wanted {
                    subject: direct.into(),
                    came: Came::Direct,
                });
            }
        }
        wanted.extend(self.wanted_for_consumers());
        let mut changes = Vec::new();
        self.subscriptions.retain(|there| {
            let is_wanted = wanted.iter().any(|wanted| wanted.subject == there.subject());
            if !is_wanted {
                changes.push(Change::Remove(there.clone()));
            }
            is_wanted
        });
        for Wanted { subject, came } in wanted {
            let mut there = self.subscriptions.iter();
            if there.any(|there| there.subject() == &*subject) {
                continue;
            }
            let number = came.number().unwrap_or(self.next_number);
            let is_direct = matches!(came, Came::Direct | Came::DirectLast);
            let queue = is_direct.then_some(DIRECT_GROUP);
            self.next_number += 1;
            let subscription = self.mailbox.subscription(&subject, queue, number);
            changes.push(Change::Add(subscription.clone()));
            self.subscriptions.push(subscription);
        }
        changes
    }

    /// What those say and ask on who have its consumers.
    fn wanted_for_consumers(&self) -> Vec<Wanted> {
        let name = &self.identity.name;
        let mut wanted = Vec::new();
        // With and without domain and account in front.
        for scope in ["", "*.*."] {
            wanted.push(Wanted {
                subject: format!("$JS.ACK.{scope}{name}.>").into(),
                came: Came::Acknowledgement,
            });
            wanted.push(Wanted {
                subject: format!("$JS.FC.{scope}{name}.>").into(),
                came: Came::Flow,
            });
        }
        wanted
    }

    /// Subscribes to what it has to, and to nothing else, as soon as something is answered.
    fn changes_of_interest_follow(&mut self) {
        let changes = self.changes_of_interest();
        self.changes.extend(changes);
    }

    /// Has changes of interest be in force; who waits for that is told.
    fn announce(&self, changes: Vec<Change>, in_force: Option<oneshot::Sender<()>>) {
        if changes.is_empty() {
            if let Some(in_force) = in_force {
                // Who waits may have gone.
                let _ = in_force.send(());
            }
            return;
        }
        let announce = Announce {
            account: self.account.routed.account.id(),
            changes,
            announcer: in_force.map(Announcer::Waiting),
        };
        tell(&self.account.routed.router, announce);
    }

    /// Nobody is to reach it any more.
    fn withdraw(&mut self) {
        let mut ended = std::mem::take(&mut self.subscriptions);
        for reached in std::mem::take(&mut self.consumers).into_values() {
            ended.extend(reached.asked);
        }
        let heard = self.ear.take().map(|ear| ear.into_subscriptions());
        let ended = ended.into_iter().chain(heard.into_iter().flatten());
        self.announce(ended.map(Change::Remove).collect(), None);
    }

    /// Has its consumers, and what it has of others, begin.
    fn begin_work(&mut self) {
        let (account, domain) = (self.identity.account.clone(), self.server.domain.clone());
        self.around(|machine, around| {
            machine.begin_consumers(around);
            machine.begin_sourcing(around, &account, &domain);
        });
    }

    /// Has it be told when somebody begins to listen where a consumer pushes to, or no longer does.
    fn watch_listeners(&self, name: &str, subject: Bytes) -> Arc<ListenersWatch> {
        let watcher = self.own.clone().recipient();
        let watch = Arc::new(ListenersWatch::new(subject, name.to_owned(), watcher));
        tell(&self.account.routed.router, WatchListeners(watch.clone()));
        watch
    }

    /// Has what waits be looked at again.
    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}

impl Actor for Stream {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        match self.failure.take() {
            Some(failure) => self.lose(&failure),
            None => drop(self.guarded(|stream| {
                stream.count_bytes(stream.held_bytes());
                stream.begin_work();
                stream.propose();
            })),
        }
        if self.is_new {
            self.tell_of_event(telling::StreamEvent::Created);
        }
        context.spawn(Carrier::default());
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (account, name) = (&self.identity.account, &self.identity.name);
            log::error!("JetStream: stream '{account} > {name}' has panicked");
        }
        self.withdraw();
    }
}

/// What the Log has to tell a stream.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
enum OfLog {
    Durable(u64),
    Failed(Arc<WalError>),
    Healed(bool),
    HasRoom(bool),
    Checkpoint,
}

/// Tells a stream what becomes of its entries.
struct FollowingStream(Addr<Stream>);

impl Follower for FollowingStream {
    fn durable(&self, index: u64) {
        tell(&self.0, OfLog::Durable(index));
    }

    fn failed(&self, error: &Arc<WalError>) {
        tell(&self.0, OfLog::Failed(error.clone()));
    }

    fn healed(&self, is_in_doubt: bool) {
        tell(&self.0, OfLog::Healed(is_in_doubt));
    }

    fn has_room(&self, has_room: bool) {
        tell(&self.0, OfLog::HasRoom(has_room));
    }

    fn checkpoint(&self) {
        tell(&self.0, OfLog::Checkpoint);
    }
}

impl Handler<OfLog> for Stream {
    type Result = ();

    fn handle(&mut self, of_log: OfLog, _: &mut Context<Self>) {
        self.guarded(|stream| {
            match of_log {
                OfLog::Durable(index) => stream.committed(index),
                OfLog::Failed(error) => stream.log_has_failed(&error),
                OfLog::Healed(is_in_doubt) => stream.log_has_healed(is_in_doubt),
                OfLog::HasRoom(has_room) => stream.has_room = has_room,
                OfLog::Checkpoint => stream.keeping.wants_checkpoint = true,
            }
            stream.keep();
        });
        self.wake();
    }
}

impl Handler<ListenersChanged> for Stream {
    type Result = ();

    fn handle(&mut self, ListenersChanged { name }: ListenersChanged, _: &mut Context<Self>) {
        let reached = self.consumers.get(&name);
        let Some(watch) = reached.and_then(|reached| reached.watch.as_ref()) else {
            return;
        };
        watch.looks();
        let is_bound = self
            .account
            .routed
            .account
            .interest()
            .reaches_anybody(watch.subject());
        self.guarded(|stream| {
            stream.around(|machine, around| machine.set_bound(around, &name, is_bound));
            stream.propose();
        });
        self.wake();
    }
}

impl Handler<Observe<StreamActorState>> for Stream {
    type Result = MessageResult<Observe<StreamActorState>>;

    fn handle(&mut self, _: Observe<StreamActorState>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(StreamActorState {
            account: self.identity.account.clone(),
            name: self.identity.name.clone(),
            messages: self.machine.held().count(),
            last_sequence: self.machine.last_sequence(),
            applied: self.applied,
            bytes_in_flight: self.bytes_in_flight,
            waiting: self.in_turn.len() + self.questions.len() + self.unfinished.len(),
            failure: self.ailment.as_ref().map(|ailment| ailment.error.to_string()),
        })
    }
}
