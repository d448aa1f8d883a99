//! The server's figures, as it tells them by itself.

use crate::accounts;
use crate::answer::{Document, Refusal, Status};
use crate::broker::Broker;
use crate::cluster::RouteFigures;
use crate::gateways::GatewayFigures;
use crate::jetstream::Section;
use crate::kinds::Kinds;
use crate::process::resident_bytes;
use crate::units::{Decimal, Time};
use serde::Serialize;

/// The figures of a server.
///
/// # Errors
/// When the server is at its end.
pub async fn statsz(broker: &Broker) -> Result<Document, Refusal> {
    let observatory = &broker.observatory;
    let monitors = observatory.monitors().await.ok_or_else(Refusal::ending)?;
    let monitor = &monitors.clients;
    let slow_consumers = Kinds::of(&monitors, |monitor| monitor.slow_consumers);
    let stale_connections = Kinds::of(&monitors, |monitor| monitor.stale_connections);
    let traffic = observatory.traffic();
    let (routes, servers) = RouteFigures::of_all(broker).await;
    let sent = Passed {
        msgs: traffic.messages_out,
        bytes: traffic.payload_out,
    };
    let received = Passed {
        msgs: traffic.messages_in,
        bytes: traffic.payload_in,
    };
    let figures = Statsz {
        start: Time(broker.started),
        mem: resident_bytes(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        cpu: Decimal(broker.usage.percent()),
        connections: monitor.connections,
        total_connections: monitor.total_connections,
        active_accounts: accounts::active(broker),
        subscriptions: accounts::all_subscriptions(broker),
        sent,
        sent_to_clients: sent,
        received,
        received_from_clients: received,
        slow_consumers: slow_consumers.sum(),
        slow_consumer_stats: slow_consumers.if_any(),
        stale_connections: stale_connections.sum(),
        stale_connection_stats: stale_connections.if_any(),
        stalled_clients: traffic.stalls,
        routes,
        gateways: GatewayFigures::of_all(broker).await,
        active_servers: servers + 1,
        jetstream: broker.jetstream.get().map(|jetstream| {
            let (settings, _) = broker.settings.current();
            Section::of(&settings.config, &jetstream, false)
        }),
        gomaxprocs: observatory.arbiters(),
    };
    Document::compact(Status::Ok, &figures)
}

/// The fields in the order of nats-server.
#[derive(Serialize)]
struct Statsz {
    start: Time,
    mem: u64,
    cores: usize,
    cpu: Decimal,
    connections: usize,
    total_connections: u64,
    active_accounts: usize,
    subscriptions: usize,
    sent: Passed,
    sent_to_clients: Passed,
    received: Passed,
    received_from_clients: Passed,
    slow_consumers: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    slow_consumer_stats: Option<Kinds>,
    #[serde(skip_serializing_if = "is_zero")]
    stale_connections: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_connection_stats: Option<Kinds>,
    #[serde(skip_serializing_if = "is_zero")]
    stalled_clients: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<RouteFigures>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gateways: Vec<GatewayFigures>,
    active_servers: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    jetstream: Option<Section>,
    gomaxprocs: usize,
}

/// What has passed.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Passed {
    pub(super) msgs: u64,
    pub(super) bytes: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
