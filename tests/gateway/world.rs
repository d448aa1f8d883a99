//! Servers of clusters that are connected to each other.

use std::net::SocketAddr;
use vagus_configs::{Cluster, Gateway, GatewayRemote, Port, RouteUrl, ServerUrl};
use vagus_test_support::{ServerBuilder, TestServer, eventually, server};

/// A server of a cluster, which knows these others.
pub(crate) fn gateway(name: &str, cluster: &str, remotes: &[(&str, u16)]) -> ServerBuilder {
    gateway_by(name, cluster, remotes, |_| {})
}

/// The same, set like this.
pub(crate) fn gateway_by(
    name: &str,
    cluster: &str,
    remotes: &[(&str, u16)],
    set: impl FnOnce(&mut Gateway),
) -> ServerBuilder {
    let mut gateway = settings(cluster, remotes);
    set(&mut gateway);
    server()
        .set(|config| {
            config.server_name = Some(name.to_owned());
            config.gateway = Some(gateway);
        })
        .arbiters(2)
}

/// How a server of a cluster is set that knows these others.
pub(crate) fn settings(cluster: &str, remotes: &[(&str, u16)]) -> Gateway {
    let mut gateway = Gateway {
        name: cluster.to_owned(),
        remotes: remotes.iter().map(|(name, port)| remote(name, *port)).collect(),
        ..Gateway::default()
    };
    gateway.listener.listen.host = "127.0.0.1".to_owned();
    gateway.listener.listen.port = Port::Free;
    gateway
}

/// Another cluster, at this port.
pub(crate) fn remote(name: &str, port: u16) -> GatewayRemote {
    GatewayRemote {
        name: name.to_owned(),
        urls: vec![ServerUrl::parse(&format!("nats://127.0.0.1:{port}")).unwrap()],
        tls: None,
    }
}

/// Has a server be in a cluster with others, of which these are some.
pub(crate) fn in_cluster(builder: ServerBuilder, cluster: &str, routes: &[SocketAddr]) -> ServerBuilder {
    let mut settings = Cluster {
        name: Some(cluster.to_owned()),
        routes: routes
            .iter()
            .map(|route| RouteUrl::parse(&format!("nats-route://{route}")).unwrap())
            .collect(),
        ..Cluster::default()
    };
    settings.listener.listen.host = "127.0.0.1".to_owned();
    settings.listener.listen.port = Port::Free;
    builder.set(|config| config.cluster = Some(settings))
}

/// Two servers, each a cluster of its own, that know each other.
pub(crate) fn two() -> [TestServer; 2] {
    let a = gateway("a", "A", &[]).start();
    let b = gateway("b", "B", &[("A", port(&a))]).start();
    await_gateways(&a, 1, 1);
    await_gateways(&b, 1, 1);
    [a, b]
}

/// Where other clusters find a server.
pub(crate) fn port(server: &TestServer) -> u16 {
    server.gateway_address().unwrap().port()
}

/// Returns when there are so many connections to other clusters, and from there.
pub(crate) fn await_gateways(server: &TestServer, outbound: usize, inbound: usize) {
    eventually(|| server.gateways() == (outbound, inbound));
}
