use crate::{Listen, ListenerSettings, Port, ServerUrl, WriteTimeout};
use std::time::Duration;
use vagus_tls::Settings;

/// How the server's cluster is connected to others.
#[derive(Debug, Clone, PartialEq)]
pub struct Gateway {
    /// What the cluster is called.
    pub name: String,
    /// Where and how servers of other clusters connect.
    pub listener: ListenerSettings,
    /// The other clusters that are known from the start; the cluster itself may be among them.
    pub remotes: Vec<GatewayRemote>,
    /// Whether clusters that are not among them are refused.
    pub rejects_unknown: bool,
    /// How often a cluster is tried once more that others tell of, when it cannot be connected to.
    pub connect_retries: u64,
    /// Whether the wait between two attempts grows.
    pub connect_backoff: bool,
    /// How long what waits for another server may take to be written; as long as for clients when not set.
    pub write_deadline: Option<Duration>,
    /// What happens then.
    pub write_timeout: WriteTimeout,
}

/// Another cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct GatewayRemote {
    /// What it is called.
    pub name: String,
    /// Where its servers are: at least one, each with its port.
    pub urls: Vec<ServerUrl>,
    /// How TLS is spoken with it, if anything is said of it; else as is said for all.
    pub tls: Option<Settings>,
}

/// The port where servers of other clusters are expected, where a URL says none.
pub(crate) const GATEWAY_PORT: u16 = 7222;

impl Default for Gateway {
    /// Of a cluster that has no name yet.
    fn default() -> Self {
        Self {
            name: String::new(),
            listener: ListenerSettings::at(Listen {
                port: Port::Fixed(GATEWAY_PORT),
                ..Listen::default()
            }),
            remotes: Vec::new(),
            rejects_unknown: false,
            connect_retries: 0,
            connect_backoff: false,
            write_deadline: None,
            write_timeout: WriteTimeout::Retry,
        }
    }
}

impl Gateway {
    /// What is said of another cluster of this name.
    pub fn remote(&self, name: &str) -> Option<&GatewayRemote> {
        self.remotes.iter().find(|remote| remote.name == name)
    }
}
