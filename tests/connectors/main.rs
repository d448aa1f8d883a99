//! What other systems bring is published, and what is published is brought to them.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod administration;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod bringing;
#[cfg(test)]
mod chains;
#[cfg(test)]
mod chunks;
#[cfg(test)]
mod forward;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod kept;
#[cfg(test)]
mod lines;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod stored;

#[cfg(test)]
use std::net::SocketAddr;
#[cfg(test)]
use vagus::{ConnectorState, Server};

/// The state of the connector of this name.
#[cfg(test)]
#[track_caller]
fn state(server: &Server, id: &str) -> ConnectorState {
    let connectors = server.connectors();
    let found = connectors.iter().find(|connector| connector.id == id);
    found
        .cloned()
        .unwrap_or_else(|| panic!("no {id} in {connectors:?}"))
}

/// Where peers of this connector connect.
#[cfg(test)]
#[track_caller]
fn address(server: &Server, id: &str) -> SocketAddr {
    state(server, id).address.expect("peers connect").parse().unwrap()
}
