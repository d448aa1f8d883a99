//! The section `jetstream`: whether streams are kept, where, and how much of them.

use super::absent;
use super::findings::Findings;
use super::read::set;
use crate::JetStream;
use crate::grammar::{Entry, Kind, Map};
use std::path::PathBuf;

pub(super) fn take(
    key: &str,
    entry: &Entry,
    (jetstream, store_dir): (&mut Option<JetStream>, &mut Option<PathBuf>),
    findings: &mut Findings,
) -> bool {
    if key != "jetstream" {
        return false;
    }
    match &entry.value.kind {
        Kind::Boolean(wanted) => *jetstream = wanted.then(JetStream::default),
        Kind::Text(text) => match text.to_lowercase().as_str() {
            "enabled" | "enable" => *jetstream = Some(JetStream::default()),
            "disabled" | "disable" => *jetstream = None,
            _ => findings.problem(
                entry,
                format!("expected \"enabled\" or \"disabled\" for string value, got {text:?}"),
            ),
        },
        Kind::Map(map) => *jetstream = read(map, store_dir, findings),
        other => findings.problem(
            entry,
            format!(
                "expected map, bool or string to define JetStream, got {}",
                other.name()
            ),
        ),
    }
    true
}

fn read(map: &Map, store_dir: &mut Option<PathBuf>, findings: &mut Findings) -> Option<JetStream> {
    let mut jetstream = JetStream::default();
    let mut is_enabled = true;
    for entry in map.entries() {
        match entry.key.to_lowercase().as_str() {
            "strict" => drop(findings.boolean(entry)),
            "enable" | "enabled" => set(&mut is_enabled, findings.boolean(entry)),
            "store_dir" | "storedir" | "store" => {
                if let Some(path) = findings.optional_text(entry) {
                    *store_dir = path.map(Into::into);
                }
            }
            "max_memory_store" | "max_mem_store" | "max_mem" | "max_memory" => {
                set(&mut jetstream.max_memory, findings.integer(entry).map(Some));
            }
            "max_file_store" | "max_file" => {
                set(&mut jetstream.max_file, findings.integer(entry).map(Some));
            }
            "domain" => set(&mut jetstream.domain, findings.text(entry).map(ToOwned::to_owned)),
            "request_queue_limit" => {
                set(&mut jetstream.request_queue_limit, findings.size(entry, i64::MAX));
            }
            key => absent::refuse(key, entry, &absent::NOTHING, findings),
        }
    }
    is_enabled.then_some(jetstream)
}
