//! Connectors, one by one.

use super::exposition::{Exposition, Kind};
use vagus_actors::connectors::ConnectorState;

/// How many are shown.
const LIMIT: usize = 256;

/// A metric of connectors.
struct Metric {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    of: fn(&ConnectorState) -> f64,
}

const METRICS: [Metric; 11] = [
    Metric {
        name: "vagus_connector_up",
        kind: Kind::Gauge,
        help: "1 if it is neither paused nor without a server that takes anything.",
        of: |state| f64::from(u8::from(state.state == "running")),
    },
    Metric {
        name: "vagus_connector_published_messages_total",
        kind: Kind::Counter,
        help: "Messages that were published.",
        of: |state| state.msg_in as f64,
    },
    Metric {
        name: "vagus_connector_published_bytes_total",
        kind: Kind::Counter,
        help: "Payload of messages that were published.",
        of: |state| state.bytes_in as f64,
    },
    Metric {
        name: "vagus_connector_sent_messages_total",
        kind: Kind::Counter,
        help: "Messages that were brought to a server.",
        of: |state| state.msg_out as f64,
    },
    Metric {
        name: "vagus_connector_sent_bytes_total",
        kind: Kind::Counter,
        help: "Payload of messages that were brought to a server.",
        of: |state| state.bytes_out as f64,
    },
    Metric {
        name: "vagus_connector_dropped_total",
        kind: Kind::Counter,
        help: "Messages and events that were lost or passed over.",
        of: |state| state.dropped as f64,
    },
    Metric {
        name: "vagus_connector_errors_total",
        kind: Kind::Counter,
        help: "Whatever went wrong.",
        of: |state| state.errors as f64,
    },
    Metric {
        name: "vagus_connector_retries_total",
        kind: Kind::Counter,
        help: "How often something was sent again.",
        of: |state| state.retries as f64,
    },
    Metric {
        name: "vagus_connector_pending_bytes",
        kind: Kind::Gauge,
        help: "Bytes that wait to be brought to a server.",
        of: |state| state.pending_bytes as f64,
    },
    Metric {
        name: "vagus_connector_lag_messages",
        kind: Kind::Gauge,
        help: "Messages of a stream beyond those that wait.",
        of: |state| state.lag as f64,
    },
    Metric {
        name: "vagus_connector_connections",
        kind: Kind::Gauge,
        help: "Connections that there are.",
        of: |state| state.connects.saturating_sub(state.disconnects) as f64,
    },
];

pub(super) fn write(text: &mut Exposition, connectors: &[ConnectorState]) {
    let connectors = connectors.get(..LIMIT).unwrap_or(connectors);
    if connectors.is_empty() {
        return;
    }
    for metric in &METRICS {
        let mut family = text.family(metric.name, metric.kind, metric.help);
        for state in connectors {
            let labels = [("connector", &*state.id), ("type", &*state.kind)];
            family.sample(&labels, (metric.of)(state));
        }
    }
    let help = "From when something came until it was where it belonged.";
    let mut family = text.family("vagus_connector_latency_seconds", Kind::Gauge, help);
    for state in connectors {
        for (quantile, milliseconds) in [("0.5", state.q50), ("0.9", state.q90), ("0.95", state.q95)] {
            let labels = [("connector", &*state.id), ("quantile", quantile)];
            family.sample(&labels, milliseconds / 1e3);
        }
    }
}
