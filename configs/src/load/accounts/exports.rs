//! What an account offers to others.

use super::super::absent;
use super::super::findings::Findings;
use super::super::read::set;
use crate::grammar::{Entry, Kind, Map};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use vagus_accounts::{
    Access, AccountDefinition, DEFAULT_RESPONSE_THRESHOLD, Latency, ResponseType, Sampling, ServiceExport,
    StreamExport,
};
use vagus_protocol::duration;
use vagus_routing::subject;

/// Reads the list into the account. What another entry says of the same subject is added to it.
pub(super) fn read(entry: &Entry, account: &mut AccountDefinition, findings: &mut Findings) {
    let Kind::Array(values) = &entry.value.kind else {
        let message = format!("Exports should be an array, got {}", entry.value.kind.name());
        return findings.problem(entry, message);
    };
    for value in values {
        let Kind::Map(map) = &value.kind else {
            let message = format!(
                "Export Items should be a map with type entry, got {}",
                value.kind.name()
            );
            findings.problem_at(&value.place, message);
            continue;
        };
        match Export::read(map, findings) {
            Some(export) => export.add(account, findings),
            // As in nats-server, it is no mistake.
            None => findings.note_at(
                &value.place,
                "an export of neither a stream nor a service is none",
            ),
        }
    }
}

/// Whether exports agree with what else is said. As in nats-server, mistakes are told of the section as a whole.
pub(super) fn check(
    section: &Entry,
    accounts: &BTreeMap<Arc<str>, AccountDefinition>,
    has_system: bool,
    findings: &mut Findings,
) {
    for account in accounts.values() {
        let streams = account
            .stream_exports
            .iter()
            .map(|export| ("stream", &export.access));
        let services = account
            .service_exports
            .iter()
            .map(|export| ("service", &export.access));
        for (kind, access) in streams.chain(services) {
            let Access::Accounts(names) = access else { continue };
            for name in names.iter().filter(|name| !accounts.contains_key(&***name)) {
                findings.problem(section, format!("{name:?} account not defined for {kind} export"));
            }
        }
        for export in &account.service_exports {
            let Some(latency) = &export.latency else { continue };
            let told_to = |export: &ServiceExport| {
                subject::matches(export.subject.as_bytes(), latency.subject.as_bytes())
            };
            // Else every answer would be measured, and the measurement answered.
            let reason = if !has_system {
                "system account not setup"
            } else if account.service_exports.iter().any(told_to) {
                "invalid publish subject"
            } else {
                continue;
            };
            let (subject, told) = (&export.subject, &latency.subject);
            let message = format!(
                "Error adding service latency sampling for {subject:?} on subject {told:?}: {reason}"
            );
            findings.problem(section, message);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shared {
    Stream,
    Service,
}

/// One of the list.
struct Export<'e> {
    entry: &'e Entry,
    shared: Shared,
    subject: &'e str,
    accounts: Vec<Box<str>>,
    token_position: usize,
    response_type: ResponseType,
    response_threshold: Option<Duration>,
    latency: Option<(&'e Entry, Latency)>,
    allow_trace: bool,
}

impl<'e> Export<'e> {
    fn read(map: &'e Map, findings: &mut Findings) -> Option<Self> {
        let named = map.entries().iter().filter_map(|entry| {
            let shared = match entry.key.to_lowercase().as_str() {
                "stream" => Shared::Stream,
                "service" => Shared::Service,
                _ => return None,
            };
            Some((entry, shared))
        });
        let mut named: Vec<_> = named.collect();
        if let [(_, first), (entry, second)] = named[..]
            && first != second
        {
            let (second, first) = (second.name(), first.name());
            findings.problem(entry, format!("Detected {second} but already saw a {first}"));
        }
        let (entry, shared) = named.pop()?;
        let mut export = Self {
            entry,
            shared,
            subject: findings.text(entry).unwrap_or_default(),
            accounts: Vec::new(),
            token_position: 0,
            response_type: ResponseType::default(),
            response_threshold: None,
            latency: None,
            allow_trace: false,
        };
        for entry in map.entries() {
            export.take(entry, findings);
        }
        Some(export)
    }

    fn take(&mut self, entry: &'e Entry, findings: &mut Findings) {
        let key = entry.key.to_lowercase();
        let directive = match key.as_str() {
            "response" | "response_type" | "threshold" | "response_threshold" | "response_max_time"
            | "response_time" => "response",
            "latency" => "latency",
            "allow_trace" => "allow_trace",
            _ => "",
        };
        if !directive.is_empty() && self.shared == Shared::Stream {
            let message = format!("Detected {directive} directive on non-service");
            return findings.problem(entry, message);
        }
        match key.as_str() {
            "stream" | "service" => {}
            "response" | "response_type" => set(&mut self.response_type, response_type(entry, findings)),
            "threshold" | "response_threshold" | "response_max_time" | "response_time" => {
                self.response_threshold = threshold(entry, findings);
            }
            "accounts" => {
                for value in findings.array(entry).unwrap_or_default() {
                    match &value.kind {
                        Kind::Text(name) => self.accounts.push(name.as_str().into()),
                        other => {
                            let message =
                                format!("the name of an account must be text, not {}", other.name());
                            findings.problem_at(&value.place, message);
                        }
                    }
                }
            }
            "latency" => self.latency = latency(entry, findings).map(|latency| (entry, latency)),
            "account_token_position" => {
                set(&mut self.token_position, findings.size(entry, i64::from(u8::MAX)));
            }
            "allow_trace" => set(&mut self.allow_trace, findings.boolean(entry)),
            key => absent::refuse(key, entry, &absent::NOTHING, findings),
        }
    }

    /// None if everybody may import it.
    fn access(&self, findings: &mut Findings) -> Option<Access> {
        if self.token_position > 0 {
            let is_wildcard = subject::tokens(self.subject.as_bytes())
                .nth(self.token_position - 1)
                .is_some_and(|token| token == b"*");
            if !is_wildcard {
                let (name, subject) = (self.shared.name(), self.subject);
                let message = format!("Error adding {name} export {subject:?}: invalid subject");
                findings.problem(self.entry, message);
            }
            return Some(Access::AccountToken(self.token_position));
        }
        (!self.accounts.is_empty()).then(|| Access::Accounts(self.accounts.clone()))
    }

    fn add(self, account: &mut AccountDefinition, findings: &mut Findings) {
        let access = self.access(findings);
        match self.shared {
            Shared::Stream => {
                let mut exports = account.stream_exports.iter_mut();
                match exports.find(|export| *export.subject == *self.subject) {
                    Some(export) => set(&mut export.access, access),
                    None => account.stream_exports.push(StreamExport {
                        subject: self.subject.into(),
                        access: access.unwrap_or_default(),
                    }),
                }
            }
            Shared::Service => self.add_service(access, account, findings),
        }
    }

    fn add_service(self, access: Option<Access>, account: &mut AccountDefinition, findings: &mut Findings) {
        let mut exports = account.service_exports.iter_mut();
        let export = match exports.position(|export| *export.subject == *self.subject) {
            Some(at) => &mut account.service_exports[at],
            None => {
                account.service_exports.push(ServiceExport {
                    subject: self.subject.into(),
                    access: Access::default(),
                    response_type: ResponseType::default(),
                    response_threshold: DEFAULT_RESPONSE_THRESHOLD,
                    latency: None,
                    allow_trace: false,
                });
                let last = account.service_exports.len() - 1;
                &mut account.service_exports[last]
            }
        };
        set(&mut export.access, access);
        if self.response_type != ResponseType::Singleton {
            export.response_type = self.response_type;
        }
        export.response_threshold = self.response_threshold.unwrap_or(DEFAULT_RESPONSE_THRESHOLD);
        export.allow_trace |= self.allow_trace;
        if let Some((entry, latency)) = self.latency {
            if export.response_type != ResponseType::Singleton {
                let message = format!(
                    "Error adding service latency sampling for {:?} on subject {:?}: bad service response type",
                    self.subject, latency.subject
                );
                findings.problem(entry, message);
            }
            export.latency = Some(latency);
        }
    }
}

impl Shared {
    fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Service => "service",
        }
    }
}

fn response_type(entry: &Entry, findings: &mut Findings) -> Option<ResponseType> {
    let name = findings.text(entry)?;
    Some(match name.to_lowercase().as_str() {
        "single" | "singleton" => ResponseType::Singleton,
        "stream" => ResponseType::Stream,
        "chunk" | "chunked" => ResponseType::Chunked,
        _ => return findings.refuse(entry, format!("Unknown response type: {name:?}")),
    })
}

/// As text. Nothing, or less, is the default.
fn threshold(entry: &Entry, findings: &mut Findings) -> Option<Duration> {
    let text = findings.text(entry)?;
    let Some(nanoseconds) = duration::parse(text) else {
        let message = format!("Expected response threshold to be a parseable time duration, got {text:?}");
        return findings.refuse(entry, message);
    };
    let nanoseconds = u64::try_from(nanoseconds).ok().filter(|threshold| *threshold > 0);
    nanoseconds.map(Duration::from_nanos)
}

/// A subject, or a map with one, and which of the requests are measured: all of them if nothing is said.
fn latency(entry: &Entry, findings: &mut Findings) -> Option<Latency> {
    let (mut sampling, mut subject) = (Sampling::Percent(100), None);
    match &entry.value.kind {
        Kind::Text(text) => subject = Some(text.as_str()),
        Kind::Map(map) => {
            for part in map.entries() {
                match part.key.as_str() {
                    "sampling" => set(&mut sampling, self::sampling(part, findings)),
                    "subject" => subject = Some(findings.text(part)?),
                    // As in nats-server, nobody looks at the rest.
                    _ => {}
                }
            }
        }
        other => {
            let other = other.name();
            let message = format!("Expected latency entry to be a map/struct or string, got {other}");
            return findings.refuse(entry, message);
        }
    }
    let Some(subject) = subject else {
        return findings.refuse(entry, "Latency subject required, but missing".to_owned());
    };
    if !subject::is_valid_literal(subject.as_bytes()) {
        let message =
            format!("Error adding service latency sampling on subject {subject:?}: invalid publish subject");
        return findings.refuse(entry, message);
    }
    Some(Latency {
        sampling,
        subject: subject.into(),
    })
}

/// A number, a text such as `50%`, or `headers`.
fn sampling(entry: &Entry, findings: &mut Findings) -> Option<Sampling> {
    let number = match &entry.value.kind {
        Kind::Integer(number) => Some(*number),
        Kind::Text(text) if text.trim().eq_ignore_ascii_case("headers") => return Some(Sampling::Headers),
        Kind::Text(text) => text.strip_suffix('%').unwrap_or(text).parse().ok(),
        other => {
            let message = format!(
                "Expected latency sample to be a string or map/struct, got {}",
                other.name()
            );
            return findings.refuse(entry, message);
        }
    };
    let Some(number) = number else {
        return findings.refuse(entry, "Failed to parse latency sample".to_owned());
    };
    match u8::try_from(number) {
        Ok(percent @ 1..=100) => Some(Sampling::Percent(percent)),
        _ => findings.refuse(entry, "bad sampling percentage, should be 1-100".to_owned()),
    }
}
