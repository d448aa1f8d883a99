//! What each operation of a server of another cluster means.

use super::held::{AtMost, TooMuch};
use super::told::Told;
use super::wanted::Wanted;
use super::{From, GatewayErrand, GatewaySettings, lead_home, reply_hash};
use crate::authentication::{self, Checking};
use crate::ending::{Ending, SHOWN_AT_MOST};
use crate::message_tracing::{TracedPeer, may_be_traced};
use crate::pinging;
use crate::receiving::{self, Passed, Peer};
use crate::tls::Evidence;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_actors::connection::{ConnectionNames, Progress, Session, SlowTask, Turn};
use vagus_actors::gateways::{JoinedInbound, JoinedOutbound};
use vagus_actors::observed::{ClientInfo, GatewayAccount, GatewayShown, InterestMode};
use vagus_actors::router::InterestChange;
use vagus_auth::credentials::Identity;
use vagus_delivery::Live;
use vagus_delivery::heartbeat::Heartbeat;
use vagus_protocol::error::{CloseReason, Violation};
use vagus_protocol::gateway::is_mapped;
use vagus_protocol::message_trace::ShownKind;
use vagus_protocol::quote::shortened;
use vagus_protocol::route::parser::{RouteLimits, RouteParsed, parse};
use vagus_protocol::route::{RouteConnect, RouteOperation, RoutedMessage};
use vagus_protocol::routed::PeerLine;
use vagus_routing::{ConnectionId, ConnectionKind};

/// How long a server that was connected to may take to say what it is.
const INTRODUCED_WITHIN: Duration = Duration::from_secs(5);

/// The longest line, in bytes, of one that has not been let in: INFO names all servers of its cluster.
const UNKNOWN_AT_MOST: usize = 64 * 1024;

/// The state machine of a connection between two clusters.
#[derive(Debug)]
pub struct GatewaySession {
    pub(super) settings: Arc<GatewaySettings>,
    live: Arc<Live<GatewaySettings>>,
    settings_version: u64,
    pub(super) party: Party,
    pub(super) stage: Stage,
    limits: RouteLimits,
    pub(super) heartbeat: Heartbeat,
    /// What it has shown in a TLS handshake, if there was one.
    pub(super) evidence: Option<Box<Evidence>>,
    /// Which cluster it is of, its id and its name, once it has said so.
    pub(super) cluster: String,
    pub(super) server_id: String,
    pub(super) name: String,
    pub(super) version: String,
    /// A CONNECT whose password has not been checked yet.
    pub(super) login: Option<Checking<RouteConnect>>,
    pub(super) ending: Ending,
    /// What its cluster wants, where this server has dialled.
    pub(super) wanted: Wanted,
    /// What it has been told, where it has.
    told: Told,
}

/// Who is at the other end, and how that came to be.
#[derive(Debug, Clone)]
pub(super) struct Party {
    pub(super) peer: SocketAddr,
    pub(super) id: ConnectionId,
    /// If this server has dialled it.
    pub(super) errand: Option<GatewayErrand>,
}

impl fmt::Display for Party {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} - gid:{}", self.peer, self.id)
    }
}

/// How far two servers know each other.
#[derive(Debug)]
pub(super) enum Stage {
    /// The other one has connected, and has to say by then who it is.
    Connecting(Instant),
    /// It is to say by then what it is.
    Introducing(Instant),
    /// Messages are sent to its cluster.
    Outbound { _joined: JoinedOutbound },
    /// It sends messages of its cluster.
    Inbound { _joined: JoinedInbound },
}

impl GatewaySession {
    pub(super) fn new(
        live: Arc<Live<GatewaySettings>>,
        (settings, settings_version): (Arc<GatewaySettings>, u64),
        party: Party,
        now: Instant,
    ) -> Self {
        let cluster = party.errand.as_ref().map_or("", |errand| errand.remote.name());
        Self {
            stage: match &party.errand {
                Some(_) => Stage::Introducing(now + INTRODUCED_WITHIN),
                None => Stage::Connecting(now + settings.auth_timeout),
            },
            limits: RouteLimits {
                max_line: settings.max_line.max(UNKNOWN_AT_MOST),
                max_message: settings.max_message,
                one_account: false,
                origin_in_unsubscribe: false,
            },
            heartbeat: Heartbeat::new(settings.ping_interval, settings.ping_max, now),
            evidence: None,
            wanted: Wanted::new(reply_hash(cluster), AtMost::default()),
            cluster: cluster.to_owned(),
            server_id: String::new(),
            name: String::new(),
            version: String::new(),
            login: None,
            ending: Ending::default(),
            told: Told::default(),
            settings,
            settings_version,
            live,
            party,
        }
    }

    /// From now on PINGs are sent: before, the other server waits for something else.
    pub(super) fn begin_heartbeat(&mut self, now: Instant) {
        pinging::begin(&mut self.heartbeat, self.party.id, now);
    }

    /// Tells the other server what it did wrong, and ends the connection.
    pub(super) fn refuse(&mut self, text: &str, reason: CloseReason, turn: &mut impl Turn) {
        self.ending.refuse(&self.party, text, reason, turn);
    }

    /// The other server does not speak as servers do.
    pub(super) fn broken(&mut self, what: &str, turn: &mut impl Turn) {
        self.ending.broken(&self.party, what, turn);
    }

    pub(super) fn end(&mut self, reason: CloseReason, turn: &mut impl Turn) {
        self.ending.come(reason, turn);
    }

    /// What its cluster wants is more than can be known.
    pub(super) fn take(&mut self, taken: Result<(), TooMuch>, turn: &mut impl Turn) {
        if taken.is_err() && !self.ending.has_come() {
            self.refuse(
                "maximum subscriptions exceeded",
                CloseReason::MaximumSubscriptionsExceeded,
                turn,
            );
        }
    }

    fn accounts_shown(&self) -> Vec<GatewayAccount> {
        let name = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        match &self.stage {
            Stage::Outbound { .. } => (self.wanted.accounts())
                .map(|account| GatewayAccount {
                    name: name(account.name),
                    mode: account.mode,
                    unwanted: account.unwanted,
                    subscriptions: account.subscriptions,
                    queue_subscriptions: account.queue_subscriptions,
                })
                .collect(),
            Stage::Inbound { .. } => {
                let told = self.told.accounts().map(|(account, is_all)| GatewayAccount {
                    name: account.to_owned(),
                    mode: match is_all {
                        true => InterestMode::InterestOnly,
                        false => InterestMode::Transitioning,
                    },
                    ..GatewayAccount::default()
                });
                let refused = self.told.refused().map(|account| GatewayAccount {
                    name: name(account),
                    ..GatewayAccount::default()
                });
                told.chain(refused).collect()
            }
            Stage::Connecting(_) | Stage::Introducing(_) => Vec::new(),
        }
    }
}

impl Peer for GatewaySession {
    fn parse<'a>(&self, input: &'a [u8]) -> RouteParsed<'a> {
        parse(input, &self.limits)
    }

    fn is_in(&self) -> bool {
        matches!(self.stage, Stage::Inbound { .. })
    }

    fn is_closing(&self) -> bool {
        self.ending.has_come()
    }

    fn may_be_said(&self, operation: &RouteOperation<'_>) -> bool {
        match operation {
            RouteOperation::Subscribe(_)
            | RouteOperation::Unsubscribe(_)
            | RouteOperation::AccountBegins(_)
            | RouteOperation::AccountEnds(_) => matches!(self.stage, Stage::Outbound { .. }),
            RouteOperation::Message(_) => matches!(self.stage, Stage::Inbound { .. }),
            RouteOperation::Connect(_) | RouteOperation::Error(_) => true,
            _ => !matches!(self.stage, Stage::Connecting(_)),
        }
    }

    fn out_of_place(&mut self, turn: &mut impl Turn) {
        match self.stage {
            Stage::Connecting(_) => self.ending.unauthorized(turn),
            Stage::Introducing(_) => self.broken("something of a server that has not said who it is", turn),
            Stage::Inbound { .. } => self.broken("interest on an inbound connection", turn),
            Stage::Outbound { .. } => self.broken("a message on an outbound connection", turn),
        }
    }

    fn violated(&mut self, violation: Violation, said: &[u8], turn: &mut impl Turn) {
        self.ending.violated(&self.party, violation, said, turn);
    }

    /// RMSG, HMSG.
    fn pass_on(&mut self, message: &RoutedMessage<'_>, turn: &mut impl Turn) -> Passed {
        let (account, publish) = (message.account.unwrap_or_default(), &message.publish);
        if is_mapped(publish.subject) {
            return lead_home(&self.settings.own, From::Gateway, account, publish, turn);
        }
        if !turn.enter(account) {
            log::debug!(
                "{} - Unknown account {} for gateway message on subject: {}",
                self.party,
                shortened(account, SHOWN_AT_MOST),
                shortened(publish.subject, SHOWN_AT_MOST)
            );
            self.told.refuse(account, turn);
            turn.withhold(publish.body.len());
            return Passed::Withheld;
        }
        if let Some(passed) = receiving::publish_shown(publish, turn) {
            return passed;
        }
        let asks = may_be_traced(publish);
        // What is traced is resolved on its own way.
        if !turn.goes_on(Some(publish).filter(|_| !asks), false) {
            return Passed::Yielded;
        }
        if asks {
            let peer = TracedPeer {
                kind: ShownKind::Gateway,
                connection: self.party.id,
                name: &self.name,
                party: &self.party,
                server: &self.settings.server,
                may_publish: |_: &[u8]| true,
            };
            if peer.pass_on(account, publish, turn) {
                return Passed::Apart;
            }
        }
        turn.publish(publish, false);
        Passed::Published
    }

    fn operate(&mut self, operation: &RouteOperation<'_>, turn: &mut impl Turn) {
        match operation {
            RouteOperation::Ping => turn.reply(b"PONG\r\n"),
            RouteOperation::Pong => {
                self.heartbeat.answered(turn.now());
                if let Some(round_trip) = self.heartbeat.round_trip() {
                    turn.set_round_trip(round_trip);
                }
            }
            RouteOperation::Connect(json) => self.connect(json, turn),
            RouteOperation::Info(json) => self.info(json, turn),
            RouteOperation::Error(text) => {
                let text = shortened(text, SHOWN_AT_MOST * 8);
                log::error!("{} - Gateway Error {text}", self.party);
                self.end(CloseReason::ParseError, turn);
            }
            RouteOperation::Ok | RouteOperation::Message(_) => {}
            RouteOperation::Subscribe(interest) => {
                let taken = self.wanted.subscribe(interest, turn);
                self.take(taken, turn);
            }
            RouteOperation::Unsubscribe(interest) => {
                let taken = self.wanted.unsubscribe(interest, turn);
                self.take(taken, turn);
            }
            RouteOperation::AccountBegins(account) => {
                let taken = self.wanted.account_begins(account, turn);
                self.take(taken, turn);
            }
            RouteOperation::AccountEnds(account) => {
                let taken = self.wanted.account_ends(account, turn);
                self.take(taken, turn);
            }
        }
    }

    fn has_to_wait(&mut self) -> bool {
        self.login.is_some()
    }
}

/// How the log calls connections between clusters. What it says when they begin depends on which side has dialled.
pub(super) const NAMES: ConnectionNames = ConnectionNames {
    created: "",
    closed: "Gateway connection closed",
    number: "gid",
    level: log::Level::Info,
};

impl Session for GatewaySession {
    type Answer = Option<Identity>;

    const ESTABLISHED_AT_ONCE: bool = false;

    fn receive<T: Turn>(&mut self, input: &[u8], turn: &mut T) -> Progress {
        self.heartbeat.heard(turn.now());
        let progress = receiving::receive(self, input, turn);
        if self.wanted.has_changed() {
            self.wanted.follow_changes(turn);
        }
        progress
    }

    fn heard(&mut self, now: Instant) {
        self.heartbeat.heard(now);
    }

    fn settings_changed<T: Turn>(&mut self, turn: &mut T) {
        if self.settings_version == self.live.version() {
            return;
        }
        (self.settings, self.settings_version) = self.live.current();
        self.heartbeat
            .adjust(self.settings.ping_interval, self.settings.ping_max, turn.now());
        let shown = self.evidence.as_ref().zip(self.settings.tls.as_deref());
        if self.party.errand.is_none() && shown.is_some_and(|(evidence, tls)| !evidence.may_stay(tls)) {
            self.end(CloseReason::TlsHandshakeFailure, turn);
        }
    }

    fn no_room<T: Turn>(&mut self, _: &mut T) {}

    fn time<T: Turn>(&mut self, turn: &mut T) {
        let now = turn.now();
        match self.stage {
            Stage::Connecting(until) if until <= now => {
                return self.ending.too_late(turn);
            }
            Stage::Introducing(until) if until <= now => {
                log::debug!("{} - Stale Client Connection - Closing", self.party);
                return self.end(CloseReason::StaleConnection, turn);
            }
            // Who waits for something else is not asked.
            Stage::Connecting(_) | Stage::Introducing(_) => return,
            Stage::Outbound { .. } | Stage::Inbound { .. } => {}
        }
        pinging::ping(&mut self.heartbeat, true, &self.party, &mut self.ending, turn);
    }

    fn slow_work(&mut self) -> Option<SlowTask<Self::Answer>> {
        let task = self.login.as_mut()?.take_task()?;
        Some(Box::new(move || task.run()))
    }

    fn answered<T: Turn>(&mut self, answer: Option<Self::Answer>, turn: &mut T) {
        if let Some(login) = self.login.take()
            && !self.ending.has_come()
        {
            let verdict = authentication::judged(answer.flatten());
            self.judged(verdict, login.into_connect(), turn);
        }
    }

    fn interest_changed<'a, T: Turn>(
        &mut self,
        account: &str,
        changes: impl Iterator<Item = InterestChange<'a>>,
        turn: &mut T,
    ) {
        let own_cluster = self.settings.own.clusters.name();
        self.told.tell(&own_cluster, account, changes, turn);
    }

    fn interest_told<T: Turn>(&mut self, account: &str, turn: &mut T) {
        let own_cluster = self.settings.own.clusters.name();
        self.told.is_all(&own_cluster, account, turn);
    }

    fn interest_ended(&mut self, account: &str) {
        self.told.forget(account);
    }

    fn is_told_of(&self, _: &str) -> bool {
        matches!(self.stage, Stage::Inbound { .. })
    }

    fn account_came<T: Turn>(&mut self, account: &str, turn: &mut T) -> bool {
        match self.stage {
            Stage::Outbound { .. } => self.wanted.account_came(account.as_bytes(), turn),
            _ => true,
        }
    }

    fn subscription_lost(&mut self, account: &str, sid: &[u8]) {
        self.wanted.lost(account.as_bytes(), sid);
    }

    fn deadline(&self) -> Option<Instant> {
        Some(match self.stage {
            Stage::Connecting(until) | Stage::Introducing(until) => until,
            Stage::Outbound { .. } | Stage::Inbound { .. } => self.heartbeat.due(),
        })
    }

    fn round_trip(&self) -> Option<Duration> {
        self.heartbeat.round_trip()
    }

    fn server(&self) -> Option<(ConnectionKind, PeerLine)> {
        Some((ConnectionKind::Gateway, PeerLine::Gateway))
    }

    fn names(&self) -> ConnectionNames {
        NAMES
    }

    fn peer(&self) -> SocketAddr {
        self.party.peer
    }

    fn write_names(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }

    fn client_info(&self) -> ClientInfo {
        let is_in = matches!(self.stage, Stage::Outbound { .. } | Stage::Inbound { .. });
        let errand = self.party.errand.as_ref();
        ClientInfo {
            name: self.server_id.clone(),
            version: self.version.clone(),
            gateway: is_in.then(|| {
                Box::new(GatewayShown {
                    cluster: self.cluster.clone(),
                    server: self.name.clone(),
                    is_outbound: errand.is_some(),
                    is_configured: errand.is_some_and(|errand| errand.remote.is_configured()),
                    accounts: self.accounts_shown(),
                    held: self.wanted.held(),
                })
            }),
            ..ClientInfo::default()
        }
    }
}
