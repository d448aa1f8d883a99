//! What an account takes of others.

use super::super::absent;
use super::super::findings::Findings;
use super::super::read::set;
use crate::grammar::{Entry, Kind, Map, Place};
use vagus_accounts::{LocalSubject, ServiceImport, StreamImport};

/// The imports of an account.
#[derive(Default)]
pub(super) struct Imports {
    pub(super) streams: Vec<StreamImport>,
    pub(super) services: Vec<ServiceImport>,
}

impl Imports {
    pub(super) fn read(&mut self, entry: &Entry, findings: &mut Findings) {
        let Kind::Array(values) = &entry.value.kind else {
            let message = format!("Imports should be an array, got {}", entry.value.kind.name());
            return findings.problem(entry, message);
        };
        for value in values {
            let Kind::Map(map) = &value.kind else {
                let message = format!(
                    "Import Items should be a map with type entry, got {}",
                    value.kind.name()
                );
                findings.problem_at(&value.place, message);
                continue;
            };
            self.read_one(&value.place, map, findings);
        }
    }

    fn read_one(&mut self, place: &Place, map: &Map, findings: &mut Findings) {
        let named = |name: &str| {
            let mut entries = map.entries().iter();
            entries.find(|entry| entry.key.eq_ignore_ascii_case(name))
        };
        let (stream, service) = (named("stream"), named("service"));
        if let (Some(stream), Some(service)) = (stream, service) {
            let position_of = |entry: &Entry| map.entries().iter().position(|other| other.key == entry.key);
            let (entry, message) = if position_of(stream) > position_of(service) {
                (stream, "Detected stream but already saw a service")
            } else {
                (service, "Detected service but already saw a stream")
            };
            return findings.problem(entry, message);
        }
        let mut options = Options::default();
        for entry in map.entries() {
            options.take(entry, service.is_some(), findings);
        }
        if let Some(entry) = stream
            && let Some((account, subject)) = source(entry, "Stream", findings)
        {
            let local = options.local_subject(findings);
            let allow_trace = options.allow_trace;
            let import = StreamImport {
                account,
                subject,
                local,
                allow_trace,
                activation: None,
            };
            self.streams.push(import);
        }
        if let Some(entry) = service
            && let Some((account, subject)) = source(entry, "Service", findings)
        {
            let import = ServiceImport {
                account,
                subject,
                local: options
                    .to
                    .filter(|(_, to)| !to.is_empty())
                    .map(|(_, to)| to.into()),
                share: options.share,
                activation: None,
            };
            let called = import.local.as_ref().unwrap_or(&import.subject);
            let mut others = self.services.iter();
            let other = others.find(|other| {
                other.account == import.account && other.local.as_ref().unwrap_or(&other.subject) == called
            });
            if let Some(other) = other {
                let message = format!(
                    "Duplicate service import subject {called:?}, previously used in import for account {:?}, subject {:?}",
                    other.account, other.subject
                );
                return findings.problem_at(place, message);
            }
            self.services.push(import);
        }
    }
}

/// What stands beside the stream or the service.
#[derive(Default)]
struct Options<'e> {
    prefix: Option<&'e str>,
    to: Option<(&'e Entry, &'e str)>,
    share: bool,
    allow_trace: bool,
}

impl<'e> Options<'e> {
    fn take(&mut self, entry: &'e Entry, of_service: bool, findings: &mut Findings) {
        match entry.key.to_lowercase().as_str() {
            "stream" | "service" => {}
            "prefix" => self.prefix = findings.text(entry),
            "to" => self.to = findings.text(entry).map(|to| (entry, to)),
            "share" => set(&mut self.share, findings.boolean(entry)),
            "allow_trace" if of_service => {
                findings.problem(entry, "Detected allow_trace directive on a non-stream");
            }
            "allow_trace" => set(&mut self.allow_trace, findings.boolean(entry)),
            key => absent::refuse(key, entry, &absent::NOTHING, findings),
        }
    }

    /// What an imported stream is called.
    fn local_subject(&self, findings: &mut Findings) -> LocalSubject {
        let prefix = self.prefix.filter(|prefix| !prefix.is_empty());
        let to = self.to.filter(|(_, to)| !to.is_empty());
        match (prefix, to) {
            (Some(_), Some((entry, _))) => {
                let message = "Stream import can not have a 'prefix' and a 'to' property";
                findings.problem(entry, message);
                LocalSubject::Same
            }
            (Some(prefix), None) => LocalSubject::Prefixed(prefix.strip_suffix('.').unwrap_or(prefix).into()),
            (None, Some((_, to))) => LocalSubject::Mapped(to.into()),
            (None, None) => LocalSubject::Same,
        }
    }
}

/// The account that something is imported from, and what it is called there.
fn source(entry: &Entry, what: &str, findings: &mut Findings) -> Option<(Box<str>, Box<str>)> {
    let Kind::Map(map) = &entry.value.kind else {
        let message = format!(
            "{what} entry should be an account map, got {}",
            entry.value.kind.name()
        );
        return findings.refuse(entry, message);
    };
    let (mut account, mut subject) = ("", "");
    for part in map.entries() {
        match part.key.to_lowercase().as_str() {
            "account" => set(&mut account, findings.text(part)),
            "subject" => set(&mut subject, findings.text(part)),
            key => absent::refuse(key, part, &absent::NOTHING, findings),
        }
    }
    if account.is_empty() || subject.is_empty() {
        return findings.refuse(entry, "Expect an account name and a subject".to_owned());
    }
    Some((account.into(), subject.into()))
}
