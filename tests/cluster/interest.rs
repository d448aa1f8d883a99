//! What each server knows of interest is what there is at all of them, whatever came, went and came back.

use crate::peer::Route;
use crate::world::{NAME, await_members, clustered, in_cluster, member};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use vagus_test_support::{Client, HeldPort, TestServer, eventually_equal};

const SUBJECTS: usize = 12;

/// A client, and what it is subscribed to: subjects by their sids, and whether as a member of the group.
struct Subscriber {
    client: Client,
    held: BTreeMap<usize, (usize, bool)>,
}

impl Subscriber {
    fn new(server: &TestServer) -> Self {
        Self {
            client: server.connected(),
            held: BTreeMap::new(),
        }
    }

    fn churn(&mut self, random: &mut fastrand::Rng) {
        let sid = random.usize(0..20);
        if self.held.remove(&sid).is_some() {
            self.client.send(&format!("UNSUB {sid}"));
            return;
        }
        let (subject, is_member) = (random.usize(0..SUBJECTS), random.bool());
        let queue = if is_member { " workers" } else { "" };
        self.client.send(&format!("SUB s.{subject}{queue} {sid}"));
        self.held.insert(sid, (subject, is_member));
    }
}

/// How many entries the index of each server has: its own subscriptions, and of each other one for a subject, and as many as
/// it has members.
fn expected(of_servers: &[Vec<Subscriber>]) -> Vec<usize> {
    let held = |server: &'_ [Subscriber]| -> Vec<(usize, bool)> {
        server.iter().flat_map(|one| one.held.values().copied()).collect()
    };
    let all: Vec<_> = of_servers.iter().map(|server| held(server)).collect();
    let seen_by_others = |held: &Vec<(usize, bool)>| {
        let members = held.iter().filter(|(_, is_member)| *is_member).count();
        let plain: BTreeSet<_> = held.iter().filter(|(_, is_member)| !is_member).collect();
        members + plain.len()
    };
    (0..all.len())
        .map(|own| {
            let others = all.iter().enumerate().filter(|(number, _)| *number != own);
            all[own].len() + others.map(|(_, held)| seen_by_others(held)).sum::<usize>()
        })
        .collect()
}

fn await_exact(servers: &[TestServer], subscribers: &[Vec<Subscriber>]) {
    let known = || -> Vec<usize> {
        let routers = servers.iter().map(|server| server.router().unwrap());
        routers.map(|router| router.subscriptions).collect()
    };
    eventually_equal(known, expected(subscribers));
}

fn on_port(name: &str, port: &HeldPort, routes: &[SocketAddr]) -> TestServer {
    let mut cluster = clustered(Some(NAME), routes);
    cluster.listener.listen.port = port.fixed();
    in_cluster(name, cluster).start()
}

#[test]
fn interest_is_exact_after_churn_and_restarts() {
    let mut random = fastrand::Rng::with_seed(11);
    let ports: [HeldPort; 3] = std::array::from_fn(|_| HeldPort::new());
    let names = ["a", "b", "c"];
    let seed = ports[0].address();
    let mut servers = vec![
        on_port(names[0], &ports[0], &[]),
        on_port(names[1], &ports[1], &[seed]),
        on_port(names[2], &ports[2], &[seed]),
    ];
    let mut subscribers: Vec<Vec<Subscriber>> = servers
        .iter()
        .map(|server| (0..4).map(|_| Subscriber::new(server)).collect())
        .collect();
    for round in 0..4 {
        for _ in 0..400 {
            let (server, subscriber) = (random.usize(0..3), random.usize(0..4));
            subscribers[server][subscriber].churn(&mut random);
            if random.u8(..) < 5 {
                subscribers[server][subscriber] = Subscriber::new(&servers[server]);
            }
        }
        for subscriber in subscribers.iter_mut().flatten() {
            subscriber.client.sync_silent();
        }
        await_exact(&servers, &subscribers);
        // One goes with its clients, and comes back with others.
        let number = round % 3;
        let others: Vec<_> = (0..3)
            .filter(|other| *other != number)
            .map(|other| ports[other].address())
            .collect();
        subscribers[number].clear();
        servers.remove(number).shutdown();
        servers.insert(number, on_port(names[number], &ports[number], &others));
        for server in &servers {
            await_members(server, 2);
        }
        await_exact(&servers, &subscribers);
        subscribers[number] = (0..4).map(|_| Subscriber::new(&servers[number])).collect();
    }
}

/// Many come and go at once, with one subject: the other server hears of it in the order in which it happens, so that what it
/// has heard last is what there is.
#[test]
fn interest_is_told_of_in_the_order_in_which_it_changes() {
    let server = member("a", &[]).start();
    let mut route = Route::joined(&server);
    let mut clients: Vec<Client> = (0..4).map(|_| server.connected()).collect();
    for round in 0..200 {
        for (number, client) in clients.iter_mut().enumerate() {
            let stays = round == 199 && number == 3;
            let leaves = if stays { "" } else { "\r\nUNSUB 1\r\nUNSUB 2" };
            client.send(&format!("SUB subject 1\r\nSUB subject workers 2{leaves}"));
        }
    }
    for client in &mut clients {
        client.sync_silent();
    }
    clients[3].send("SUB last 3");
    clients[3].sync_silent();
    let (mut is_wanted, mut members) = (false, 0);
    loop {
        let line = route.line();
        match line.as_str() {
            "RS+ $G subject" | "RS- $G subject" => {
                let comes = line.starts_with("RS+");
                assert_ne!(comes, is_wanted, "{line} twice");
                is_wanted = comes;
            }
            "RS- $G subject workers" => members = 0,
            "RS+ $G last" => break,
            line => {
                let weight = line.strip_prefix("RS+ $G subject workers ").expect(line);
                members = weight.parse().unwrap();
            }
        }
    }
    assert_eq!((is_wanted, members), (true, 1));
}
