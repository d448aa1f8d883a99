//! A cluster of leaf nodes that is linked to several servers of a cluster: everybody gets what is published once.

use crate::peer::Peer;
use crate::world::{await_links, url};
use std::collections::BTreeSet;
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
    server.monitoring().start()
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
    let mut raw = Peer::to(&first);
    let address = second.leafnode_address().unwrap().to_string();
    eventually(|| {
        raw = Peer::to(&first);
        raw.info().contains(&address)
    });
    drop(first);
    await_links(&second, 1);
    await_links(&leaf, 1);
}

#[test]
fn nothing_comes_back_to_the_cluster_that_it_is_from() {
    let hubs = hubs();
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

/// What one end of a link is asked for: subjects, and queue groups with their weights.
struct Asked {
    peer: Peer,
    now: BTreeSet<String>,
}

impl Asked {
    fn by(server: &TestServer, more: &str) -> Self {
        Self {
            peer: Peer::bound_as(server, more),
            now: BTreeSet::new(),
        }
    }

    /// Takes down what it is asked for, up to this line. What loops are found by is told to all.
    fn until(&mut self, last: &str) {
        loop {
            let line = self.peer.line();
            assert!(!line.is_empty(), "the link has ended");
            match line.split_once(' ') {
                Some(("LS+", asked)) if !asked.starts_with("$LDS.") => {
                    self.now.insert(asked.to_owned());
                }
                Some(("LS-", gone)) => {
                    let is_it = |asked: &String| {
                        *asked == gone || asked.strip_prefix(gone).is_some_and(|rest| rest.starts_with(' '))
                    };
                    self.now.retain(|asked| !is_it(asked));
                }
                _ => {}
            }
            if line == last {
                return;
            }
        }
    }

    fn now(&self) -> Vec<&str> {
        self.now.iter().map(String::as_str).collect()
    }
}

/// Two hubs of one cluster.
fn hubs() -> [TestServer; 2] {
    let first = member("h1", "hubs", &[], None);
    let second = member("h2", "hubs", &[first.cluster_address().unwrap()], None);
    let hubs = [first, second];
    for server in &hubs {
        eventually(|| server.cluster().unwrap().members.len() == 1);
    }
    hubs
}

/// What an isolated leaf node is told of: what clients of the hubs want, at whichever, and nothing that leaf nodes want.
#[test]
fn an_isolated_leaf_node_is_told_nothing_of_those_at_other_servers() {
    let [first, second] = hubs();
    let mut isolated = Asked::by(&first, r#","name":"i","cluster":"i","isolate":true"#);
    let mut open = Asked::by(&first, r#","name":"o","cluster":"o""#);
    let mut same = Asked::by(&first, r#","name":"s","cluster":"far""#);
    let mut far = Peer::bound_as(&second, r#","name":"f","cluster":"far""#);
    let mut of_none = Peer::bound_as(&second, r#","name":"n""#);
    far.say("LS+ far.plain\r\nLS+ far.group q 3");
    far.sync_past_interest();
    of_none.say("LS+ none.plain\r\nLS+ none.group q 2");
    of_none.sync_past_interest();
    let mut client = second.connected();
    client.send("SUB last 1");
    client.sync_silent();
    for asked in [&mut isolated, &mut open, &mut same] {
        asked.until("LS+ last");
    }
    let of_none_alone = ["last", "none.group q 2", "none.plain"];
    let of_all = [&["far.group q 3", "far.plain"], &of_none_alone[..]].concat();
    assert_eq!(isolated.now(), ["last"]);
    assert_eq!(same.now(), of_none_alone);
    assert_eq!(open.now(), of_all);
    // What nobody wants any more is taken back from those who know of it.
    far.say("LS- far.plain\r\nLS- far.group q");
    far.sync_past_interest();
    of_none.say("LS- none.plain\r\nLS- none.group q");
    of_none.sync_past_interest();
    client.send("UNSUB 1");
    client.sync_silent();
    for asked in [&mut isolated, &mut open, &mut same] {
        asked.until("LS- last");
        assert!(asked.now.is_empty(), "{:?}", asked.now);
    }
}

/// One that a leaf node of the cluster that a message is from is interested at gets it only if somebody else is, too.
#[test]
fn a_hub_sends_another_nothing_for_the_cluster_that_it_is_from() {
    let [first, second] = hubs();
    let mut one = Peer::bound_as(&first, r#","name":"one","cluster":"edge""#);
    let mut other = Peer::bound_as(&second, r#","name":"other","cluster":"edge""#);
    let mut far = Asked::by(&first, r#","name":"far","cluster":"far""#);
    other.say("LS+ s\r\nLS+ s q 1");
    other.sync_past_interest();
    far.until("LS+ s q 1");
    let sent = || {
        let routes = first.get("/routez").json();
        let routes = routes["routes"].as_array().unwrap().clone();
        let counted = routes.iter().filter(|route| route["account"].is_null());
        counted
            .map(|route| route["out_msgs"].as_u64().unwrap())
            .sum::<u64>()
    };
    let before = sent();
    one.say("LMSG s | q 1\r\n1\r\nHMSG s 12 13\r\nNATS/1.0\r\n\r\n2");
    one.sync_past_interest();
    assert_eq!(sent(), before);
    far.peer.say("LMSG s | q 1\r\n3");
    assert_eq!(other.message_line(), "LMSG s | q 1");
    assert_eq!(sent(), before + 1);
}
