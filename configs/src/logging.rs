use crate::Bytes;
use std::path::PathBuf;

/// What is logged, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Logging {
    /// Whether DBG lines are written.
    pub debug: bool,
    /// Whether TRC lines, one for each protocol operation, are written.
    pub trace: bool,
    /// Whether TRC lines also tell of the system account.
    pub trace_system_account: bool,
    /// The file that gets the lines instead of standard error.
    pub file: Option<PathBuf>,
    /// The file is moved aside when it grows past this; 0 for never.
    pub file_size_limit: Bytes,
    /// The time at the start of each line.
    pub time: LogTime,
    /// How much of a payload a TRC line shows; 0 for all of it.
    pub max_traced_payload: Bytes,
}

/// The time at the start of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogTime {
    /// The time of the machine's time zone.
    #[default]
    Local,
    /// UTC.
    Utc,
    /// No time at all.
    None,
}
