//! Other clusters: the connections to and from their servers one by one, and the clusters that are not reached.

use super::exposition::{Exposition, Kind};
use super::peers;
use vagus_actors::gateways::RemoteClusterState;
use vagus_actors::observed::{ConnectionState, GatewayShown, InterestMode};
use vagus_monitoring::Broker;

/// How many connections are shown, and how many clusters.
const LIMIT: usize = 256;

/// What there is to be shown.
pub(super) struct Observed {
    outbound: Vec<ConnectionState>,
    inbound: Vec<ConnectionState>,
    clusters: Vec<RemoteClusterState>,
}

impl Observed {
    /// None where the cluster of this server is connected to no other.
    pub(super) async fn of(broker: &Broker) -> Option<Self> {
        broker.observatory.gateway_info()?;
        let connections = broker.observatory.gateways(LIMIT).await;
        let states = connections.into_iter().map(|connection| connection.state);
        let is_outbound = |state: &ConnectionState| shown(state).is_some_and(|gateway| gateway.is_outbound);
        let (outbound, inbound) = states.partition(is_outbound);
        let mut clusters = broker.observatory.remote_clusters().await;
        clusters.truncate(LIMIT);
        Some(Self {
            outbound,
            inbound,
            clusters,
        })
    }

    fn to(&self, cluster: &RemoteClusterState) -> Option<&GatewayShown> {
        let mut gateways = self.outbound.iter().filter_map(shown);
        gateways.find(|gateway| gateway.cluster == cluster.name)
    }
}

fn shown(state: &ConnectionState) -> Option<&GatewayShown> {
    state.client.gateway.as_deref()
}

/// A metric of clusters.
struct Metric {
    name: &'static str,
    help: &'static str,
    of: fn(&RemoteClusterState, Option<&GatewayShown>) -> Option<f64>,
}

const OF_CLUSTERS: [Metric; 5] = [
    Metric {
        name: "vagus_gateway_up",
        help: "Whether messages can be sent to the cluster.",
        of: |_, gateway| Some(f64::from(u8::from(gateway.is_some()))),
    },
    Metric {
        name: "vagus_gateway_configured",
        help: "Whether the configuration names the cluster; otherwise others have told of it.",
        of: |cluster, _| Some(f64::from(u8::from(cluster.is_configured))),
    },
    Metric {
        name: "vagus_gateway_optimistic_accounts",
        help: "Accounts of which the cluster is sent messages that it has not asked for.",
        of: |_, gateway| {
            let accounts = gateway?.accounts.iter();
            let optimistic = accounts.filter(|account| account.mode != InterestMode::InterestOnly);
            Some(optimistic.count() as f64)
        },
    },
    Metric {
        name: "vagus_gateway_failed_attempts",
        help: "Attempts to connect to the cluster that failed since there was a connection.",
        of: |cluster, _| Some(cluster.dialling.failed as f64),
    },
    Metric {
        name: "vagus_gateway_next_attempt_seconds",
        help: "The time until a cluster that there is no connection to is tried again.",
        of: |cluster, _| Some(cluster.dialling.next_attempt_in?.as_secs_f64()),
    },
];

pub(super) fn write(text: &mut Exposition, observed: &Observed) {
    for (name, direction, connections) in [
        ("vagus_gateway_outbound", "to", &observed.outbound),
        ("vagus_gateway_inbound", "from", &observed.inbound),
    ] {
        let help = format!(
            "Connections {direction} servers of other clusters that are shown here one by one, of which there are 256 at most."
        );
        text.single(
            &format!("{name}_connections"),
            Kind::Gauge,
            &help,
            connections.len(),
        );
        peers::write(text, name, "gid", connections);
    }
    for metric in &OF_CLUSTERS {
        let clusters = observed.clusters.iter();
        let mut figures =
            clusters.filter_map(|cluster| Some((cluster, (metric.of)(cluster, observed.to(cluster))?)));
        let Some(first) = figures.next() else {
            continue;
        };
        let mut family = text.family(metric.name, Kind::Gauge, metric.help);
        for (cluster, figure) in [first].into_iter().chain(figures) {
            family.sample(&[("cluster", &cluster.name)], figure);
        }
    }
}
