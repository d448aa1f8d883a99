//! What a connection's language decides, apart from sockets and actors.

use crate::impact::ConnectionImpact;
use crate::observed::ClientInfo;
use crate::router::InterestChange;
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use vagus_accounts::TraceDefinition;
use vagus_auth::permission::{Filter, ResponsePermission};
use vagus_delivery::Account;
use vagus_delivery::arbiter::{OwnMessage, Repeats, Trace};
use vagus_delivery::dialer::OutcomeSender;
use vagus_delivery::outbox::{Outbox, Party, ShownDeliveries};
use vagus_delivery::subscriptions::Subscribed;
use vagus_delivery::wire::NewLayer;
use vagus_protocol::error::CloseReason;
use vagus_protocol::operation::Publish;
use vagus_protocol::routed::PeerLine;
pub use vagus_routing::ANTICIPATED;
use vagus_routing::{ConnectionId, ConnectionKind, ToldOfLeafNodes};

/// The state machine of one peer's language. Bytes and time come in; it calls the methods of the turn.
///
/// It does no I/O, keeps no clock and needs no runtime, so it is tested as text.
pub trait Session: Sized + Unpin + 'static {
    /// What slow work of the session comes to.
    type Answer: Send + Unpin + 'static;

    /// Whether a peer that was dialled is who was looked for as soon as it is connected. If not, the session
    /// [says when](Turn::establish), and until then the attempt to reach it can still fail.
    const ESTABLISHED_AT_ONCE: bool = true;

    /// Takes every complete frame at the start of `input`.
    fn receive<T: Turn>(&mut self, input: &[u8], turn: &mut T) -> Progress;

    /// The peer sends, though nothing of it can be taken yet: a large frame comes in, or what came before is under way.
    fn heard(&mut self, now: Instant) {
        let _ = now;
    }

    /// What the server is set to has changed: it goes by the new settings from now on.
    fn settings_changed<T: Turn>(&mut self, turn: &mut T);

    /// What would become of it and of its subscriptions with these settings, if they are of a kind that it knows.
    fn impact_of(&self, settings: &(dyn Any + Send + Sync), interest: &[Subscribed]) -> ConnectionImpact {
        let _ = (settings, interest);
        ConnectionImpact::default()
    }

    /// There may be fewer connections now than there are, and this one has to go.
    fn no_room<T: Turn>(&mut self, turn: &mut T);

    /// The peer is to look for another server, though this one stays. By default it is not told.
    fn lame_duck<T: Turn>(&mut self, turn: &mut T) {
        let _ = turn;
    }

    /// The moment it last asked for has come.
    fn time<T: Turn>(&mut self, turn: &mut T);

    /// Work that has to be done before the session can go on with its input, and that takes long: asked for after
    /// each [`Session::receive`]. It returned [`Progress::Waiting`] if there is some.
    fn slow_work(&mut self) -> Option<SlowTask<Self::Answer>>;

    /// What has to be waited for before the session can go on with its input, and is not done here: asked for as
    /// [`Session::slow_work`] is, after it. It has an end.
    fn awaited(&mut self) -> Option<Awaited<Self::Answer>> {
        None
    }

    /// The slow work is done, or what was awaited has come; None if there was no place for it.
    fn answered<T: Turn>(&mut self, answer: Option<Self::Answer>, turn: &mut T);

    /// What connections are interested in that are in one of the accounts it [watches](Turn::watch_interest), as it is by
    /// now. What was said before about the same is over. None of what concerns the peer itself is among it.
    fn interest_changed<'a, T: Turn>(
        &mut self,
        account: &str,
        changes: impl Iterator<Item = InterestChange<'a>>,
        turn: &mut T,
    ) {
        let _ = (account, changes.count(), turn);
    }

    /// All that others were interested in in an account, when it began to watch, has been told.
    fn interest_told<T: Turn>(&mut self, account: &str, turn: &mut T) {
        let _ = (account, turn);
    }

    /// Nothing more is told of an account: it is gone, or is not [told of](Self::is_told_of) any more.
    fn interest_ended(&mut self, account: &str) {
        let _ = account;
    }

    /// Whether it is to be told what others are interested in in this account, once it [watches](Turn::watch_interest).
    fn is_told_of(&self, account: &str) -> bool {
        let _ = account;
        true
    }

    /// There is an account, which the peer may have spoken of when there was none. False if there is more to do about that:
    /// then it is called again in a later turn, before anything else that the peer says. Only where it watches interest.
    fn account_came<T: Turn>(&mut self, account: &str, turn: &mut T) -> bool {
        let _ = (account, turn);
        true
    }

    /// There is an account no more, and so a subscription in it has ended.
    fn subscription_lost(&mut self, account: &str, sid: &[u8]) {
        let _ = (account, sid);
    }

    /// When it next wants to be told the time.
    fn deadline(&self) -> Option<Instant>;

    /// The time from a question to the peer to its answer, if that was measured.
    fn round_trip(&self) -> Option<Duration>;

    /// What is at the other end if that is a server, and in which lines it is sent messages. Does not change, but where a leaf
    /// node [says what it is](Turn::take_role).
    fn server(&self) -> Option<(ConnectionKind, PeerLine)> {
        None
    }

    /// How the log calls connections of this kind. Does not change.
    fn names(&self) -> ConnectionNames {
        ConnectionNames::CLIENTS
    }

    /// Who is at the other end.
    fn peer(&self) -> SocketAddr;

    /// The client's address as a proxy gives it (`X-Forwarded-For`). It is logged, and decides nothing.
    fn forwarded_for(&self) -> Option<IpAddr> {
        None
    }

    /// Writes what follows the peer's address and number in the log, if anything.
    fn write_names(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result;

    /// How the peer calls itself, for logs and monitoring.
    fn client_info(&self) -> ClientInfo;
}

/// Writes what a line of the log about a connection begins with: the address of its peer, and its number.
///
/// # Errors
/// When it cannot be written.
pub fn write_number(session: &impl Session, id: ConnectionId, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match session.forwarded_for() {
        Some(IpAddr::V6(ip)) => write!(out, "[{ip}]/")?,
        Some(ip) => write!(out, "{ip}/")?,
        None => {}
    }
    write!(out, "{} - {}:{id}", session.peer(), session.names().number)
}

/// How the log calls the connections of a language.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionNames {
    /// When they begin.
    pub created: &'static str,
    /// When they end.
    pub closed: &'static str,
    /// What stands before their numbers.
    pub number: &'static str,
    /// How much it matters.
    pub level: log::Level,
}

impl ConnectionNames {
    /// Those of clients.
    pub const CLIENTS: Self = Self {
        created: "Client connection created",
        closed: "Client connection closed",
        number: "cid",
        level: log::Level::Debug,
    };
}

/// Work for another thread.
pub type SlowTask<A> = Box<dyn FnOnce() -> A + Send>;

/// What comes in its own time.
pub struct Awaited<A>(Pin<Box<dyn Future<Output = A> + Send>>);

impl<A> Awaited<A> {
    /// What this comes to.
    pub fn new(future: impl Future<Output = A> + Send + 'static) -> Self {
        Self(Box::pin(future))
    }
}

impl<A> Future for Awaited<A> {
    type Output = A;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<A> {
        self.0.as_mut().poll(task)
    }
}

impl<A> fmt::Debug for Awaited<A> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Awaited").finish_non_exhaustive()
    }
}

/// How far a session came with its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Everything up to `consumed` is done; the rest is the beginning of a frame.
    Taken {
        /// Bytes that are done with.
        consumed: usize,
        /// The length of the frame that has begun, if it is known already, else 0.
        frame_length: usize,
    },
    /// The rest has to wait until the interest that was announced is in force, or slow work is done.
    Waiting {
        /// Bytes that are done with.
        consumed: usize,
    },
    /// The turn has done as much as it may: the session gets the rest again once others had their turn.
    Yielded {
        /// Bytes that are done with.
        consumed: usize,
    },
}

/// What a session may do while it is given input or time.
pub trait Turn {
    /// The time at the start of the turn.
    fn now(&self) -> Instant;

    /// Admits the connection: from now on it publishes and subscribes in this account. What it is subscribed to in another
    /// ends. Before it is bound to one it does neither. False if there are as many in the account as may be there, and if
    /// that has become so for one that was bound to it before.
    #[must_use]
    fn bind(&mut self, account: &Arc<Account>) -> bool;

    /// Whether the turn goes on with this message, or with any other operation. If not, nothing more is to be
    /// published in it: the session returns [`Progress::Yielded`], and asks about the same message in a later turn.
    ///
    /// Only about a message that is going to be published, and not while [`Turn::interest_pending`]: its subject is
    /// resolved, which may take several turns.
    fn goes_on(&mut self, message: Option<&Publish<'_>>, echo: bool) -> bool;

    /// Delivers a message to everybody who is interested; false if nobody took it. Unless `echo`, the
    /// connection itself is left out.
    ///
    /// Not while [`Turn::interest_pending`]: a connection's own subscriptions come first. Where more are interested
    /// than one turn may deliver to, the rest follows in the next turns, before anything else of this connection; it
    /// is true then.
    fn publish(&mut self, message: &Publish<'_>, echo: bool) -> bool;

    /// Delivers a message if the turn [goes on](Turn::goes_on) with it, as [`Turn::publish`] does; None if it does not.
    fn publish_next(&mut self, message: &Publish<'_>, echo: bool) -> Option<bool> {
        self.goes_on(Some(message), echo)
            .then(|| self.publish(message, echo))
    }

    /// The same for a message that finds its way by the subject `to` and shows the one that it has.
    fn publish_next_under_another_subject(&mut self, to: &[u8], message: &Publish<'_>) -> Option<bool>;

    /// Delivers a message as [`Turn::publish`] does, if the trace has it delivered, and tells the trace of each
    /// subscription that it comes to. The event that comes of it is delivered as by [`Turn::answer`].
    ///
    /// Not while [`Turn::interest_pending`], and not before [`Turn::goes_on`] was asked about something else than this
    /// message.
    fn publish_traced(&mut self, message: &Publish<'_>, echo: bool, trace: Box<dyn Trace>) -> bool;

    /// Delivers the event of a message that goes nowhere, as by [`Turn::answer`].
    fn publish_event(&mut self, trace: Box<dyn Trace>);

    /// Delivers a message of the server's own, to everybody who is interested; it does not count as received. What the
    /// turn cannot do of it follows in the next, before anything else of this connection.
    ///
    /// Not while [`Turn::interest_pending`].
    fn answer(&mut self, message: OwnMessage);

    /// A message of so many bytes is not delivered to anybody. It counts as received all the same.
    fn withhold(&mut self, payload: usize);

    /// Counts work that the session has done, in units of about a short copy, as the turn's.
    fn charge(&mut self, work: usize);

    /// Messages on these subjects are about to be published: at most [`ANTICIPATED`] of them count. Nothing but
    /// speed depends on it.
    fn anticipate(&mut self, subjects: &[&[u8]]);

    /// How many messages that repeat the control line of the last one that went through [`Turn::publish`] may go
    /// through [`Turn::publish_again`] in this turn. `tail` is the length of what is behind the subject, in bytes.
    fn may_publish_again(&self, tail: usize) -> usize;

    /// Delivers messages that repeat the control line of the last published one: no more than
    /// [`Turn::may_publish_again`] allows.
    fn publish_again(&mut self, repeats: &Repeats<'_>);

    /// Announces interest. A sid that is in use already stays as it is. What `except` denies is not delivered.
    fn subscribe(&mut self, subject: &[u8], queue: Option<&[u8]>, sid: &[u8], except: Option<Filter>);

    /// Whether this sid is in use.
    fn is_subscribed(&self, sid: &[u8]) -> bool;

    /// Ends interest: at once, or once `max` messages have been delivered since it began.
    fn unsubscribe(&mut self, sid: &[u8], max: Option<u64>);

    /// Ends all interest at once.
    fn unsubscribe_all(&mut self);

    /// All subscriptions of the connection, in the order of their sids. It takes long: not for every message.
    fn all_interest(&self) -> Vec<Subscribed>;

    /// From now on what `except` denies is not delivered to this subscription, and everything else is.
    fn except(&mut self, sid: &[u8], except: Option<Filter>);

    /// How many subscriptions the connection has.
    fn subscriptions(&self) -> usize;

    /// Whether interest that was announced or ended is not in force yet.
    fn interest_pending(&self) -> bool;

    /// The sid of this connection's own plain subscription to a subject.
    fn own_plain_sid(&mut self, subject: &[u8]) -> Option<Box<[u8]>>;

    /// Says something to the peer, behind everything that was delivered and said to it before, and after the
    /// interest it announced is in force.
    fn reply(&mut self, bytes: &[u8]);

    /// Whether the connection may answer requests that are delivered to it on subjects it may not publish on
    /// otherwise.
    fn may_answer_requests(&mut self, permission: Option<ResponsePermission>);

    /// Whether this subject is that of an answer the connection still may give; counts it if so.
    fn answers_request(&mut self, subject: &[u8]) -> bool;

    /// Whether messages are delivered to this connection with their headers.
    fn accept_headers(&mut self, accept: bool);

    /// The peer has said who it is, and is in: who wants to know is told once the turn is over.
    fn introduce(&mut self);

    /// This is what the peer calls itself, to those who ask whose a subscription is; nothing is no name.
    fn set_name(&mut self, name: &str);

    /// Says who is at the other end, where [other accounts are told](Account::tells_of_clients).
    fn set_party(&mut self, party: Party);

    /// Says how long a round trip to the peer takes.
    fn set_round_trip(&mut self, round_trip: Duration);

    /// This is how the log shows deliveries to this connection, as long as it shows any.
    fn show_deliveries(&mut self, shown: ShownDeliveries);

    /// Puts a layer on the wire, behind what was said so far: what is said later goes through it. What the peer has sent
    /// that the session has not taken, when it returns [`Progress::Waiting`] now, is the first that the layer reads.
    ///
    /// Only before anything can be delivered to the connection, not while [`Turn::interest_pending`], and not in a turn that
    /// closes the connection.
    fn put_layer(&mut self, layer: NewLayer);

    /// From now on the session is in the account of this name, beside those it was in before: publishes, subscribes and
    /// unsubscribes there. False, and it stays where it is, if there is no such account.
    ///
    /// Only for a server, of which the accounts share one connection. The session does not [bind](Turn::bind) it.
    fn enter(&mut self, account: &[u8]) -> bool {
        let _ = account;
        false
    }

    /// A member of a queue group stands for so many from now on.
    fn weigh(&mut self, sid: &[u8], weight: u32) {
        let _ = (sid, weight);
    }

    /// The names of the accounts that the session has been in, each of which it may [enter](Self::enter) again.
    fn entered(&self) -> Vec<Box<[u8]>> {
        Vec::new()
    }

    /// Has the session told, from now on, of what others are interested in, as far as messages of the peer reach them: see
    /// [`Session::interest_changed`]. One that is [bound](Turn::bind) is told of its account alone. If it is told already, it is told once more of all that there is in the accounts that it
    /// [is to be](Session::is_told_of) told of by now, and of others that there is no interest in them.
    fn watch_interest(&mut self) {}

    /// The peer is one end of a link between a leaf node and its hub: this one, of this cluster. If it is isolated, it is told
    /// nothing of what leaf nodes want. Before it has subscribed to anything.
    fn take_role(&mut self, kind: ConnectionKind, cluster: &[u8], isolated: bool) {
        let _ = (kind, cluster, isolated);
    }

    /// The peer is another server of the cluster, which is told this of what leaf nodes want. Before it
    /// [watches](Self::watch_interest).
    fn tell_of_leaf_nodes(&mut self, told: ToldOfLeafNodes) {
        let _ = told;
    }

    /// What the peer passes on from now on is from this cluster of leaf nodes; from none without a name.
    fn comes_from(&mut self, cluster: &[u8]) {
        let _ = cluster;
    }

    /// What the peer passes on from now on has found back to where it was waited for: it goes on as if it had been published
    /// here; or not.
    fn comes_home(&mut self, comes_home: bool) {
        let _ = comes_home;
    }

    /// Passes a message on to another server of the cluster by its subject, without a look at interest.
    fn pass_to(&mut self, server: &Arc<Outbox>, account: &[u8], message: &Publish<'_>) {
        let _ = (server, account, message);
    }

    /// From now on messages are sent to the peer without the name of their account, as the connection carries one alone.
    fn carry_one_account(&mut self) {}

    /// The peer traces messages, too, and tells of those that it is sent.
    fn pass_traces_on(&mut self) {}

    /// How messages of the account are traced that belong to a sampled trace of somebody else's; None if they are not.
    fn context_tracing(&self) -> Option<Arc<TraceDefinition>> {
        None
    }

    /// Says to the peer what others are interested in: at once, whatever else waits to be said, as others wait for it.
    fn tell_interest(&mut self, bytes: &[u8]) {
        self.reply(bytes);
    }

    /// How others say something to the peer, in its language.
    fn voice(&self) -> Option<Arc<Outbox>> {
        None
    }

    /// The peer is who was looked for: the one who dialled it has been successful.
    fn establish(&mut self) {}

    /// How the one who dialled this connection is told of its end; none if it was accepted, or after this.
    fn take_outcome(&mut self) -> Option<OutcomeSender> {
        None
    }

    /// Ends the connection once what was said to it is written.
    fn close(&mut self, reason: CloseReason);
}
