//! What authorities say of certificates (OCSP), asked over HTTP. What follows from it is decided in [`vagus_tls::ocsp`].

mod http;
mod kept;
mod peers;

pub use http::{AskError, ask};
pub use peers::{ChecksUntil, PeerChecks};
pub use vagus_tls::ocsp::CacheStatistics;

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds from 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
