//! What each operation of the other end of a link means.

use super::mapping::Mapper;
use super::opening::Known;
use super::permitting::LinkPermissions;
use super::signing::{Proof, Signing};
use super::token_login::{HeldToken, TokenLogin};
use super::{HubUrls, LeafErrand, LeafSettings};
use crate::authentication::{self, Checking, Verdict};
use crate::compressing::Compressing;
use crate::ending::Ending;
use crate::pinging;
use crate::receiving;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_actors::claimed_accounts::KnownAccount;
use vagus_actors::connection::{Awaited, ConnectionNames, Progress, Session, SlowTask, Turn};
use vagus_actors::leafnodes::JoinedLink;
use vagus_actors::observed::{ClientInfo, LinkInfo};
use vagus_actors::router::InterestChange;
use vagus_auth::credentials::Identity;
use vagus_compression::mode::Mode;
use vagus_delivery::heartbeat::Heartbeat;
use vagus_delivery::{Account, Live};
use vagus_protocol::error::{CloseReason, Complaint};
use vagus_protocol::leaf::{LeafConnect, LeafInfo};
use vagus_protocol::route::parser::RouteLimits;
use vagus_protocol::routed::PeerLine;
use vagus_routing::{ConnectionId, ConnectionKind};

/// How a link is compressed that goes over WebSocket, which has a compression of its own.
static BY_WEBSOCKET: Mode = Mode::Off;

/// The longest line, in bytes, of one that has not been let in: CONNECT may have a token, which lists what its user may do.
const UNKNOWN_AT_MOST: usize = 64 * 1024;

/// How long a hub may take to bind a leaf node.
const BINDING_AT_MOST: Duration = Duration::from_secs(2);

/// A hub that has found a loop, or has been sent what it may not be sent, is left alone for so long.
pub(super) const HOLD_OFF: Duration = Duration::from_secs(30);

/// The state machine of a link.
#[derive(Debug)]
pub struct LeafSession {
    pub(super) settings: Arc<LeafSettings>,
    pub(super) live: Arc<Live<LeafSettings>>,
    /// When the session began.
    pub(super) since: Instant,
    pub(super) settings_version: u64,
    pub(super) party: Party,
    pub(super) stage: Stage,
    pub(super) link: Option<JoinedLink>,
    pub(super) known: Known,
    /// What the leaf node has to sign, on whichever side it is.
    pub(super) nonce: Option<Box<[u8]>>,
    pub(super) limits: RouteLimits,
    pub(super) heartbeat: Heartbeat,
    pub(super) compressing: Compressing,
    /// What a hub has said of itself that is not going to say what it has bound this server to.
    pub(super) binds_at_once: Option<Box<LeafInfo>>,
    pub(super) permissions: LinkPermissions,
    pub(super) former: Option<LinkPermissions>,
    /// Maps what comes, if the account does.
    pub(super) mapper: Option<Box<Mapper>>,
    /// Of what the leaf node asks for, so much at once.
    pub(super) max_subscriptions: Option<usize>,
    /// The account here.
    pub(super) account: Option<Arc<Account>>,
    /// Who a leaf node is.
    pub(super) identity: Option<Box<Identity>>,
    /// A CONNECT whose password has not been checked yet.
    pub(super) login: Option<Checking<LeafConnect>>,
    /// The account of its token is looked for.
    pub(super) looking_up: Option<Awaited<LeafAnswer>>,
    /// What it was let in by, if that is a token.
    pub(super) held_token: Option<Box<HeldToken>>,
    /// A CONNECT that has yet to be signed: the signing, until it is under way.
    pub(super) signing: Option<(Option<Signing>, Box<LeafConnect>)>,
    /// What is known of the other end, once it is in.
    pub(super) shown: LinkInfo,
    pub(super) version: String,
    pub(super) loop_subject: Option<Arc<str>>,
    /// The other end traces messages, too.
    pub(super) passes_traces_on: bool,
    /// Where the leaf node has been told that there are hubs.
    pub(super) told_urls: HubUrls,
    pub(super) ending: Ending,
    /// The name of an interest while it is looked for.
    pub(super) name_of_interest: Vec<u8>,
}

/// Who is at the other end, and how that came to be.
#[derive(Debug, Clone)]
pub(super) struct Party {
    pub(super) peer: SocketAddr,
    pub(super) id: ConnectionId,
    pub(super) speaks_websocket: bool,
    /// If this server has dialled it.
    pub(super) errand: Option<LeafErrand>,
}

impl fmt::Display for Party {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} - {}:{}", self.peer, self.names().number, self.id)
    }
}

impl Party {
    fn names(&self) -> ConnectionNames {
        match self.speaks_websocket {
            true => ConnectionNames {
                number: "lid_ws",
                ..NAMES
            },
            false => NAMES,
        }
    }
}

/// How far the two know each other.
#[derive(Debug)]
pub(super) enum Stage {
    /// A leaf node has connected, and has to say by then who it is.
    Connecting(Instant),
    /// A hub was dialled. It is to introduce itself, once more if the link is compressed, by then.
    Introducing(Instant),
    /// It has been told who this server is, and is to say by then what it is bound to.
    Binding(Instant),
    /// There is a link.
    Linked,
}

impl LeafSession {
    pub(super) fn new(
        live: Arc<Live<LeafSettings>>,
        (settings, settings_version): (Arc<LeafSettings>, u64),
        party: Party,
        known: Known,
        now: Instant,
    ) -> Self {
        let is_dialled = party.errand.is_some();
        let remote = party.errand.as_ref().map(|errand| errand.remote.settings());
        let isolates = remote.is_some_and(|remote| remote.isolates);
        let is_spoke = remote.is_some_and(|remote| !remote.is_hub);
        Self {
            stage: match &party.errand {
                Some(errand) => Stage::Introducing(now + errand.remote.settings().first_info_timeout),
                None => Stage::Connecting(now + settings.auth_timeout),
            },
            since: now,
            link: None,
            known,
            nonce: None,
            limits: RouteLimits {
                max_line: match is_dialled {
                    true => settings.max_line.max(UNKNOWN_AT_MOST),
                    false => UNKNOWN_AT_MOST,
                },
                max_message: settings.max_message,
                one_account: true,
                origin_in_unsubscribe: false,
            },
            heartbeat: Heartbeat::new(settings.ping_interval, settings.ping_max, now),
            compressing: Compressing::new(now),
            binds_at_once: None,
            permissions: LinkPermissions::default(),
            former: None,
            mapper: None,
            max_subscriptions: settings.max_subscriptions,
            account: None,
            identity: None,
            login: None,
            signing: None,
            looking_up: None,
            held_token: None,
            shown: LinkInfo {
                is_dialled,
                is_spoke,
                is_isolated: settings.isolates || isolates,
                ..LinkInfo::default()
            },
            version: String::new(),
            loop_subject: None,
            passes_traces_on: false,
            told_urls: HubUrls::default(),
            ending: Ending::default(),
            name_of_interest: Vec::new(),
            settings,
            settings_version,
            live,
            party,
        }
    }

    /// How this end would compress the link.
    pub(super) fn compression(&self) -> &Mode {
        match &self.party.errand {
            _ if self.party.speaks_websocket => &BY_WEBSOCKET,
            Some(errand) => &errand.remote.settings().compression,
            None => &self.settings.compression,
        }
    }

    /// What it is that is at the other end.
    pub(super) fn kind(&self) -> ConnectionKind {
        match self.shown.is_spoke {
            true => ConnectionKind::Hub,
            false => ConnectionKind::LeafNode,
        }
    }

    /// What loops are found by in the account of the link.
    pub(super) fn loop_subject(&self) -> &str {
        self.loop_subject.as_deref().unwrap_or_default()
    }

    /// From now on PINGs may be sent.
    pub(super) fn begin_heartbeat(&mut self, now: Instant) {
        pinging::begin(&mut self.heartbeat, self.party.id, now);
    }

    /// Tells the other end what it did wrong, and ends the link.
    pub(super) fn refuse(&mut self, text: &str, reason: CloseReason, turn: &mut impl Turn) {
        self.ending.refuse(&self.party, text, reason, turn);
    }

    /// The other end does not speak as servers do.
    pub(super) fn broken(&mut self, what: &str, turn: &mut impl Turn) {
        self.ending.broken(&self.party, what, turn);
    }

    pub(super) fn end(&mut self, reason: CloseReason, turn: &mut impl Turn) {
        self.ending.come(reason, turn);
    }

    /// Whoever has dialled is shown why the link ends, and is not to dial again for a while where that is said.
    pub(super) fn explain_end(&self, why: &str, hold_off: Option<Duration>, turn: &mut impl Turn) {
        if self.shown.is_dialled
            && let Some(outcome) = turn.take_outcome()
        {
            outcome.explain(why);
            if let Some(time) = hold_off {
                outcome.hold_off(time);
            }
        }
    }

    /// As whom the leaf node has connected.
    fn user(&self) -> String {
        let identity = self.identity.as_ref();
        identity
            .and_then(|identity| identity.user())
            .map_or_else(String::new, ToString::to_string)
    }

    pub(super) fn is_linked(&self) -> bool {
        self.link.is_some()
    }
}

/// What came of work that took long.
#[derive(Debug)]
pub enum LeafAnswer {
    /// Who has presented a password that fits; None if it does not.
    Password(Option<Identity>),
    /// What this server is to show its hub, or why it cannot.
    Signed(Result<Proof, String>),
    /// The account of a token was looked for.
    Account(Box<TokenLogin>, Option<Arc<KnownAccount>>),
}

/// How the log calls links.
pub(super) const NAMES: ConnectionNames = ConnectionNames {
    created: "Leafnode connection created",
    closed: "Leafnode connection closed",
    number: "lid",
    level: log::Level::Info,
};

impl Session for LeafSession {
    type Answer = LeafAnswer;

    const ESTABLISHED_AT_ONCE: bool = false;

    fn receive<T: Turn>(&mut self, input: &[u8], turn: &mut T) -> Progress {
        self.heartbeat.heard(turn.now());
        self.hear_introduction(turn);
        if self.compressing.take_switch() {
            return Progress::Waiting { consumed: 0 };
        }
        receiving::receive(self, input, turn)
    }

    fn heard(&mut self, now: Instant) {
        self.heartbeat.heard(now);
    }

    fn settings_changed<T: Turn>(&mut self, turn: &mut T) {
        self.adopt_settings(turn);
    }

    fn no_room<T: Turn>(&mut self, _: &mut T) {}

    fn time<T: Turn>(&mut self, turn: &mut T) {
        self.hear_introduction(turn);
        // Nothing has come yet that would have to wait for the layer.
        self.compressing.take_switch();
        let now = turn.now();
        match self.stage {
            Stage::Connecting(until) if until <= now => {
                return self.ending.too_late(turn);
            }
            Stage::Introducing(until) | Stage::Binding(until) if until <= now => {
                log::debug!("{} - Stale Leaf Node Connection - Closing", self.party);
                self.ending.tell("Stale Leaf Node Connection - Closing");
                return self.end(CloseReason::StaleConnection, turn);
            }
            _ => {}
        }
        if self
            .held_token
            .as_ref()
            .and_then(|held| held.ends)
            .is_some_and(|ends| ends <= now)
        {
            let reason = CloseReason::AuthenticationExpired;
            return self.token_has_ended(&Complaint::UserExpired, reason, turn);
        }
        let may_ping = self.is_linked();
        pinging::ping(&mut self.heartbeat, may_ping, &self.party, &mut self.ending, turn);
    }

    fn slow_work(&mut self) -> Option<SlowTask<Self::Answer>> {
        if let Some((signing, _)) = &mut self.signing {
            let signing = signing.take()?;
            return Some(Box::new(move || LeafAnswer::Signed(signing.run())));
        }
        let task = self.login.as_mut()?.take_task()?;
        Some(Box::new(move || LeafAnswer::Password(task.run())))
    }

    fn awaited(&mut self) -> Option<Awaited<Self::Answer>> {
        self.looking_up.take()
    }

    fn answered<T: Turn>(&mut self, answer: Option<Self::Answer>, turn: &mut T) {
        if self.ending.has_come() {
            return;
        }
        match (answer, self.login.take(), self.signing.take()) {
            (Some(LeafAnswer::Signed(proof)), _, Some((_, connect))) => self.signed(proof, *connect, turn),
            (Some(LeafAnswer::Password(identity)), Some(login), _) => {
                let verdict = authentication::judged(identity.clone());
                self.judged(verdict, identity, login.into_connect(), turn);
            }
            (Some(LeafAnswer::Account(login, known)), ..) => self.account_found(&login, known, turn),
            // There was no place for it.
            (_, Some(login), _) => self.judged(Verdict::Refused, None, login.into_connect(), turn),
            _ => self.end(CloseReason::WriteError, turn),
        }
    }

    fn interest_changed<'a, T: Turn>(
        &mut self,
        _: &str,
        changes: impl Iterator<Item = InterestChange<'a>>,
        turn: &mut T,
    ) {
        self.tell(changes, turn);
    }

    fn is_told_of(&self, account: &str) -> bool {
        self.account.as_ref().is_some_and(|own| own.name() == account)
    }

    fn deadline(&self) -> Option<Instant> {
        let due = self.heartbeat.due();
        Some(match self.stage {
            // What the hub has said of itself is to be answered at once.
            Stage::Introducing(_) if self.known.info.is_some() => self.since,
            Stage::Connecting(until) | Stage::Introducing(until) | Stage::Binding(until) => due.min(until),
            Stage::Linked => {
                let ends = self.held_token.as_ref().and_then(|held| held.ends);
                ends.map_or(due, |ends| due.min(ends))
            }
        })
    }

    fn round_trip(&self) -> Option<Duration> {
        self.heartbeat.round_trip()
    }

    fn server(&self) -> Option<(ConnectionKind, PeerLine)> {
        Some((self.kind(), PeerLine::LeafNode))
    }

    fn names(&self) -> ConnectionNames {
        self.party.names()
    }

    fn peer(&self) -> SocketAddr {
        self.party.peer
    }

    fn write_names(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }

    fn client_info(&self) -> ClientInfo {
        ClientInfo {
            name: self.shown.server.clone(),
            version: self.version.clone(),
            user: self.user(),
            speaks_websocket: self.party.speaks_websocket,
            is_leaf_link: true,
            link: self.is_linked().then(|| {
                Box::new(LinkInfo {
                    compression: self.compressing.text(),
                    ..self.shown.clone()
                })
            }),
            ..ClientInfo::default()
        }
    }
}

/// How long a hub may take to bind a leaf node, from now.
pub(super) fn binding_until(now: Instant) -> Instant {
    now + BINDING_AT_MOST
}
