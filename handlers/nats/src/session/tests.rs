//! What each operation comes to, as text: no socket, no actor, no clock but the one given.

use super::NatsSession;
use crate::ClientSettings;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_actors::connection::{Progress, Session, Turn};
use vagus_actors::connection_events::ConnectionEvents;
use vagus_auth::credentials::{ConnectionType, ConnectionTypes, Credentials, Gate, Proof, User};
use vagus_auth::permission::{Filter, Permissions, ResponsePermission, Rules};
use vagus_auth::proxies::TrustedProxies;
use vagus_configs::GLOBAL_ACCOUNT;
use vagus_configs::Limits;
use vagus_delivery::arbiter::{OwnMessage, Repeats, Trace};
use vagus_delivery::outbox::{Party, ShownDeliveries};
use vagus_delivery::subscriptions::Subscribed;
use vagus_delivery::wire::NewLayer;
use vagus_delivery::{Account, AccountDirectory, Live};
use vagus_protocol::error::CloseReason;
use vagus_protocol::info::Info;
use vagus_protocol::operation::Publish;
use vagus_routing::AccountId;

/// Writes down what a session asks for.
struct Recorder {
    now: Instant,
    text: String,
    subscriptions: BTreeMap<Vec<u8>, Vec<u8>>,
    bound: Option<Arc<Account>>,
    /// There is no room in any account.
    is_full: bool,
    pending: bool,
    taken: bool,
    /// How many messages a turn may publish, and how many this one still may.
    messages_a_turn: usize,
    messages_left: usize,
    /// How often the turn was asked about a message on a subject that begins with `wide.`: it takes three turns to resolve.
    looked_at: usize,
}

impl Recorder {
    fn note(&mut self, what: std::fmt::Arguments<'_>) {
        self.text.write_fmt(what).unwrap();
        self.text.push('\n');
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .replace('\r', "\\r")
        .replace('\n', "\\n")
}

impl Turn for Recorder {
    fn now(&self) -> Instant {
        self.now
    }

    fn bind(&mut self, account: &Arc<Account>) -> bool {
        if self
            .bound
            .as_ref()
            .is_some_and(|bound| bound.id() != account.id())
        {
            self.note(format_args!("bind to {}", account.name()));
        }
        self.bound = Some(account.clone());
        !self.is_full
    }

    fn answer(&mut self, message: OwnMessage) {
        let data = text(&message.payload);
        let data = data.split_once("\"data\":").unwrap().1;
        self.note(format_args!("answer {} {data}", text(&message.subject)));
    }

    fn publish_next_under_another_subject(&mut self, to: &[u8], message: &Publish<'_>) -> Option<bool> {
        let subject = to;
        self.publish_next(&Publish { subject, ..*message }, false)
    }

    fn publish_traced(&mut self, message: &Publish<'_>, echo: bool, mut trace: Box<dyn Trace>) -> bool {
        if !trace.is_without_delivery() {
            self.publish(message, echo);
        }
        if self.taken {
            trace.add_egress(&tracing::EGRESS);
        }
        self.publish_event(trace);
        self.taken
    }

    fn publish_event(&mut self, trace: Box<dyn Trace>) {
        let event = tracing::made_of(trace);
        self.note(format_args!("event {event}"));
    }

    fn introduce(&mut self) {}

    fn set_name(&mut self, _: &str) {}

    fn set_party(&mut self, _: Party) {}

    fn set_round_trip(&mut self, _: Duration) {}

    fn show_deliveries(&mut self, _: ShownDeliveries) {}

    fn withhold(&mut self, payload: usize) {
        self.note(format_args!("withhold {payload}"));
    }

    fn goes_on(&mut self, message: Option<&Publish<'_>>, _: bool) -> bool {
        assert!(message.is_none() || !self.pending, "own interest comes first");
        if let Some(message) = message.filter(|message| message.subject.starts_with(b"wide.")) {
            self.looked_at += 1;
            self.note(format_args!("resolve {}", text(message.subject)));
            return self.looked_at.is_multiple_of(3);
        }
        self.messages_left > 0
    }

    fn charge(&mut self, _: usize) {}

    fn anticipate(&mut self, _: &[&[u8]]) {}

    fn publish(&mut self, message: &Publish<'_>, echo: bool) -> bool {
        assert!(self.bound.is_some(), "it is not in any account");
        self.messages_left = self.messages_left.saturating_sub(1);
        let echo = if echo { "" } else { " without echo" };
        self.note(format_args!(
            "publish {} {}{echo}",
            text(message.subject),
            text(message.body)
        ));
        self.taken
    }

    fn may_publish_again(&self, _: usize) -> usize {
        self.messages_left
    }

    fn publish_again(&mut self, repeats: &Repeats<'_>) {
        self.messages_left -= repeats.count();
        for tail in repeats.tails() {
            self.note(format_args!("again {} {}", text(tail), repeats.payload()));
        }
    }

    fn subscribe(&mut self, subject: &[u8], queue: Option<&[u8]>, sid: &[u8], except: Option<Filter>) {
        assert!(self.bound.is_some(), "it is not in any account");
        let queue = queue
            .map(|queue| format!(" in {}", text(queue)))
            .unwrap_or_default();
        self.note(format_args!(
            "subscribe {} to {}{queue}{}",
            text(sid),
            text(subject),
            if except.is_some() { " with exceptions" } else { "" }
        ));
        self.subscriptions.insert(sid.to_vec(), subject.to_vec());
        self.pending = true;
    }

    fn is_subscribed(&self, sid: &[u8]) -> bool {
        self.subscriptions.contains_key(sid)
    }

    fn unsubscribe(&mut self, sid: &[u8], max: Option<u64>) {
        let max = max.map(|max| format!(" after {max}")).unwrap_or_default();
        self.note(format_args!("unsubscribe {}{max}", text(sid)));
        self.subscriptions.remove(sid);
        self.pending = true;
    }

    fn unsubscribe_all(&mut self) {
        if !self.subscriptions.is_empty() {
            self.note(format_args!("unsubscribe all"));
            self.subscriptions.clear();
            self.pending = true;
        }
    }

    fn subscriptions(&self) -> usize {
        self.subscriptions.len()
    }

    fn all_interest(&self) -> Vec<Subscribed> {
        let known = |(sid, subject): (&Vec<u8>, &Vec<u8>)| Subscribed {
            subject: subject.as_slice().into(),
            queue: None,
            sid: sid.as_slice().into(),
        };
        self.subscriptions.iter().map(known).collect()
    }

    fn except(&mut self, sid: &[u8], except: Option<Filter>) {
        let some = if except.is_some() { "some" } else { "nothing" };
        self.note(format_args!("{} goes on except {some}", text(sid)));
    }

    fn interest_pending(&self) -> bool {
        self.pending
    }

    fn own_plain_sid(&mut self, subject: &[u8]) -> Option<Box<[u8]>> {
        let own = self
            .subscriptions
            .iter()
            .find(|(_, own)| vagus_routing::subject::matches(own, subject))?;
        Some(own.0.as_slice().into())
    }

    fn reply(&mut self, bytes: &[u8]) {
        let line = if bytes.starts_with(b"INFO ") {
            b"INFO"
        } else {
            bytes
        };
        self.note(format_args!("< {}", text(line.trim_ascii_end())));
    }

    fn may_answer_requests(&mut self, permission: Option<ResponsePermission>) {
        if permission.is_some() {
            self.note(format_args!("may answer"));
        }
    }

    fn answers_request(&mut self, subject: &[u8]) -> bool {
        subject.starts_with(b"answer.")
    }

    fn accept_headers(&mut self, accept: bool) {
        if accept {
            self.note(format_args!("headers"));
        }
    }

    fn put_layer(&mut self, _: NewLayer) {
        self.note(format_args!("put a layer"));
    }

    fn close(&mut self, reason: CloseReason) {
        self.note(format_args!("close: {reason}"));
    }
}

/// A session and what it did.
struct Peer {
    live: Arc<Live<ClientSettings>>,
    session: NatsSession,
    recorder: Recorder,
    unread: Vec<u8>,
}

impl Peer {
    fn new(limits: Limits, credentials: Credentials) -> Self {
        Self::of(settings(limits, credentials))
    }

    fn of(settings: ClientSettings) -> Self {
        let now = Instant::now();
        let live = Arc::new(Live::new(settings));
        let peer = SocketAddr::from(([127, 0, 0, 1], 4222));
        let session = NatsSession::new(live.clone(), peer, 1, None, now);
        let recorder = Recorder {
            now,
            text: String::new(),
            subscriptions: BTreeMap::new(),
            bound: session.account().cloned(),
            is_full: false,
            pending: false,
            taken: true,
            messages_a_turn: usize::MAX,
            messages_left: usize::MAX,
            looked_at: 0,
        };
        Self {
            session,
            live,
            recorder,
            unread: Vec::new(),
        }
    }

    /// Gives it input; interest is in force before it is asked again.
    fn say(&mut self, input: &str) -> &mut Self {
        self.unread.extend_from_slice(input.as_bytes());
        loop {
            let unread = std::mem::take(&mut self.unread);
            let progress = self.session.receive(&unread, &mut self.recorder);
            self.recorder.pending = false;
            match progress {
                Progress::Waiting { consumed } => self.unread = unread[consumed..].to_vec(),
                Progress::Yielded { consumed } => {
                    self.unread = unread[consumed..].to_vec();
                    self.recorder.note(format_args!("others have their turn"));
                    self.recorder.messages_left = self.recorder.messages_a_turn;
                }
                Progress::Taken { consumed, .. } => {
                    self.unread = unread[consumed..].to_vec();
                    return self;
                }
            }
        }
    }

    /// The server is set to this now.
    fn set(&mut self, limits: Limits, credentials: Credentials) -> &mut Self {
        self.live.replace(Arc::new(settings(limits, credentials)));
        self.session.settings_changed(&mut self.recorder);
        self.recorder.pending = false;
        self
    }

    fn after(&mut self, time: Duration) -> &mut Self {
        self.recorder.now += time;
        self.session.time(&mut self.recorder);
        self
    }

    #[track_caller]
    fn did(&mut self, expected: &str) -> &mut Self {
        let lines = |text: &str| {
            text.lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(lines(&std::mem::take(&mut self.recorder.text)), lines(expected));
        self
    }
}

/// How long a client may take to say who it is.
const AUTH_TIMEOUT: Duration = Duration::from_secs(2);

fn settings(limits: Limits, credentials: Credentials) -> ClientSettings {
    let info = Info {
        server_id: "N".to_owned(),
        max_payload: limits.max_payload,
        ..Info::default()
    };
    ClientSettings {
        info,
        limits,
        gate: Arc::new(Gate::new(credentials).unwrap()),
        connection: ConnectionType::Standard,
        auth_timeout: AUTH_TIMEOUT,
        accounts: Arc::new(AccountDirectory::new(Arc::new(Account::new(
            AccountId(0),
            GLOBAL_ACCOUNT,
        )))),
        claimed_accounts: None,
        auth_callout: None,
        callout_means: None,
        tls: None,
        trusted_proxies: TrustedProxies::default(),
        websocket: None,
        proxy_protocol: false,
        max_traced_payload: 0,
        trace_headers: false,
        tags: Vec::new(),
        metadata: BTreeMap::new(),
        answered: Arc::default(),
        events: ConnectionEvents::default(),
    }
}

const QUIET: &str = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";

/// What a client that wants no confirmations causes.
#[track_caller]
fn check(input: &str, expected: &str) {
    Peer::new(Limits::default(), Credentials::Open)
        .say(QUIET)
        .did("")
        .say(input)
        .did(expected);
}

#[test]
fn operations_come_to_what_they_say() {
    check("", "");
    check("PUB a 5\r\nhel", "");
    check("PUB a 5\r\nhello\r\n", "publish a hello");
    check("SUB a.* 1\r\n", "subscribe 1 to a.*");
    check("SUB a workers 1\r\n", "subscribe 1 to a in workers");
    check("UNSUB 1\r\nUNSUB 2 5\r\n", "unsubscribe 1\nunsubscribe 2 after 5");
    check("PING\r\n", "< PONG");
    check("PONG\r\n+OK\r\n", "");
    check(
        "NONSENSE\r\n",
        "< -ERR 'Unknown Protocol Operation'\nclose: Protocol Violation",
    );
    check("-ERR 'x'\r\n", "close: Parse Error");
}

mod admission;
mod adopting;

#[test]
fn a_client_that_asks_is_told_who_it_is() {
    check(
        "PUB $SYS.REQ.USER.INFO r 0\r\n\r\nPUB $SYS.REQ.USER.INFO 0\r\n\r\nPUB $SYS.REQ.USER r 0\r\n\r\n",
        "publish $SYS.REQ.USER.INFO
        answer r {\"user\":\"\",\"account\":\"$G\",\"account_name\":\"$G\"}}
        publish $SYS.REQ.USER.INFO
        publish $SYS.REQ.USER",
    );
    let mut peer = permitted(Permissions {
        publish: Rules {
            allow: list(&["$SYS.REQ.USER.INFO"]),
            ..Rules::default()
        },
        ..Permissions::default()
    });
    peer.say("PUB $SYS.REQ.USER.INFO r 0\r\n\r\n").did(
        "publish $SYS.REQ.USER.INFO
        answer r {\"user\":\"ann\",\"account\":\"$G\",\"account_name\":\"$G\",\"permissions\":{\"publish\":{\"allow\":[\"$SYS.REQ.USER.INFO\"]},\"subscribe\":{}}}}",
    );
    let mut peer = permitted(Permissions {
        publish: Rules {
            allow: list(&["a"]),
            ..Rules::default()
        },
        ..Permissions::default()
    });
    peer.say("PUB $SYS.REQ.USER.INFO r 0\r\n\r\n")
        .did("< -ERR 'Permissions Violation for Publish to \"$SYS.REQ.USER.INFO\"'\nwithhold 0");
}

#[test]
fn verbose_clients_are_told_of_each_success() {
    let mut peer = Peer::new(Limits::default(), Credentials::Open);
    peer.say("CONNECT {\"pedantic\":false}\r\n").did("< +OK");
    peer.say("SUB a 1\r\n").did("subscribe 1 to a\n< +OK");
    peer.say("PUB a 1\r\nx\r\n").did("< +OK\npublish a x");
    peer.say("UNSUB 1\r\nPING\r\n")
        .did("unsubscribe 1\n< +OK\n< PONG");
}

#[test]
fn pedantic_clients_are_told_of_odd_subjects() {
    let mut peer = Peer::new(Limits::default(), Credentials::Open);
    peer.say("CONNECT {\"verbose\":false}\r\n").did("");
    peer.say("PUB a.* 1\r\nx\r\n")
        .did("< -ERR 'Invalid Publish Subject'\npublish a.* x");
}

#[test]
fn the_first_ping_of_a_client_that_understands_is_followed_by_info() {
    let mut peer = Peer::new(Limits::default(), Credentials::Open);
    peer.say("PING\r\n").did("< PONG");
    peer.say("CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\nPING\r\n")
        .did("< PONG\n< INFO\n< PONG");
}

#[test]
fn limits_are_held() {
    let limits = || Limits {
        max_subscriptions: 1,
        max_subscription_tokens: 2,
        max_payload: 2,
        ..Limits::default()
    };
    let mut peer = Peer::new(limits(), Credentials::Open);
    peer.say(QUIET).did("");
    peer.say("SUB a.b.c 1\r\n")
        .did("< -ERR 'Permissions Violation for Subscription to \"a.b.c\", too many tokens'");
    peer.say("SUB a 1\r\nSUB b 2\r\n")
        .did("subscribe 1 to a\n< -ERR 'maximum subscriptions exceeded'");
    peer.say("PUB a 2\r\nxx\r\n").did("publish a xx");
    peer.say("PUB a 3\r\n")
        .did("< -ERR 'Maximum Payload Violation'\nclose: Maximum Message Payload Exceeded");
}

/// There is a user with these permissions.
fn user_with(permissions: Permissions) -> Credentials {
    let user = User {
        proof: Proof::Password {
            name: "ann".to_owned(),
            password: "pw".to_owned(),
        },
        permissions: Some(Arc::new(permissions)),
        connection_types: ConnectionTypes::default(),
        account: None,
        requires_proxy: false,
    };
    Credentials::Users {
        users: vec![user].into(),
        no_auth_user: None,
        default_permissions: None,
    }
}

/// What that user says first.
const AS_USER: &str = "CONNECT {\"verbose\":false,\"pedantic\":false,\"user\":\"ann\",\"pass\":\"pw\"}\r\n";

/// A session of a user with permissions.
fn permitted(permissions: Permissions) -> Peer {
    let mut peer = Peer::new(Limits::default(), user_with(permissions));
    peer.say(AS_USER);
    peer
}

fn list(subjects: &[&str]) -> Vec<String> {
    subjects.iter().map(ToString::to_string).collect()
}

mod login;
mod mapping;
mod publishing;
mod silence;
mod tracing;
mod turns;
