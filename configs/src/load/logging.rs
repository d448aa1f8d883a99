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
        "trace_headers" => set(&mut logging.trace_headers, findings.boolean(entry)),
        "logtime" => set(&mut times.shown, findings.boolean(entry)),
        "logtime_utc" => set(&mut times.utc, findings.boolean(entry)),
        "logfile" | "log_file" => {
            let path = findings.optional_text(entry);
            set(&mut logging.file, path.map(|path| path.map(Into::into)));
        }
        "logfile_size_limit" | "log_size_limit" => set(&mut logging.file_size_limit, limit(entry, findings)),
        "logfile_max_num" | "log_max_num" => set(&mut logging.max_files, limit(entry, findings)),
        "syslog" => set(&mut logging.syslog, findings.boolean(entry)),
        "remote_syslog" => match findings.optional_text(entry) {
            Some(Some(text)) => match text.parse() {
                Ok(address) => logging.remote_syslog = Some(address),
                Err(error) => findings.obstacle(entry, error.to_string()),
            },
            Some(None) => logging.remote_syslog = None,
            None => {}
        },
        "log_format" => {
            if let Some(text) = findings.text(entry) {
                match text.parse() {
                    Ok(format) => logging.format = format,
                    Err(error) => findings.problem(entry, error.to_string()),
                }
            }
        }
        "connect_error_reports" => set(&mut logging.connect_error_reports, reports(entry, findings)),
        "reconnect_error_reports" => set(&mut logging.reconnect_error_reports, reports(entry, findings)),
        "max_traced_msg_len" => set(&mut logging.max_traced_payload, limit(entry, findings)),
        _ => return false,
    }
    true
}

/// A number of bytes or files; 0 and less are no limit.
fn limit(entry: &Entry, findings: &mut Findings) -> Option<usize> {
    let number = findings.integer(entry)?;
    Some(usize::try_from(number).unwrap_or(0))
}

/// One of so many failures is told; 0 stands for the default. Of a negative number nats-server takes no sign.
fn reports(entry: &Entry, findings: &mut Findings) -> Option<u64> {
    let number = findings.integer(entry)?;
    (number != 0).then(|| number.unsigned_abs())
}

fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}
