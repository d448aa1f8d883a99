//! What each operation of a client means.

use crate::authentication;
use crate::heartbeat::{Beat, Heartbeat};
use crate::publishing::Repeated;
use crate::{Facts, publishing, subscribing, trace};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_actors::ConnectionId;
use vagus_actors::connection::{Identity, Progress, Session, Turn};
use vagus_auth::credentials::Credentials;
use vagus_protocol::connect::ConnectOptions;
use vagus_protocol::error::{Complaint, Violation};
use vagus_protocol::info::{BoundAccount, InfoClient};
use vagus_protocol::operation::Operation;
use vagus_protocol::parser::{FrameLimits, Parsed, may_begin_connect, parse};

/// The account of everybody who belongs to no other.
const GLOBAL_ACCOUNT: &str = "$G";

/// CONNECT's `protocol` from which a client understands INFO at any time.
const PROTOCOL_ASYNC_INFO: i64 = 1;

/// The state machine of one NATS client.
#[derive(Debug)]
pub struct NatsSession {
    pub(crate) facts: Arc<Facts>,
    pub(crate) peer: SocketAddr,
    pub(crate) id: ConnectionId,
    /// None until CONNECT: most of it is text that a client without one need not pay for.
    options: Option<Box<ConnectOptions>>,
    pub(crate) wishes: Wishes,
    frame_limits: FrameLimits,
    heartbeat: Heartbeat,
    authentication_due: Option<Instant>,
    first_pong_sent: bool,
    closing: bool,
}

/// What a client asked for in CONNECT, as far as messages are concerned; before CONNECT the defaults.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wishes {
    pub(crate) verbose: bool,
    pub(crate) pedantic: bool,
    pub(crate) echo: bool,
    pub(crate) no_responders: bool,
    pub(crate) trace: bool,
}

impl Wishes {
    fn of(options: &ConnectOptions) -> Self {
        Self {
            verbose: options.verbose,
            pedantic: options.pedantic,
            echo: options.echo,
            no_responders: options.no_responders,
            trace: log::log_enabled!(log::Level::Trace),
        }
    }
}

impl NatsSession {
    pub(crate) fn new(facts: Arc<Facts>, peer: SocketAddr, id: ConnectionId, now: Instant) -> Self {
        let limits = &facts.limits;
        Self {
            peer,
            id,
            options: None,
            wishes: Wishes::of(&ConnectOptions::default()),
            frame_limits: FrameLimits {
                max_control_line: limits.max_control_line,
                max_payload: limits.max_payload,
                headers: false,
            },
            heartbeat: Heartbeat::new(limits.ping_interval, limits.ping_max, now, id),
            authentication_due: (facts.credentials != Credentials::Open).then(|| now + limits.auth_timeout),
            first_pong_sent: false,
            closing: false,
            facts,
        }
    }

    /// Tells a client that this was not right, and closes the connection where that is due.
    pub(crate) fn complain(&mut self, complaint: &Complaint<'_>, turn: &mut impl Turn) {
        let mut line = Vec::new();
        complaint.append(&mut line);
        self.say(&line, turn);
        log::debug!("{} - cid:{} - {}", self.peer, self.id, complaint.text());
        if let Some(reason) = complaint.reason() {
            self.closing = true;
            turn.close(reason);
        }
    }

    fn violated(&mut self, violation: Violation, turn: &mut impl Turn) {
        let mut line = Vec::new();
        violation.append(&mut line);
        if !line.is_empty() {
            self.say(&line, turn);
        }
        log::debug!("{} - cid:{} - {violation}", self.peer, self.id);
        self.closing = true;
        turn.close(violation.reason());
    }

    pub(crate) fn confirm(&self, turn: &mut impl Turn) {
        if self.wishes.verbose {
            self.say(b"+OK\r\n", turn);
        }
    }

    /// Says something to the client.
    pub(crate) fn say(&self, line: &[u8], turn: &mut impl Turn) {
        if self.wishes.trace {
            let line = String::from_utf8_lossy(line.trim_ascii_end());
            log::trace!(
                "{} - cid:{} - ->> [{}]",
                self.peer,
                self.id,
                line.trim_start_matches('+')
            );
        }
        turn.reply(line);
    }

    fn must_authenticate(&self) -> bool {
        self.authentication_due.is_some()
    }

    /// Everything but publishing.
    #[inline(never)]
    fn operate(&mut self, operation: &Operation<'_>, turn: &mut impl Turn) {
        if self.must_authenticate() && !matches!(operation, Operation::Connect(_)) {
            return self.complain(&Complaint::AuthorizationViolation, turn);
        }
        match operation {
            Operation::Subscribe { subject, queue, sid } => {
                subscribing::subscribe(self, subject, *queue, sid, turn);
            }
            Operation::Unsubscribe { sid, max } => {
                turn.unsubscribe(sid, *max);
                self.confirm(turn);
            }
            Operation::Ping => self.ping(turn),
            Operation::Pong => self.heartbeat.answered(turn.now()),
            Operation::Connect(json) => self.connect(json, turn),
            Operation::Ok | Operation::Info | Operation::Publish(_) => {}
            Operation::Error(_) => self.violated(Violation::ClientError, turn),
        }
    }

    fn connect(&mut self, json: &[u8], turn: &mut impl Turn) {
        let mut options = self.options.take().unwrap_or_default();
        if let Err(error) = options.update(json) {
            log::debug!("{} - cid:{} - {error}", self.peer, self.id);
            return self.violated(Violation::Connect, turn);
        }
        let facts = self.facts.clone();
        if !authentication::admits(&facts.credentials, &options) {
            log::error!("{} - cid:{} - authentication error", self.peer, self.id);
            return self.complain(&Complaint::AuthorizationViolation, turn);
        }
        if let Some(complaint) = options.complaint(facts.limits.headers) {
            return self.complain(&complaint, turn);
        }
        self.authentication_due = None;
        self.heartbeat.begin(turn.now(), self.id);
        self.wishes = Wishes::of(&options);
        self.frame_limits.headers = options.headers && facts.limits.headers;
        turn.accept_headers(self.frame_limits.headers);
        self.options = Some(options);
        self.confirm(turn);
    }

    fn ping(&mut self, turn: &mut impl Turn) {
        self.say(b"PONG\r\n", turn);
        let Some(options) = &self.options else {
            return;
        };
        let understands = options.protocol >= PROTOCOL_ASYNC_INFO;
        if !std::mem::replace(&mut self.first_pong_sent, true) && understands {
            let bound = BoundAccount {
                name: GLOBAL_ACCOUNT,
                is_system: false,
            };
            let ip = self.peer.ip().to_string();
            let client = InfoClient {
                id: self.id,
                ip: &ip,
                bound: Some(bound),
            };
            let mut info = Vec::with_capacity(512);
            self.facts.info.render(&client, &mut info);
            self.say(&info, turn);
        }
    }
}

impl Session for NatsSession {
    fn receive<T: Turn>(&mut self, input: &[u8], turn: &mut T) -> Progress {
        self.heartbeat.heard(turn.now());
        if self.must_authenticate() && !may_begin_connect(input) {
            self.complain(&Complaint::AuthorizationViolation, turn);
            return Progress::Taken {
                consumed: 0,
                frame_length: 0,
            };
        }
        let mut repeated = Repeated::default();
        let mut looked_ahead = 0;
        let mut at = 0;
        while at < input.len() {
            let rest = &input[at..];
            if let Some(length) = repeated.publish(rest, turn) {
                at += length;
                continue;
            }
            match parse(rest, &self.frame_limits) {
                Parsed::Frame { operation, consumed } => {
                    if let Operation::Publish(publish) = &operation {
                        if turn.interest_pending() {
                            return Progress::Waiting { consumed: at };
                        }
                        if !self.must_authenticate() {
                            if at >= looked_ahead {
                                let (line, limits) = (publish.line_len, &self.frame_limits);
                                looked_ahead =
                                    at + publishing::look_ahead(rest, line, consumed, limits, turn);
                            }
                            self.publish(publish, turn);
                            repeated = Repeated::after(publish, &rest[..consumed], self, turn);
                        } else {
                            self.complain(&Complaint::AuthorizationViolation, turn);
                        }
                    } else {
                        repeated = Repeated::default();
                        if self.wishes.trace {
                            self.trace(&operation);
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
                Parsed::Violation(violation) => self.violated(violation, turn),
            }
            if self.closing {
                break;
            }
        }
        Progress::Taken {
            consumed: at,
            frame_length: 0,
        }
    }

    fn time<T: Turn>(&mut self, turn: &mut T) {
        let now = turn.now();
        if self.authentication_due.is_some_and(|due| due <= now) {
            return self.complain(&Complaint::AuthenticationTimeout, turn);
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
        let ping = self.heartbeat.due();
        Some(self.authentication_due.map_or(ping, |due| due.min(ping)))
    }

    fn round_trip(&self) -> Option<Duration> {
        self.heartbeat.round_trip()
    }

    fn identity(&self) -> Identity {
        match &self.options {
            None => Identity::default(),
            Some(options) => Identity {
                name: options.name.clone(),
                lang: options.lang.clone(),
                version: options.version.clone(),
            },
        }
    }
}

impl NatsSession {
    pub(crate) fn trace(&self, operation: &Operation<'_>) {
        let (peer, id) = (self.peer, self.id);
        log::trace!("{peer} - cid:{id} - <<- [{}]", trace::describe(operation));
        if let Operation::Publish(publish) = operation {
            let payload = trace::payload(publish.payload(), self.facts.max_traced_payload);
            log::trace!("{peer} - cid:{id} - <<- MSG_PAYLOAD: [{payload}]");
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
