//! What Prometheus is shown: a section of ours, as nats-server needs an exporter beside it.

use super::findings::Findings;
use crate::Metrics;
use crate::grammar::Entry;

pub(super) fn take(key: &str, entry: &Entry, metrics: &mut Metrics, findings: &mut Findings) -> bool {
    if key != "metrics" {
        return false;
    }
    let Some(section) = findings.map(entry) else {
        return true;
    };
    for entry in section.entries() {
        match entry.key.to_lowercase().as_str() {
            "prefix" => {
                if let Some(prefix) = findings.text(entry) {
                    if is_name(prefix) {
                        prefix.clone_into(&mut metrics.prefix);
                    } else {
                        let message = "prefix must be letters, digits and _, not beginning with a digit";
                        findings.problem(entry, message);
                    }
                }
            }
            "connections" => {
                if let Some(connections) = findings.boolean(entry) {
                    metrics.connections = connections;
                }
            }
            _ if entry.used => {}
            _ => findings.problem(entry, format!("unknown field {:?}", entry.key)),
        }
    }
    true
}

/// Whether the name of a metric may begin like this.
fn is_name(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    text.starts_with(is_letter)
        && text
            .chars()
            .all(|letter| is_letter(letter) || letter.is_ascii_digit())
}
