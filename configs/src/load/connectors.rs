//! The section `connectors`: an array of maps, as nats-kafka has it under `connect`.

mod keys;
mod kind;

use super::findings::Findings;
use super::{absent, listen, tls};
use crate::grammar::{Entry, Kind, Map, Place, Value};
use crate::{
    Accounts, ConnectorLanguage, ConnectorSettings, ConnectorWay, ConsumerName, GLOBAL_ACCOUNT, HttpSettings,
    InwardSettings, Listen, OutwardSettings, Port, SubjectOfTag,
};
use keys::{Given, Keys};
use kind::{ConnectorKind, Direction, Protocol};
use std::collections::HashSet;
use vagus_auth::permission::{Matcher, Permissions, Subscribe};
use vagus_forward::{Credentials, Login};
use vagus_routing::Transform;
use vagus_routing::subject::{has_wildcards, is_valid_literal, is_valid_subscription};

/// What a file says, until it is known which accounts there are.
#[derive(Default)]
pub(super) struct Section {
    connectors: Vec<(ConnectorSettings, Option<Place>)>,
}

impl Section {
    pub(super) fn take(&mut self, key: &str, entry: &Entry, findings: &mut Findings) -> bool {
        if key != "connectors" {
            return false;
        }
        self.connectors.clear();
        for value in findings.array(entry).unwrap_or_default() {
            let Kind::Map(map) = &value.kind else {
                let message = format!("a connector must be a map, not {}", value.kind.name());
                findings.problem_at(&value.place, message);
                continue;
            };
            self.connectors.extend(read(value, map, findings));
        }
        let mut ids = HashSet::new();
        for (connector, _) in &self.connectors {
            if !ids.insert(&connector.id) {
                findings.problem(entry, format!("connectors: duplicate id {:?}", connector.id));
            }
        }
        true
    }

    /// What was said, once it is known which accounts there are. Those that operators sign are not known by now.
    pub(super) fn settle(
        self,
        accounts: &Accounts,
        has_operators: bool,
        findings: &mut Findings,
    ) -> Vec<ConnectorSettings> {
        let names = accounts.names();
        for (connector, place) in &self.connectors {
            let name = &*connector.account;
            if let Some(place) = place
                && !has_operators
                && name != GLOBAL_ACCOUNT
                && !names.contains(name)
            {
                findings.problem_at(place, format!("connectors: there is no account {name:?}"));
            }
        }
        self.connectors
            .into_iter()
            .map(|(connector, _)| connector)
            .collect()
    }
}

/// One connector, and where its account is named; None if it cannot be.
fn read(value: &Value, map: &Map, findings: &mut Findings) -> Option<(ConnectorSettings, Option<Place>)> {
    let known = findings.problems.len();
    let mut keys = Keys::default();
    for entry in map.entries() {
        keys.take(entry, findings);
    }
    let place = map.entries().first().map_or(&value.place, |entry| &entry.place);
    let id = keys.id.take();
    let Some(id) = id else {
        findings.problem_at(place, "a connector must have an id");
        return None;
    };
    let Some(kind) = keys.kind.take() else {
        findings.problem_at(place, format!("connector {id:?} must have a type"));
        return None;
    };
    keys.refuse_foreign(kind, findings);
    let permissions = keys.permissions.take().unwrap_or_default();
    // What is no subject was refused where it stands.
    let matcher = permissions.clone().compile().ok()?;
    let way = match kind.direction {
        Direction::In => ConnectorWay::In(inward(kind, &mut keys, place, &matcher, findings)?),
        Direction::Out => {
            let mut outward = outward(kind, &mut keys, place, &matcher, findings)?;
            if kind.is_of_streams {
                outward.consumer = Some(consumer(&id, &mut keys, place, findings)?);
            }
            ConnectorWay::Out(outward)
        }
        Direction::Both => ConnectorWay::Http(http(&mut keys, findings)),
    };
    if findings.problems.len() > known {
        return None;
    }
    let (account, account_place) = match keys.account.take() {
        Some(Given { entry, value }) => (value, Some(entry.place.clone())),
        None => (GLOBAL_ACCOUNT.to_owned(), None),
    };
    let connector = ConnectorSettings {
        id,
        account,
        permissions,
        is_paused: keys.is_paused,
        way,
    };
    Some((connector, account_place))
}

fn http(keys: &mut Keys<'_>, findings: &mut Findings) -> HttpSettings {
    let usual = Listen {
        host: Listen::default().host,
        port: Protocol::Http.usual_port().map_or(Port::Free, Port::Fixed),
    };
    let mut settings = HttpSettings::new(usual.clone());
    if let Some(entry) = keys.listen {
        listen::take("listen", entry, &mut settings.listen, &usual, findings);
    }
    if let Some(entry) = keys.tls {
        settings.tls = tls::section(entry, false, findings);
        if let Some(tls) = &settings.tls {
            tls::check(entry, tls, findings);
        }
    }
    settings.allowed_origins = std::mem::take(&mut keys.allowed_origins);
    settings.requests_a_second = keys.requests_a_second;
    keys::set(&mut settings.max_body, keys.max_body);
    settings
}

fn inward(
    kind: ConnectorKind,
    keys: &mut Keys<'_>,
    place: &Place,
    matcher: &Matcher,
    findings: &mut Findings,
) -> Option<InwardSettings> {
    let usual = Listen {
        host: Listen::default().host,
        port: kind.protocol.usual_port().map_or(Port::Free, Port::Fixed),
    };
    let mut settings = InwardSettings::new(
        language(kind.protocol, keys, place, findings)?,
        usual.clone(),
        SubjectOfTag::One(String::new()),
    );
    match keys.listen {
        Some(entry) => {
            listen::take("listen", entry, &mut settings.listen, &usual, findings);
        }
        None if kind.protocol.usual_port().is_none() => {
            findings.problem_at(place, "this type of connector must have listen");
        }
        None => {}
    }
    if let Some(entry) = keys.tls {
        settings.tls = tls::section(entry, false, findings);
        if let Some(tls) = &settings.tls {
            tls::check(entry, tls, findings);
        }
    }
    let has_tags = kind.protocol == Protocol::Forward || keys.tag_key.is_some();
    settings.subject = subject_of_tag(keys, place, has_tags, findings)?;
    if let (SubjectOfTag::One(subject), Some(given)) = (&settings.subject, &keys.subject)
        && !matcher.may_publish(subject.as_bytes())
    {
        let message = format!("Permissions Violation for Publish to {subject:?}");
        findings.problem(given.entry, message);
    }
    if let Some(given) = keys.tag_key.take() {
        settings.tag_key = given.value.split('.').map(str::to_owned).collect();
    }
    settings.is_stored = kind.is_of_streams;
    keys::set(&mut settings.max_connections, keys.max_connections);
    keys::set(&mut settings.max_frame, keys.max_frame);
    settings.answers_datagrams = keys.answers_datagrams;
    keys::set(&mut settings.ack_timeout, keys.ack_timeout);
    Some(settings)
}

fn subject_of_tag(
    keys: &Keys<'_>,
    place: &Place,
    has_tags: bool,
    findings: &mut Findings,
) -> Option<SubjectOfTag> {
    let everything = || SubjectOfTag::Mapped(">".to_owned(), ">".to_owned());
    let Some(given) = &keys.subject else {
        return match (has_tags, &keys.tag) {
            (true, None) => Some(everything()),
            (true, Some(tag)) => Some(SubjectOfTag::Mapped(tag.value.clone(), tag.value.clone()))
                .filter(|_| !has_wildcards(tag.value.as_bytes()) || tag.value.ends_with('>')),
            (false, _) => None,
        }
        .or_else(|| {
            findings.problem_at(place, "this connector must have a subject");
            None
        });
    };
    let (entry, subject) = (given.entry, &given.value);
    match &keys.tag {
        None if is_valid_literal(subject.as_bytes()) && is_valid_subscription(subject.as_bytes()) => {
            Some(SubjectOfTag::One(subject.clone()))
        }
        tag if has_tags => {
            let tag = tag.as_ref().map_or(">", |tag| &tag.value);
            match Transform::new(tag, subject) {
                Ok(_) => Some(SubjectOfTag::Mapped(tag.to_owned(), subject.clone())),
                Err(error) => {
                    findings.refuse(entry, format!("subject cannot be made of tag {tag:?}: {error}"))
                }
            }
        }
        Some(tag) => findings.refuse(tag.entry, "there are no tags without tag_key".to_owned()),
        None => findings.refuse(
            entry,
            format!("{subject:?} is not a subject that can be published on"),
        ),
    }
}

fn outward(
    kind: ConnectorKind,
    keys: &mut Keys<'_>,
    place: &Place,
    matcher: &Matcher,
    findings: &mut Findings,
) -> Option<OutwardSettings> {
    let given = keys.subject.take();
    let (entry, subject) = match given {
        Some(Given { entry, value }) => (Some(entry), value),
        // All that the stream keeps.
        None if kind.is_of_streams => (None, ">".to_owned()),
        None => {
            findings.problem_at(place, "this connector must have a subject");
            return None;
        }
    };
    let place_of_subject = entry.map_or(place, |entry| &entry.place);
    if !is_valid_subscription(subject.as_bytes()) {
        let message = format!("{subject:?} is not a subject that can be subscribed to");
        findings.problem_at(place_of_subject, message);
        return None;
    }
    let queue = keys.queue.take().map(|given| given.value);
    let may = matcher.may_subscribe(subject.as_bytes(), queue.as_deref().map(str::as_bytes));
    if matches!(may, Subscribe::Denied) {
        let message = format!("Permissions Violation for Subscription to {subject:?}");
        findings.problem_at(place_of_subject, message);
        return None;
    }
    if keys.servers.is_empty() {
        findings.problem_at(place, "this connector must have servers");
    }
    let language = language(kind.protocol, keys, place, findings)?;
    let servers = std::mem::take(&mut keys.servers);
    let mut settings = OutwardSettings::new(language, &subject, servers);
    settings.queue = queue;
    if let Some(tag) = keys.tag.take() {
        if let Err(error) = Transform::new(&subject, &tag.value) {
            let message = format!("tag cannot be made of subject {subject:?}: {error}");
            findings.problem(tag.entry, message);
        }
        settings.tag = Some(tag.value);
    }
    if let Some(entry) = keys.tls {
        settings.tls = tls::section(entry, false, findings);
        if let Some(tls) = &settings.tls
            && findings.reads_certificates
            && let Err(error) = vagus_tls::Connector::new(tls)
        {
            findings.problem(entry, error.to_string());
        }
    }
    settings.tag_key = keys.tag_key.take().map(|given| given.value);
    settings.subject_key = keys.subject_key.take().map(|given| given.value);
    settings.requires_acknowledgement = keys.requires_acknowledgement;
    settings.is_compressed = keys.is_compressed;
    keys::set(&mut settings.max_pending, keys.max_pending);
    keys::set(&mut settings.chunk_limit, keys.chunk_limit);
    keys::set(&mut settings.flush_interval, keys.flush_interval);
    keys::set(&mut settings.connect_timeout, keys.connect_timeout);
    keys::set(&mut settings.ack_timeout, keys.ack_timeout);
    keys::set(&mut settings.retry_wait, keys.retry_wait);
    keys::set(&mut settings.retry_longest_wait, keys.retry_longest_wait);
    Some(settings)
}

/// By which consumer a connector reads a stream: its own, unless one is named.
fn consumer(id: &str, keys: &mut Keys<'_>, place: &Place, findings: &mut Findings) -> Option<ConsumerName> {
    let Some(stream) = keys.stream.take() else {
        findings.problem_at(place, "this connector must have a stream");
        return None;
    };
    let durable = keys.durable_name.take();
    Some(ConsumerName {
        stream,
        durable: durable.unwrap_or_else(|| id.replace('.', "_")),
    })
}

fn language(
    protocol: Protocol,
    keys: &mut Keys<'_>,
    place: &Place,
    findings: &mut Findings,
) -> Option<ConnectorLanguage> {
    match protocol {
        Protocol::Lumberjack => Some(ConnectorLanguage::Lumberjack),
        // Who calls over HTTP speaks none of these.
        Protocol::JsonLines | Protocol::Http => Some(ConnectorLanguage::JsonLines),
        Protocol::Forward => {
            let users: Vec<Login> = std::mem::take(&mut keys.users);
            let credentials = match keys.shared_key.take() {
                Some(shared_key) => Some(Credentials {
                    shared_key,
                    self_hostname: keys.self_hostname.take().unwrap_or_else(|| "vagus".to_owned()),
                    users,
                }),
                None if users.is_empty() => None,
                None => {
                    findings.problem_at(place, "users of this connector take a shared_key");
                    return None;
                }
            };
            Some(ConnectorLanguage::Forward { credentials })
        }
    }
}

/// What a map of permissions says; one that says nothing permits everything.
fn permissions(entry: &Entry, findings: &mut Findings) -> Option<Permissions> {
    let permissions = findings.permissions(entry)?;
    if permissions.allow_responses.is_some() {
        return findings.refuse(entry, "a connector answers nobody: allow_responses".to_owned());
    }
    Some(permissions)
}
