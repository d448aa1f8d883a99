//! Leaf nodes and hubs: the links to them one by one, and the hubs that are not reached.

use super::exposition::{Exposition, Kind};
use super::peers;
use vagus_actors::leafnodes::HubState;
use vagus_actors::observed::ConnectionState;
use vagus_monitoring::Broker;

/// How many links are shown, and how many hubs.
const LIMIT: usize = 256;

/// What there is to be shown.
pub(super) struct Observed {
    links: Vec<ConnectionState>,
    hubs: Vec<HubState>,
}

impl Observed {
    pub(super) async fn of(broker: &Broker) -> Self {
        let links = broker.observatory.links(LIMIT).await;
        let mut hubs = broker.observatory.hubs().await;
        hubs.truncate(LIMIT);
        Self {
            links: links.into_iter().map(|link| link.state).collect(),
            hubs,
        }
    }
}

/// A metric of hubs.
struct Metric {
    name: &'static str,
    help: &'static str,
    of: fn(&HubState) -> Option<f64>,
}

const OF_HUBS: [Metric; 3] = [
    Metric {
        name: "vagus_leaf_hub_up",
        help: "Whether there is a link to the hub, or one is being opened.",
        of: |hub| {
            let dialling = hub.dialling.as_ref()?;
            Some(f64::from(u8::from(dialling.connected.is_some())))
        },
    },
    Metric {
        name: "vagus_leaf_failed_attempts",
        help: "Attempts to connect to a hub that failed since there was a link.",
        of: |hub| Some(hub.dialling.as_ref()?.failed as f64),
    },
    Metric {
        name: "vagus_leaf_next_attempt_seconds",
        help: "The time until a hub that there is no link to is tried again.",
        of: |hub| Some(hub.dialling.as_ref()?.next_attempt_in?.as_secs_f64()),
    },
];

pub(super) fn write(text: &mut Exposition, observed: &Observed) {
    let Observed { links, hubs } = observed;
    text.single(
        "vagus_leaf_links",
        Kind::Gauge,
        "Links to leaf nodes and hubs that are shown here one by one, of which there are 256 at most.",
        links.len(),
    );
    peers::write(text, "vagus_leaf_link", "lid", links);
    let named: Vec<(String, &HubState)> = hubs.iter().map(|hub| (hub.urls.join(","), hub)).collect();
    for metric in &OF_HUBS {
        let mut figures = named
            .iter()
            .filter_map(|(urls, hub)| Some((urls, hub, (metric.of)(hub)?)));
        let Some(first) = figures.next() else {
            continue;
        };
        let mut family = text.family(metric.name, Kind::Gauge, metric.help);
        for (urls, hub, figure) in [first].into_iter().chain(figures) {
            family.sample(&[("account", &hub.account), ("urls", urls)], figure);
        }
    }
}
