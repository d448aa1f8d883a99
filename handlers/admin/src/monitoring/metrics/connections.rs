//! Connections one by one and together, as prometheus-nats-exporter shows them when it is asked for details.

use super::exporter::Exporter;
use super::exposition::Kind;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use vagus_actors::observed::ConnectionState;

/// How many connections are shown: the page that nats-server gives the exporter.
pub(super) const LIMIT: usize = 1024;

/// What a peer calls itself may be this many letters here.
const NAME_AT_MOST: usize = 128;

/// Milliseconds since 1970, as the exporter counts.
fn since_epoch(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_millis()
}

/// A metric of connections.
struct Metric {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    of: fn(&ConnectionState) -> u128,
    /// Whether there is a sum of it, too.
    summed: bool,
}

const METRICS: [Metric; 11] = [
    Metric {
        name: "pending_bytes",
        kind: Kind::Gauge,
        help: "Bytes that wait to be written.",
        of: |state| state.pending as u128,
        summed: true,
    },
    Metric {
        name: "subscriptions",
        kind: Kind::Gauge,
        help: "Subscriptions.",
        of: |state| state.subscriptions as u128,
        summed: true,
    },
    Metric {
        name: "in_bytes",
        kind: Kind::Counter,
        help: "Headers and payloads of messages that were published.",
        of: |state| state.payload_in.into(),
        summed: true,
    },
    Metric {
        name: "out_bytes",
        kind: Kind::Counter,
        help: "Headers and payloads of messages that were delivered.",
        of: |state| state.payload_out.into(),
        summed: true,
    },
    Metric {
        name: "in_msgs",
        kind: Kind::Counter,
        help: "Messages that were published.",
        of: |state| state.messages_in.into(),
        summed: true,
    },
    Metric {
        name: "out_msgs",
        kind: Kind::Counter,
        help: "Messages that were delivered.",
        of: |state| state.messages_out.into(),
        summed: true,
    },
    Metric {
        name: "start",
        kind: Kind::Untyped,
        help: "When it was opened, in milliseconds since 1970.",
        of: |state| since_epoch(state.opened),
        summed: false,
    },
    Metric {
        name: "last_activity",
        kind: Kind::Untyped,
        help: "When it last did something, in milliseconds since 1970.",
        of: |state| since_epoch(state.active),
        summed: false,
    },
    Metric {
        name: "rtt",
        kind: Kind::Gauge,
        help: "The time from a PING to its answer, in microseconds.",
        of: |state| state.round_trip.unwrap_or_default().as_micros(),
        summed: false,
    },
    Metric {
        name: "uptime",
        kind: Kind::Untyped,
        help: "How long it has been open, in milliseconds.",
        of: |state| state.uptime.as_millis(),
        summed: false,
    },
    Metric {
        name: "idle",
        kind: Kind::Gauge,
        help: "How long ago it did something, in milliseconds.",
        of: |state| state.idle.as_millis(),
        summed: false,
    },
];

/// What a connection is told apart by, as text.
struct Described {
    cid: String,
    ip: String,
    port: String,
    name: String,
    lang: String,
    version: String,
    tls_version: &'static str,
    tls_cipher_suite: &'static str,
}

impl Described {
    fn of(state: &ConnectionState) -> Self {
        let short = |text: &str| text.chars().take(NAME_AT_MOST).collect();
        let tls = state.tls.as_ref();
        Self {
            cid: state.id.to_string(),
            ip: state.peer.ip().to_string(),
            port: state.peer.port().to_string(),
            name: short(&state.client.name),
            lang: short(&state.client.lang),
            version: short(&state.client.version),
            tls_version: tls.map_or("", |tls| tls.version),
            tls_cipher_suite: tls.map_or("", |tls| tls.cipher_suite),
        }
    }

    /// The labels of the exporter; there is nothing to be said by some of them.
    fn labels<'l>(&'l self, server_id: &'l str) -> [(&'l str, &'l str); 14] {
        [
            ("server_id", server_id),
            ("cid", &self.cid),
            ("kind", "Client"),
            ("type", "nats"),
            ("ip", &self.ip),
            ("port", &self.port),
            ("name", &self.name),
            ("name_tag", ""),
            ("account", ""),
            ("account_id", ""),
            ("lang", &self.lang),
            ("version", &self.version),
            ("tls_version", self.tls_version),
            ("tls_cipher_suite", self.tls_cipher_suite),
        ]
    }
}

impl Exporter<'_> {
    /// These connections, of so many that there are.
    pub(super) fn connections(&mut self, states: &[&ConnectionState], total: usize) {
        for (name, value) in [
            ("num_connections", states.len()),
            ("total", total),
            ("offset", 0),
            ("limit", LIMIT),
        ] {
            let family = format!("{}_connz_{name}", self.prefix);
            self.text
                .family(&family, Kind::Gauge, &format!("{name} of /connz."))
                .sample(&[("server_id", self.server_id)], value);
        }
        let described: Vec<Described> = states.iter().map(|state| Described::of(state)).collect();
        for metric in &METRICS {
            let name = format!("{}_connz_{}", self.prefix, metric.name);
            let mut family = self.text.family(&name, metric.kind, metric.help);
            for (state, described) in states.iter().zip(&described) {
                family.sample(&described.labels(self.server_id), (metric.of)(state));
            }
            if metric.summed {
                let sum: u128 = states.iter().map(|state| (metric.of)(state)).sum();
                family.sample(&[("server_id", self.server_id)], sum);
            }
        }
    }
}
