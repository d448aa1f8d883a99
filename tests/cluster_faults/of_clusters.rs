//! Two clusters of two servers, connected by gateways, and a leaf node of one of them: all are whole again by themselves,
//! whatever happens to a process or to the network.

use crate::network::Network;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;
use vagus_test_support::{Client, Folder, Process, eventually};

const CONNECT: &str = r#"{"verbose":false,"headers":true}"#;

/// Each server by its cluster; the last is a leaf node of the first cluster.
const CLUSTERS: [&str; 5] = ["east", "east", "west", "west", ""];
const EDGE: usize = 4;

const CLIENTS: u16 = 4222;
const ROUTES: u16 = 6222;
const GATEWAYS: u16 = 7222;
const LINKS: u16 = 7422;

/// Longer than it takes to find out that somebody is silent.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(5);

/// Shorter than that.
const MOMENT: Duration = Duration::from_millis(500);

/// What each server publishes in a round.
const EACH: usize = 20;

struct World {
    network: Network,
    folder: Folder,
    servers: Vec<Option<Process>>,
    rounds: usize,
}

impl World {
    fn new() -> Self {
        let folder = Folder::new("of-clusters");
        std::fs::create_dir(folder.path()).unwrap();
        let mut world = Self {
            network: Network::new(CLUSTERS.len() as u8),
            folder,
            servers: CLUSTERS.iter().map(|_| None).collect(),
            rounds: 0,
        };
        for number in 0..CLUSTERS.len() {
            world.start(number);
        }
        world.expect_delivery();
        world
    }

    fn address(&self, number: usize, port: u16) -> SocketAddr {
        SocketAddr::from((self.network.machine(number).address, port))
    }

    /// Where the servers of a cluster are.
    fn urls(&self, cluster: &str, port: u16) -> String {
        let of_it = (0..CLUSTERS.len()).filter(|number| CLUSTERS[*number] == cluster);
        let urls = of_it.map(|number| format!("\"nats://{}\"", self.address(number, port)));
        urls.collect::<Vec<_>>().join(", ")
    }

    fn configuration(&self, number: usize) -> String {
        let at = |port| self.address(number, port);
        let mut text = format!(
            "server_name: server-{number}\nlisten: \"{}\"\nping_interval: \"1s\"\nping_max: 2\nmax_pending: 8MB\n",
            at(CLIENTS)
        );
        let cluster = CLUSTERS[number];
        let written = match cluster {
            "" => writeln!(
                text,
                "leafnodes {{ reconnect: \"200ms\", remotes: [ {{ urls: [{}] }} ] }}",
                self.urls("east", LINKS)
            ),
            _ => writeln!(
                text,
                "cluster {{ name: {cluster}, listen: \"{}\", routes: [{}], ping_interval: \"1s\", ping_max: 2 }}\n\
                 gateway {{ name: {cluster}, listen: \"{}\", gateways: [ {{ name: east, urls: [{}] }}, {{ name: west, urls: [{}] }} ] }}\n\
                 leafnodes {{ listen: \"{}\" }}",
                at(ROUTES),
                self.urls(cluster, ROUTES).replace("nats://", "nats-route://"),
                at(GATEWAYS),
                self.urls("east", GATEWAYS),
                self.urls("west", GATEWAYS),
                at(LINKS)
            ),
        };
        written.unwrap();
        text
    }

    fn start(&mut self, number: usize) {
        let path = self.folder.path().join(format!("{number}.conf"));
        std::fs::write(&path, self.configuration(number)).unwrap();
        let path = path.to_str().unwrap();
        let machine = self.network.machine(number);
        let mut process = machine.on(|| Process::spawn(env!("CARGO_BIN_EXE_vagus"), &["-c", path]));
        process.log_line("Server is ready");
        self.servers[number] = Some(process);
    }

    fn kill(&mut self, number: usize) {
        // Killed and waited for.
        self.servers[number] = None;
    }

    fn signal(&self, number: usize, signal: Signal) {
        let process = self.servers[number].as_ref().expect("it runs");
        let id = Pid::from_raw(process.id() as i32).expect("no process has the id 0");
        kill_process(id, signal).expect("it runs");
    }

    fn client(&self, number: usize) -> Client {
        let address = self.address(number, CLIENTS);
        let client = self.network.machine(number).on(|| Client::to(address));
        let mut client = client.connect(CONNECT);
        client.sync_silent();
        client
    }

    /// Returns when each server hears all; then what each publishes comes to all others, once and in order, and a queue group
    /// with a member at each gets each job once.
    #[track_caller]
    fn expect_delivery(&mut self) {
        self.rounds += 1;
        let round = self.rounds;
        let mut clients: Vec<Client> = (0..CLUSTERS.len()).map(|number| self.client(number)).collect();
        for client in &mut clients {
            client.send(&format!(
                "SUB {round}.probe.* 1\r\nSUB {round}.told.* 2\r\nSUB {round}.jobs q 3"
            ));
            client.sync_silent();
        }
        // What is told a second time comes behind the answers to the first.
        for time in 0..2 {
            let mut heard = vec![BTreeMap::new(); clients.len()];
            eventually(|| {
                for (number, client) in clients.iter_mut().enumerate() {
                    client.send(&format!("PUB {round}.probe.{number} 1\r\n{time}"));
                }
                for (client, heard) in clients.iter_mut().zip(&mut heard) {
                    for message in client.sync_messages() {
                        if message.text() == time.to_string() {
                            heard.insert(message.subject.clone(), ());
                        }
                    }
                }
                heard.iter().all(|heard| heard.len() == CLUSTERS.len())
            });
        }
        for (number, client) in clients.iter_mut().enumerate() {
            for count in 0..EACH {
                client.send(&format!(
                    "PUB {round}.told.{number} 2\r\n{count:02}\r\nPUB {round}.jobs 1\r\n."
                ));
            }
            client.send(&format!("PUB {round}.told.{number} 2\r\n--"));
        }
        let (mut jobs, all) = (0, CLUSTERS.len());
        for client in &mut clients {
            let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
            while told
                .values()
                .filter(|told| told.last().is_some_and(|it| it == "--"))
                .count()
                < all
            {
                let message = client.message();
                match message.sid.as_str() {
                    "2" => told
                        .entry(message.subject.clone())
                        .or_default()
                        .push(message.text().to_owned()),
                    "3" => jobs += 1,
                    _ => {}
                }
            }
            for told in told.values() {
                let expected = (0..EACH).map(|count| format!("{count:02}"));
                assert_eq!(*told, expected.chain(["--".to_owned()]).collect::<Vec<_>>());
            }
        }
        // Those for members elsewhere may still be on their way; what would come twice, too.
        eventually(|| {
            jobs += came(&mut clients, "3");
            jobs >= all * EACH
        });
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(&format!("PUB {round}.probe.{number} 3\r\nend"));
            client.sync();
        }
        assert_eq!(
            (jobs + came(&mut clients, "3"), came(&mut clients, "2")),
            (all * EACH, 0)
        );
    }
}

/// How many messages have come to these subscriptions.
fn came(clients: &mut [Client], sid: &str) -> usize {
    let come = clients.iter_mut().flat_map(Client::sync_messages);
    come.filter(|message| message.sid == sid).count()
}

#[test]
fn each_is_killed_and_starts_again() {
    let mut world = World::new();
    for number in 0..CLUSTERS.len() {
        world.kill(number);
        world.start(number);
        world.expect_delivery();
    }
    // A whole cluster, and all of them in another order.
    for (gone, order) in [
        (vec![2, 3], vec![3, 2]),
        (vec![0, 1, 2, 3, 4], vec![4, 2, 0, 3, 1]),
    ] {
        for number in gone {
            world.kill(number);
        }
        for number in order {
            world.start(number);
        }
        world.expect_delivery();
    }
}

#[test]
fn each_stands_still_until_it_is_given_up() {
    let mut world = World::new();
    for number in [0, 3, EDGE] {
        world.signal(number, Signal::STOP);
        std::thread::sleep(GIVEN_UP_AFTER);
        world.signal(number, Signal::CONT);
        world.expect_delivery();
    }
}

#[test]
fn the_network_is_cut_both_ways_and_one_way() {
    let mut world = World::new();
    for (from, to) in [(2, 0), (EDGE, 0)] {
        world.network.cut(from, to);
        std::thread::sleep(GIVEN_UP_AFTER);
        world.network.heal();
        world.expect_delivery();
    }
    // The two clusters lose each other, and the leaf node all.
    for (one, other) in [(0, 2), (0, 3), (1, 2), (1, 3)] {
        world.network.cut(one, other);
        world.network.cut(other, one);
    }
    world.network.cut_off(EDGE);
    std::thread::sleep(GIVEN_UP_AFTER);
    world.network.heal();
    world.expect_delivery();
}

#[test]
fn the_network_loses_three_packets_of_ten() {
    let mut world = World::new();
    for one in 0..CLUSTERS.len() {
        for other in (0..CLUSTERS.len()).filter(|other| *other != one) {
            world.network.lose(30, one, other);
        }
    }
    std::thread::sleep(MOMENT);
    world.network.heal();
    world.expect_delivery();
}
