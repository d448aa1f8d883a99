//! Connections between clusters end in every way that networks and processes have, and come back by themselves: interest is
//! exact then, and what is published comes once, in order.

use crate::world::{await_gateways, gateway_by, port};
use rustix::process::{Pid, Signal, kill_process};
use std::net::SocketAddr;
use std::time::Duration;
use vagus_configs::Gateway;
use vagus_test_support::{
    Client, Folder, HeldPort, Process, Relay, ServerBuilder, TestServer, Way, eventually, spawn_binary,
};

const SOON: Duration = Duration::from_millis(500);

/// Nobody is found to be silent.
const LATE: Duration = Duration::from_secs(120);

/// What a server may use that has a full outbox, in kilobytes.
const ENOUGH: u64 = 192 << 10;

/// Two clusters that reach each other through a relay each, and know of no other way.
struct Pair {
    a: TestServer,
    b: TestServer,
    to_a: Relay,
    to_b: Relay,
}

fn relay_to(address: SocketAddr) -> Relay {
    Relay::start(SocketAddr::from(([127, 0, 0, 1], 0)), address, Duration::ZERO)
}

/// A server that listens at the port, and says that it is where the relay is.
fn behind(name: &str, (port, relay): (&HeldPort, &Relay), (other, at): (&str, SocketAddr)) -> ServerBuilder {
    let set = |gateway: &mut Gateway| {
        gateway.listener.listen.port = port.fixed();
        gateway.listener.advertise = Some(relay.address().to_string());
    };
    gateway_by(&name.to_lowercase(), name, &[(other, at.port())], set)
}

/// Who is silent for so long is asked whether it is there.
fn pair(ping_interval: Duration) -> Pair {
    let (port_of_a, port_of_b) = (HeldPort::new(), HeldPort::new());
    let (to_a, to_b) = (relay_to(port_of_a.address()), relay_to(port_of_b.address()));
    let a = behind("A", (&port_of_a, &to_a), ("B", to_b.address()));
    let b = behind("B", (&port_of_b, &to_b), ("A", to_a.address()));
    let [a, b] = [a, b].map(|server| server.pings(ping_interval, 2).start());
    let pair = Pair { a, b, to_a, to_b };
    pair.expect_whole();
    pair
}

impl Pair {
    #[track_caller]
    fn expect_whole(&self) {
        await_gateways(&self.a, 1, 1);
        await_gateways(&self.b, 1, 1);
        expect_delivery(&self.a, &self.b);
    }

    fn relays(&self) -> [&Relay; 2] {
        [&self.to_a, &self.to_b]
    }
}

/// How much is wanted of a server: of its own, and of the other cluster.
fn interest(server: &TestServer) -> usize {
    server.router().unwrap().subscriptions
}

/// Nothing is known there but what is wanted, and three messages come once each, both ways.
#[track_caller]
fn expect_delivery(one: &TestServer, other: &TestServer) {
    let mut before = 0;
    // Servers want the same of each other, so it is as much on both sides once all is told.
    eventually(|| {
        let known = [interest(one), interest(other)];
        let is_settled = known[0] == known[1] && known[0] == before;
        before = known[0];
        is_settled
    });
    for (here, there) in [(one, other), (other, one)] {
        let mut subscriber = here.connected();
        subscriber.send("SUB s 1\r\nSUB end 2");
        subscriber.sync_silent();
        eventually(|| interest(there) == before + 2);
        let mut publisher = there.connected();
        publisher.send("PUB s 1\r\n1\r\nPUB s 1\r\n2\r\nPUB s 1\r\n3\r\nPUB end 0\r\n");
        let came: Vec<_> = (0..4).map(|_| subscriber.message().payload).collect();
        assert_eq!(came, [&b"1"[..], b"2", b"3", b""]);
        drop((subscriber, publisher));
        eventually(|| interest(there) == before && interest(here) == before);
    }
}

/// Each end notices by itself that it hears nothing, or is not heard.
#[test]
fn what_is_cut_one_way_ends_and_comes_back() {
    let pair = pair(SOON);
    for way in [Way::There, Way::Back] {
        pair.to_b.hold_way(way);
        eventually(|| pair.a.gateways().0 == 0);
        eventually(|| pair.b.gateways().1 == 0);
        // The other connection is another one.
        assert_eq!((pair.b.gateways().0, pair.a.gateways().1), (1, 1));
        pair.a.expect_to_serve();
        pair.to_b.let_go();
        pair.expect_whole();
    }
}

/// Both connections end fifty times, some before they are ones, while interest comes and goes; what a subscriber is sent
/// meanwhile comes in order, and nothing twice.
#[test]
fn connections_that_flap_have_exact_interest_in_the_end() {
    let pair = pair(LATE);
    let mut client = pair.a.connected();
    let mut listener = pair.a.connected();
    listener.subscribe("numbers", "1");
    listener.sync_silent();
    let mut publisher = pair.b.connected();
    let (mut number, mut heard) = (0, Vec::new());
    let mut publish = |publisher: &mut Client| {
        publisher.send(&format!("PUB numbers {}\r\n{number}", number.to_string().len()));
        publisher.sync_silent();
        number += 1;
    };
    for round in 0..50 {
        client.send(&format!("SUB s.{round} {round}\r\nSUB s.{round} q q{round}"));
        if round >= 3 {
            let gone = round - 3;
            client.send(&format!("UNSUB {gone}\r\nUNSUB q{gone}"));
        }
        client.sync_silent();
        if round % 10 == 0 {
            let before = heard.len();
            eventually(|| {
                publish(&mut publisher);
                heard.extend(numbers(&mut listener));
                heard.len() > before
            });
        }
        for _ in 0..20 {
            publish(&mut publisher);
        }
        if round < 49 {
            pair.relays()[round % 2].end_all();
        }
    }
    await_gateways(&pair.a, 1, 1);
    await_gateways(&pair.b, 1, 1);
    // What is wanted of the last three rounds, once each, and nothing of those before.
    let mut known = std::collections::BTreeSet::new();
    eventually(|| {
        for round in 40..50 {
            publisher.send(&format!("PUB s.{round} 0\r\n"));
        }
        publisher.sync_silent();
        known.extend(
            client
                .sync_messages()
                .into_iter()
                .map(|message| message.sid.to_string()),
        );
        known.len() >= 6
    });
    assert_eq!(
        known.into_iter().collect::<Vec<_>>(),
        ["47", "48", "49", "q47", "q48", "q49"]
    );
    heard.extend(numbers(&mut listener));
    let wrong = heard.windows(2).find(|pair| pair[0] >= pair[1]);
    assert_eq!(wrong, None);
    drop((client, listener, publisher));
    pair.expect_whole();
}

fn numbers(listener: &mut Client) -> Vec<u32> {
    let messages = listener.sync_messages().into_iter();
    messages.map(|message| message.text().parse().unwrap()).collect()
}

#[test]
fn both_start_anew_in_any_order() {
    let (port_of_a, port_of_b) = (HeldPort::new(), HeldPort::new());
    let start = |name: &str, port: &HeldPort, other: &str, at: &HeldPort| {
        let set = |gateway: &mut Gateway| gateway.listener.listen.port = port.fixed();
        gateway_by(&name.to_lowercase(), name, &[(other, at.address().port())], set).start()
    };
    let start_a = || start("A", &port_of_a, "B", &port_of_b);
    let start_b = || start("B", &port_of_b, "A", &port_of_a);
    let (mut a, mut b) = (start_a(), start_b());
    for round in 0..3 {
        match round {
            0 => {
                drop(a);
                a = start_a();
            }
            1 => {
                drop(b);
                b = start_b();
            }
            _ => {
                drop((a, b));
                b = start_b();
                a = start_a();
            }
        }
        await_gateways(&a, 1, 1);
        await_gateways(&b, 1, 1);
        expect_delivery(&a, &b);
    }
    assert_eq!(port(&a), port_of_a.address().port());
}

/// A server of a cluster, as a process.
fn process(folder: &Folder, name: &str, at: &HeldPort, others: &[(&str, &HeldPort)]) -> Process {
    let others: Vec<String> = others
        .iter()
        .map(|(name, port)| format!("{{ name: {name}, url: \"nats://{}\" }}", port.address()))
        .collect();
    let text = format!(
        "server_name: of-{name}\nlisten: \"127.0.0.1:-1\"\nmax_pending: 16MB\n\
         gateway {{ name: {name}, listen: \"{}\", gateways: [{}] }}\n",
        at.address(),
        others.join(", ")
    );
    let path = folder.path().join(format!("{name}.conf"));
    std::fs::write(&path, text).unwrap();
    spawn_binary!("-c", path.to_str().unwrap())
}

fn signal(process: &Process, signal: Signal) {
    let id = Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap();
    kill_process(id, signal).unwrap();
}

/// The most memory that a process has had, in kilobytes.
fn most_memory(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn client(process: &mut Process) -> Client {
    let mut client = process.client();
    client.send(r#"CONNECT {"verbose":false}"#);
    client.sync_silent();
    client
}

/// Of three clusters one stands still while more is published than may wait for it: what waits is bounded, the others go on,
/// and it is back once it goes on.
#[test]
fn a_cluster_that_stands_still_is_left() {
    let folder = Folder::new("gateway-faults");
    std::fs::create_dir(folder.path()).unwrap();
    let [a, b, c] = [HeldPort::new(), HeldPort::new(), HeldPort::new()];
    let mut here = process(&folder, "A", &a, &[("B", &b), ("C", &c)]);
    let mut beside = process(&folder, "B", &b, &[("A", &a)]);
    let mut still = process(&folder, "C", &c, &[("A", &a)]);
    let (mut publisher, mut healthy, mut stuck) =
        (client(&mut here), client(&mut beside), client(&mut still));
    for subscriber in [&mut healthy, &mut stuck] {
        subscriber.send("SUB much 1");
        subscriber.sync_silent();
        eventually(|| {
            publisher.send("PUB much 5\r\nprobe");
            publisher.sync_silent();
            !subscriber.sync_messages().is_empty()
        });
    }
    publisher.send("PUB much 3\r\nend");
    while healthy.message().payload != b"end" {}
    signal(&still, Signal::STOP);
    let kilobyte = vec![b'x'; 1024];
    for _ in 0..64 {
        for _ in 0..1024 {
            publisher.publish("much", &kilobyte);
        }
        publisher.sync_silent();
        for _ in 0..1024 {
            assert_eq!(healthy.message().payload.len(), 1024);
        }
    }
    assert!(most_memory(&here) < ENOUGH, "{} kB", most_memory(&here));
    signal(&still, Signal::CONT);
    let mut again = client(&mut still);
    again.send("SUB again 1");
    again.sync_silent();
    eventually(|| {
        publisher.send("PUB again 5\r\nprobe");
        publisher.sync_silent();
        !again.sync_messages().is_empty()
    });
    healthy.sync_silent();
}
