//! What each operation of another server of the cluster means.

use crate::RouteSettings;
use crate::authentication::{self, Checking};
use crate::compressing::Compressing;
use crate::ending::{Ending, SHOWN_AT_MOST};
use crate::gateway::{From, lead_home};
use crate::interest::{self, Announced, Forgotten, Noted};
use crate::message_tracing::{TracedPeer, may_be_traced};
use crate::permitting::FormerPermissions;
use crate::pinging;
use crate::receiving::{self, Passed, Peer};
use crate::tls::Evidence;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_actors::cluster::{JoinedRoute, RouteErrand, RouteKind, Seat};
use vagus_actors::connection::{ConnectionNames, Progress, Session, SlowTask, Turn};
use vagus_actors::gateways::JoinedRouteEnd;
use vagus_actors::observed::{ClientInfo, ServerInfo};
use vagus_actors::router::InterestChange;
use vagus_auth::credentials::Identity;
use vagus_delivery::Live;
use vagus_delivery::heartbeat::Heartbeat;
use vagus_protocol::error::{CloseReason, Violation};
use vagus_protocol::gateway::is_mapped;
use vagus_protocol::message_trace::ShownKind;
use vagus_protocol::quote::shortened;
use vagus_protocol::route::parser::{RouteLimits, RouteParsed, parse};
use vagus_protocol::route::{RouteConnect, RouteOperation, RoutedInterest, RoutedMessage, SubjectRules};
use vagus_protocol::routed::PeerLine;
use vagus_routing::{ConnectionId, ConnectionKind};

/// The longest line, in bytes, of one that has not been let in.
const UNKNOWN_AT_MOST: usize = 4096;

/// The state machine of a route.
#[derive(Debug)]
pub struct RouteSession {
    pub(crate) settings: Arc<RouteSettings>,
    live: Arc<Live<RouteSettings>>,
    settings_version: u64,
    pub(crate) party: Party,
    /// What it has been dialled for, if this server did that.
    pub(crate) errand: Option<Box<RouteErrand>>,
    /// INFO has not been said.
    pub(crate) has_yet_to_introduce: bool,
    pub(crate) stage: Stage,
    pub(crate) limits: RouteLimits,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) compressing: Compressing,
    /// What it has shown in a TLS handshake, if there was one.
    pub(crate) evidence: Option<Box<Evidence>>,
    /// What it wants to have of others, and lets them have, as it says.
    pub(crate) imports: Option<Box<SubjectRules>>,
    pub(crate) exports: Option<Box<SubjectRules>>,
    pub(crate) former: FormerPermissions,
    /// How the server calls itself, and what it is, once it has said so.
    pub(crate) name: String,
    pub(crate) version: String,
    /// A CONNECT whose password has not been checked yet.
    pub(crate) login: Option<Checking<RouteConnect>>,
    pub(crate) ending: Ending,
    pub(crate) announced: Announced,
    /// The route, as far as other clusters are concerned.
    pub(crate) route_end: Option<JoinedRouteEnd>,
}

/// Who is at the other end, and how that came to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Party {
    pub(crate) peer: SocketAddr,
    pub(crate) id: ConnectionId,
    pub(crate) kind: RouteKind,
}

impl fmt::Display for Party {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} - rid:{}", self.peer, self.id)
    }
}

/// How far two servers know each other.
#[derive(Debug)]
pub(crate) enum Stage {
    /// The other one has connected, and has to say by then who it is.
    Connecting(Instant),
    /// It is yet to say what it is.
    Introducing,
    /// It is a member of the cluster by this route.
    Joined(JoinedRoute),
}

impl RouteSession {
    pub(crate) fn new(
        live: Arc<Live<RouteSettings>>,
        (settings, settings_version): (Arc<RouteSettings>, u64),
        party: Party,
        now: Instant,
    ) -> Self {
        let mut heartbeat = Heartbeat::new(settings.ping_interval, settings.ping_max, now);
        if !settings.compression.negotiates() {
            pinging::begin(&mut heartbeat, party.id, now);
        }
        Self {
            errand: None,
            has_yet_to_introduce: false,
            stage: match party.kind.is_dialled {
                true => Stage::Introducing,
                false => Stage::Connecting(now + settings.auth_timeout),
            },
            limits: RouteLimits {
                max_line: match party.kind.is_dialled {
                    true => settings.max_line,
                    false => settings.max_line.min(UNKNOWN_AT_MOST),
                },
                max_message: settings.max_message,
                one_account: false,
                origin_in_unsubscribe: false,
            },
            heartbeat,
            compressing: Compressing::new(now),
            evidence: None,
            imports: None,
            exports: None,
            former: FormerPermissions::default(),
            settings,
            settings_version,
            live,
            party,
            name: String::new(),
            version: String::new(),
            login: None,
            ending: Ending::default(),
            announced: Announced::default(),
            route_end: None,
        }
    }

    /// From now on PINGs may be sent.
    pub(crate) fn begin_heartbeat(&mut self, now: Instant) {
        pinging::begin(&mut self.heartbeat, self.party.id, now);
    }

    /// Tells the other server what it did wrong, and ends the route.
    pub(crate) fn refuse(&mut self, text: &str, reason: CloseReason, turn: &mut impl Turn) {
        self.ending.refuse(&self.party, text, reason, turn);
    }

    /// The other server does not speak as servers do.
    pub(crate) fn broken(&mut self, what: &str, turn: &mut impl Turn) {
        self.ending.broken(&self.party, what, turn);
    }

    pub(crate) fn end(&mut self, reason: CloseReason, turn: &mut impl Turn) {
        self.ending.come(reason, turn);
    }

    fn is_member(&self) -> bool {
        matches!(self.stage, Stage::Joined(_))
    }

    /// The interest that a server announces. An older one announces a subject once for its clients and its leaf nodes together,
    /// and names no cluster when that ends: then all of it counts as its clients'.
    fn told_apart<'a>(&self, interest: RoutedInterest<'a>) -> RoutedInterest<'a> {
        RoutedInterest {
            origin: interest.origin.filter(|_| self.limits.origin_in_unsubscribe),
            ..interest
        }
    }
}

impl Peer for RouteSession {
    fn parse<'a>(&self, input: &'a [u8]) -> RouteParsed<'a> {
        parse(input, &self.limits)
    }

    fn is_in(&self) -> bool {
        self.is_member()
    }

    fn is_closing(&self) -> bool {
        self.ending.has_come()
    }

    fn may_be_said(&self, operation: &RouteOperation<'_>) -> bool {
        match operation {
            RouteOperation::Subscribe(_) | RouteOperation::Unsubscribe(_) | RouteOperation::Message(_) => {
                self.is_member()
            }
            RouteOperation::Connect(_) | RouteOperation::Error(_) => true,
            _ => !matches!(self.stage, Stage::Connecting(_)),
        }
    }

    fn out_of_place(&mut self, turn: &mut impl Turn) {
        if matches!(self.stage, Stage::Connecting(_)) {
            self.ending.unauthorized(turn);
        } else {
            self.broken("something of a server that has not said who it is", turn);
        }
    }

    fn violated(&mut self, violation: Violation, said: &[u8], turn: &mut impl Turn) {
        self.ending.violated(&self.party, violation, said, turn);
    }

    /// RMSG, HMSG, LMSG.
    fn pass_on(&mut self, message: &RoutedMessage<'_>, turn: &mut impl Turn) -> Passed {
        if turn.interest_pending() {
            return Passed::Waiting;
        }
        let account = message.account.unwrap_or_else(|| own_account(&self.stage));
        if is_mapped(message.publish.subject)
            && let Some(own_cluster) = &self.settings.own_cluster
        {
            turn.comes_from(message.origin.unwrap_or_default());
            return lead_home(own_cluster, From::Route, account, &message.publish, turn);
        }
        if !turn.enter(account) {
            log::debug!(
                "{} - Unknown account {} for routed message on subject {}",
                self.party,
                shortened(account, SHOWN_AT_MOST),
                shortened(message.publish.subject, SHOWN_AT_MOST)
            );
            turn.withhold(message.publish.body.len());
            return Passed::Withheld;
        }
        turn.comes_from(message.origin.unwrap_or_default());
        if let Some(passed) = receiving::publish_shown(&message.publish, turn) {
            return passed;
        }
        let asks = may_be_traced(&message.publish);
        // What is traced is resolved on its own way.
        let about = Some(&message.publish).filter(|_| !asks);
        if !turn.goes_on(about, false) {
            return Passed::Yielded;
        }
        if asks {
            let peer = TracedPeer {
                kind: ShownKind::Router,
                connection: self.party.id,
                name: &self.name,
                party: &self.party,
                server: &self.settings.server,
                may_publish: |subject: &[u8]| self.settings.permissions.imports(subject),
            };
            if peer.pass_on(account, &message.publish, turn) {
                return Passed::Apart;
            }
        }
        turn.publish(&message.publish, false);
        Passed::Published
    }

    fn operate(&mut self, operation: &RouteOperation<'_>, turn: &mut impl Turn) {
        match operation {
            RouteOperation::Ping => turn.reply(b"PONG\r\n"),
            RouteOperation::Pong => self.pong(turn),
            RouteOperation::Connect(json) => self.connect(json, turn),
            RouteOperation::Info(json) => self.info(json, turn),
            RouteOperation::Error(text) => {
                let text = shortened(text, SHOWN_AT_MOST * 8);
                log::error!("{} - Route Error {text}", self.party);
                self.end(CloseReason::ParseError, turn);
            }
            RouteOperation::Ok
            | RouteOperation::AccountBegins(_)
            | RouteOperation::AccountEnds(_)
            | RouteOperation::Message(_) => {}
            RouteOperation::Subscribe(interest) => {
                let interest = &self.told_apart(*interest);
                let account = interest.account.unwrap_or_else(|| own_account(&self.stage));
                let permissions = &self.settings.permissions;
                let noted = self.announced.subscribe(account, interest, permissions, turn);
                match noted {
                    Noted::Done => {}
                    Noted::UnknownAccount => log::debug!(
                        "{} - Unknown account {} for remote subject {}",
                        self.party,
                        shortened(account, SHOWN_AT_MOST),
                        shortened(interest.subject, SHOWN_AT_MOST)
                    ),
                    Noted::NotExported => log::debug!(
                        "{} - Can not export {}, ignoring remote subscription request",
                        self.party,
                        shortened(interest.subject, SHOWN_AT_MOST)
                    ),
                    Noted::InvalidSubject => {
                        log::error!("{} - Could not insert subscription: invalid subject", self.party);
                        turn.reply(b"-ERR 'Invalid Subscription'\r\n");
                    }
                }
            }
            RouteOperation::Unsubscribe(interest) => {
                let interest = &self.told_apart(*interest);
                let account = interest.account.unwrap_or_else(|| own_account(&self.stage));
                self.announced.unsubscribe(account, interest, turn);
            }
        }
    }

    fn has_to_wait(&mut self) -> bool {
        self.login.is_some() || self.compressing.take_switch()
    }
}

/// The name of the account that a route carries alone, where that is not said.
fn own_account(stage: &Stage) -> &[u8] {
    match stage {
        Stage::Joined(route) => route.account().unwrap_or_default().as_bytes(),
        Stage::Connecting(_) | Stage::Introducing => b"",
    }
}

/// How the log calls routes.
pub(crate) const NAMES: ConnectionNames = ConnectionNames {
    created: "Route connection created",
    closed: "Router connection closed",
    number: "rid",
    level: log::Level::Info,
};

impl Session for RouteSession {
    type Answer = Option<Identity>;

    const ESTABLISHED_AT_ONCE: bool = false;

    fn receive<T: Turn>(&mut self, input: &[u8], turn: &mut T) -> Progress {
        self.heartbeat.heard(turn.now());
        receiving::receive(self, input, turn)
    }

    fn heard(&mut self, now: Instant) {
        self.heartbeat.heard(now);
    }

    fn settings_changed<T: Turn>(&mut self, turn: &mut T) {
        self.pooling_has_changed(turn);
        if self.settings_version == self.live.version() {
            return;
        }
        let before = self.settings.clone();
        (self.settings, self.settings_version) = self.live.current();
        self.heartbeat
            .adjust(self.settings.ping_interval, self.settings.ping_max, turn.now());
        let shown = self.evidence.as_ref().zip(self.settings.tls.as_deref());
        if shown.is_some_and(|(evidence, tls)| !evidence.may_stay(tls)) {
            return self.end(CloseReason::TlsHandshakeFailure, turn);
        }
        if matches!(self.stage, Stage::Joined(_)) {
            if before.info != self.settings.info {
                let mut line = Vec::new();
                let info = self.settings.info(self.party.kind.gossip, &Seat::Only);
                info.append(&mut line);
                turn.reply(&line);
            }
            self.permissions_have_changed(before.permissions.clone(), turn);
        }
        self.compression_has_changed(&before.compression, turn);
    }

    fn no_room<T: Turn>(&mut self, _: &mut T) {}

    fn time<T: Turn>(&mut self, turn: &mut T) {
        let now = turn.now();
        if let Stage::Connecting(until) = self.stage
            && until <= now
        {
            return self.ending.too_late(turn);
        }
        let may_ping = !self.compressing.is_yet_to_agree(&self.settings.compression);
        pinging::ping(&mut self.heartbeat, may_ping, &self.party, &mut self.ending, turn);
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
        let is_said = !self.limits.one_account;
        let (permissions, former) = (&self.settings.permissions, &self.former);
        interest::tell(is_said.then_some(account), permissions, former, changes, turn);
    }

    fn account_came<T: Turn>(&mut self, account: &str, turn: &mut T) -> bool {
        let permissions = &self.settings.permissions;
        match self.announced.account_came(account.as_bytes(), permissions, turn) {
            Ok(is_done) => is_done,
            Err(Forgotten) => {
                log::warn!(
                    "{} - Closing the route: it has to say again what it wants in account {account:?}",
                    self.party
                );
                self.end(CloseReason::RouteRemoved, turn);
                true
            }
        }
    }

    fn subscription_lost(&mut self, account: &str, sid: &[u8]) {
        self.announced.lost(account.as_bytes(), sid);
    }

    fn is_told_of(&self, account: &str) -> bool {
        match &self.stage {
            Stage::Joined(route) => route.carries(account),
            Stage::Connecting(_) | Stage::Introducing => false,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let due = self.heartbeat.due();
        Some(match self.stage {
            Stage::Connecting(until) => due.min(until),
            _ => due,
        })
    }

    fn round_trip(&self) -> Option<Duration> {
        self.heartbeat.round_trip()
    }

    fn server(&self) -> Option<(ConnectionKind, PeerLine)> {
        Some((ConnectionKind::Route, PeerLine::WithAccount))
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
        ClientInfo {
            name: self.name.clone(),
            version: self.version.clone(),
            server: match &self.stage {
                Stage::Joined(route) => Some(ServerInfo {
                    id: route.server_id().to_owned(),
                    is_dialled: self.party.kind.is_dialled,
                    is_configured: self.party.kind.is_configured,
                    account: route.account().map(str::to_owned),
                    compression: self.compressing.text(),
                    import: self.imports.clone(),
                    export: self.exports.clone(),
                }),
                _ => None,
            },
            ..ClientInfo::default()
        }
    }
}
