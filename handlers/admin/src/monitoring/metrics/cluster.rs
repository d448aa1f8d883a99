//! Other servers: the routes to them one by one, and those that are not reached.

use super::exposition::{Exposition, Kind};
use super::peers;
use vagus_actors::cluster::DialledServerState;
use vagus_actors::observed::ConnectionState;
use vagus_monitoring::Broker;

/// How many routes are shown, and how many servers that are dialled.
const LIMIT: usize = 256;

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

pub(super) fn write(text: &mut Exposition, observed: &Observed) {
    let Observed { routes, dialled } = observed;
    text.single(
        "vagus_cluster_routes",
        Kind::Gauge,
        "Routes to other servers that are shown here one by one, of which there are 256 at most.",
        routes.len(),
    );
    peers::write(text, "vagus_cluster_route", "rid", routes);
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
