//! Other clusters, and the connections to and from their servers.

use crate::Broker;
use crate::answer::{Document, Refusal, SUBSCRIPTIONS_AT_MOST};
use crate::dialled::Dialled;
use crate::query::Query;
use crate::statsz::Passed;
use crate::subscription::SubscriptionDetail;
use crate::units::{Decimal, RoundTrip, Time, Uptime, time_of};
use crate::varz::TLS_TIMEOUT;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use vagus_actors::gateways::RemoteClusterState;
use vagus_actors::observed::{Extent, GatewayAccount, GatewayShown};
use vagus_actors::{ObservedConnection, ask_again};
use vagus_configs::{Config, WriteTimeout};

/// More connections than there are between clusters.
const CONNECTIONS_AT_MOST: usize = 4096;

/// After so many subjects that nobody wants a server of old tells all that is wanted.
const INTEREST_ONLY_THRESHOLD: usize = 1000;

pub(super) async fn show(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    let (names, detail) = query.subscriptions()?;
    let (name, account) = (query.text("gw_name"), query.text("acc_name"));
    let accounts = query.flag("accs")? || account.is_some();
    let (settings, _) = broker.settings.current();
    let info = broker.observatory.gateway_info();
    let mut observed = broker.observatory.gateways(CONNECTIONS_AT_MOST).await;
    observed.retain(|connection| {
        let of_cluster = connection.state.client.gateway.as_ref();
        of_cluster.is_some_and(|gateway| name.is_none_or(|name| gateway.cluster == name))
    });
    if accounts && (names || detail) {
        let all: usize = observed.iter().map(|one| one.state.subscriptions).sum();
        if all > SUBSCRIPTIONS_AT_MOST {
            return Err(Refusal::too_large());
        }
        observed = ask_again(observed, Extent::Subscriptions).await;
    }
    let mut clusters = broker.observatory.remote_clusters().await;
    clusters.retain(|cluster| name.is_none_or(|name| cluster.name == name));
    let shown = Shown {
        accounts,
        account,
        names,
        detail: detail && !names,
    };
    let mut outbound = BTreeMap::new();
    let mut inbound: BTreeMap<&str, Vec<Remote<'_>>> = BTreeMap::new();
    for connection in &observed {
        let Some(gateway) = connection.state.client.gateway.as_deref() else {
            continue;
        };
        let remote = Remote::of(connection, gateway, &shown);
        match gateway.is_outbound {
            true => {
                outbound.insert(&*gateway.cluster, remote);
            }
            false => inbound.entry(&gateway.cluster).or_default().push(remote),
        }
    }
    query.document(&Gatewayz {
        server_id: &settings.info.server_id,
        now: Time(Timestamp::now()),
        name: info.as_ref().map(|info| &*info.gateway),
        host: info.as_ref().map(|info| &*info.host),
        port: info.as_ref().map(|info| info.port),
        // As in nats-server, one that is asked for and is not there is nothing.
        outbound_gateways: match name.is_some() && info.is_some() && outbound.is_empty() {
            true => None,
            false => Some(outbound),
        },
        inbound_gateways: inbound,
        remotes: clusters.iter().map(Cluster::of).collect(),
    })
}

/// What is shown of each connection.
struct Shown<'a> {
    accounts: bool,
    account: Option<&'a str>,
    names: bool,
    detail: bool,
}

#[derive(Serialize)]
struct Gatewayz<'a> {
    server_id: &'a str,
    now: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<i64>,
    outbound_gateways: Option<BTreeMap<&'a str, Remote<'a>>>,
    inbound_gateways: BTreeMap<&'a str, Vec<Remote<'a>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remotes: Vec<Cluster<'a>>,
}

/// A cluster that is dialled, whether or not there is a connection to it: nats-server shows no such thing.
#[derive(Serialize)]
struct Cluster<'a> {
    name: &'a str,
    configured: bool,
    urls: &'a [String],
    #[serde(flatten)]
    dialled: Dialled<'a>,
}

impl<'a> Cluster<'a> {
    fn of(cluster: &'a RemoteClusterState) -> Self {
        Self {
            name: &cluster.name,
            configured: cluster.is_configured,
            urls: &cluster.urls,
            dialled: Dialled::of(&cluster.dialling),
        }
    }
}

/// A server of another cluster.
#[derive(Serialize)]
struct Remote<'a> {
    configured: bool,
    connection: Connection<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<Account<'a>>,
}

/// The fields in the order of nats-server.
#[derive(Serialize)]
struct Connection<'a> {
    cid: u64,
    kind: &'static str,
    ip: IpAddr,
    port: u16,
    start: Time,
    last_activity: Time,
    rtt: RoundTrip,
    uptime: Uptime,
    idle: Uptime,
    pending_bytes: usize,
    in_msgs: u64,
    out_msgs: u64,
    in_bytes: u64,
    out_bytes: u64,
    subscriptions: usize,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_cipher_suite: Option<&'static str>,
}

/// What is wanted in an account, or is told of it.
#[derive(Serialize)]
struct Account<'a> {
    name: &'a str,
    interest_mode: &'static str,
    #[serde(skip_serializing_if = "is_zero")]
    no_interest_count: usize,
    interest_only_threshold: usize,
    #[serde(skip_serializing_if = "is_zero")]
    num_subs: usize,
    #[serde(skip_serializing_if = "is_zero")]
    num_queue_subs: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list_detail: Vec<SubscriptionDetail<'a>>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde calls it.
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl<'a> Remote<'a> {
    fn of(connection: &'a ObservedConnection, gateway: &'a GatewayShown, shown: &Shown<'_>) -> Self {
        let state = &connection.state;
        let is_shown = |account: &&GatewayAccount| {
            shown.accounts && shown.account.is_none_or(|name| account.name == name)
        };
        let accounts = gateway.accounts.iter().filter(is_shown);
        Self {
            configured: gateway.is_configured,
            connection: Connection {
                cid: state.id,
                kind: "Gateway",
                ip: state.peer.ip(),
                port: state.peer.port(),
                start: time_of(state.opened),
                last_activity: time_of(state.active),
                rtt: RoundTrip(state.round_trip.unwrap_or_default()),
                uptime: Uptime(state.uptime),
                idle: Uptime(state.idle),
                pending_bytes: state.pending,
                in_msgs: state.messages_in,
                out_msgs: state.messages_out,
                in_bytes: state.payload_in,
                out_bytes: state.payload_out,
                subscriptions: gateway.accounts.iter().map(|account| account.subscriptions).sum(),
                name: &state.client.name,
                tls_version: state.tls.as_ref().map(|tls| tls.version),
                tls_cipher_suite: state.tls.as_ref().map(|tls| tls.cipher_suite),
            },
            accounts: accounts
                .map(|account| Account::of(account, connection, shown))
                .collect(),
        }
    }
}

impl<'a> Account<'a> {
    fn of(account: &'a GatewayAccount, connection: &'a ObservedConnection, shown: &Shown<'_>) -> Self {
        let of_it = || {
            let subscriptions = connection.subscriptions.iter().zip(&connection.accounts);
            // What the server has not asked for is called otherwise.
            subscriptions
                .filter(|(it, name)| ***name == *account.name && !it.sid.starts_with(b" "))
                .map(|(subscription, _)| subscription)
        };
        Self {
            name: &account.name,
            interest_mode: account.mode.text(),
            no_interest_count: account.unwanted,
            interest_only_threshold: INTEREST_ONLY_THRESHOLD,
            num_subs: account.subscriptions,
            num_queue_subs: account.queue_subscriptions,
            subscriptions_list: match shown.names {
                true => of_it()
                    .map(|it| String::from_utf8_lossy(&it.subject).into_owned())
                    .collect(),
                false => Vec::new(),
            },
            subscriptions_list_detail: match shown.detail {
                true => of_it().map(SubscriptionDetail::of_gateway).collect(),
                false => Vec::new(),
            },
        }
    }
}

/// What a server tells of its connections to one other cluster by itself.
#[derive(Serialize)]
pub(super) struct GatewayFigures {
    gwid: u64,
    name: String,
    sent: Passed,
    received: Passed,
    inbound_connections: usize,
}

impl GatewayFigures {
    /// Those of all other clusters.
    pub(super) async fn of_all(broker: &Broker) -> Vec<Self> {
        let observed = broker.observatory.gateways(CONNECTIONS_AT_MOST).await;
        let of_cluster = |connection: &ObservedConnection, is_outbound: bool| {
            let gateway = connection.state.client.gateway.as_ref();
            gateway
                .filter(|gateway| gateway.is_outbound == is_outbound)
                .map(|gateway| gateway.cluster.clone())
        };
        let figures = observed.iter().filter_map(|outbound| {
            let name = of_cluster(outbound, true)?;
            let mut figures = Self {
                gwid: outbound.state.id,
                sent: Passed {
                    msgs: outbound.state.messages_out,
                    bytes: outbound.state.payload_out,
                },
                received: Passed { msgs: 0, bytes: 0 },
                inbound_connections: 0,
                name,
            };
            for inbound in &observed {
                if of_cluster(inbound, false).as_ref() == Some(&figures.name) {
                    figures.received.msgs += inbound.state.messages_in;
                    figures.received.bytes += inbound.state.payload_in;
                    figures.inbound_connections += 1;
                }
            }
            Some(figures)
        });
        figures.collect()
    }
}

/// How the cluster is connected to others, in `/varz`. Nothing is said where it is not.
#[derive(Serialize, Default)]
pub(super) struct GatewaySection<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    host: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_timeout: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_timeout: Option<Decimal>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_required: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_verify: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    advertise: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connect_retries: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gateways: Vec<RemoteSection<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reject_unknown: bool,
    /// In nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    write_deadline: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    write_timeout: Option<&'static str>,
}

/// A cluster of the configuration.
#[derive(Serialize)]
struct RemoteSection<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_timeout: Option<Decimal>,
    urls: Vec<String>,
}

impl<'a> GatewaySection<'a> {
    pub(super) fn of(broker: &Broker, config: &'a Config) -> Self {
        let Some(gateway) = &config.gateway else {
            return Self::default();
        };
        let listener = &gateway.listener;
        let tls = listener.tls.as_ref();
        let remotes = gateway.remotes.iter().map(|remote| RemoteSection {
            name: &remote.name,
            tls_timeout: remote.tls.as_ref().map(|tls| Decimal(tls.timeout.as_secs_f64())),
            urls: broker
                .observatory
                .urls_of_cluster(&remote.name)
                .unwrap_or_else(|| remote.urls.iter().map(ToString::to_string).collect()),
        });
        Self {
            name: &gateway.name,
            host: &listener.listen.host,
            port: Some(listener.listen.port.to_bind()),
            auth_timeout: Some(Decimal(listener.auth_timeout.as_secs_f64())),
            tls_timeout: Some(Decimal(tls.map_or(TLS_TIMEOUT, |tls| tls.timeout.as_secs_f64()))),
            tls_required: tls.is_some(),
            tls_verify: tls.is_some(),
            advertise: listener.advertise.as_deref(),
            connect_retries: Some(gateway.connect_retries).filter(|retries| *retries > 0),
            gateways: remotes.collect(),
            reject_unknown: gateway.rejects_unknown,
            write_deadline: gateway
                .write_deadline
                .map(|deadline| u64::try_from(deadline.as_nanos()).unwrap_or(u64::MAX)),
            // The usual is not said.
            write_timeout: (gateway.write_timeout == WriteTimeout::Close).then_some("close"),
        }
    }
}
