//! A cluster of leaf nodes that is linked to several servers of a cluster: everybody gets what is published once.

use crate::world::{await_links, url};
use std::net::SocketAddr;
use vagus_configs::{Cluster, LeafListener, LeafRemote, Port, RouteUrl};
use vagus_test_support::{TestServer, eventually, server};

/// A server of a cluster of this name, with routes to these, that leaf nodes may connect to, or that is one of this hub.
fn member(name: &str, cluster: &str, routes: &[SocketAddr], hub: Option<SocketAddr>) -> TestServer {
    let mut clustered = Cluster {
        name: Some(cluster.to_owned()),
        ..Cluster::default()
    };
    clustered.listener.listen.host = "127.0.0.1".to_owned();
    clustered.listener.listen.port = Port::Free;
    let route = |address: &SocketAddr| RouteUrl::parse(&format!("nats-route://{address}")).unwrap();
    clustered.routes = routes.iter().map(route).collect();
    let server = server().set(|config| {
        config.server_name = Some(name.to_owned());
        config.cluster = Some(clustered);
        match hub {
            Some(hub) => config.leafnodes.remotes.push(LeafRemote {
                urls: vec![url(hub)],
                discovers: false,
                ..LeafRemote::default()
            }),
            None => {
                let mut listener = LeafListener::default();
                listener.settings.listen.host = "127.0.0.1".to_owned();
                listener.settings.listen.port = Port::Free;
                config.leafnodes.listener = Some(listener);
            }
        }
    });
    server.start()
}

/// A leaf node that has lost its hub finds the others of its cluster, of which it is told while they come and go.
#[test]
fn leaf_nodes_are_told_of_all_hubs() {
    let first = member("h1", "hubs", &[], None);
    let leaf = {
        let url = url(first.leafnode_address().unwrap());
        server().set(|config| {
            config.server_name = Some("edge".to_owned());
            config.leafnodes.reconnect = std::time::Duration::from_millis(20);
            config.leafnodes.remotes.push(LeafRemote {
                urls: vec![url],
                ..LeafRemote::default()
            });
        })
    };
    let leaf = leaf.start();
    await_links(&leaf, 1);
    let second = member("h2", "hubs", &[first.cluster_address().unwrap()], None);
    let mut raw = crate::peer::Peer::to(&first);
    let address = second.leafnode_address().unwrap().to_string();
    eventually(|| {
        raw = crate::peer::Peer::to(&first);
        raw.info().contains(&address)
    });
    drop(first);
    await_links(&second, 1);
    await_links(&leaf, 1);
}

#[test]
fn nothing_comes_back_to_the_cluster_that_it_is_from() {
    let hubs = {
        let first = member("h1", "hubs", &[], None);
        let second = member("h2", "hubs", &[first.cluster_address().unwrap()], None);
        [first, second]
    };
    let leafs = {
        let first = member("l1", "edge", &[], hubs[0].leafnode_address());
        let routes = [first.cluster_address().unwrap()];
        let second = member("l2", "edge", &routes, hubs[1].leafnode_address());
        [first, second]
    };
    for server in hubs.iter().chain(&leafs) {
        eventually(|| server.cluster().unwrap().members.len() == 1);
        await_links(server, 1);
    }
    let mut subscribers: Vec<_> = hubs.iter().chain(&leafs).map(TestServer::connected).collect();
    for subscriber in &mut subscribers {
        subscriber.send("SUB s 1\r\nSUB done.* 2");
        subscriber.sync_silent();
    }
    // Every server has a word from every other, and so knows what is wanted there.
    let mut number = 0;
    for server in hubs.iter().chain(&leafs) {
        let mut publisher = server.connected();
        eventually(|| {
            number += 1;
            publisher.send(&format!("PUB done.{number} 0\r\n"));
            publisher.sync_silent();
            std::thread::yield_now();
            subscribers.iter_mut().all(|subscriber| {
                let came = subscriber.sync_messages();
                came.iter().any(|message| message.subject.starts_with("done."))
            })
        });
        for payload in ["1", "2", "3"] {
            publisher.send(&format!("PUB s 1\r\n{payload}"));
        }
        publisher.send("HPUB s r 12 13\r\nNATS/1.0\r\n\r\n4");
        publisher.send("PUB s r 1\r\n5\r\nPUB done.last 0\r\n");
        publisher.sync_silent();
        for (place, subscriber) in subscribers.iter_mut().enumerate() {
            let mut came = Vec::new();
            loop {
                let message = subscriber.message();
                if message.subject == "done.last" {
                    break;
                }
                if message.subject == "s" {
                    came.extend(message.payload);
                }
            }
            let came = String::from_utf8(came).unwrap();
            assert_eq!(came, "12345", "at {place}");
        }
    }
}
