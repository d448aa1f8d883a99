//! Connections with other servers, one by one: routes, links and gateways have the same figures.

use super::exposition::{Exposition, Kind};
use vagus_actors::observed::ConnectionState;

/// What a server calls itself may be this many letters here.
const NAME_AT_MOST: usize = 128;

struct Metric {
    /// What follows the kind of connection.
    name: &'static str,
    kind: Kind,
    help: &'static str,
    of: fn(&ConnectionState) -> f64,
}

const METRICS: [Metric; 7] = [
    Metric {
        name: "round_trip_seconds",
        kind: Kind::Gauge,
        help: "The time from a PING to its answer.",
        of: |peer| peer.round_trip.unwrap_or_default().as_secs_f64(),
    },
    Metric {
        name: "pending_bytes",
        kind: Kind::Gauge,
        help: "Bytes that wait to be written.",
        of: |peer| peer.pending as f64,
    },
    Metric {
        name: "subscriptions",
        kind: Kind::Gauge,
        help: "What the other server is interested in.",
        of: |peer| peer.subscriptions as f64,
    },
    Metric {
        name: "received_messages_total",
        kind: Kind::Counter,
        help: "Messages that came from there.",
        of: |peer| peer.messages_in as f64,
    },
    Metric {
        name: "received_bytes_total",
        kind: Kind::Counter,
        help: "Headers and payloads of messages that came from there.",
        of: |peer| peer.payload_in as f64,
    },
    Metric {
        name: "sent_messages_total",
        kind: Kind::Counter,
        help: "Messages that went there.",
        of: |peer| peer.messages_out as f64,
    },
    Metric {
        name: "sent_bytes_total",
        kind: Kind::Counter,
        help: "Headers and payloads of messages that went there.",
        of: |peer| peer.payload_out as f64,
    },
];

/// Writes the figures of each: all names begin with `kind`, and its number is called `number`.
pub(super) fn write(text: &mut Exposition, kind: &str, number: &str, peers: &[ConnectionState]) {
    if peers.is_empty() {
        return;
    }
    let described: Vec<Described> = peers.iter().map(Described::of).collect();
    for metric in &METRICS {
        let name = format!("{kind}_{}", metric.name);
        let mut family = text.family(&name, metric.kind, metric.help);
        for (peer, described) in peers.iter().zip(&described) {
            let Described { id, server, cluster } = described;
            let labels = [(number, &**id), ("server", server), ("cluster", cluster)];
            let labels = if cluster.is_empty() { &labels[..2] } else { &labels };
            family.sample(labels, (metric.of)(peer));
        }
    }
}

struct Described {
    /// The number of the connection.
    id: String,
    /// What the server at its other end calls itself.
    server: String,
    /// The cluster of that, where it is another than this server's.
    cluster: String,
}

impl Described {
    fn of(peer: &ConnectionState) -> Self {
        let shortened = |name: &str| name.chars().take(NAME_AT_MOST).collect();
        let gateway = peer.client.gateway.as_deref();
        Self {
            id: peer.id.to_string(),
            server: shortened(gateway.map_or(&peer.client.name, |gateway| &gateway.server)),
            cluster: gateway
                .map(|gateway| shortened(&gateway.cluster))
                .unwrap_or_default(),
        }
    }
}
