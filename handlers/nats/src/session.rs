//! What each operation of a client means.

use crate::admission::{Admission, Login, LoginAnswer};
use crate::authentication;
use crate::callout::Attempt;
use crate::client_options::ClientOptions;
use crate::evidence::{self, Said};
use crate::mapping::{Mapper, SubjectOrigin};
use crate::publishing::Repeated;
use crate::reading_ahead::ReadAhead;
use crate::reporting::Complaints;
use crate::tls::ClientKey;
use crate::websocket::Requested;
use crate::{ClientSettings, ProposedSettings, operation_lines, subscribing};
use std::any::Any;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_accounts::TraceDefinition;
use vagus_actors::connection::{Awaited, ConnectionNames, Progress, Session, SlowTask, Turn};
use vagus_actors::impact::ConnectionImpact;
use vagus_actors::logins::HeldToken;
use vagus_actors::observed::ClientInfo;
use vagus_auth::nkey::Nonce;
use vagus_auth::permission::Rights;
use vagus_delivery::Live;
use vagus_delivery::heartbeat::{Beat, Heartbeat};
use vagus_delivery::subscriptions::Subscribed;
use vagus_jwt::ClientTls;
use vagus_protocol::connect::ConnectOptions;
use vagus_protocol::error::{Complaint, Violation};
use vagus_protocol::info::{BoundAccount, Info, InfoClient};
use vagus_protocol::operation::Operation;
use vagus_protocol::parser::{FrameLimits, Parsed, may_begin_connect, parse};
use vagus_routing::ConnectionId;
use vagus_tls::CertificateNames;

/// CONNECT's `protocol` from which a client understands INFO at any time.
const PROTOCOL_ASYNC_INFO: i64 = 1;

/// The state machine of one NATS client.
#[derive(Debug)]
pub struct NatsSession {
    pub(crate) settings: Arc<ClientSettings>,
    pub(crate) live: Arc<Live<ClientSettings>>,
    /// That of `settings`.
    pub(crate) version: u64,
    pub(crate) peer: SocketAddr,
    pub(crate) id: ConnectionId,
    /// None until CONNECT: most of it is text that a client without one need not pay for.
    pub(crate) options: Option<Box<ConnectOptions>>,
    /// What the client had to sign.
    pub(crate) nonce: Option<Nonce>,
    /// What the client is called by its certificate, where that says which user it is.
    pub(crate) certificate: Option<Box<CertificateNames>>,
    /// What it said in its request, if it speaks WebSocket.
    pub(crate) requested: Option<Box<Requested>>,
    /// The trusted proxy that it came by, by its public key.
    pub(crate) proxy: Option<Arc<str>>,
    /// The key that it has shown.
    pub(crate) key: ClientKey,
    /// A CONNECT whose password has not been checked yet.
    pub(crate) login: Option<Login>,
    pub(crate) admission: Admission,
    /// What it says of itself, while a service may have to decide about it.
    pub(crate) attempt: Option<Box<Attempt>>,
    /// What services are told of the client by TLS, where one may be asked about it: each time that it says who it is.
    pub(crate) shown_by_tls: Option<Box<ClientTls>>,
    /// The token that it was let in by, if it was.
    pub(crate) held_token: Option<Box<HeldToken>>,
    /// What the client may do; nothing until it is in.
    pub(crate) rights: Rights,
    /// The subject that was last found to be one the client may publish on.
    pub(crate) permitted: Vec<u8>,
    /// None where its account maps no subject.
    pub(crate) mapper: Option<Box<Mapper>>,
    /// How messages of its account are traced that belong to a trace of somebody else's; None where they are not.
    pub(crate) context_tracing: Option<Arc<TraceDefinition>>,
    pub(crate) client_options: ClientOptions,
    pub(crate) frame_limits: FrameLimits,
    /// How many subscriptions it may have, by the settings and its account.
    pub(crate) max_subscriptions: usize,
    pub(crate) heartbeat: Heartbeat,
    first_pong_sent: bool,
    /// None until it is told off.
    pub(crate) complaints: Option<Box<Complaints>>,
    pub(crate) closing: bool,
}

impl NatsSession {
    pub(crate) fn new(
        live: Arc<Live<ClientSettings>>,
        peer: SocketAddr,
        id: ConnectionId,
        nonce: Option<Nonce>,
        now: Instant,
    ) -> Self {
        let (settings, version) = live.current();
        let limits = &settings.limits;
        let (rights, admission) = match authentication::anybody(&settings) {
            Some(identity) => (
                identity.rights(),
                // Who need not say who it is belongs to no other account.
                Admission::In(identity, settings.accounts.global().clone()),
            ),
            None => (Rights::Nothing, Admission::Due(now + settings.auth_timeout)),
        };
        let mut session = Self {
            peer,
            id,
            options: None,
            nonce,
            certificate: None,
            requested: None,
            proxy: None,
            key: ClientKey::Plain,
            login: None,
            admission,
            attempt: None,
            shown_by_tls: None,
            held_token: None,
            rights,
            permitted: Vec::new(),
            mapper: None,
            context_tracing: None,
            client_options: ClientOptions::of(&ConnectOptions::default()),
            frame_limits: FrameLimits {
                max_control_line: limits.max_control_line,
                max_payload: limits.max_payload,
                headers: false,
            },
            max_subscriptions: usize::MAX,
            heartbeat: Heartbeat::new(limits.ping_interval, limits.ping_max, now),
            first_pong_sent: false,
            complaints: None,
            closing: false,
            settings,
            live,
            version,
        };
        session.follow_account();
        session
    }

    /// The same for a client that speaks TLS: with its key, and what it is called by its certificate, if that matters.
    pub(crate) fn shown(mut self, key: ClientKey, certificate: Option<CertificateNames>) -> Self {
        self.key = key;
        self.certificate = certificate.map(Box::new);
        self
    }

    /// Sends INFO to a client that expects it at any time. Before its first PONG it is yet to be told anyway.
    pub(crate) fn tell_of_servers(&self, turn: &mut impl Turn) {
        if self.first_pong_sent && self.understands_info() {
            self.inform(&self.settings.info, None, turn);
        }
    }

    /// Tells a client that expects INFO at any time to look for another server.
    fn tell_of_lame_duck(&self, turn: &mut impl Turn) {
        if self.first_pong_sent && self.understands_info() {
            let mut info = self.settings.info.clone();
            info.lame_duck = true;
            self.inform(&info, None, turn);
        }
    }

    /// What it said in CONNECT, if it did.
    pub(crate) fn options(&self) -> Option<&ConnectOptions> {
        self.options.as_deref()
    }

    /// Whether the client understands INFO at any time.
    fn understands_info(&self) -> bool {
        self.options
            .as_ref()
            .is_some_and(|options| options.protocol >= PROTOCOL_ASYNC_INFO)
    }

    fn inform(&self, info: &Info, bound: Option<BoundAccount<'_>>, turn: &mut impl Turn) {
        let ip = self.peer.ip().to_string();
        let client = InfoClient {
            id: self.id,
            ip: &ip,
            nonce: self.nonce.as_ref().map_or("", Nonce::as_str),
            bound,
            max_payload: Some(self.frame_limits.max_payload),
            tls_first: false,
        };
        let mut line = Vec::with_capacity(512);
        info.render(&client, &mut line);
        self.say(&line, turn);
    }

    /// Tells a client that this was not right, and closes the connection where that is due.
    pub(crate) fn complain(&mut self, complaint: &Complaint<'_>, turn: &mut impl Turn) {
        let mut line = Vec::new();
        complaint.append(&mut line);
        self.say(&line, turn);
        self.report(complaint, turn.now());
        if let Some(reason) = complaint.reason() {
            self.closing = true;
            turn.close(reason);
        }
    }

    pub(crate) fn violated(&mut self, violation: Violation, evidence: &str, turn: &mut impl Turn) {
        let mut line = Vec::new();
        violation.append(&mut line);
        if !line.is_empty() {
            self.say(&line, turn);
        }
        self.report_violation(evidence);
        self.closing = true;
        turn.close(violation.reason());
    }

    pub(crate) fn confirm(&self, turn: &mut impl Turn) {
        if self.client_options.verbose {
            self.say(b"+OK\r\n", turn);
        }
    }

    /// Says something to the client.
    pub(crate) fn say(&self, line: &[u8], turn: &mut impl Turn) {
        if self.client_options.logged {
            let line = String::from_utf8_lossy(line.trim_ascii_end());
            log::trace!("{} - ->> [{}]", self.log_name(), line.trim_start_matches('+'));
        }
        turn.reply(line);
    }

    /// Everything but publishing.
    #[inline(never)]
    fn operate(&mut self, operation: &Operation<'_>, turn: &mut impl Turn) {
        if self.must_authenticate() && !matches!(operation, Operation::Connect(_)) {
            return self.refused(turn);
        }
        match operation {
            Operation::Subscribe { subject, queue, sid } => {
                subscribing::subscribe(self, subject, *queue, sid, turn);
            }
            Operation::Unsubscribe { sid, max } => {
                let known = self.client_options.logged && turn.is_subscribed(sid);
                turn.unsubscribe(sid, *max);
                if known && !turn.is_subscribed(sid) {
                    log::trace!(
                        "{} - <-> [DELSUB {}]",
                        self.log_name(),
                        operation_lines::text(sid)
                    );
                }
                self.confirm(turn);
            }
            Operation::Ping => self.ping(turn),
            Operation::Pong => {
                self.heartbeat.answered(turn.now());
                if let Some(round_trip) = self.heartbeat.round_trip() {
                    turn.set_round_trip(round_trip);
                }
            }
            Operation::Connect(json) => self.connect(json, turn),
            Operation::Ok | Operation::Info | Operation::Publish(_) => {}
            Operation::Error(text) => {
                let evidence = format!("Client Error {}", Said(text));
                self.violated(Violation::ClientError, &evidence, turn);
            }
        }
    }

    fn ping(&mut self, turn: &mut impl Turn) {
        self.say(b"PONG\r\n", turn);
        if self.options.is_none() {
            return;
        }
        if !std::mem::replace(&mut self.first_pong_sent, true) && self.understands_info() {
            let bound = self.account().map(|account| BoundAccount {
                name: account.name(),
                is_system: self.settings.accounts.is_system(account),
            });
            self.inform(&self.settings.info, bound, turn);
        }
    }
}

impl Session for NatsSession {
    type Answer = LoginAnswer;

    fn slow_work(&mut self) -> Option<SlowTask<LoginAnswer>> {
        LoginAnswer::work_of(&mut self.login)
    }

    fn awaited(&mut self) -> Option<Awaited<LoginAnswer>> {
        LoginAnswer::awaited_of(&mut self.login)
    }

    fn answered<T: Turn>(&mut self, answer: Option<LoginAnswer>, turn: &mut T) {
        self.login = None;
        if !self.closing {
            self.login_answered(answer, turn);
        }
    }

    fn heard(&mut self, now: Instant) {
        self.heartbeat.heard(now);
    }

    fn receive<T: Turn>(&mut self, input: &[u8], turn: &mut T) -> Progress {
        self.heartbeat.heard(turn.now());
        if self.must_authenticate() && !may_begin_connect(input) {
            self.begin_without_connect(turn);
            if self.closing {
                return Progress::Taken {
                    consumed: 0,
                    frame_length: 0,
                };
            }
            if self.login.is_some() {
                return Progress::Waiting { consumed: 0 };
            }
        }
        let mut repeated = Repeated::default();
        let mut mapped_subject = Vec::new();
        let mut read_ahead = ReadAhead::default();
        let mut at = 0;
        while at < input.len() {
            let rest = &input[at..];
            if let Some(length) = repeated.publish(rest, turn) {
                at += length;
                continue;
            }
            let parsed = match read_ahead.take(at) {
                Some((message, consumed)) => Parsed::Frame {
                    operation: Operation::Publish(message),
                    consumed,
                },
                None => parse(rest, &self.frame_limits),
            };
            match parsed {
                Parsed::Frame {
                    mut operation,
                    consumed,
                } => {
                    let (mut message, mut asks) = (None, false);
                    let mut origin = SubjectOrigin::default();
                    if let Operation::Publish(publish) = &mut operation {
                        if turn.interest_pending() {
                            return Progress::Waiting { consumed: at };
                        }
                        origin = self.map_subject(publish, &mut mapped_subject, turn);
                        let publish = &*publish;
                        asks = publish
                            .header()
                            .is_some_and(|header| self.asking().is_done_by(header));
                        message = self.is_to_be_published(publish).then_some(publish);
                        if message.is_some() {
                            let lengths = (publish.line_len, consumed);
                            read_ahead.read_on(input, at, lengths, &self.frame_limits, turn);
                        }
                        if message.is_some() && !asks && self.is_just_delivered(publish) {
                            let Some(taken) = turn.publish_next(publish, self.client_options.echo) else {
                                return Progress::Yielded { consumed: at };
                            };
                            self.published(publish, taken, turn);
                            repeated = match origin.is_drawn {
                                true => Repeated::default(),
                                false => Repeated::after(publish, &rest[..consumed], self),
                            };
                            self.mapping_is_done();
                            at += consumed;
                            continue;
                        }
                    }
                    // What is said to a verbose client about this message, and what is told of a traced one, comes behind
                    // what was published before.
                    let apart = self.client_options.verbose || asks;
                    let goes_on =
                        !(apart && message.is_some()) || turn.goes_on(None, self.client_options.echo);
                    if !goes_on || !turn.goes_on(message, self.client_options.echo) {
                        return Progress::Yielded { consumed: at };
                    }
                    if let Operation::Publish(publish) = &operation {
                        if !self.must_authenticate() {
                            let known = self.publish(publish, origin.mapped_from, asks, turn);
                            repeated = if known && !asks && !origin.is_drawn {
                                Repeated::after(publish, &rest[..consumed], self)
                            } else {
                                Repeated::default()
                            };
                        } else {
                            self.refused(turn);
                        }
                        self.mapping_is_done();
                    } else {
                        repeated = Repeated::default();
                        if self.client_options.logged {
                            self.log_operation(&operation);
                        }
                        self.operate(&operation, turn);
                    }
                    at += consumed;
                }
                Parsed::Incomplete { frame_len } => {
                    return Progress::Taken {
                        consumed: at,
                        frame_length: frame_len,
                    };
                }
                Parsed::Violation(violation) => {
                    // What came before counts.
                    if !turn.goes_on(None, self.client_options.echo) {
                        return Progress::Yielded { consumed: at };
                    }
                    if violation == Violation::MaximumPayload && !self.must_authenticate() {
                        if turn.interest_pending() {
                            return Progress::Waiting { consumed: at };
                        }
                        self.trace_oversized(rest, turn);
                    }
                    let evidence = evidence::of(violation, rest, at, &self.frame_limits);
                    self.violated(violation, &evidence, turn);
                }
            }
            if self.closing {
                break;
            }
            if self.login.is_some() {
                return Progress::Waiting { consumed: at };
            }
        }
        Progress::Taken {
            consumed: at,
            frame_length: 0,
        }
    }

    fn settings_changed<T: Turn>(&mut self, turn: &mut T) {
        self.adopt(turn);
        self.follow_account();
        if !self.closing {
            self.follow_token(turn);
        }
        self.show_party(turn);
        self.show_deliveries(turn);
    }

    fn impact_of(&self, settings: &(dyn Any + Send + Sync), interest: &[Subscribed]) -> ConnectionImpact {
        settings
            .downcast_ref::<ProposedSettings>()
            .and_then(|proposed| proposed.of(self.settings.connection))
            .map(|settings| self.impact_of_settings(settings, interest))
            .unwrap_or_default()
    }

    fn no_room<T: Turn>(&mut self, turn: &mut T) {
        log::error!("{} - maximum connections exceeded", self.log_name());
        self.complain(&Complaint::MaximumConnections, turn);
    }

    fn lame_duck<T: Turn>(&mut self, turn: &mut T) {
        self.tell_of_lame_duck(turn);
    }

    fn time<T: Turn>(&mut self, turn: &mut T) {
        if self.login.is_some() {
            // It has said who it is in time, and nothing else counts until that is decided, which has a limit of its own.
            return;
        }
        let now = turn.now();
        if matches!(self.admission, Admission::Due(due) if due <= now) {
            return self.complain(&Complaint::AuthenticationTimeout, turn);
        }
        if self.token_has_ended(turn) {
            return;
        }
        if self.heartbeat.due() > now {
            return;
        }
        match self.heartbeat.beat(now) {
            Beat::Rest => {}
            Beat::Ping => self.say(b"PING\r\n", turn),
            Beat::Stale => self.complain(&Complaint::StaleConnection, turn),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        if self.login.is_some() {
            return None;
        }
        let ping = self.heartbeat.due();
        let first = match self.admission {
            Admission::Due(due) => due.min(ping),
            Admission::In(..) => ping,
        };
        let end = self.held_token.as_ref().and_then(|held| held.deadline());
        Some(end.map_or(first, |end| end.min(first)))
    }

    fn round_trip(&self) -> Option<Duration> {
        self.heartbeat.round_trip()
    }

    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn names(&self) -> ConnectionNames {
        self.settings.names()
    }

    fn forwarded_for(&self) -> Option<IpAddr> {
        self.requested.as_ref()?.forwarded_for
    }

    fn write_names(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_names(out)
    }

    fn client_info(&self) -> ClientInfo {
        let options = self.options();
        let said = |text: fn(&ConnectOptions) -> &str| options.map(text).unwrap_or_default().to_owned();
        ClientInfo {
            name: said(|options| &options.name),
            lang: said(|options| &options.lang),
            version: said(|options| &options.version),
            user: authentication::shown_user(options, self.who()),
            proxy: self.proxy.as_deref().unwrap_or_default().to_owned(),
            issuer: self
                .held_token
                .as_ref()
                .map_or_else(String::new, |held| held.issuer().to_owned()),
            tags: self.held_token.as_ref().map_or_else(Vec::new, |held| held.tags()),
            token: self.held_token.as_ref().and_then(|held| held.token.clone()),
            refused_by: self.attempt.as_ref().and_then(|attempt| attempt.refusal()),
            speaks_websocket: self.settings.websocket.is_some(),
            is_leaf_link: false,
            hears_news: self.first_pong_sent && self.understands_info(),
            server: None,
            link: None,
            gateway: None,
        }
    }
}

#[cfg(test)]
mod tests;
