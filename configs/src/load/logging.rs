//! What is logged, and where to.

use super::findings::Findings;
use crate::grammar::Entry;
use crate::{LogTime, Logging};

/// The two keys that decide the time of a log line.
#[derive(Debug)]
pub(super) struct LogTimes {
    shown: bool,
    utc: bool,
}

impl Default for LogTimes {
    fn default() -> Self {
        Self {
            shown: true,
            utc: false,
        }
    }
}

impl LogTimes {
    pub(super) fn kind(&self) -> LogTime {
        match (self.shown, self.utc) {
            (false, _) => LogTime::None,
            (true, false) => LogTime::Local,
            (true, true) => LogTime::Utc,
        }
    }
}

pub(super) fn take(
    key: &str,
    entry: &Entry,
    logging: &mut Logging,
    times: &mut LogTimes,
    findings: &mut Findings,
) -> bool {
    match key {
        "debug" => set(&mut logging.debug, findings.boolean(entry)),
        "trace" => set(&mut logging.trace, findings.boolean(entry)),
        "trace_verbose" => {
            let value = findings.boolean(entry);
            set(&mut logging.trace, value);
            set(&mut logging.trace_system_account, value);
        }
        "logtime" => set(&mut times.shown, findings.boolean(entry)),
        "logtime_utc" => set(&mut times.utc, findings.boolean(entry)),
        "logfile" | "log_file" => {
            let path = findings.optional_text(entry);
            set(&mut logging.file, path.map(|path| path.map(Into::into)));
        }
        "logfile_size_limit" | "log_size_limit" => set(&mut logging.file_size_limit, bytes(entry, findings)),
        "max_traced_msg_len" => set(&mut logging.max_traced_payload, bytes(entry, findings)),
        _ => return false,
    }
    true
}

/// A number of bytes; 0 and less are no limit.
fn bytes(entry: &Entry, findings: &mut Findings) -> Option<usize> {
    let number = findings.integer(entry)?;
    Some(usize::try_from(number).unwrap_or(0))
}

fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}
