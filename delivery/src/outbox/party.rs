//! Who is at the other end of a connection, as other accounts are told of it.

use super::Outbox;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use vagus_protocol::request_info::RequestInfo;
use vagus_routing::{ConnectionKind, Destination};

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
    /// The cluster of that; empty if it is in none.
    pub cluster: Box<str>,
    /// The token by which it is in, if that may be shown.
    pub token: Option<Arc<str>>,
    /// Who has signed that.
    pub issuer: Box<str>,
    /// What people call it.
    pub name_tag: Box<str>,
    /// What its token says that it is called beside.
    pub tags: Vec<String>,
    /// As last measured, in nanoseconds; 0 if it was not.
    pub round_trip: AtomicU64,
}

impl Party {
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
        account: account.into(),
        service: service.into(),
        round_trip: party.map_or(0, |party| party.round_trip.load(Ordering::Relaxed)),
        ..RequestInfo::default()
    };
    let Some(party) = party.filter(|_| detailed) else {
        return told;
    };
    RequestInfo {
        start: (&*party.since).into(),
        host: (&*party.host).into(),
        id: party.connection,
        user: (&*party.user).into(),
        name: (&*party.name).into(),
        language: (&*party.language).into(),
        version: (&*party.version).into(),
        server: (&*party.server).into(),
        cluster: (&*party.cluster).into(),
        token: party.token.as_deref().unwrap_or_default().into(),
        issuer: (&*party.issuer).into(),
        name_tag: (&*party.name_tag).into(),
        tags: (&*party.tags).into(),
        kind: "Client".into(),
        client_type: "nats".into(),
        ..told
    }
}

impl Outbox {
    /// From now on this is who is at the other end.
    pub fn set_party(&self, mut party: Party) {
        let mut shown = self.shown.lock();
        let more = shown.more.get_or_insert_default();
        if let Some(before) = &more.party {
            party.since.clone_from(&before.since);
        }
        more.party = Some(Arc::new(party));
    }

    /// Who is at the other end, where that matters.
    pub(crate) fn party(&self) -> Option<Arc<Party>> {
        self.shown.lock().party().cloned()
    }

    /// A round trip to the peer was measured.
    pub fn set_round_trip(&self, round_trip: Duration) {
        let mut shown = self.shown.lock();
        if let Some(party) = shown.party() {
            party.set_round_trip(round_trip);
        }
        if self.kind() == ConnectionKind::Gateway {
            let microseconds = u32::try_from(round_trip.as_micros()).unwrap_or(u32::MAX);
            shown.more.get_or_insert_default().round_trip = microseconds;
        }
    }
}
