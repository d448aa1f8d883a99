//! Servers that are hubs, and servers that are leaf nodes of them.

use std::net::SocketAddr;
use vagus_configs::{LeafListener, LeafRemote, Port, ServerUrl};
use vagus_test_support::{ServerBuilder, TestServer, eventually, server};

/// A server that leaf nodes may connect to.
pub(crate) fn hub(name: &str) -> ServerBuilder {
    hub_by(name, |_| {})
}

/// The same, set like this.
pub(crate) fn hub_by(name: &str, set: impl FnOnce(&mut LeafListener)) -> ServerBuilder {
    let mut listener = LeafListener::default();
    listener.settings.listen.host = "127.0.0.1".to_owned();
    listener.settings.listen.port = Port::Free;
    set(&mut listener);
    server()
        .set(|config| {
            config.server_name = Some(name.to_owned());
            config.leafnodes.listener = Some(listener);
        })
        .arbiters(2)
}

/// A server that is a leaf node of these hubs, each of which is one link.
pub(crate) fn leaf(name: &str, hubs: &[SocketAddr]) -> ServerBuilder {
    leaf_by(name, hubs, |_| {})
}

/// The same, with each link set like this.
pub(crate) fn leaf_by(name: &str, hubs: &[SocketAddr], set: impl Fn(&mut LeafRemote)) -> ServerBuilder {
    let remotes = hubs.iter().map(|hub| {
        let mut remote = LeafRemote {
            urls: vec![url(*hub)],
            ..LeafRemote::default()
        };
        set(&mut remote);
        remote
    });
    let remotes = remotes.collect();
    server()
        .set(|config| {
            config.server_name = Some(name.to_owned());
            config.leafnodes.remotes = remotes;
        })
        .arbiters(2)
}

pub(crate) fn url(hub: SocketAddr) -> ServerUrl {
    ServerUrl::parse(&format!("nats-leaf://{hub}")).unwrap()
}

/// Returns when a server has so many links.
pub(crate) fn await_links(server: &TestServer, count: usize) {
    eventually(|| server.links() == count);
}

/// Returns when the index of the global account holds so many subscriptions, those of other servers included.
pub(crate) fn await_interest(server: &TestServer, subscriptions: usize) {
    eventually(|| server.router().unwrap().subscriptions == subscriptions);
}

/// What each end of a link asks the other for by itself: what loops are found by, and what servers answer in every account.
pub(crate) const OF_SERVERS: usize = 4;
