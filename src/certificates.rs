//! The certificates of a running server: made ready when it starts, and when they are read anew.

use crate::server::StartError;
use crate::stapling::{self, Stapler};
use jiff::Timestamp;
use log::warn;
use std::sync::Arc;
use vagus_nats::ClientTls;
use vagus_ocsp::now;
use vagus_tls::Settings;

/// The TLS of clients, and what looks after it.
#[derive(Debug)]
pub(crate) struct Secured {
    /// None where clients speak no TLS.
    pub(crate) clients: Option<Arc<ClientTls>>,
    pub(crate) stapler: Stapler,
}

impl Secured {
    /// Reads the certificates, and asks for what clients are told of their state. Blocks until all responders have
    /// answered.
    pub(crate) fn start(settings: Option<&Settings>) -> Result<Self, StartError> {
        let clients = make_ready(settings, None, Occasion::Start)?;
        let stapler = Stapler::start()?;
        Ok(Self { clients, stapler })
    }
}

/// Why certificates are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// The server starts.
    Start,
    /// It runs, and is to go on.
    Reload,
}

/// Reads the certificates, and asks for what clients are told of their state, unless it is known of `before`. Blocks until
/// all responders have answered.
///
/// # Errors
/// When a certificate cannot be used, or a responder says what a server is not to go on with, or does not answer. While
/// the server runs, an answer may be missing of which clients alone make something.
pub(crate) fn make_ready(
    settings: Option<&Settings>,
    before: Option<&ClientTls>,
    occasion: Occasion,
) -> Result<Option<Arc<ClientTls>>, StartError> {
    let Some(settings) = settings else {
        return Ok(None);
    };
    let clients = ClientTls::after(settings, before)?;
    for weakness in clients.weaknesses() {
        warn!("{weakness}");
    }
    if let Some(text) = end_in_sight(clients.not_after(), now()) {
        warn!("{text}");
    }
    stapling::prepare(clients.staples(), occasion)?;
    Ok(Some(Arc::new(clients)))
}

/// When the certificate ends; one that ends beyond all calendars ends never.
pub(crate) fn not_after(tls: &ClientTls) -> Option<Timestamp> {
    Timestamp::from_second(tls.not_after()).ok()
}

/// How long before its end a certificate is warned of, in seconds.
const IN_SIGHT: i64 = 14 * 86_400;

/// What the operator should know of a certificate that ends at a time, in seconds from 1970.
fn end_in_sight(not_after: i64, now: i64) -> Option<String> {
    if not_after > now.saturating_add(IN_SIGHT) {
        return None;
    }
    let ends = if not_after > now { "ends" } else { "has ended" };
    let time = Timestamp::from_second(not_after).ok()?;
    Some(format!("The certificate that clients are shown {ends} at {time}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_end_soon_are_warned_of() {
        let end = 1_924_991_999;
        let text = |ends: &str| {
            Some(format!(
                "The certificate that clients are shown {ends} at 2030-12-31T23:59:59Z"
            ))
        };
        assert_eq!(end_in_sight(end, end), text("has ended"));
        assert_eq!(end_in_sight(end, end - 1), text("ends"));
        assert_eq!(end_in_sight(end, end - IN_SIGHT), text("ends"));
        assert_eq!(end_in_sight(end, end - IN_SIGHT - 1), None);
    }
}
