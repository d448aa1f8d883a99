//! Servers of one cluster, each a process on a machine of its own, and who listens there.

use crate::network::Network;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;
use vagus_test_support::{Client, Message, Process, Relay, eventually, eventually_equal};

/// How many servers a cluster has.
pub(crate) const SERVERS: usize = 3;

/// The machine that has no server.
pub(crate) const ELSEWHERE: usize = SERVERS;

/// Of servers that give up who is silent for three seconds.
const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster_faults/server.conf");

/// Of servers that give up nobody in the time that a test takes.
const PATIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster_faults/patient.conf");

/// The same of a server of another make that is too old to be told who is to be given up.
const OLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster_faults/old.conf");

/// The server that is of another make, where one is named.
const OF_ANOTHER_MAKE: usize = 1;

const CLIENTS: u16 = 4222;
const ROUTES: u16 = 6222;
const MONITORING: u16 = 8222;

const CONNECT: &str = r#"{"verbose":false,"pedantic":false,"headers":true,"no_responders":true}"#;

/// What a server may use that has a full outbox and all its routes, in bytes.
pub(crate) const ENOUGH: usize = 128 << 20;

/// What is published to fill one.
pub(crate) const KILOBYTE: [u8; 1024] = [b'x'; 1024];

/// Jobs that each server publishes in a round, of which each is for one of all workers.
const JOBS: usize = 6;

/// A cluster.
pub(crate) struct Mesh {
    pub(crate) network: Network,
    configuration: &'static str,
    members: Vec<Member>,
    /// What stands in the way of routes to each server, if anything does.
    relays: Vec<Relay>,
    /// How much each server is subscribed to by itself.
    own: Vec<u64>,
    rounds: usize,
}

#[derive(Default)]
struct Member {
    /// None while it is not running.
    process: Option<Process>,
    is_stopped: bool,
    /// Who takes part in rounds.
    listener: Option<Client>,
    /// What its clients have subscribed to, beside the listener.
    others: usize,
}

/// The program of this project.
const OWN: &str = env!("CARGO_BIN_EXE_vagus");

/// What runs as a server.
fn program_of(number: usize) -> String {
    let other = std::env::var("MIXED_WITH").ok();
    let other = other.filter(|program| number == OF_ANOTHER_MAKE && !program.is_empty());
    other.unwrap_or_else(|| OWN.to_owned())
}

/// Whether the program takes this configuration: that of this project does.
fn takes(program: &str, configuration: &str) -> bool {
    program == OWN || {
        let tried = Command::new(program).args(["-t", "-c", configuration]).output();
        tried.expect("it can be run").status.success()
    }
}

/// What a listener is subscribed to: everything that all are told, jobs as one of the workers, what is for its server.
fn listened_to(number: usize) -> [String; 3] {
    [
        "told.*".to_owned(),
        "jobs workers".to_owned(),
        format!("only.{number}"),
    ]
}

impl Mesh {
    /// Of servers that all run, with a listener on each. Who is silent for three seconds is given up.
    pub(crate) fn new() -> Self {
        Self::configured(CONFIGURATION)
    }

    /// The same, but nobody is given up for being silent: where that would be too late for a test on a busy machine.
    pub(crate) fn patient() -> Self {
        Self::configured(PATIENT)
    }

    /// The same as the latter, but what one server says comes to another later by so long, through a relay.
    pub(crate) fn distant(delay: Duration) -> Self {
        let mut mesh = Self::of(PATIENT);
        let relay = |number: usize| {
            let own = mesh.address(ELSEWHERE, ROUTES + number as u16);
            let to = mesh.address(number, ROUTES);
            let machine = mesh.network.machine(ELSEWHERE);
            machine.on(|| Relay::start(own, to, delay))
        };
        mesh.relays = (0..SERVERS).map(relay).collect();
        mesh.begin()
    }

    fn configured(configuration: &'static str) -> Self {
        Self::of(configuration).begin()
    }

    fn of(configuration: &'static str) -> Self {
        Self {
            network: Network::new(SERVERS as u8 + 1),
            configuration,
            members: (0..SERVERS).map(|_| Member::default()).collect(),
            relays: Vec::new(),
            own: Vec::new(),
            rounds: 0,
        }
    }

    fn begin(self) -> Self {
        let mut mesh = self;
        for number in 0..SERVERS {
            mesh.start(number);
        }
        // Before there is anybody. Servers of another make subscribe to something for themselves.
        mesh.own = (0..SERVERS).map(|number| mesh.interest_of(number)).collect();
        for number in 0..SERVERS {
            mesh.listen(number);
        }
        mesh.await_whole();
        mesh
    }

    /// How many subscriptions a server knows of.
    fn interest_of(&self, number: usize) -> u64 {
        let shown = self.ask(number, "/subsz?acc=$G");
        shown["num_subscriptions"].as_u64().expect("a number")
    }

    fn address(&self, number: usize, port: u16) -> SocketAddr {
        SocketAddr::from((self.network.machine(number).address, port))
    }

    /// Where clients connect to a server.
    pub(crate) fn client_address(&self, number: usize) -> SocketAddr {
        self.address(number, CLIENTS)
    }

    /// Where other servers connect to one.
    fn route_address(&self, number: usize) -> SocketAddr {
        let direct = self.address(number, ROUTES);
        self.relays.get(number).map_or(direct, Relay::address)
    }

    /// Nothing passes on the way to a server, nor comes back.
    pub(crate) fn hold(&self, number: usize) {
        self.relays[number].hold();
    }

    /// It does again.
    pub(crate) fn let_go(&self, number: usize) {
        self.relays[number].let_go();
    }

    /// Ends the connections by which others have come to a server, whatever is on its way there.
    pub(crate) fn end_all(&self, number: usize) {
        self.relays[number].end_all();
    }

    /// Starts a server that does not run; returns when it serves clients.
    pub(crate) fn start(&mut self, number: usize) {
        let address = self.network.machine(number).address.to_string();
        let routes: Vec<String> = (0..SERVERS)
            .map(|other| format!("nats-route://{}", self.route_address(other)))
            .collect();
        let advertised = self.route_address(number).to_string();
        let (name, routes) = (format!("server-{number}"), routes.join(","));
        let (clients, monitoring) = (CLIENTS.to_string(), MONITORING.to_string());
        let cluster = format!("nats://{}", self.address(number, ROUTES));
        let program = program_of(number);
        let configuration = match takes(&program, self.configuration) {
            true => self.configuration,
            false => OLD,
        };
        let arguments = [
            ["-c", configuration],
            ["-n", &name],
            ["-a", &address],
            ["-p", &clients],
            ["-m", &monitoring],
            ["--cluster", &cluster],
            ["--routes", &routes],
            ["--cluster_advertise", &advertised],
        ];
        let machine = self.network.machine(number);
        let mut process = machine.on(|| Process::spawn(&program, arguments.as_flattened()));
        process.log_line("Server is ready");
        self.members[number].process = Some(process);
    }

    /// Has a listener on a server, which takes part in rounds.
    pub(crate) fn listen(&mut self, number: usize) {
        let mut listener = self.client(number);
        for (sid, subject) in (1..).zip(listened_to(number)) {
            listener.send(&format!("SUB {subject} {sid}"));
        }
        listener.sync_silent();
        self.members[number].listener = Some(listener);
    }

    /// A client of a server, on the same machine.
    pub(crate) fn client(&self, number: usize) -> Client {
        let address = self.client_address(number);
        let client = self.network.machine(number).on(|| Client::to(address));
        let mut client = client.connect(CONNECT);
        client.sync_silent();
        client
    }

    /// Clients of a server have subscribed so many times more than its listener, each to something else.
    pub(crate) fn have_subscribed(&mut self, number: usize, subscriptions: usize) {
        self.members[number].others = subscriptions;
    }

    fn process(&self, number: usize) -> Pid {
        let process = self.members[number].process.as_ref().expect("it runs");
        Pid::from_raw(process.id() as i32).expect("no process has the id 0")
    }

    /// Ends a server at once.
    pub(crate) fn kill(&mut self, number: usize) {
        // Killed and waited for.
        self.members[number] = Member::default();
    }

    /// Asks a server to end, and waits until it has.
    pub(crate) fn terminate(&mut self, number: usize) {
        kill_process(self.process(number), Signal::TERM).expect("it runs");
        let mut process = self.members[number].process.take().expect("it runs");
        process.wait();
        self.members[number] = Member::default();
    }

    /// Has a server do nothing.
    pub(crate) fn stop(&mut self, number: usize) {
        kill_process(self.process(number), Signal::STOP).expect("it runs");
        self.members[number].is_stopped = true;
    }

    /// Has a server go on that was stopped.
    pub(crate) fn go_on(&mut self, number: usize) {
        kill_process(self.process(number), Signal::CONT).expect("it runs");
        self.members[number].is_stopped = false;
    }

    /// The servers that run.
    fn running(&self) -> Vec<usize> {
        let runs = |number: &usize| {
            let member = &self.members[*number];
            member.process.is_some() && !member.is_stopped
        };
        (0..SERVERS).filter(runs).collect()
    }

    /// What monitoring of a server answers.
    pub(crate) fn ask(&self, number: usize, path: &str) -> Value {
        let address = self.address(number, MONITORING);
        let url = format!("http://{address}{path}");
        // Servers of another make answer in chunks.
        let asked = self.network.machine(number).on(|| {
            let mut answer = ureq::get(url).call()?;
            answer.body_mut().read_to_string()
        });
        let text = asked.expect("it runs, and shows itself");
        serde_json::from_str(&text).expect("it is JSON")
    }

    /// The names of those that a server has routes to.
    fn known_to(&self, number: usize) -> BTreeSet<String> {
        let routez = self.ask(number, "/routez");
        let routes = routez["routes"].as_array().expect("a list");
        let name = |route: &Value| match route["remote_name"].as_str() {
            Some(name) => name.to_owned(),
            None => self.name_of(route["remote_id"].as_str().expect("an id")),
        };
        routes.iter().map(name).collect()
    }

    /// What the server of an id is called, if it runs: old servers do not say it of others.
    fn name_of(&self, id: &str) -> String {
        let running = self.running().into_iter();
        let found = running
            .map(|number| self.ask(number, "/varz"))
            .find(|shown| shown["server_id"] == *id);
        let name = found.and_then(|shown| shown["server_name"].as_str().map(str::to_owned));
        name.unwrap_or_else(|| id.to_owned())
    }

    /// Returns when a server has routes to these, and to no others.
    pub(crate) fn await_routes(&self, number: usize, others: &[usize]) {
        let expected: BTreeSet<String> = others.iter().map(|other| format!("server-{other}")).collect();
        eventually_equal(|| self.known_to(number), expected);
    }

    /// Returns when those that run hear each other, and each knows of the subscriptions of all: no more, no fewer.
    pub(crate) fn await_whole(&self) {
        let running = self.running();
        for number in &running {
            let others: Vec<usize> = running.iter().copied().filter(|other| other != number).collect();
            self.await_routes(*number, &others);
        }
        self.await_exchange(&running);
        let subscriptions: usize = running
            .iter()
            .map(|number| {
                let member = &self.members[*number];
                let of_listener = member.listener.as_ref().map_or(0, |_| listened_to(*number).len());
                of_listener + member.others
            })
            .sum();
        let own = running.iter().map(|number| self.own[*number]);
        let expected: Vec<u64> = own.map(|own| own + subscriptions as u64).collect();
        // Together, so that a failure shows what each of them knows.
        let known = || -> Vec<u64> { running.iter().map(|number| self.interest_of(*number)).collect() };
        eventually_equal(known, expected);
    }

    /// Returns when each of these servers has passed on to each other what it was given since this was asked.
    ///
    /// That a server shows a route says less: what it sends may be lost. The system waits for seconds before it tries again
    /// to send what was sent while the network was cut, and until it does, the route may be given up.
    fn await_exchange(&self, running: &[usize]) {
        let mut probes: Vec<Client> = running.iter().map(|number| self.client(*number)).collect();
        for probe in &mut probes {
            probe.subscribe("probe.*", "1");
        }
        let all: BTreeSet<String> = running.iter().map(|number| format!("probe.{number}")).collect();
        // The second time each route has passed on the answers to all PINGs from before the first.
        for time in ["first", "second"] {
            let mut heard = vec![BTreeSet::new(); running.len()];
            let exchange = || {
                for (number, probe) in running.iter().zip(&mut probes) {
                    probe.publish(&format!("probe.{number}"), time.as_bytes());
                }
                for (probe, heard) in probes.iter_mut().zip(&mut heard) {
                    let messages = probe.sync_messages();
                    let of_this_time = messages.into_iter().filter(|message| text(message) == time);
                    heard.extend(of_this_time.map(|message| message.subject));
                }
                heard.clone()
            };
            eventually_equal(exchange, vec![all.clone(); running.len()]);
        }
    }

    /// Each server publishes to all, and every listener gets what is for it, once, in the order in which it was published;
    /// of the jobs each goes to one. Twice: what came too often would be among what comes the second time.
    pub(crate) fn expect_delivery(&mut self) {
        for _ in 0..2 {
            self.rounds += 1;
            self.expect_round();
        }
    }

    fn expect_round(&mut self) {
        let (round, running) = (self.rounds, self.running());
        for publisher in &running {
            let mut client = self.client(*publisher);
            for other in &running {
                client.publish(
                    &format!("only.{other}"),
                    format!("{round} {publisher}").as_bytes(),
                );
            }
            for job in 0..JOBS {
                client.publish("jobs", format!("{round} {publisher} {job}").as_bytes());
            }
            // After everything else.
            client.publish(&format!("told.{publisher}"), round.to_string().as_bytes());
            client.sync_silent();
        }
        let mut jobs = Vec::new();
        for number in &running {
            let listener = self.members[*number].listener.as_mut().expect("each has one");
            let (mut told, mut only) = (BTreeSet::new(), BTreeSet::new());
            while told.len() < running.len() {
                let message = listener.message();
                let payload = text(&message);
                if message.subject == "jobs" {
                    jobs.push(payload);
                } else if let Some(publisher) = message.subject.strip_prefix("told.") {
                    assert_eq!(
                        payload,
                        round.to_string(),
                        "{} on server {number}",
                        message.subject
                    );
                    assert!(
                        only.contains(&format!("{round} {publisher}")),
                        "the last came first on server {number}"
                    );
                    assert!(
                        told.insert(publisher.to_owned()),
                        "{publisher} on server {number}"
                    );
                } else {
                    assert_eq!(message.subject, format!("only.{number}"));
                    assert!(only.insert(payload.clone()), "{payload:?} on server {number}");
                }
            }
            let expected = running.iter().map(|publisher| format!("{round} {publisher}"));
            assert_eq!(only, expected.collect(), "on server {number}");
        }
        let mut expected: Vec<String> = running
            .iter()
            .flat_map(|publisher| (0..JOBS).map(move |job| format!("{round} {publisher} {job}")))
            .collect();
        jobs.sort();
        expected.sort();
        assert_eq!(jobs, expected);
    }

    /// The most memory that a server has used so far, in bytes.
    pub(crate) fn most_memory(&self, number: usize) -> usize {
        let path = format!("/proc/{}/status", self.process(number).as_raw_nonzero());
        let status = std::fs::read_to_string(path).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kilobytes
            .expect("a number")
            .trim()
            .parse::<usize>()
            .expect("a number")
            * 1024
    }

    /// Returns when so many bytes at least wait for the route from one server to another.
    pub(crate) fn await_pending(&self, from: usize, to: usize, bytes: u64) {
        let name = format!("server-{to}");
        eventually(|| {
            let routez = self.ask(from, "/routez");
            let routes = routez["routes"].as_array().expect("a list").iter();
            let pending: u64 = routes
                .filter(|route| route["remote_name"] == *name)
                .filter_map(|route| route["pending_size"].as_u64())
                .sum();
            pending >= bytes
        });
    }
}

/// The payload of a message.
pub(crate) fn text(message: &Message) -> String {
    String::from_utf8(message.payload.clone()).expect("tests say text")
}
