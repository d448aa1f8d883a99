//! The section `jetstream`: whether streams are kept, where, and how much of them.

mod limits;

use super::absent;
use super::findings::Findings;
use super::read::set;
use crate::grammar::{Entry, Kind, Map};
use crate::{Cipher, Encryption, Inbox, JetStream, SyncInterval};
use std::path::PathBuf;

/// How many reads and writes of files nats-server lets be under way at once.
const CONCURRENT_IO: std::ops::RangeInclusive<i64> = 4..=8192;

/// What bounds what waits, instead of numbers.
const PUBLISHERS_WAIT: &str = "publishers wait while 8 MiB do for a stream, and none are refused";

/// What asks for nothing as long as streams are not replicated.
const UNREPLICATED: &str = "streams are on one server each";

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
        Kind::Map(map) => *jetstream = read(map, store_dir, findings),
        _ => match is_wanted(entry) {
            Ok(wanted) => *jetstream = wanted.then(JetStream::default),
            Err(message) => findings.problem(entry, message),
        },
    }
    true
}

/// Whether JetStream is asked for by something else than a map.
pub(super) fn is_wanted(entry: &Entry) -> Result<bool, String> {
    match &entry.value.kind {
        Kind::Boolean(wanted) => Ok(*wanted),
        Kind::Text(text) => match text.to_lowercase().as_str() {
            "enabled" | "enable" => Ok(true),
            "disabled" | "disable" => Ok(false),
            _ => Err(format!(
                "Expected 'enabled' or 'disabled' for string value, got {text:?}"
            )),
        },
        other => Err(format!(
            "Expected map, bool or string to define JetStream, got {}",
            other.name()
        )),
    }
}

/// Where it is kept; that is said once.
pub(super) fn store_dir(entry: &Entry, store_dir: &mut Option<PathBuf>, findings: &mut Findings) {
    if store_dir.is_some() {
        findings.problem(entry, "Duplicate 'store_dir' configuration");
    } else if let Some(path) = findings.optional_text(entry) {
        *store_dir = path.map(Into::into);
    }
}

/// None if it says that it is not enabled.
fn read(map: &Map, folder: &mut Option<PathBuf>, findings: &mut Findings) -> Option<JetStream> {
    let mut jetstream = JetStream::default();
    let mut encryption = Secrets::default();
    let mut info_queue_limit = None;
    let mut is_enabled = true;
    for entry in map.entries() {
        match entry.key.to_lowercase().as_str() {
            "strict" => set(&mut jetstream.strict, findings.boolean(entry)),
            "enable" | "enabled" => set(&mut is_enabled, findings.boolean(entry)),
            "store_dir" | "storedir" | "store" => store_dir(entry, folder, findings),
            "max_memory_store" | "max_mem_store" | "max_mem" => {
                jetstream.max_memory = storage_size(entry, findings).filter(|bytes| *bytes >= 0);
            }
            "max_file_store" | "max_file" => {
                jetstream.max_file = storage_size(entry, findings).filter(|bytes| *bytes >= 0);
            }
            "sync" | "sync_interval" => sync_interval(entry, &mut jetstream.sync_interval, findings),
            "domain" => domain(entry, &mut jetstream.domain, findings),
            "key" | "ek" | "encryption_key" => set(&mut encryption.key, findings.optional_text(entry)),
            "prev_key" | "prev_ek" | "prev_encryption_key" => {
                set(&mut encryption.previous_key, findings.optional_text(entry));
            }
            "cipher" => set(&mut encryption.cipher, cipher(entry, findings)),
            "unique_tag" => {
                let tag = findings.text(entry).map(|tag| tag.trim().to_lowercase());
                set(&mut jetstream.unique_tag, tag);
            }
            "extension_hint" => extension_hint(entry, findings),
            "limits" => limits::read(entry, &mut jetstream.limits, findings),
            "request_queue_limit" => {
                set(&mut jetstream.request_queue_limit, findings.size(entry, i64::MAX));
            }
            "info_queue_limit" => {
                info_queue_limit = findings.size(entry, i64::MAX);
            }
            "max_buffered_size" => {
                let bytes = storage_size(entry, findings).and_then(|bytes| usize::try_from(bytes).ok());
                jetstream.inbox.bytes = bytes.filter(|bytes| *bytes > 0).unwrap_or(Inbox::default().bytes);
                findings.without_effect(entry, PUBLISHERS_WAIT);
            }
            "max_buffered_msgs" => {
                set(&mut jetstream.inbox.messages, findings.size(entry, i64::MAX));
                findings.without_effect(entry, PUBLISHERS_WAIT);
            }
            "max_outstanding_catchup" => {
                if storage_size(entry, findings).is_some_and(|bytes| bytes != 0) {
                    findings.without_effect(entry, UNREPLICATED);
                }
            }
            "meta_compact" | "meta_compact_size" => compaction(entry, findings),
            "meta_compact_sync" => {
                if findings.boolean(entry) == Some(true) {
                    findings.without_effect(entry, UNREPLICATED);
                }
            }
            "max_concurrent_io" => concurrent_io(entry, findings),
            key => absent::refuse(key, entry, &absent::JETSTREAM, findings),
        }
    }
    jetstream.encryption = encryption.settle();
    jetstream.info_queue_limit = info_queue_limit.unwrap_or(jetstream.request_queue_limit);
    is_enabled.then_some(jetstream)
}

/// What is said of encryption, in any order.
#[derive(Default)]
struct Secrets {
    cipher: Cipher,
    key: Option<String>,
    previous_key: Option<String>,
}

impl Secrets {
    /// Without a key nothing is encrypted.
    fn settle(self) -> Option<Encryption> {
        Some(Encryption {
            cipher: self.cipher,
            key: self.key?,
            previous_key: self.previous_key,
        })
    }
}

/// A number of bytes, as a whole number or as text that ends in K, M, G or T.
fn storage_size(entry: &Entry, findings: &mut Findings) -> Option<i64> {
    match &entry.value.kind {
        Kind::Integer(bytes) => Some(*bytes),
        Kind::Text(text) if text.is_empty() => Some(0),
        Kind::Text(text) => match bytes(text) {
            Some(bytes) => Some(bytes),
            None => {
                let message = format!("{} as text must be a number that ends in K, M, G, T", entry.key);
                findings.refuse(entry, message)
            }
        },
        other => {
            let message = format!("{} must be a number of bytes, not {}", entry.key, other.name());
            findings.refuse(entry, message)
        }
    }
}

fn bytes(text: &str) -> Option<i64> {
    let (at, suffix) = text.char_indices().next_back()?;
    let unit: i64 = match suffix {
        'K' => 1 << 10,
        'M' => 1 << 20,
        'G' => 1 << 30,
        'T' => 1 << 40,
        _ => return None,
    };
    text.get(..at)?.parse::<i64>().ok()?.checked_mul(unit)
}

/// The word `always`, or a duration.
fn sync_interval(entry: &Entry, interval: &mut SyncInterval, findings: &mut Findings) {
    if matches!(&entry.value.kind, Kind::Text(text) if text.eq_ignore_ascii_case("always")) {
        *interval = SyncInterval::Always;
    } else if let Some(every) = findings.duration(entry) {
        *interval = SyncInterval::Every(every);
        findings.without_effect(entry, "what is acknowledged is on disk");
    }
}

/// A token of subjects.
fn domain(entry: &Entry, domain: &mut String, findings: &mut Findings) {
    let Some(name) = findings.text(entry) else {
        return;
    };
    if name.contains(|sign: char| sign.is_whitespace() || sign.is_control() || ".*>".contains(sign)) {
        findings.obstacle(entry, "invalid domain name: may not contain ., * or >");
    }
    name.clone_into(domain);
}

fn cipher(entry: &Entry, findings: &mut Findings) -> Option<Cipher> {
    match findings.text(entry)?.to_lowercase().as_str() {
        "chacha" | "chachapoly" => Some(Cipher::ChaCha),
        "aes" => Some(Cipher::Aes),
        name => findings.refuse(entry, format!("Unknown cipher type: {name:?}")),
    }
}

/// Whether a server that is connected to one of another domain extends that.
fn extension_hint(entry: &Entry, findings: &mut Findings) {
    let Some(hint) = findings.text(entry) else {
        return;
    };
    match hint.to_lowercase().as_str() {
        "" => {}
        "no_extend" | "will_extend" => findings.without_effect(entry, "no other server is extended"),
        _ => findings.obstacle(
            entry,
            format!("expected 'no_extend' or 'will_extend' for string value, got {hint:?}"),
        ),
    }
}

/// When the log of all servers is made shorter.
fn compaction(entry: &Entry, findings: &mut Findings) {
    let threshold = if entry.key.eq_ignore_ascii_case("meta_compact") {
        findings.integer(entry)
    } else {
        storage_size(entry, findings)
    };
    match threshold {
        Some(..0) => findings.problem(entry, format!("Expected an absolute size for {:?}", entry.key)),
        Some(1..) => findings.without_effect(entry, UNREPLICATED),
        Some(0) | None => {}
    }
}

fn concurrent_io(entry: &Entry, findings: &mut Findings) {
    match findings.integer(entry) {
        Some(number) if CONCURRENT_IO.contains(&number) => {
            findings.without_effect(entry, "one thread writes, and a few read");
        }
        Some(number) => findings.problem(
            entry,
            format!(
                "Expected an absolute size for {:?} between 4 and 8192, got {number}",
                entry.key
            ),
        ),
        None => {}
    }
}
