//! One connection, as it is shown.

use crate::subscription::SubscriptionDetail;
use crate::units::{RoundTrip, Time, Uptime, time_of};
use serde::Serialize;
use std::net::IpAddr;
use vagus_actors::ObservedConnection;
use vagus_actors::observed::{ClientInfo, ClosedConnection, ConnectionState, Extent};
use vagus_configs::GLOBAL_ACCOUNT;
use vagus_delivery::subscriptions::SubscriptionState;
use vagus_delivery::wire::TlsFacts;

/// What is shown of each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    /// Who it is.
    pub(super) auth: bool,
    /// The subjects of its subscriptions.
    pub(super) names: bool,
    /// Its subscriptions with all there is to them.
    pub(super) detail: bool,
}

impl Shown {
    /// What a connection has to be asked for.
    pub(super) fn extent(self) -> Extent {
        if self.names || self.detail {
            Extent::Subscriptions
        } else {
            Extent::State
        }
    }
}

/// The fields in the order of nats-server.
#[derive(Serialize)]
pub(super) struct Entry<'a> {
    cid: u64,
    kind: &'static str,
    #[serde(rename = "type")]
    language: &'static str,
    ip: IpAddr,
    port: u16,
    start: Time,
    last_activity: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<Time>,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    rtt: RoundTrip,
    uptime: Uptime,
    idle: Uptime,
    pending_bytes: usize,
    in_msgs: u64,
    out_msgs: u64,
    in_bytes: u64,
    out_bytes: u64,
    #[serde(skip_serializing_if = "is_zero")]
    stalls: u32,
    subscriptions: usize,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    lang: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(flatten)]
    tls: Option<Tls<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    authorized_user: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    account: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list_detail: Vec<SubscriptionDetail<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    jwt: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    issuer_key: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name_tag: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<Proxy<'a>>,
}

/// The proxy that vouches for it.
#[derive(Serialize)]
struct Proxy<'a> {
    key: &'a str,
}

impl<'a> Proxy<'a> {
    /// None where there is none.
    fn of(client: &'a ClientInfo) -> Option<Self> {
        let key = &*client.proxy;
        (!key.is_empty()).then_some(Self { key })
    }
}

impl<'a> Entry<'a> {
    pub(super) fn open(open: &'a ObservedConnection, shown: Shown) -> Self {
        Self::new(&open.state, &open.subscriptions, shown)
    }

    pub(super) fn closed(closed: &'a ClosedConnection, shown: Shown) -> Self {
        Self {
            stop: Some(time_of(closed.stopped)),
            reason: closed.reason,
            ..Self::new(&closed.state, &closed.subscriptions, shown)
        }
    }

    fn new(state: &'a ConnectionState, subscriptions: &[SubscriptionState], shown: Shown) -> Self {
        let subject =
            |subscription: &SubscriptionState| String::from_utf8_lossy(&subscription.subject).into_owned();
        Self {
            cid: state.id,
            kind: "Client",
            language: match state.client.speaks_websocket {
                true => "websocket",
                false => "nats",
            },
            ip: state.peer.ip(),
            port: state.peer.port(),
            start: time_of(state.opened),
            last_activity: time_of(state.active),
            stop: None,
            reason: "",
            rtt: RoundTrip(state.round_trip.unwrap_or_default()),
            uptime: Uptime(state.uptime),
            idle: Uptime(state.idle),
            pending_bytes: state.pending,
            in_msgs: state.messages_in,
            out_msgs: state.messages_out,
            in_bytes: state.payload_in,
            out_bytes: state.payload_out,
            stalls: state.stalls,
            subscriptions: state.subscriptions,
            name: &state.client.name,
            lang: &state.client.lang,
            version: &state.client.version,
            tls: state.tls.as_deref().map(|tls| Tls::of(tls, shown)),
            authorized_user: if shown.auth { &state.client.user } else { "" },
            account: match state.account.as_deref() {
                // As in nats-server, that of everybody need not be said.
                Some(account) if shown.auth && account != GLOBAL_ACCOUNT => account,
                _ => "",
            },
            subscriptions_list: match shown.names {
                true => subscriptions.iter().map(subject).collect(),
                false => Vec::new(),
            },
            subscriptions_list_detail: match shown.detail {
                true => subscriptions.iter().map(SubscriptionDetail::of_client).collect(),
                false => Vec::new(),
            },
            proxy: Proxy::of(&state.client),
            jwt: state
                .client
                .token
                .as_deref()
                .filter(|_| shown.auth)
                .unwrap_or_default(),
            issuer_key: if shown.auth { &state.client.issuer } else { "" },
            name_tag: match (shown.auth, &state.account_tag, &state.account) {
                (false, ..) => "",
                (true, Some(tag), _) => tag,
                (true, None, Some(account)) => account,
                (true, None, None) => GLOBAL_ACCOUNT,
            },
            tags: if shown.auth { &state.client.tags } else { &[] },
        }
    }
}

/// What was agreed on in a handshake.
#[derive(Serialize)]
struct Tls<'a> {
    tls_version: &'static str,
    tls_cipher_suite: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tls_peer_certs: Vec<PeerCertificate<'a>>,
    #[serde(skip_serializing_if = "is_false")]
    tls_first: bool,
}

impl<'a> Tls<'a> {
    fn of(tls: &'a TlsFacts, shown: Shown) -> Self {
        let certificates = tls.peer_certificates.iter().filter(|_| shown.auth);
        Self {
            tls_version: tls.version,
            tls_cipher_suite: tls.cipher_suite,
            tls_peer_certs: certificates
                .map(|certificate| PeerCertificate {
                    subject: &certificate.subject,
                    spki_sha256: &certificate.subject_pk_sha256,
                    cert_sha256: &certificate.cert_sha256,
                })
                .collect(),
            tls_first: tls.first,
        }
    }
}

#[derive(Serialize)]
struct PeerCertificate<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    subject: &'a str,
    spki_sha256: &'a str,
    cert_sha256: &'a str,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}
