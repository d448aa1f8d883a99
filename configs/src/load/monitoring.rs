//! Monitoring over HTTP.

use super::findings::Findings;
use super::listen::split;
use crate::grammar::{Entry, Kind};
use crate::{Monitoring, Port};

pub(super) fn take(key: &str, entry: &Entry, monitoring: &mut Monitoring, findings: &mut Findings) -> bool {
    match key {
        "http" => {
            if let Some(number) = address(entry, monitoring, findings) {
                monitoring.http = port(number, entry, findings);
            }
        }
        "https" => {
            if let Some(number) = address(entry, monitoring, findings) {
                monitoring.https = port(number, entry, findings);
            }
        }
        "http_port" | "monitor_port" => {
            if let Some(number) = findings.integer(entry) {
                monitoring.http = port(number, entry, findings);
            }
        }
        "https_port" => {
            if let Some(number) = findings.integer(entry) {
                monitoring.https = port(number, entry, findings);
            }
        }
        "http_base_path" => {
            if let Some(path) = findings.text(entry) {
                path.clone_into(&mut monitoring.base_path);
            }
        }
        "max_closed_clients" => {
            if let Some(count) = findings.size(entry, i64::from(u32::MAX)) {
                monitoring.max_closed_clients = count;
            }
        }
        _ => return false,
    }
    true
}

/// A port, or the host of both ports and one port.
fn address(entry: &Entry, monitoring: &mut Monitoring, findings: &mut Findings) -> Option<i64> {
    match &entry.value.kind {
        Kind::Integer(number) => Some(*number),
        Kind::Text(text) => match split(text) {
            Some((host, number)) => {
                monitoring.host = (!host.is_empty()).then(|| host.to_owned());
                Some(number)
            }
            None => findings.refuse(entry, format!("{} must be <host>:<port>", entry.key)),
        },
        other => {
            let found = other.name();
            findings.refuse(
                entry,
                format!("{} must be a port or <host>:<port>, not {found}", entry.key),
            )
        }
    }
}

/// The number of a port: 0 for none, -1 for any that is free.
fn port(number: i64, entry: &Entry, findings: &mut Findings) -> Option<Port> {
    Monitoring::port_from_number(number).unwrap_or_else(|| {
        let message =
            format!("port {number} is out of range: 1 to 65535, 0 for none, or -1 for any that is free");
        findings.obstacle(entry, message);
        None
    })
}
