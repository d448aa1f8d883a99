//! URLs of other servers, one or several: each once, with a port.

use super::findings::Findings;
use crate::ServerUrl;
use crate::grammar::{Entry, Kind, Value};

/// What servers they are of.
pub(super) struct ServerUrls {
    /// What nats-server calls such a server in its notes.
    pub(super) kind: &'static str,
    /// What is told of one that is none.
    pub(super) wanted: &'static str,
    /// That of a URL which says none.
    pub(super) port: u16,
}

impl ServerUrls {
    pub(super) fn read(&self, entry: &Entry, findings: &mut Findings) -> Vec<ServerUrl> {
        let values: &[Value] = match &entry.value.kind {
            Kind::Array(values) => values,
            Kind::Text(_) => std::slice::from_ref(&entry.value),
            other => {
                let message = format!(
                    "{} must be a URL or an array of URLs, not {}",
                    entry.key,
                    other.name()
                );
                findings.problem(entry, message);
                return Vec::new();
            }
        };
        let mut urls: Vec<ServerUrl> = Vec::new();
        for value in values {
            let url = match &value.kind {
                Kind::Text(text) => ServerUrl::parse(text),
                _ => None,
            };
            let Some(mut url) = url else {
                // It may hold a password.
                findings.problem_at(&value.place, self.wanted);
                continue;
            };
            url.port.get_or_insert(self.port);
            match urls.contains(&url) {
                true => {
                    let message = format!("Duplicate {} URL detected: {url}", self.kind);
                    findings.note(Some(entry), message);
                }
                false => urls.push(url),
            }
        }
        urls
    }
}
