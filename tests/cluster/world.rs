//! Servers with routes between them.

use std::net::SocketAddr;
use vagus_configs::{Cluster, Port, RouteUrl};
use vagus_test_support::{ServerBuilder, TestServer, eventually, server};

/// The name of the cluster of these tests.
pub(crate) const NAME: &str = "tests";

/// A server that is to be a part of a cluster, and to connect to these.
pub(crate) fn member(name: &str, routes: &[SocketAddr]) -> ServerBuilder {
    in_cluster(name, clustered(Some(NAME), routes))
}

/// The same, with what is said of the cluster.
pub(crate) fn in_cluster(name: &str, cluster: Cluster) -> ServerBuilder {
    server()
        .set(|config| {
            config.server_name = Some(name.to_owned());
            config.cluster = Some(cluster);
        })
        .arbiters(2)
}

/// A cluster of this name, and routes to these servers.
pub(crate) fn clustered(name: Option<&str>, routes: &[SocketAddr]) -> Cluster {
    let mut cluster = Cluster {
        name: name.map(str::to_owned),
        ..Cluster::default()
    };
    cluster.listener.listen.host = "127.0.0.1".to_owned();
    cluster.listener.listen.port = Port::Free;
    cluster.routes = routes.iter().map(url).collect();
    cluster
}

fn url(address: &SocketAddr) -> RouteUrl {
    RouteUrl::parse(&format!("nats-route://{address}")).unwrap()
}

/// Servers that all know each other: each is told of the first alone.
pub(crate) fn servers(count: usize) -> Vec<TestServer> {
    let names = ["a", "b", "c", "d", "e"];
    let mut servers = vec![member(names[0], &[]).start()];
    for name in &names[1..count] {
        let seed = servers[0].cluster_address().unwrap();
        servers.push(member(name, &[seed]).start());
    }
    for server in &servers {
        await_members(server, count - 1);
    }
    servers
}

/// Returns when the server has routes to so many others.
pub(crate) fn await_members(server: &TestServer, count: usize) {
    eventually(|| server.cluster().unwrap().members.len() == count);
}

/// Returns when the index of the global account holds so many subscriptions, those of other servers included.
pub(crate) fn await_interest(server: &TestServer, subscriptions: usize) {
    eventually(|| server.router().unwrap().subscriptions == subscriptions);
}
