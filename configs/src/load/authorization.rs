//! The section `authorization`: who may connect.

use super::findings::Findings;
use super::{absent, duration};
use crate::Config;
use crate::grammar::{Entry, Kind};
use std::time::Duration;
use vagus_auth::credentials::Credentials;

/// A client that needs longer than this to say who it is, is none.
const LONG_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn take(key: &str, entry: &Entry, config: &mut Config, findings: &mut Findings) -> bool {
    if key != "authorization" {
        return false;
    }
    let Some(section) = findings.map(entry) else {
        return true;
    };
    let mut user = None;
    let mut password = None;
    let mut token = None;
    for entry in section.entries() {
        match entry.key.to_lowercase().as_str() {
            "user" | "username" => user = findings.optional_text(entry).flatten(),
            "pass" | "password" => password = secret(entry, findings),
            "token" => token = secret(entry, findings),
            "timeout" => {
                if let Some(timeout) = timeout(entry, findings) {
                    config.limits.auth_timeout = timeout;
                }
            }
            key => absent::refuse(key, entry, &absent::AUTHORIZATION, findings),
        }
    }
    if token.is_some() && (user.is_some() || password.is_some()) {
        findings.problem(
            entry,
            "authorization is by user and password or by token, not by both",
        );
    }
    config.credentials = match (token, user) {
        (Some(token), _) => Credentials::Token(token),
        (None, Some(name)) => Credentials::User {
            name,
            password: password.unwrap_or_default(),
        },
        (None, None) => Credentials::Open,
    };
    true
}

/// A password or token, as it is or hashed.
fn secret(entry: &Entry, findings: &mut Findings) -> Option<String> {
    findings.optional_text(entry)?
}

/// Seconds, with or without a fraction, or a duration. 0 is the default.
fn timeout(entry: &Entry, findings: &mut Findings) -> Option<Duration> {
    let nanoseconds = match &entry.value.kind {
        Kind::Integer(seconds) => seconds.checked_mul(1_000_000_000),
        Kind::Float(seconds) if seconds.abs() < 1e9 => Some((seconds * 1e9).round() as i64),
        Kind::Text(text) => duration::parse(text),
        _ => None,
    };
    let Some(nanoseconds) = nanoseconds else {
        let message = format!(
            "{} must be a number of seconds or a duration such as \"2s\"",
            entry.key
        );
        return findings.refuse(entry, message);
    };
    let timeout = findings.positive(entry, nanoseconds)?;
    if timeout > LONG_TIMEOUT {
        let message = "timeout is more than a minute; note that without quotes 1m is a million, not a minute";
        findings.doubt(Some(entry), message);
    }
    Some(timeout)
}
