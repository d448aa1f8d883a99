//! Who is at the other end of a connection, as other accounts are told of it.

use super::Outbox;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use vagus_protocol::request_info::RequestInfo;

/// One that asks or answers across accounts.
#[derive(Debug, Default)]
pub struct Party {
    /// When the connection began, as RFC 3339 has it.
    pub since: Box<str>,
    /// The peer's address.
    pub host: Box<str>,
    /// The number of the connection.
    pub connection: u64,
    /// Who it is; empty if nobody in particular.
    pub user: Box<str>,
    /// What it calls itself; perhaps nothing.
    pub name: Box<str>,
    /// The language of its library.
    pub language: Box<str>,
    /// The version of its library.
    pub version: Box<str>,
    /// The server that it is connected to.
    pub server: Box<str>,
    /// As last measured, in nanoseconds; 0 if it was not.
    pub round_trip: AtomicU64,
}

impl Party {
    /// The time of a round trip to it, as last measured.
    pub(crate) fn round_trip(&self) -> Duration {
        Duration::from_nanos(self.round_trip.load(Ordering::Relaxed))
    }

    fn set_round_trip(&self, round_trip: Duration) {
        let nanoseconds = u64::try_from(round_trip.as_nanos()).unwrap_or(u64::MAX);
        self.round_trip.store(nanoseconds, Ordering::Relaxed);
    }
}

/// What is told of one that asks or answers: in which account, and on behalf of which other it came through. The rest only if
/// it is to be `detailed`.
pub(crate) fn request_info<'a>(
    party: Option<&'a Party>,
    account: &'a str,
    service: &'a str,
    detailed: bool,
) -> RequestInfo<'a> {
    let told = RequestInfo {
        account,
        service,
        round_trip: party.map_or(0, |party| party.round_trip.load(Ordering::Relaxed)),
        ..RequestInfo::default()
    };
    match party.filter(|_| detailed) {
        None => told,
        Some(party) => RequestInfo {
            start: &party.since,
            host: &party.host,
            id: party.connection,
            user: &party.user,
            name: &party.name,
            language: &party.language,
            version: &party.version,
            server: &party.server,
            kind: "Client",
            client_type: "nats",
            ..told
        },
    }
}

impl Outbox {
    /// From now on this is who is at the other end.
    pub fn set_party(&self, party: Party) {
        let mut shown = self.shown.lock();
        let more = shown.more.get_or_insert_default();
        if let Some(before) = &more.party {
            party.set_round_trip(before.round_trip());
        }
        more.party = Some(Arc::new(party));
    }

    /// Who is at the other end, where that matters.
    pub(crate) fn party(&self) -> Option<Arc<Party>> {
        self.shown.lock().party().cloned()
    }

    /// A round trip to the peer was measured.
    pub fn set_round_trip(&self, round_trip: Duration) {
        if let Some(party) = self.shown.lock().party() {
            party.set_round_trip(round_trip);
        }
    }
}
