//! How far connecting to another server has come: what is shown of each that this one dials, whatever the two are to each other.

use crate::units::Decimal;
use serde::Serialize;
use std::net::SocketAddr;
use vagus_actors::dialling::DiallingState;

/// A part of what is shown of a server that is dialled.
#[derive(Serialize, Default)]
pub(super) struct Dialled<'a> {
    /// The peer of the connection, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    connected: Option<SocketAddr>,
    /// Attempts that failed since there was a connection.
    failed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<&'a str>,
    /// Seconds until the next attempt; nothing while one is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_in: Option<Decimal>,
}

impl<'a> Dialled<'a> {
    pub(super) fn of(dialling: &'a DiallingState) -> Self {
        Self {
            connected: dialling.connected,
            failed: dialling.failed,
            last_error: dialling.last_error.as_deref(),
            next_attempt_in: dialling.next_attempt_in.map(Decimal::tenths),
        }
    }
}
