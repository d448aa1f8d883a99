/// The prefix of prometheus-nats-exporter.
const PREFIX: &str = "gnatsd";

/// What `/metrics` of the monitoring port shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// What the names of nats-server's metrics begin with, before `_varz_` and the like: letters, digits and `_`, no
    /// digit first.
    pub prefix: String,
    /// Whether connections are shown one by one, too: the first 1024.
    pub connections: bool,
}

impl Default for Metrics {
    /// As prometheus-nats-exporter has it.
    fn default() -> Self {
        Self {
            prefix: PREFIX.to_owned(),
            connections: false,
        }
    }
}
