//! The keys of a connector, until its type says what they mean.

use super::super::findings::Findings;
use super::super::listen::split;
use super::kind::{ConnectorKind, Direction, Protocol};
use super::{absent, permissions};
use crate::ServerAddress;
use crate::grammar::{Entry, Kind};
use std::time::Duration;
use vagus_auth::permission::Permissions;
use vagus_forward::Login;

/// The largest frame, and the most that may wait, in bytes.
const LARGEST: i64 = 1 << 30;

/// What was given for a key, and where.
pub(super) struct Given<'e, T> {
    pub(super) entry: &'e Entry,
    pub(super) value: T,
}

/// What was given.
#[derive(Default)]
pub(super) struct Keys<'e> {
    pub(super) id: Option<String>,
    pub(super) kind: Option<ConnectorKind>,
    pub(super) account: Option<Given<'e, String>>,
    pub(super) permissions: Option<Permissions>,
    pub(super) is_paused: bool,
    pub(super) subject: Option<Given<'e, String>>,
    pub(super) queue: Option<Given<'e, String>>,
    pub(super) stream: Option<String>,
    pub(super) durable_name: Option<String>,
    pub(super) tag: Option<Given<'e, String>>,
    pub(super) tag_key: Option<Given<'e, String>>,
    pub(super) subject_key: Option<Given<'e, String>>,
    pub(super) listen: Option<&'e Entry>,
    pub(super) tls: Option<&'e Entry>,
    pub(super) servers: Vec<ServerAddress>,
    pub(super) shared_key: Option<String>,
    pub(super) self_hostname: Option<String>,
    pub(super) users: Vec<Login>,
    pub(super) answers_datagrams: bool,
    pub(super) requires_acknowledgement: bool,
    pub(super) is_compressed: bool,
    pub(super) max_connections: Option<usize>,
    pub(super) max_frame: Option<usize>,
    pub(super) max_pending: Option<usize>,
    pub(super) chunk_limit: Option<usize>,
    pub(super) flush_interval: Option<Duration>,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) ack_timeout: Option<Duration>,
    pub(super) retry_wait: Option<Duration>,
    pub(super) retry_longest_wait: Option<Duration>,
    pub(super) allowed_origins: Vec<String>,
    pub(super) max_body: Option<usize>,
    pub(super) requests_a_second: Option<u32>,
    /// The keys that not all types have.
    special: Vec<(&'e Entry, Special)>,
}

/// Which types have a key.
#[derive(Clone, Copy)]
struct Special {
    directions: &'static [Direction],
    protocols: &'static [Protocol],
    /// Whether only those about streams have it, or only those about subjects.
    of_streams: Option<bool>,
}

const IN: &[Direction] = &[Direction::In];
const OUT: &[Direction] = &[Direction::Out];
const EITHER: &[Direction] = &[Direction::In, Direction::Out];
const BOTH: &[Direction] = &[Direction::Both];
const LISTENING: &[Direction] = &[Direction::In, Direction::Both];

const ALL: &[Protocol] = &[
    Protocol::Forward,
    Protocol::Lumberjack,
    Protocol::JsonLines,
    Protocol::Http,
];
const TAGLESS: &[Protocol] = &[Protocol::Lumberjack, Protocol::JsonLines];
const FORWARD: &[Protocol] = &[Protocol::Forward];
const COMPRESSING: &[Protocol] = &[Protocol::Forward, Protocol::Lumberjack];

/// Sets what a key was given for.
pub(super) fn set<T>(setting: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *setting = given;
    }
}

impl<'e> Keys<'e> {
    pub(super) fn take(&mut self, entry: &'e Entry, findings: &mut Findings) {
        let key = entry.key.to_lowercase();
        let mut add = |directions, protocols, of_streams| {
            let special = Special {
                directions,
                protocols,
                of_streams,
            };
            self.special.push((entry, special));
        };
        match &*key {
            "listen" => add(LISTENING, ALL, None),
            "max_connections" | "max_frame" => add(IN, ALL, None),
            "queuename" | "max_pending" => add(OUT, ALL, Some(false)),
            "stream" | "durable_name" => add(OUT, ALL, Some(true)),
            "servers" | "chunk_limit_size" | "flush_interval" | "connect_timeout" | "retry_wait"
            | "retry_max_interval" | "subject_key" => add(OUT, ALL, None),
            "account" | "permissions" | "subject" | "tag" | "ack_timeout" => add(EITHER, ALL, None),
            "shared_key" | "self_hostname" | "users" => add(EITHER, FORWARD, None),
            "heartbeat_type" => add(IN, FORWARD, None),
            "require_ack" => add(OUT, FORWARD, None),
            "compress" => add(OUT, COMPRESSING, None),
            "tag_key" => add(EITHER, TAGLESS, None),
            "allowed_origins" | "max_body" | "max_requests_per_second" => add(BOTH, ALL, None),
            _ => {}
        }
        match &*key {
            "id" => self.id = id(entry, findings),
            "type" => self.kind = kind(entry, findings),
            "account" => self.account = given(entry, findings),
            "permissions" => self.permissions = permissions(entry, findings),
            "paused" => self.is_paused = findings.boolean(entry).unwrap_or_default(),
            "subject" => self.subject = given(entry, findings),
            "queuename" => self.queue = queue(entry, findings),
            "stream" => self.stream = name(entry, findings),
            "durable_name" => self.durable_name = name(entry, findings),
            "tag" => self.tag = given(entry, findings),
            "tag_key" => self.tag_key = given(entry, findings),
            "subject_key" => self.subject_key = given(entry, findings),
            "listen" => self.listen = Some(entry),
            "tls" => self.tls = Some(entry),
            "servers" => self.servers = servers(entry, findings),
            "shared_key" => self.shared_key = given(entry, findings).map(|given| given.value),
            "self_hostname" => self.self_hostname = given(entry, findings).map(|given| given.value),
            "users" => self.users = users(entry, findings),
            "heartbeat_type" => self.answers_datagrams = heartbeats(entry, findings),
            "require_ack" => self.requires_acknowledgement = findings.boolean(entry).unwrap_or_default(),
            "compress" => self.is_compressed = compress(entry, findings),
            "max_connections" => self.max_connections = findings.size(entry, 65_536),
            "max_frame" => self.max_frame = findings.size(entry, LARGEST),
            "max_pending" => self.max_pending = findings.size(entry, LARGEST),
            "chunk_limit_size" => self.chunk_limit = findings.size(entry, LARGEST),
            "flush_interval" => self.flush_interval = findings.seconds(entry),
            "connect_timeout" => self.connect_timeout = findings.seconds(entry),
            "allowed_origins" => self.allowed_origins = origins(entry, findings),
            "max_body" => self.max_body = findings.size(entry, LARGEST),
            "max_requests_per_second" => {
                let rate = findings.size(entry, u32::MAX.into());
                self.requests_a_second = rate.and_then(|rate| u32::try_from(rate).ok());
            }
            "ack_timeout" => self.ack_timeout = findings.seconds(entry),
            "retry_wait" => self.retry_wait = findings.seconds(entry),
            "retry_max_interval" => self.retry_longest_wait = findings.seconds(entry),
            key => absent::refuse(key, entry, &absent::NOTHING, findings),
        }
    }

    /// Refuses the keys that connectors of this type do not have.
    pub(super) fn refuse_foreign(&self, kind: ConnectorKind, findings: &mut Findings) {
        for (entry, special) in &self.special {
            let is_foreign = !special.directions.contains(&kind.direction)
                || !special.protocols.contains(&kind.protocol)
                || special
                    .of_streams
                    .is_some_and(|of_streams| of_streams != kind.is_of_streams);
            if is_foreign {
                let message = format!("{} is not for connectors of this type", entry.key);
                findings.problem(entry, message);
            }
        }
    }
}

fn given<'e>(entry: &'e Entry, findings: &mut Findings) -> Option<Given<'e, String>> {
    let text = findings.text(entry)?;
    if text.is_empty() {
        return findings.refuse(entry, format!("{} must not be empty", entry.key));
    }
    let value = text.to_owned();
    Some(Given { entry, value })
}

fn id(entry: &Entry, findings: &mut Findings) -> Option<String> {
    let text = findings.text(entry)?;
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    if text.is_empty() || text.len() > 128 || !text.chars().all(is_letter) {
        let message = "id must have 1 to 128 letters of A to Z, a to z, 0 to 9, '_', '-' and '.'";
        return findings.refuse(entry, message.to_owned());
    }
    Some(text.to_owned())
}

fn kind(entry: &Entry, findings: &mut Findings) -> Option<ConnectorKind> {
    let text = findings.text(entry)?;
    let kind = ConnectorKind::named(text);
    kind.or_else(|| {
        let message = format!(
            "there is no type {text:?} of connectors: NATSTo, JetStreamTo, ToNATS or ToJetStream with Forward, Lumberjack or JSONLines; or HTTP"
        );
        findings.refuse(entry, message)
    })
}

fn queue<'e>(entry: &'e Entry, findings: &mut Findings) -> Option<Given<'e, String>> {
    let queue = given(entry, findings)?;
    if queue
        .value
        .contains(|letter: char| letter.is_whitespace() || letter.is_control())
    {
        return findings.refuse(entry, "queuename must not hold spaces".to_owned());
    }
    Some(queue)
}

/// That of a stream or a consumer: a token of a subject, and of a path.
fn name(entry: &Entry, findings: &mut Findings) -> Option<String> {
    let name = given(entry, findings)?.value;
    let is_forbidden =
        |letter: char| letter.is_whitespace() || letter.is_control() || ".*>/\\".contains(letter);
    if name.len() > 255 || name.contains(is_forbidden) {
        return findings.refuse(
            entry,
            format!("{} must not hold spaces or any of .*>/\\", entry.key),
        );
    }
    Some(name)
}

/// Whether heartbeats come as datagrams, too.
fn heartbeats(entry: &Entry, findings: &mut Findings) -> bool {
    match findings.text(entry) {
        Some("udp") => true,
        Some("transport") | None => false,
        Some(_) => {
            findings.problem(entry, "heartbeat_type must be transport or udp");
            false
        }
    }
}

fn compress(entry: &Entry, findings: &mut Findings) -> bool {
    match &entry.value.kind {
        Kind::Boolean(on) => *on,
        Kind::Text(text) if text == "gzip" => true,
        Kind::Text(text) if text == "text" => false,
        _ => {
            findings.problem(entry, "compress must be true, false, gzip or text");
            false
        }
    }
}

fn servers(entry: &Entry, findings: &mut Findings) -> Vec<ServerAddress> {
    let texts = match &entry.value.kind {
        Kind::Text(text) => vec![text.clone()],
        _ => findings.texts(entry).unwrap_or_default(),
    };
    let mut servers = Vec::with_capacity(texts.len());
    for text in texts {
        let address = split(&text).and_then(|(host, port)| {
            let port = u16::try_from(port).ok().filter(|port| *port != 0)?;
            let is_host = !host.is_empty() && !host.contains(char::is_whitespace);
            is_host.then(|| ServerAddress {
                host: host.to_owned(),
                port,
            })
        });
        match address {
            Some(address) => servers.push(address),
            None => findings.problem(entry, format!("{text:?} is not <host>:<port>")),
        }
    }
    servers
}

/// `scheme://host` or `scheme://host:port` each, or `*`.
fn origins(entry: &Entry, findings: &mut Findings) -> Vec<String> {
    let origins = findings.texts(entry).unwrap_or_default();
    for origin in &origins {
        let host = origin.split_once("://").map(|(_, host)| host);
        let is_origin = host.is_some_and(|host| !host.is_empty() && !host.contains('/'));
        if origin != "*" && !is_origin {
            findings.problem(
                entry,
                format!("{origin:?} is not an origin such as https://example.org"),
            );
        }
    }
    origins
}

/// `{user: …, password: …}` each.
fn users(entry: &Entry, findings: &mut Findings) -> Vec<Login> {
    let mut users = Vec::new();
    for value in findings.array(entry).unwrap_or_default() {
        let Kind::Map(map) = &value.kind else {
            let message = format!("a user must be a map, not {}", value.kind.name());
            findings.problem_at(&value.place, message);
            continue;
        };
        let (mut username, mut password) = (String::new(), String::new());
        for entry in map.entries() {
            match &*entry.key.to_lowercase() {
                "user" | "username" => set(&mut username, findings.text(entry).map(str::to_owned)),
                "pass" | "password" => set(&mut password, findings.text(entry).map(str::to_owned)),
                key => absent::refuse(key, entry, &absent::NOTHING, findings),
            }
        }
        match username.is_empty() {
            true => findings.problem_at(&value.place, "a user must have a name"),
            false => users.push(Login { username, password }),
        }
    }
    users
}
