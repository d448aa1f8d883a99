//! What is told of connections, as JSON in the order of nats-server.

use crate::event_id;
use jiff::Timestamp;
use serde::Serialize;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};
use vagus_actors::connection_events::RefusedCertificate;
use vagus_actors::observed::{ClosedConnection, ConnectionState};
use vagus_monitoring::{AccountTraffic, Time};
use vagus_protocol::server_shown::ServerShown;
use vagus_tls::ocsp::ShownCertificate;

const CONNECT: &str = "io.nats.server.advisory.v1.client_connect";
const DISCONNECT: &str = "io.nats.server.advisory.v1.client_disconnect";
const INVALID_CERTIFICATE: &str = "io.nats.server.advisory.v1.ocsp_peer_link_invalid";
const REFUSED_PEER: &str = "io.nats.server.advisory.v1.ocsp_peer_reject";
const CONNECTION_COUNT: &str = "io.nats.server.advisory.v1.account_connections";

/// That a client has come, to this account.
pub(crate) fn connect(state: &ConnectionState, account: &str, server: ServerShown<'_>) -> Vec<u8> {
    json(&Connect {
        kind: CONNECT,
        id: event_id::next(),
        timestamp: Time(Timestamp::now()),
        server,
        client: Client::of(state, account, None),
    })
}

/// That a client of this account is gone, or was not let in.
pub(crate) fn disconnect(connection: &ClosedConnection, account: &str, server: ServerShown<'_>) -> Vec<u8> {
    ended(connection, account, connection.reason, server)
}

/// That somebody was not let in, as the account is told that it would have been in.
pub(crate) fn refusal(connection: &ClosedConnection, account: &str, server: ServerShown<'_>) -> Vec<u8> {
    let refused_by = connection.state.client.refused_by.as_ref();
    let reason = refused_by.map_or(connection.reason, |refusal| &refusal.reason);
    ended(connection, account, reason, server)
}

fn ended(connection: &ClosedConnection, account: &str, reason: &str, server: ServerShown<'_>) -> Vec<u8> {
    let state = &connection.state;
    json(&Disconnect {
        kind: DISCONNECT,
        id: event_id::next(),
        timestamp: time(connection.stopped),
        server,
        client: Client::of(state, account, Some(connection.stopped)),
        sent: Passed {
            msgs: state.messages_in,
            bytes: state.payload_in,
        },
        received: Passed {
            msgs: state.messages_out,
            bytes: state.payload_out,
        },
        reason,
    })
}

/// That a certificate in the chain of a peer was refused, for what its authority says.
pub(crate) fn invalid_certificate(refused: &RefusedCertificate, server: ServerShown<'_>) -> Vec<u8> {
    json(&InvalidCertificate {
        kind: INVALID_CERTIFICATE,
        id: event_id::next(),
        timestamp: Time(Timestamp::now()),
        link: (&refused.link).into(),
        peer: (&refused.peer).into(),
        server,
        reason: &refused.reason,
    })
}

/// That a peer was refused for that.
pub(crate) fn refused_peer(refused: &RefusedCertificate, server: ServerShown<'_>) -> Vec<u8> {
    json(&RefusedPeer {
        r#type: REFUSED_PEER,
        id: event_id::next(),
        timestamp: Time(Timestamp::now()),
        kind: "Client",
        peer: (&refused.peer).into(),
        server,
        reason: "client not OCSP valid",
    })
}

/// How many connections an account has.
pub(crate) fn connection_count(traffic: &AccountTraffic, server: ServerShown<'_>) -> Vec<u8> {
    json(&ConnectionCount {
        kind: CONNECTION_COUNT,
        id: event_id::next(),
        timestamp: Time(Timestamp::now()),
        server,
        traffic,
    })
}

fn json(event: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    crate::envelope::append(&mut out, event);
    out
}

/// A time of the machine's clock; the first of all for one that no calendar has.
fn time(time: SystemTime) -> Time {
    Time(Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH))
}

#[derive(Serialize)]
struct Connect<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    timestamp: Time,
    server: ServerShown<'a>,
    client: Client<'a>,
}

#[derive(Serialize)]
struct Disconnect<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    timestamp: Time,
    server: ServerShown<'a>,
    client: Client<'a>,
    sent: Passed,
    received: Passed,
    reason: &'a str,
}

#[derive(Serialize)]
struct InvalidCertificate<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    timestamp: Time,
    link: Certificate<'a>,
    peer: Certificate<'a>,
    server: ServerShown<'a>,
    reason: &'a str,
}

#[derive(Serialize)]
struct RefusedPeer<'a> {
    r#type: &'static str,
    id: String,
    timestamp: Time,
    kind: &'static str,
    peer: Certificate<'a>,
    server: ServerShown<'a>,
    reason: &'static str,
}

#[derive(Serialize)]
struct Certificate<'a> {
    subject: &'a str,
    issuer: &'a str,
    fingerprint: &'a str,
    raw: &'a str,
}

impl<'a> From<&'a ShownCertificate> for Certificate<'a> {
    fn from(shown: &'a ShownCertificate) -> Self {
        Self {
            subject: &shown.subject,
            issuer: &shown.issuer,
            fingerprint: &shown.fingerprint,
            raw: &shown.raw,
        }
    }
}

#[derive(Serialize)]
struct ConnectionCount<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    timestamp: Time,
    server: ServerShown<'a>,
    #[serde(flatten)]
    traffic: &'a AccountTraffic,
}

#[derive(Serialize)]
struct Passed {
    msgs: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct Client<'a> {
    start: Time,
    host: IpAddr,
    id: u64,
    acc: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    user: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    lang: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    ver: &'a str,
    /// In nanoseconds.
    #[serde(skip_serializing_if = "is_zero")]
    rtt: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<Time>,
    #[serde(skip_serializing_if = "str::is_empty")]
    jwt: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    issuer_key: &'a str,
    name_tag: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
    kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    client_type: &'static str,
}

impl<'a> Client<'a> {
    fn of(state: &'a ConnectionState, account: &'a str, stopped: Option<SystemTime>) -> Self {
        let client = &state.client;
        // The time from the connection to CONNECT is the first that is measured, and is not told in the first event.
        let round_trip = stopped.map_or(Duration::ZERO, |_| state.round_trip.unwrap_or(Duration::ZERO));
        Self {
            start: time(state.opened),
            host: state.peer.ip(),
            id: state.id,
            acc: account,
            user: &client.user,
            name: &client.name,
            lang: &client.lang,
            ver: &client.version,
            rtt: u64::try_from(round_trip.as_nanos()).unwrap_or(u64::MAX),
            stop: stopped.map(time),
            jwt: client.token.as_deref().unwrap_or_default(),
            issuer_key: &client.issuer,
            name_tag: state.account_tag.as_deref().unwrap_or(account),
            tags: &client.tags,
            kind: match client.is_leaf_link {
                true => "Leafnode",
                false => "Client",
            },
            client_type: match (client.is_leaf_link, client.speaks_websocket) {
                (true, _) => "",
                (false, true) => "websocket",
                (false, false) => "nats",
            },
        }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
