//! Links end in every way that networks and processes have, and come back by themselves: interest is exact then, and what is
//! published comes once.

use crate::world::{OF_SERVERS, await_interest, await_links, hub, hub_by, leaf_by};
use rustix::process::{Pid, Signal, kill_process};
use std::net::SocketAddr;
use std::time::Duration;
use vagus_test_support::{Folder, HeldPort, Relay, ServerBuilder, TestServer, Way, eventually, spawn_binary};

const PING_INTERVAL: Duration = Duration::from_millis(500);

/// A leaf node that does not wait long for anything, and knows of no other way to its hub.
fn hasty_leaf(hub: SocketAddr) -> ServerBuilder {
    let leaf = leaf_by("edge", &[hub], |remote| {
        remote.discovers = false;
        remote.first_info_timeout = Duration::from_millis(200);
    });
    leaf.pings(PING_INTERVAL, 2)
        .set(|config| config.leafnodes.reconnect = Duration::from_millis(10))
}

struct Pair {
    hub: TestServer,
    leaf: TestServer,
    relay: Relay,
}

fn pair() -> Pair {
    let hub = hub("hub").pings(PING_INTERVAL, 2).start();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let relay = Relay::start(any, hub.leafnode_address().unwrap(), Duration::ZERO);
    let leaf = hasty_leaf(relay.address()).start();
    let pair = Pair { hub, leaf, relay };
    pair.expect_whole();
    pair
}

impl Pair {
    #[track_caller]
    fn expect_whole(&self) {
        await_links(&self.hub, 1);
        await_links(&self.leaf, 1);
        expect_delivery(&self.hub, &self.leaf);
    }
}

/// Nothing is known there but what is wanted, and three messages come once each.
#[track_caller]
fn expect_delivery(one: &TestServer, other: &TestServer) {
    for (here, there) in [(one, other), (other, one)] {
        await_interest(there, OF_SERVERS);
        let mut subscriber = here.connected();
        subscriber.send("SUB s 1\r\nSUB end 2");
        subscriber.sync_silent();
        await_interest(there, OF_SERVERS + 2);
        there
            .connected()
            .send("PUB s 1\r\n1\r\nPUB s 1\r\n2\r\nPUB s 1\r\n3\r\nPUB end 0\r\n");
        let came: Vec<_> = (0..4).map(|_| subscriber.message().payload).collect();
        assert_eq!(came, [&b"1"[..], b"2", b"3", b""]);
        drop(subscriber);
        await_interest(there, OF_SERVERS);
    }
}

/// Each end notices by itself that it hears nothing, or is not heard.
#[test]
fn what_is_cut_one_way_ends_at_both_ends() {
    let pair = pair();
    for way in [Way::There, Way::Back] {
        pair.relay.hold_way(way);
        eventually(|| pair.hub.links() == 0);
        eventually(|| pair.leaf.links() == 0);
        pair.leaf.expect_to_serve();
        pair.relay.let_go();
        pair.expect_whole();
    }
}

/// The link ends a hundred times, some of them before it is one, while interest comes and goes.
#[test]
fn a_link_that_flaps_has_exact_interest_in_the_end() {
    let pair = pair();
    let mut client = pair.leaf.connected();
    for number in 0..100 {
        client.send(&format!("SUB s.{number} {number}\r\nSUB s.{number} q q{number}"));
        if number >= 3 {
            let gone = number - 3;
            client.send(&format!("UNSUB {gone}\r\nUNSUB q{gone}"));
        }
        client.sync_silent();
        if number % 3 == 0 {
            await_links(&pair.leaf, 1);
        }
        if number < 99 {
            pair.relay.end_all();
        }
    }
    await_links(&pair.hub, 1);
    // Three subjects, and a member of a group of each.
    await_interest(&pair.hub, OF_SERVERS + 6);
    let mut publisher = pair.hub.connected();
    for number in [96, 97, 98, 99] {
        publisher.send(&format!("PUB s.{number} 0\r\n"));
    }
    publisher.sync_silent();
    let mut came: Vec<String> = (0..6).map(|_| client.message().sid.to_string()).collect();
    came.sort();
    assert_eq!(came, ["97", "98", "99", "q97", "q98", "q99"]);
    drop(client);
    pair.expect_whole();
}

/// However often a link has ended, the next attempt is no later than after the first time.
#[test]
fn a_link_that_flaps_is_back_within_its_pause() {
    let pause = Duration::from_millis(300);
    let hub = hub("hub").start();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let relay = Relay::start(any, hub.leafnode_address().unwrap(), Duration::ZERO);
    let leaf = leaf_by("edge", &[relay.address()], |remote| remote.discovers = false);
    let leaf = leaf.set(move |config| config.leafnodes.reconnect = pause).start();
    for _ in 0..10 {
        await_links(&leaf, 1);
        relay.end_all();
        let mut next = Duration::MAX;
        eventually(|| {
            let hubs = leaf.hubs().unwrap();
            next = (hubs[0].dialling.as_ref())
                .and_then(|dialling| dialling.next_attempt_in)
                .unwrap_or(Duration::MAX);
            next != Duration::MAX || leaf.links() == 1
        });
        // Up to as much again, at random.
        assert!(next == Duration::MAX || next <= pause * 2, "{next:?}");
    }
}

#[test]
fn both_start_anew_in_any_order() {
    let port = HeldPort::new();
    let start_hub = || hub_by("hub", |listener| listener.settings.listen.port = port.fixed()).start();
    let start_leaf = || hasty_leaf(port.address()).start();
    let (mut hub, mut leaf) = (start_hub(), start_leaf());
    for round in 0..6 {
        match round % 3 {
            0 => {
                drop(hub);
                hub = start_hub();
            }
            1 => {
                drop(leaf);
                leaf = start_leaf();
            }
            _ => {
                drop(hub);
                drop(leaf);
                leaf = start_leaf();
                hub = start_hub();
            }
        }
        await_links(&hub, 1);
        await_links(&leaf, 1);
        expect_delivery(&hub, &leaf);
    }
}

/// A hub that stands still holds up nobody at the leaf node, and has it back once it goes on.
#[test]
fn a_hub_that_stands_still_is_left() {
    let (port, folder) = (HeldPort::new(), Folder::new("leaf-faults"));
    std::fs::create_dir(folder.path()).unwrap();
    let path = folder.path().join("hub.conf");
    let text = format!(
        "server_name: hub\nlisten: \"127.0.0.1:-1\"\nping_interval: 500ms\nleafnodes {{ listen: \"{}\" }}\n",
        port.address()
    );
    std::fs::write(&path, text).unwrap();
    let mut process = spawn_binary!("-c", path.to_str().unwrap());
    let mut at_hub = process.client();
    let leaf = hasty_leaf(port.address()).start();
    await_links(&leaf, 1);
    let id = Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap();
    kill_process(id, Signal::STOP).unwrap();
    eventually(|| leaf.links() == 0);
    leaf.expect_to_serve();
    kill_process(id, Signal::CONT).unwrap();
    await_links(&leaf, 1);
    let mut subscriber = leaf.connected();
    subscriber.subscribe("s", "1");
    subscriber.sync_silent();
    at_hub.send("CONNECT {\"verbose\":false}");
    let mut came = Vec::new();
    eventually(|| {
        at_hub.send("PUB s 1\r\n1");
        at_hub.sync_silent();
        came.extend(subscriber.sync_messages());
        !came.is_empty()
    });
}

/// A leaf node that stands still is a slow consumer, or answers no PING: others at the hub do not notice.
#[test]
fn a_leaf_node_that_takes_nothing_costs_nobody_else() {
    let hub = hub("hub").max_pending(1024 * 1024).start();
    let mut peer = crate::peer::Peer::bound(&hub);
    peer.say("LS+ s");
    peer.sync();
    let mut subscriber = hub.connected();
    subscriber.subscribe("s", "1");
    subscriber.sync_silent();
    let mut publisher = hub.connected();
    for _ in 0..200 {
        publisher.publish("s", &[b'.'; 100_000]);
        assert_eq!(subscriber.message().payload.len(), 100_000);
    }
    eventually(|| hub.links() == 0);
    hub.expect_to_serve();
}
