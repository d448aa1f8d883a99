//! The server as a whole.

use crate::accounts;
use crate::answer::{Document, Refusal};
use crate::cluster::{ClusterSection, Routes};
use crate::gateways::GatewaySection;
use crate::jetstream;
use crate::kinds::Kinds;
use crate::leafnodes::{self, LeafSection};
use crate::process::resident_bytes;
use crate::query::Query;
use crate::units::{Decimal, Nanoseconds, Time, Uptime};
use crate::websocket::WebSocketSection;
use crate::{Broker, Settings};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use vagus_actors::Monitors;
use vagus_actors::connectors::ConnectorState;
use vagus_auth::credentials::Credentials;
use vagus_delivery::arbiter::Traffic;
use vagus_tls::ocsp::CacheStatistics;

/// Protocol version of the server: that of INFO.
const PROTOCOL: u8 = 1;

/// How long a TLS handshake may take, in seconds, where there is no TLS to say so.
pub(super) const TLS_TIMEOUT: f64 = 2.0;

pub(super) async fn show(broker: &Broker, query: &Query) -> Result<Document, Refusal> {
    let (settings, _) = broker.settings.current();
    let observed = Observed::of(broker).await?;
    query.document(&varz(broker, &settings, &observed))
}

/// The same, for who shows it otherwise.
///
/// # Errors
/// When the server is at its end.
pub async fn varz_value(broker: &Broker) -> Result<serde_json::Value, Refusal> {
    let (settings, _) = broker.settings.current();
    let observed = Observed::of(broker).await?;
    serde_json::to_value(varz(broker, &settings, &observed)).map_err(|error| Refusal::unwritable(&error))
}

/// What actors and counters said.
struct Observed {
    monitors: Monitors,
    subscriptions: usize,
    traffic: Traffic,
    routes: Routes,
    links: usize,
    connectors: Vec<ConnectorState>,
}

impl Observed {
    async fn of(broker: &Broker) -> Result<Self, Refusal> {
        let observatory = &broker.observatory;
        Ok(Self {
            monitors: observatory.monitors().await.ok_or_else(Refusal::ending)?,
            subscriptions: accounts::all_subscriptions(broker),
            traffic: observatory.traffic(),
            routes: Routes::count(broker).await,
            links: observatory.links(leafnodes::LINKS_AT_MOST).await.len(),
            connectors: broker.connectors().await,
        })
    }
}

fn varz<'a>(broker: &'a Broker, settings: &'a Settings, observed: &'a Observed) -> Varz<'a> {
    let Settings { config, info, .. } = settings;
    let (host, port) = settings.advertised();
    let (limits, tls) = (&config.limits, settings.tls.as_ref());
    let Observed {
        monitors, traffic, ..
    } = observed;
    let monitor = &monitors.clients;
    let slow_consumers = Kinds::of(monitors, |monitor| monitor.slow_consumers);
    let stale_connections = Kinds::of(monitors, |monitor| monitor.stale_connections);
    Varz {
        server_id: &info.server_id,
        server_name: &info.server_name,
        version: &info.version,
        proto: PROTOCOL,
        git_commit: &info.git_commit,
        go: &info.go,
        host,
        port,
        auth_required: config.clients.credentials != Credentials::Open,
        tls_required: tls.is_some_and(|tls| tls.required),
        tls_verify: tls.is_some_and(|tls| tls.verify),
        connect_urls: &info.connect_urls,
        ws_connect_urls: &settings.websocket_urls,
        max_connections: match limits.max_connections {
            // nats-server has one number for "nobody" and "no limit".
            0 => -1,
            most => as_operators_write(most),
        },
        max_subscriptions: as_operators_write(limits.max_subscriptions),
        ping_interval: Nanoseconds(limits.ping_interval),
        ping_max: limits.ping_max,
        http_host: config
            .monitoring
            .host
            .as_deref()
            .unwrap_or(&config.clients.listen.host),
        http_port: settings.http.map_or(0, |address| address.port()),
        http_base_path: &config.monitoring.base_path,
        https_port: settings.https.map_or(0, |address| address.port()),
        auth_timeout: Decimal(config.clients.auth_timeout.as_secs_f64()),
        max_control_line: limits.max_control_line,
        max_payload: limits.max_payload,
        max_pending: limits.max_pending,
        cluster: ClusterSection::of(config, &settings.info.cluster),
        gateway: GatewaySection::of(broker, config),
        leaf: LeafSection::of(config),
        mqtt: Nothing {},
        websocket: WebSocketSection::of(settings),
        jetstream: broker
            .jetstream
            .get()
            .map_or_else(jetstream::Section::default, |jetstream| {
                jetstream::Section::of(config, &jetstream, true)
            }),
        tls_timeout: Decimal(tls.map_or(TLS_TIMEOUT, |tls| tls.timeout)),
        write_deadline: Nanoseconds(limits.write_deadline),
        start: Time(broker.started),
        now: Time(Timestamp::now()),
        uptime: Uptime(broker.since.elapsed()),
        mem: resident_bytes(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        gomaxprocs: broker.observatory.arbiters(),
        cpu: Decimal(broker.usage.percent()),
        connections: monitor.connections,
        total_connections: monitor.total_connections,
        routes: observed.routes.connections,
        remotes: observed.routes.servers,
        leafnodes: observed.links,
        in_msgs: traffic.messages_in,
        in_bytes: traffic.payload_in,
        in_client_msgs: traffic.messages_in,
        in_client_bytes: traffic.payload_in,
        out_msgs: traffic.messages_out,
        out_bytes: traffic.payload_out,
        out_client_msgs: traffic.messages_out,
        out_client_bytes: traffic.payload_out,
        slow_consumers: slow_consumers.sum(),
        stale_connections: stale_connections.sum(),
        stalled_clients: traffic.stalls,
        subscriptions: observed.subscriptions,
        http_req_stats: broker.pages.all(),
        config_load_time: Time(settings.loaded),
        config_digest: &config.digest,
        tags: &config.tags,
        metadata: &config.metadata,
        feature_flags: FEATURE_FLAGS.into_iter().collect(),
        system_account: broker.accounts.system().map_or("", |system| system.name()),
        slow_consumer_stats: slow_consumers,
        stale_connection_stats: stale_connections,
        disk_io_wait_stats: DiskWaits::default(),
        proxies: Proxies::of(&config.trusted_proxies),
        tls_ocsp_peer_verify: tls.is_some_and(|tls| tls.checks_peers),
        ocsp_peer_cache: tls
            .filter(|tls| tls.checks_peers)
            .and_then(|tls| (tls.remembered.0)())
            .map(PeerCache::of),
        tls_cert_not_after: tls.and_then(|tls| tls.not_after).map(Time),
        connectors: &observed.connectors,
    }
}

/// Flags of nats-server for features this server does not have.
const FEATURE_FLAGS: [(&str, bool); 2] = [("js_ack_fc_v2", false), ("js_raft_delete_range", false)];

/// With -1 for "no limit".
fn as_operators_write(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(-1)
}

/// The fields in the order of nats-server.
#[derive(Serialize)]
struct Varz<'a> {
    server_id: &'a str,
    server_name: &'a str,
    version: &'a str,
    proto: u8,
    #[serde(skip_serializing_if = "str::is_empty")]
    git_commit: &'a str,
    go: &'a str,
    host: &'a str,
    port: u16,
    #[serde(skip_serializing_if = "is_false")]
    auth_required: bool,
    #[serde(skip_serializing_if = "is_false")]
    tls_required: bool,
    #[serde(skip_serializing_if = "is_false")]
    tls_verify: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    connect_urls: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    ws_connect_urls: &'a [String],
    max_connections: i64,
    #[serde(skip_serializing_if = "is_zero")]
    max_subscriptions: i64,
    ping_interval: Nanoseconds,
    ping_max: u32,
    http_host: &'a str,
    http_port: u16,
    http_base_path: &'a str,
    https_port: u16,
    auth_timeout: Decimal,
    max_control_line: usize,
    max_payload: usize,
    max_pending: usize,
    cluster: ClusterSection<'a>,
    gateway: GatewaySection<'a>,
    leaf: LeafSection<'a>,
    mqtt: Nothing,
    websocket: WebSocketSection<'a>,
    jetstream: jetstream::Section,
    tls_timeout: Decimal,
    write_deadline: Nanoseconds,
    start: Time,
    now: Time,
    uptime: Uptime,
    mem: u64,
    cores: usize,
    gomaxprocs: usize,
    cpu: Decimal,
    connections: usize,
    total_connections: u64,
    routes: usize,
    remotes: usize,
    leafnodes: usize,
    in_msgs: u64,
    in_bytes: u64,
    in_client_msgs: u64,
    in_client_bytes: u64,
    out_msgs: u64,
    out_bytes: u64,
    out_client_msgs: u64,
    out_client_bytes: u64,
    slow_consumers: u64,
    stale_connections: u64,
    stalled_clients: u64,
    subscriptions: usize,
    http_req_stats: BTreeMap<&'static str, u64>,
    config_load_time: Time,
    config_digest: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
    feature_flags: BTreeMap<&'static str, bool>,
    #[serde(skip_serializing_if = "str::is_empty")]
    system_account: &'a str,
    slow_consumer_stats: Kinds,
    stale_connection_stats: Kinds,
    disk_io_wait_stats: DiskWaits,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxies: Option<Proxies<'a>>,
    #[serde(skip_serializing_if = "is_false")]
    tls_ocsp_peer_verify: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ocsp_peer_cache: Option<PeerCache>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_cert_not_after: Option<Time>,
    /// Of Vagus alone; like that of nats-kafka.
    #[serde(skip_serializing_if = "<[ConnectorState]>::is_empty")]
    connectors: &'a [ConnectorState],
}

/// The proxies that vouch for clients.
#[derive(Serialize)]
struct Proxies<'a> {
    trusted: Vec<TrustedProxy<'a>>,
}

#[derive(Serialize)]
struct TrustedProxy<'a> {
    key: &'a str,
}

impl<'a> Proxies<'a> {
    /// None where there are none.
    fn of(keys: &'a [String]) -> Option<Self> {
        let trusted = keys.iter().map(|key| TrustedProxy { key });
        (!keys.is_empty()).then(|| Self {
            trusted: trusted.collect(),
        })
    }
}

/// What is remembered of answers about certificates of clients.
#[derive(Serialize)]
struct PeerCache {
    cache_type: &'static str,
    #[serde(skip_serializing_if = "is_none")]
    cache_hits: u64,
    #[serde(skip_serializing_if = "is_none")]
    cache_misses: u64,
    #[serde(skip_serializing_if = "is_none")]
    cached_responses: u64,
    #[serde(skip_serializing_if = "is_none")]
    cached_revoked_responses: u64,
    #[serde(skip_serializing_if = "is_none")]
    cached_good_responses: u64,
    #[serde(skip_serializing_if = "is_none")]
    cached_unknown_responses: u64,
}

impl PeerCache {
    fn of(statistics: CacheStatistics) -> Self {
        Self {
            cache_type: "local",
            cache_hits: statistics.hits,
            cache_misses: statistics.misses,
            cached_responses: statistics.responses as u64,
            cached_revoked_responses: statistics.revoked as u64,
            cached_good_responses: statistics.good as u64,
            cached_unknown_responses: statistics.unknown as u64,
        }
    }
}

fn is_none(number: &u64) -> bool {
    *number == 0
}

/// A part of the server that there is not.
#[derive(Serialize)]
struct Nothing {}

/// Waits for the disk, of which there are none as long as nothing is stored.
#[derive(Serialize, Default)]
struct DiskWaits {
    waiters: u64,
    waits: u64,
    wait_time: u64,
    max_wait_time: u64,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}
