//! Other servers: the routes to them one by one, and those that are not reached.

use super::exposition::{Exposition, Kind};
use vagus_actors::cluster::DialledServerState;
use vagus_actors::observed::ConnectionState;
use vagus_monitoring::Broker;

/// How many routes are shown, and how many servers that are dialled.
const LIMIT: usize = 256;

/// What a server calls itself may be this many letters here.
const NAME_AT_MOST: usize = 128;

/// What there is to be shown.
pub(super) struct Observed {
    routes: Vec<ConnectionState>,
    dialled: Vec<DialledServerState>,
}

impl Observed {
    pub(super) async fn of(broker: &Broker) -> Self {
        let routes = broker.observatory.routes(LIMIT).await;
        let mut dialled = broker.observatory.dialled_servers().await;
        // What others tell of is called as they like.
        dialled.retain(|server| server.is_configured);
        // Each account that has a route of its own has its server dialled for it.
        dialled.sort_by(|one, other| {
            let failed = |server: &DialledServerState| server.dialling.failed;
            (&one.address, failed(other)).cmp(&(&other.address, failed(one)))
        });
        dialled.dedup_by(|one, other| one.address == other.address);
        dialled.truncate(LIMIT);
        Self {
            routes: routes.into_iter().map(|route| route.state).collect(),
            dialled,
        }
    }
}

/// A metric of routes.
struct Metric {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    of: fn(&ConnectionState) -> f64,
}

const METRICS: [Metric; 7] = [
    Metric {
        name: "vagus_cluster_route_round_trip_seconds",
        kind: Kind::Gauge,
        help: "The time from a PING to its answer.",
        of: |route| route.round_trip.unwrap_or_default().as_secs_f64(),
    },
    Metric {
        name: "vagus_cluster_route_pending_bytes",
        kind: Kind::Gauge,
        help: "Bytes that wait to be written.",
        of: |route| route.pending as f64,
    },
    Metric {
        name: "vagus_cluster_route_subscriptions",
        kind: Kind::Gauge,
        help: "What the other server is interested in.",
        of: |route| route.subscriptions as f64,
    },
    Metric {
        name: "vagus_cluster_route_received_messages_total",
        kind: Kind::Counter,
        help: "Messages that came from there.",
        of: |route| route.messages_in as f64,
    },
    Metric {
        name: "vagus_cluster_route_received_bytes_total",
        kind: Kind::Counter,
        help: "Headers and payloads of messages that came from there.",
        of: |route| route.payload_in as f64,
    },
    Metric {
        name: "vagus_cluster_route_sent_messages_total",
        kind: Kind::Counter,
        help: "Messages that went there.",
        of: |route| route.messages_out as f64,
    },
    Metric {
        name: "vagus_cluster_route_sent_bytes_total",
        kind: Kind::Counter,
        help: "Headers and payloads of messages that went there.",
        of: |route| route.payload_out as f64,
    },
];

pub(super) fn write(text: &mut Exposition, observed: &Observed) {
    let Observed { routes, dialled } = observed;
    text.single(
        "vagus_cluster_routes",
        Kind::Gauge,
        "Routes to other servers that are shown here one by one, of which there are 256 at most.",
        routes.len(),
    );
    if !routes.is_empty() {
        let described: Vec<[String; 2]> = routes.iter().map(described).collect();
        for metric in &METRICS {
            let mut family = text.family(metric.name, metric.kind, metric.help);
            for (route, [rid, name]) in routes.iter().zip(&described) {
                family.sample(&[("rid", rid), ("server", name)], (metric.of)(route));
            }
        }
    }
    if !dialled.is_empty() {
        let mut family = text.family(
            "vagus_cluster_failed_attempts",
            Kind::Gauge,
            "Attempts to connect to a server that failed since there was a connection.",
        );
        for server in dialled {
            family.sample(&[("address", &server.address)], server.dialling.failed);
        }
    }
}

/// The number of a route, and what the server at its other end calls itself.
fn described(route: &ConnectionState) -> [String; 2] {
    let name = route.client.name.chars().take(NAME_AT_MOST).collect();
    [route.id.to_string(), name]
}
