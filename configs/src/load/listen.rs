//! Where peers connect.

use super::findings::Findings;
use crate::grammar::{Entry, Kind};
use crate::{Listen, Port};

/// `usual` is what holds where a key says no more than that.
pub(super) fn take(
    key: &str,
    entry: &Entry,
    listen: &mut Listen,
    usual: &Listen,
    findings: &mut Findings,
) -> bool {
    let host = |text: &str| match text {
        "" => usual.host.clone(),
        text => text.to_owned(),
    };
    let port = |number, findings: &mut Findings| port(number, usual.port, entry, findings);
    match key {
        "listen" => match &entry.value.kind {
            Kind::Integer(number) => {
                listen.host.clone_from(&usual.host);
                listen.port = port(*number, findings);
            }
            Kind::Text(text) => match split(text) {
                Some((name, number)) => {
                    listen.host = host(name);
                    listen.port = port(number, findings);
                }
                None => findings.problem(entry, "listen must be <host>:<port>"),
            },
            other => {
                let message = format!("listen must be a port or <host>:<port>, not {}", other.name());
                findings.problem(entry, message);
            }
        },
        "host" | "net" => {
            if let Some(text) = findings.text(entry) {
                listen.host = host(text);
            }
        }
        "port" => {
            if let Some(number) = findings.integer(entry) {
                listen.port = port(number, findings);
            }
        }
        _ => return false,
    }
    true
}

/// The port of a number: 0 is the usual one, -1 any that is free.
fn port(number: i64, usual: Port, entry: &Entry, findings: &mut Findings) -> Port {
    if number == 0 {
        return usual;
    }
    Port::from_number(number).unwrap_or_else(|| {
        let message = format!("port {number} is out of range: 0 to 65535, or -1 for any that is free");
        findings.obstacle(entry, message);
        Port::Free
    })
}

/// The host and port of an address; one of IPv6 has brackets.
pub(super) fn split(address: &str) -> Option<(&str, i64)> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => rest.split_once("]:")?,
        None => address.split_once(':').filter(|(_, port)| !port.contains(':'))?,
    };
    let is_clean = !host.contains(['[', ']']);
    is_clean.then_some((host, port.parse().ok()?))
}
