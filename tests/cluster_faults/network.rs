//! A network of its own for each test: a switch, and machines with one cable each.
//!
//! A machine is a network namespace. It is held by a process that ends when the test does, however it does, so nothing is
//! left behind. Whoever enters it by a thread has its sockets there, and so have the processes started by that thread.

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

/// What a machine calls its cable.
const CABLE: &str = "cable";

/// Machines around a switch.
pub(crate) struct Network {
    switch: Namespace,
    machines: Vec<Arc<Machine>>,
}

/// Where a server runs: a namespace, and the address in it.
pub(crate) struct Machine {
    namespace: Namespace,
    pub(crate) address: Ipv4Addr,
}

struct Namespace {
    holder: Child,
    file: File,
}

impl Network {
    /// So many machines that all reach each other.
    pub(crate) fn new(machines: u8) -> Self {
        let switch = Namespace::new();
        switch.run("ip", "link add switch type bridge forward_delay 0");
        switch.run("ip", "link set switch up");
        let machines = (1..=machines)
            .map(|number| {
                let namespace = Namespace::new();
                let holder = namespace.holder.id();
                let port = port_of(number);
                switch.run(
                    "ip",
                    &format!("link add {port} type veth peer name {CABLE} netns {holder}"),
                );
                switch.run("ip", &format!("link set {port} master switch up"));
                namespace.run("ip", &format!("address add 10.0.0.{number}/24 dev {CABLE}"));
                namespace.run("ip", "link set lo up");
                namespace.run("ip", &format!("link set {CABLE} up"));
                Arc::new(Machine {
                    namespace,
                    address: Ipv4Addr::new(10, 0, 0, number),
                })
            })
            .collect();
        Self { switch, machines }
    }

    /// The machine of this number, from 0.
    pub(crate) fn machine(&self, number: usize) -> &Arc<Machine> {
        &self.machines[number]
    }

    /// From now on so many of a hundred packets from one machine to another are lost.
    pub(crate) fn lose(&self, percent: u8, from: usize, to: usize) {
        let rule = format!(
            "--wait --append INPUT --in-interface {CABLE} --source {} --match statistic --mode random \
             --probability {:.2} --jump DROP",
            self.machines[from].address,
            f32::from(percent) / 100.0
        );
        self.machines[to].namespace.run("iptables", &rule);
    }

    /// From now on nothing passes from one machine to another.
    pub(crate) fn cut(&self, from: usize, to: usize) {
        self.lose(100, from, to);
    }

    /// From now on a machine neither hears from the others nor is heard by them.
    pub(crate) fn cut_off(&self, machine: usize) {
        for other in (0..self.machines.len()).filter(|other| *other != machine) {
            self.cut(machine, other);
            self.cut(other, machine);
        }
    }

    /// From now on the cable to a machine takes so many kilobits a second, in that direction.
    pub(crate) fn slow_down(&self, machine: usize, kilobits: u32) {
        let shape = format!(
            "qdisc replace dev {} root tbf rate {kilobits}kbit burst 16kb latency 100ms",
            port_of(machine as u8 + 1)
        );
        self.switch.run("tc", &shape);
    }

    /// All is as it was.
    pub(crate) fn heal(&self) {
        for machine in &self.machines {
            machine.namespace.run("iptables", "--wait --flush INPUT");
        }
    }

    /// The cable to a machine is as quick as it was.
    pub(crate) fn speed_up(&self, machine: usize) {
        self.switch.run(
            "tc",
            &format!("qdisc del dev {} root", port_of(machine as u8 + 1)),
        );
    }
}

/// What the switch calls the cable of a machine.
fn port_of(number: u8) -> String {
    format!("port{number}")
}

impl Machine {
    /// Does something on this machine.
    pub(crate) fn on<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.namespace.within(work)
    }
}

impl Namespace {
    fn new() -> Self {
        let spawned = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo && exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut holder = spawned.expect("unshare can be run (Debian: util-linux)");
        let mut told = BufReader::new(holder.stdout.take().expect("stdout is a pipe"));
        let mut line = String::new();
        let is_there = told.read_line(&mut line).is_ok_and(|length| length > 0);
        assert!(
            is_there,
            "no network namespace can be made here, so nothing is known of what becomes of a cluster when its network \
             fails: run this as root, with CAP_SYS_ADMIN and CAP_NET_ADMIN"
        );
        let file = File::open(format!("/proc/{}/ns/net", holder.id())).expect("a process has a namespace");
        Self { holder, file }
    }

    fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let entered = || {
            move_into_link_name_space(self.file.as_fd(), Some(LinkNameSpaceType::Network))
                .expect("who makes a namespace may enter it");
            work()
        };
        match thread::scope(|scope| scope.spawn(entered).join()) {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    fn run(&self, program: &str, arguments: &str) {
        let ran = self.within(|| Command::new(program).args(arguments.split(' ')).output());
        let output = match ran {
            Ok(output) => output,
            Err(error) => panic!("{program} cannot be run (Debian: iproute2, iptables): {error}"),
        };
        assert!(
            output.status.success(),
            "{program} {arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Already gone is as good; waiting leaves no zombie behind.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
