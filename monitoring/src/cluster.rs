//! The other servers of the cluster.

use crate::Broker;
use crate::answer::{Document, Refusal, SUBSCRIPTIONS_AT_MOST};
use crate::query::Query;
use crate::statsz::Passed;
use crate::subscription::SubscriptionDetail;
use crate::units::{Decimal, RoundTrip, Time, Uptime, time_of};
use crate::varz::TLS_TIMEOUT;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::HashSet;
use std::net::IpAddr;
use vagus_actors::observed::Extent;
use vagus_actors::{ObservedConnection, ask_again};
use vagus_auth::permission::Rules;
use vagus_configs::{Config, WriteTimeout};
use vagus_protocol::route::SubjectRules;

/// More routes than any cluster has.
const ROUTES_AT_MOST: usize = 4096;

/// How many there are.
pub(super) struct Routes {
    pub(super) connections: usize,
    pub(super) servers: usize,
}

impl Routes {
    pub(super) async fn count(broker: &Broker) -> Self {
        let routes = broker.observatory.routes(ROUTES_AT_MOST).await;
        let servers = routes
            .iter()
            .filter_map(|route| route.state.client.server.as_ref());
        let servers: HashSet<&str> = servers.map(|server| &*server.id).collect();
        Self {
            connections: routes.len(),
            servers: servers.len(),
        }
    }
}

pub(super) async fn show_routes(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    let (names, detail) = query.subscriptions()?;
    let (settings, _) = broker.settings.current();
    let mut observed = broker.observatory.routes(ROUTES_AT_MOST).await;
    if names || detail {
        let all: usize = observed.iter().map(|route| route.state.subscriptions).sum();
        if all > SUBSCRIPTIONS_AT_MOST {
            return Err(Refusal::too_large());
        }
        observed = ask_again(observed, Extent::Subscriptions).await;
    }
    let routes: Vec<Route<'_>> = observed
        .iter()
        .filter_map(|route| Route::of(route, detail))
        .collect();
    let cluster = settings.config.cluster.as_ref();
    let permissions = cluster.and_then(|cluster| cluster.permissions.as_ref());
    query.document(&Routez {
        server_id: &settings.info.server_id,
        server_name: &settings.info.server_name,
        now: Time(Timestamp::now()),
        import: permissions.map(|permissions| rules(&permissions.publish)),
        export: permissions.map(|permissions| rules(&permissions.subscribe)),
        num_routes: routes.len(),
        routes,
    })
}

/// What a server tells of one of its routes by itself.
#[derive(Serialize)]
pub(super) struct RouteFigures {
    rid: u64,
    name: String,
    sent: Passed,
    received: Passed,
    pending: usize,
}

impl RouteFigures {
    /// Those of all routes, and to how many servers they are.
    pub(super) async fn of_all(broker: &Broker) -> (Vec<Self>, usize) {
        let observed = broker.observatory.routes(ROUTES_AT_MOST).await;
        let mut servers = HashSet::new();
        let figures = observed.iter().filter_map(|ObservedConnection { state, .. }| {
            servers.insert(&*state.client.server.as_ref()?.id);
            Some(Self {
                rid: state.id,
                name: state.client.name.clone(),
                sent: Passed {
                    msgs: state.messages_out,
                    bytes: state.payload_out,
                },
                received: Passed {
                    msgs: state.messages_in,
                    bytes: state.payload_in,
                },
                pending: state.pending,
            })
        });
        let figures = figures.collect();
        (figures, servers.len())
    }
}

fn rules(rules: &Rules) -> SubjectRules {
    SubjectRules {
        allow: rules.allow.clone(),
        deny: rules.deny.clone(),
    }
}

/// A route, as nats-server shows it.
#[derive(Serialize)]
struct Route<'a> {
    rid: u64,
    remote_id: &'a str,
    remote_name: &'a str,
    did_solicit: bool,
    is_configured: bool,
    ip: IpAddr,
    port: u16,
    start: Time,
    last_activity: Time,
    rtt: RoundTrip,
    uptime: Uptime,
    idle: Uptime,
    #[serde(skip_serializing_if = "Option::is_none")]
    import: Option<&'a SubjectRules>,
    #[serde(skip_serializing_if = "Option::is_none")]
    export: Option<&'a SubjectRules>,
    pending_size: usize,
    in_msgs: u64,
    out_msgs: u64,
    in_bytes: u64,
    out_bytes: u64,
    subscriptions: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list_detail: Vec<SubscriptionDetail<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    compression: &'static str,
}

impl<'a> Route<'a> {
    /// None as long as the server has not said who it is. Its subscriptions are those that it was asked for.
    fn of(route: &'a ObservedConnection, detail: bool) -> Option<Self> {
        let ObservedConnection {
            state, subscriptions, ..
        } = route;
        let server = state.client.server.as_ref()?;
        let (listed, detailed) = match detail {
            true => (&[][..], &subscriptions[..]),
            false => (&subscriptions[..], &[][..]),
        };
        Some(Self {
            rid: state.id,
            remote_id: &server.id,
            remote_name: &state.client.name,
            did_solicit: server.is_dialled,
            is_configured: server.is_configured,
            ip: state.peer.ip(),
            port: state.peer.port(),
            start: time_of(state.opened),
            last_activity: time_of(state.active),
            rtt: RoundTrip(state.round_trip.unwrap_or_default()),
            uptime: Uptime(state.uptime),
            idle: Uptime(state.idle),
            import: server.import.as_deref(),
            export: server.export.as_deref(),
            pending_size: state.pending,
            in_msgs: state.messages_in,
            out_msgs: state.messages_out,
            in_bytes: state.payload_in,
            out_bytes: state.payload_out,
            subscriptions: state.subscriptions,
            subscriptions_list: listed
                .iter()
                .map(|subscription| String::from_utf8_lossy(&subscription.subject).into_owned())
                .collect(),
            subscriptions_list_detail: detailed.iter().map(SubscriptionDetail::of_client).collect(),
            account: server.account.as_deref(),
            compression: server.compression,
        })
    }
}

/// How the server is a part of a cluster, in `/varz`. Nothing is said where it is of none.
#[derive(Serialize, Default)]
pub(super) struct ClusterSection<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    addr: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_timeout: Option<Decimal>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_timeout: Option<Decimal>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_required: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_verify: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool_size: Option<i64>,
    /// In nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    write_deadline: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    write_timeout: Option<&'static str>,
}

impl<'a> ClusterSection<'a> {
    pub(super) fn of(config: &'a Config, name: &'a str) -> Self {
        let Some(cluster) = &config.cluster else {
            return Self::default();
        };
        let pool_size = match cluster.pool_size {
            0 => -1,
            size => i64::try_from(size).unwrap_or(i64::MAX),
        };
        let tls = cluster.listener.tls.as_ref();
        Self {
            name,
            addr: &cluster.listener.listen.host,
            cluster_port: Some(cluster.listener.listen.port.to_bind()),
            auth_timeout: Some(Decimal(cluster.listener.auth_timeout.as_secs_f64())),
            urls: cluster.routes.iter().map(|route| format!("{route:?}")).collect(),
            tls_timeout: Some(Decimal(tls.map_or(TLS_TIMEOUT, |tls| tls.timeout.as_secs_f64()))),
            tls_required: tls.is_some(),
            tls_verify: tls.is_some(),
            pool_size: Some(pool_size),
            write_deadline: cluster
                .write_deadline
                .map(|deadline| u64::try_from(deadline.as_nanos()).unwrap_or(u64::MAX)),
            // The usual is not said.
            write_timeout: (cluster.write_timeout == WriteTimeout::Close).then_some("close"),
        }
    }
}

#[derive(Serialize)]
struct Routez<'a> {
    server_id: &'a str,
    server_name: &'a str,
    now: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    import: Option<SubjectRules>,
    #[serde(skip_serializing_if = "Option::is_none")]
    export: Option<SubjectRules>,
    num_routes: usize,
    routes: Vec<Route<'a>>,
}
