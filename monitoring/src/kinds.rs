//! What is counted of each kind of peer.

use serde::Serialize;
use vagus_actors::Monitors;
use vagus_actors::monitor::MonitorState;

/// A number for each kind of peer, as nats-server calls them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Kinds {
    clients: u64,
    routes: u64,
    gateways: u64,
    leafs: u64,
}

impl Kinds {
    /// What each Monitor counts.
    pub(super) fn of(monitors: &Monitors, count: impl Fn(&MonitorState) -> u64) -> Self {
        let of_servers = |monitor: &Option<MonitorState>| monitor.as_ref().map_or(0, &count);
        Self {
            clients: count(&monitors.clients),
            routes: of_servers(&monitors.routes),
            gateways: of_servers(&monitors.gateways),
            leafs: of_servers(&monitors.links),
        }
    }

    /// All together.
    pub(super) fn sum(&self) -> u64 {
        self.clients + self.routes + self.gateways + self.leafs
    }

    /// None where there is nothing to tell.
    pub(super) fn if_any(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}
