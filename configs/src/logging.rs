use crate::Bytes;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use thiserror::Error;

/// What is logged, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// Whether DBG lines are written.
    pub debug: bool,
    /// Whether TRC lines, one for each protocol operation, are written.
    pub trace: bool,
    /// Whether TRC lines also tell of the system account.
    pub trace_system_account: bool,
    /// Whether TRC lines show the headers of messages and leave out the rest.
    pub trace_headers: bool,
    /// The file that gets the lines. It goes before every syslog.
    pub file: Option<PathBuf>,
    /// The file is moved aside when it grows past this; 0 for never.
    pub file_size_limit: Bytes,
    /// How many files are kept, the one that is written to included; 0 for all.
    pub max_files: usize,
    /// Whether the syslog of this machine gets the lines, unless another one does.
    pub syslog: bool,
    /// The syslog that gets the lines instead of that of this machine.
    pub remote_syslog: Option<SyslogAddress>,
    /// What a line looks like.
    pub format: LogFormat,
    /// The time at the start of each line.
    pub time: LogTime,
    /// How much of a payload a TRC line shows; 0 for all of it.
    pub max_traced_payload: Bytes,
    /// Of the failures to connect to another server, the first and then one of so many is logged.
    pub connect_error_reports: u64,
    /// The same, for a server that was connected before.
    pub reconnect_error_reports: u64,
}

impl Default for Logging {
    fn default() -> Self {
        Self {
            debug: false,
            trace: false,
            trace_system_account: false,
            trace_headers: false,
            file: None,
            file_size_limit: 0,
            max_files: 0,
            syslog: false,
            remote_syslog: None,
            format: LogFormat::default(),
            time: LogTime::default(),
            max_traced_payload: 0,
            connect_error_reports: 3600,
            reconnect_error_reports: 1,
        }
    }
}

/// What a log line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// `[pid] time [INF] message`.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = UnknownLogFormat;

    fn from_str(text: &str) -> Result<Self, UnknownLogFormat> {
        match text.to_ascii_lowercase().as_str() {
            "" | "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(UnknownLogFormat(text.to_owned())),
        }
    }
}

/// A format that log lines do not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a log is text or json, not {0:?}")]
pub struct UnknownLogFormat(String);

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

/// Where a syslog takes lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyslogAddress {
    /// Datagrams to `host:port`.
    Udp(String),
    /// A stream to `host:port`.
    Tcp(String),
    /// A socket of this machine.
    Unix(PathBuf),
}

/// The port of a syslog that says no other.
const SYSLOG_PORT: u16 = 514;

/// What is no address of a syslog.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a syslog is udp://<host>:<port>, tcp://<host>:<port> or unix://<path>, not {0:?}")]
pub struct BadSyslogAddress(String);

impl FromStr for SyslogAddress {
    type Err = BadSyslogAddress;

    fn from_str(text: &str) -> Result<Self, BadSyslogAddress> {
        let bad = || BadSyslogAddress(text.to_owned());
        let (scheme, rest) = text.split_once("://").ok_or_else(bad)?;
        match scheme.to_ascii_lowercase().as_str() {
            "udp" => host_and_port(rest).map(Self::Udp).ok_or_else(bad),
            "tcp" => host_and_port(rest).map(Self::Tcp).ok_or_else(bad),
            "unix" if rest.starts_with('/') => Ok(Self::Unix(rest.into())),
            _ => Err(bad()),
        }
    }
}

/// `host:port` of the part of a URL that names them; with the port of syslog if there is none.
fn host_and_port(text: &str) -> Option<String> {
    let authority = text.split('/').next()?;
    let (host, port) = match authority.rsplit_once(':') {
        // A colon inside of brackets is of the address.
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (authority, SYSLOG_PORT),
    };
    let is_host = !host.is_empty() && !host.contains(|sign: char| sign.is_whitespace() || sign == '@');
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    (is_host && (is_bracketed || !host.contains(':'))).then(|| format!("{host}:{port}"))
}

impl fmt::Display for SyslogAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(address) => write!(formatter, "udp://{address}"),
            Self::Tcp(address) => write!(formatter, "tcp://{address}"),
            Self::Unix(path) => write!(formatter, "unix://{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SyslogAddress;

    #[test]
    fn addresses_of_syslogs() {
        for (text, expected) in [
            ("udp://127.0.0.1:514", "udp://127.0.0.1:514"),
            ("UDP://logs.example.org", "udp://logs.example.org:514"),
            ("tcp://[::1]:6514/", "tcp://[::1]:6514"),
            ("tcp://[::1]", "tcp://[::1]:514"),
            ("unix:///run/log", "unix:///run/log"),
        ] {
            let address: SyslogAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), expected, "{text}");
        }
        for text in [
            "",
            "logs:514",
            "http://logs:514",
            "udp://",
            "udp://:514",
            "udp://logs:port",
            "udp://logs:99999",
            "udp://::1:514",
            "udp://u@logs:514",
            "unix://relative",
        ] {
            assert!(text.parse::<SyslogAddress>().is_err(), "{text}");
        }
    }
}
