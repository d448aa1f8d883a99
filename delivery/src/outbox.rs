//! What everyone else knows of a connection: a bounded place to leave encoded bytes.
//!
//! Publishers on any arbiter push chunks under a short lock and, where that pays, write them to the
//! socket themselves. The lock is never held over a system call, and there is one writer at a time.

mod backlog;
mod batch;
mod flushing;
mod notices;
mod party;
mod patience;
mod queue;
mod shown;
mod slots;
mod way;
mod ways_back;

pub use batch::{Batch, Written};
pub use flushing::Flushed;
pub use notices::Notices;
pub use party::Party;
pub(crate) use party::request_info;
pub use shown::ShownDeliveries;
pub use slots::{Slot, Slots};
pub(crate) use way::Traits;
pub use way::WhenFull;

use crate::moment::Moment;
use bytes::Bytes;
use parking_lot::Mutex;
use queue::Queue;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use vagus_auth::permission::ResponsePermission;
use vagus_auth::responses::{self, Responses};
use vagus_protocol::error::CloseReason;
use vagus_protocol::gateway::ReplyPrefix;
use vagus_protocol::neutral;
use vagus_protocol::routed::PeerLine;
use vagus_routing::{ConnectionId, ConnectionKind, Destination, LeafCluster, Outlet, Subscription};
use way::{Owner, Way};
use ways_back::WaysBack;

/// How much of what is given up is freed at once: chunks and bytes.
const GIVEN_UP_AT_ONCE: (usize, usize) = (1024, 1024 * 1024);

/// A subscription of a connection.
pub type ConnectionSubscription = Subscription<Arc<Outbox>>;

/// The bounded queue of bytes of one connection, and its socket's write side.
#[derive(Debug)]
pub struct Outbox {
    slot: Slot,
    connection_id: ConnectionId,
    arbiter: u32,
    /// The number of its kind.
    kind: AtomicU8,
    way: Way,
    traits: Traits,
    /// What may wait here, in bytes; the owner sets it anew where that is configured.
    max_pending: AtomicUsize,
    answers: Mutex<Option<Box<Answers>>>,
    /// Left by others, taken by the owner.
    notices: AtomicU8,
    queue: Mutex<Queue>,
    shown: Mutex<Shown>,
}

/// What traces and the log say of the connection: both under one lock, as few ask for them and each connection pays for
/// the room.
#[derive(Debug, Default)]
struct Shown {
    /// What the peer calls itself.
    name: Option<Arc<str>>,
    /// What few have, in one word.
    more: Option<Box<ShownToFew>>,
}

#[derive(Debug, Default)]
struct ShownToFew {
    /// Only where deliveries are logged.
    deliveries: Option<ShownDeliveries>,
    /// Only where other accounts are told.
    party: Option<Arc<Party>>,
    /// That of a leaf node, and its name.
    leaf_cluster: LeafCluster,
    leaf_cluster_name: Arc<[u8]>,
    /// How long a round trip to a server of another cluster takes, in microseconds.
    round_trip: u32,
}

impl Shown {
    fn deliveries(&self) -> Option<&ShownDeliveries> {
        self.more.as_ref()?.deliveries.as_ref()
    }

    fn party(&self) -> Option<&Arc<Party>> {
        self.more.as_ref()?.party.as_ref()
    }
}

/// The answers of a connection to requests that were delivered to it.
#[derive(Debug, Default)]
struct Answers {
    /// Those that it may give though it may not publish there, by a clock of their own.
    permitted: Option<(Instant, Responses)>,
    /// Where they go, as far as that is not where they are wanted.
    ways_back: WaysBack,
}

/// What a push came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pushed {
    /// Nobody is going to write what was pushed unless the caller sees to it.
    pub unattended: bool,
    /// So much waits for this connection that its publisher should pause for so long.
    pub pause: Option<Duration>,
}

impl Outbox {
    /// Without a socket nobody but the owner writes.
    pub fn new(
        slot: Slot,
        connection_id: ConnectionId,
        arbiter: usize,
        max_pending: usize,
        socket: Option<Arc<TcpStream>>,
    ) -> Self {
        Self {
            slot,
            connection_id,
            arbiter: u32::try_from(arbiter).unwrap_or(u32::MAX),
            kind: AtomicU8::new(ConnectionKind::Client.number()),
            way: Way::Client,
            traits: Traits::new(Traits::NO_HEADERS),
            max_pending: AtomicUsize::new(max_pending),
            answers: Mutex::new(None),
            notices: AtomicU8::new(0),
            queue: Mutex::new(Queue::new(socket)),
            shown: Mutex::default(),
        }
    }

    /// The same, for a part of the server that takes messages in no peer's language. It takes headers.
    #[must_use]
    pub(crate) fn for_owner(self, kind: ConnectionKind, when_full: WhenFull) -> Self {
        Self {
            kind: AtomicU8::new(kind.number()),
            way: Way::Owner(Owner::new(when_full)),
            traits: Traits::new(Traits::NO_CLIENT),
            ..self
        }
    }

    /// The same, for another server, which reads such lines.
    #[must_use]
    pub fn for_peer(self, kind: ConnectionKind, line: PeerLine) -> Self {
        Self {
            kind: AtomicU8::new(kind.number()),
            way: Way::Peer(line),
            traits: Traits::new(Traits::NO_CLIENT | Traits::NO_HEADERS),
            ..self
        }
    }

    /// The same, for what goes on in another account. It takes headers.
    #[must_use]
    pub(crate) fn for_account(self) -> Self {
        Self {
            kind: AtomicU8::new(ConnectionKind::Service.number()),
            way: Way::Account,
            traits: Traits::new(Traits::NO_CLIENT),
            ..self
        }
    }

    /// What publishers have to know of it for each message.
    #[inline]
    pub(crate) fn traits(&self) -> &Traits {
        &self.traits
    }

    /// The lines that a peer reads; None for others.
    pub(crate) fn peer_line(&self) -> Option<PeerLine> {
        match &self.way {
            Way::Peer(PeerLine::WithAccount) if self.traits.have(Traits::OF_ONE_ACCOUNT) => {
                Some(PeerLine::OfOneAccount)
            }
            Way::Peer(line) => Some(*line),
            Way::Client | Way::Owner(_) | Way::Account => None,
        }
    }

    /// The peer is another server, and the connection carries one account alone: messages do not say which.
    pub fn carry_one_account(&self) {
        self.traits.set(Traits::OF_ONE_ACCOUNT, true);
    }

    /// The peer is one end of a link between a leaf node and its hub: this one, of the cluster of this name. Before it has
    /// subscribed to anything.
    pub fn take_role(&self, kind: ConnectionKind, cluster_name: &[u8]) {
        self.kind.store(kind.number(), Ordering::Relaxed);
        let cluster = LeafCluster::named(cluster_name);
        if cluster != LeafCluster::NONE {
            let mut shown = self.shown.lock();
            let more = shown.more.get_or_insert_default();
            more.leaf_cluster = cluster;
            more.leaf_cluster_name = cluster_name.into();
        }
    }

    /// The name of the cluster of the leaf node that it is; empty for everything else.
    pub fn leaf_cluster_name(&self) -> Arc<[u8]> {
        let shown = self.shown.lock();
        let more = shown.more.as_ref();
        more.map_or_else(Arc::default, |more| more.leaf_cluster_name.clone())
    }

    /// The peer is another server, which traces messages, too.
    pub fn set_traces(&self) {
        self.traits.set(Traits::TRACES, true);
    }

    /// Whether the peer is a server that traces messages.
    pub(crate) fn traces(&self) -> bool {
        self.traits.have(Traits::TRACES)
    }

    /// What becomes of what there is no room for.
    pub(crate) fn when_full(&self) -> WhenFull {
        match &self.way {
            Way::Owner(owner) => owner.when_full,
            Way::Client | Way::Peer(_) | Way::Account => WhenFull::CutOff,
        }
    }

    /// Whether its owner may ask others within the server about what was published before: all but those that publishers
    /// wait for, which are asked.
    #[inline]
    pub(crate) fn may_ask_others(&self) -> bool {
        matches!(&self.way, Way::Owner(owner) if owner.when_full != WhenFull::Pause)
    }

    /// Whether messages are refused for now.
    #[inline]
    pub(crate) fn refuses(&self) -> bool {
        self.traits.have(Traits::FULL) && self.when_full() == WhenFull::Refuse
    }

    /// Whether those who publish have to wait, as there is no room.
    pub(crate) fn has_publishers_wait(&self) -> bool {
        self.traits.have(Traits::FULL) && !self.is_closed() && self.when_full() == WhenFull::Pause
    }

    /// Messages have been refused, or had to make room.
    pub(crate) fn count_refused(&self, messages: u64) {
        if let Way::Owner(owner) = &self.way {
            owner.lost.fetch_add(messages, Ordering::Relaxed);
        }
    }

    /// How many messages the owner had no room for: refused ones, and those that had to make room for others.
    pub fn lost(&self) -> u64 {
        match &self.way {
            Way::Owner(owner) => owner.lost.load(Ordering::Relaxed),
            Way::Client | Way::Peer(_) | Way::Account => 0,
        }
    }

    /// Where publishers keep what they have encoded for this connection: dense and small.
    pub(crate) fn slot(&self) -> usize {
        self.slot.index()
    }

    /// The arbiter that carries the owner.
    pub(crate) fn arbiter(&self) -> usize {
        self.arbiter as usize
    }

    /// Whether nothing more can be delivered here. A queue group then passes on to another member.
    pub fn is_closed(&self) -> bool {
        self.traits.have(Traits::CLOSED)
    }

    /// What the peer calls itself, if it does.
    pub(crate) fn name(&self) -> Option<Arc<str>> {
        self.shown.lock().name.clone()
    }

    /// This is what the peer calls itself from now on; nothing is no name.
    pub fn set_name(&self, name: &str) {
        self.shown.lock().name = (!name.is_empty()).then(|| name.into());
    }

    /// Whether messages are delivered with their headers from now on.
    pub fn set_accepts_headers(&self, accepts: bool) {
        self.traits.set(Traits::NO_HEADERS, !accepts);
    }

    /// Lets the owner answer requests that are delivered to it from now on. True if that makes a difference to how
    /// messages are delivered.
    pub fn set_response_permission(&self, permission: Option<ResponsePermission>) -> bool {
        let records = permission.is_some();
        let permitted = permission.map(|permission| {
            let responses = Responses::new(permission, responses::DEFAULT_LIMIT);
            (Instant::now(), responses)
        });
        let mut answers = self.answers.lock();
        if permitted.is_some() || answers.is_some() {
            answers.get_or_insert_default().permitted = permitted;
        }
        drop(answers);
        self.traits.set(Traits::RECORDS_REQUESTS, records) != records
    }

    pub(crate) fn records_requests(&self) -> bool {
        self.traits.have(Traits::RECORDS_REQUESTS)
    }

    /// A request is delivered: its reply subject is one the owner may publish on.
    pub(crate) fn record_request(&self, reply: &[u8], now: Instant) {
        if let Some((since, responses)) = &mut self.answers.lock().get_or_insert_default().permitted {
            responses.record(reply, now.saturating_duration_since(*since));
        }
    }

    /// Whether the owner may publish an answer on this subject; counts it if so.
    pub fn answers_request(&self, subject: &[u8], now: Instant) -> bool {
        let mut answers = self.answers.lock();
        let permitted = answers.as_mut().and_then(|answers| answers.permitted.as_mut());
        permitted.is_some_and(|(since, responses)| {
            responses.answer(subject, now.saturating_duration_since(*since))
        })
    }

    /// A request is delivered whose reply, as it is shown, leads back by itself.
    pub(crate) fn record_way_back(&self, reply: &[u8], prefix: ReplyPrefix, now: Moment) {
        let mut answers = self.answers.lock();
        let ways_back = &mut answers.get_or_insert_default().ways_back;
        ways_back.record(reply, prefix, now);
        self.traits.set(Traits::HAS_WAYS_BACK, true);
    }

    /// Whether there may be replies that lead back.
    #[inline]
    pub fn has_ways_back(&self) -> bool {
        self.traits.have(Traits::HAS_WAYS_BACK)
    }

    /// The subject on which an answer leads back, if it does.
    pub fn way_back(&self, subject: &[u8], now: Instant) -> Option<Vec<u8>> {
        let mut answers = self.answers.lock();
        let ways_back = &mut answers.as_mut()?.ways_back;
        let found = ways_back.find(subject, Moment::of(now));
        if ways_back.is_empty() {
            self.traits.set(Traits::HAS_WAYS_BACK, false);
        }
        found
    }

    /// How far off it is, beside others of its kind: of servers of other clusters, in microseconds.
    pub(crate) fn round_trip(&self) -> u32 {
        let shown = self.shown.lock();
        shown.more.as_ref().map_or(0, |more| more.round_trip)
    }

    /// Appends the chunks of one batch. Past `max_pending` a connection is a slow consumer: it is cut off and its owner
    /// told. The owner of a mailbox has said what happens then.
    pub fn push(&self, chunks: &mut Vec<Bytes>, messages: u64, payload: u64, now: Moment) -> Pushed {
        let mut queue = self.queue.lock();
        if queue.is_closed() {
            drop(queue);
            chunks.clear();
            return Pushed::default();
        }
        let pending = queue.append(chunks, messages, payload, now);
        let max_pending = self.max_pending.load(Ordering::Relaxed);
        let when_full = self.when_full();
        let mut dropped = Vec::new();
        if pending > max_pending {
            match when_full {
                WhenFull::CutOff => {
                    self.traits.set(Traits::CLOSED, true);
                    queue.close(CloseReason::SlowConsumerPendingBytes);
                    let owner = queue.owner();
                    drop(queue);
                    wake(owner);
                    return Pushed::default();
                }
                WhenFull::DropOldest => dropped = queue.drop_oldest(max_pending),
                WhenFull::Pause | WhenFull::Refuse => {
                    self.traits.set(Traits::FULL, true);
                }
            }
        }
        let pauses = matches!(when_full, WhenFull::CutOff | WhenFull::Pause);
        let pushed = Pushed {
            pause: pauses.then(|| queue.pause(now, max_pending)).flatten(),
            unattended: queue.claim_attention(),
        };
        drop(queue);
        self.count_dropped(dropped);
        pushed
    }

    /// Says something to the peer, from any arbiter: whole lines of its language.
    pub fn say(&self, line: Bytes, now: Moment) {
        self.push(&mut vec![line], 0, 0, now);
        self.wake_owner();
    }

    fn count_dropped(&self, dropped: Vec<Bytes>) {
        if !dropped.is_empty() {
            let messages: usize = dropped.iter().map(|chunk| neutral::count(chunk)).sum();
            self.count_refused(messages as u64);
        }
    }

    /// Frees a piece of what waits, once the connection is over; false when nothing is left.
    pub fn give_up(&self) -> bool {
        self.traits.set(Traits::CLOSED, true);
        let mut queue = self.queue.lock();
        queue.close(CloseReason::ClientClosed);
        let given_up = queue.give_up(GIVEN_UP_AT_ONCE.0, GIVEN_UP_AT_ONCE.1);
        drop(queue);
        !given_up.is_empty()
    }

    /// Wakes the owner, which writes what waits and looks at what changed.
    pub(crate) fn wake_owner(&self) {
        let owner = self.queue.lock().owner();
        wake(owner);
    }

    /// Called by the owner whenever it is polled, so that others can wake it.
    pub fn attend(&self, waker: &Waker) -> Attention {
        let mut queue = self.queue.lock();
        queue.set_owner(waker);
        Attention {
            closed: queue.close_reason(),
            dismissed: queue.dismissal(),
            exhausted: queue.take_exhausted(),
            notices: Notices::from_bits(self.notices.swap(0, Ordering::Relaxed)),
        }
    }

    /// Asks the owner to close the connection once what waits for it is written, from any arbiter.
    pub fn dismiss(&self, reason: CloseReason) {
        let mut queue = self.queue.lock();
        queue.dismiss(reason);
        let owner = queue.owner();
        drop(queue);
        wake(owner);
    }

    /// Has the owner's session go by what the server is set to now, from any arbiter.
    pub fn tell_settings_changed(&self) {
        self.notify(Notices::SETTINGS);
    }

    /// Asks the owner to close the connection at once, from any arbiter: what waits for it is given up.
    pub fn close(&self, reason: CloseReason) {
        self.traits.set(Traits::CLOSED, true);
        let mut queue = self.queue.lock();
        queue.close(reason);
        let owner = queue.owner();
        drop(queue);
        wake(owner);
    }

    /// Why it was closed.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.queue.lock().close_reason()
    }

    /// The owner is gone: nothing held for the peer outlives it, though others still know this outbox.
    pub fn retire(&self) {
        self.traits.set(Traits::CLOSED, true);
        let left = self.queue.lock().retire();
        drop(left);
    }

    /// A subscription has had its last message: its owner removes it.
    pub(crate) fn report_exhausted(&self, subscription: Arc<ConnectionSubscription>) {
        let mut queue = self.queue.lock();
        queue.add_exhausted(subscription);
        let owner = queue.owner();
        drop(queue);
        wake(owner);
    }

    /// Leaves the owner a notice, from any arbiter.
    pub fn notify(&self, notice: Notices) {
        self.notices.fetch_or(notice.bits(), Ordering::Relaxed);
        self.wake_owner();
    }

    /// From now on this much may wait here, in bytes.
    pub fn set_max_pending(&self, bytes: usize) {
        self.max_pending.store(bytes, Ordering::Relaxed);
    }

    /// What has been handed over to this connection, and what of it still waits.
    pub fn traffic(&self) -> OutboundTraffic {
        self.queue.lock().traffic()
    }
}

/// What an owner finds when it looks at its outbox.
#[derive(Debug)]
pub struct Attention {
    /// Why it was closed, if it was.
    pub closed: Option<CloseReason>,
    /// Why the connection is to end once what waits for it is written.
    pub dismissed: Option<CloseReason>,
    /// Subscriptions that have had their last message.
    pub exhausted: Vec<Arc<ConnectionSubscription>>,
    /// What others have told it.
    pub notices: Notices,
}

/// Counters of what was handed over to one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboundTraffic {
    /// Messages handed over.
    pub messages: u64,
    /// Their headers and payloads, in bytes.
    pub payload: u64,
    /// How often publishers were asked to pause for it.
    pub stalls: u32,
    /// When messages were last handed over.
    pub active: Moment,
    /// Bytes that wait for the socket.
    pub pending: usize,
    /// Bytes the socket has taken since the connection began: tells progress from a stuck peer.
    pub written: u64,
}

fn wake(owner: Option<Waker>) {
    if let Some(owner) = owner {
        owner.wake();
    }
}

impl Destination for Outbox {
    fn connection_id(&self) -> ConnectionId {
        self.connection_id
    }

    fn accepts_headers(&self) -> bool {
        !self.traits.have(Traits::NO_HEADERS)
    }

    fn looks_at_each(&self) -> bool {
        self.records_requests()
    }

    fn kind(&self) -> ConnectionKind {
        ConnectionKind::from_number(self.kind.load(Ordering::Relaxed))
    }

    fn leaf_cluster(&self) -> LeafCluster {
        let shown = self.shown.lock();
        shown
            .more
            .as_ref()
            .map_or(LeafCluster::NONE, |more| more.leaf_cluster)
    }

    fn outlet(&self) -> Outlet {
        match &self.way {
            Way::Client => Outlet::Client,
            Way::Owner(_) => Outlet::Mailbox,
            Way::Peer(_) => Outlet::Peer,
            Way::Account => Outlet::Account,
        }
    }
}

#[cfg(test)]
mod tests;
