//! The scenarios: what each one does and what it should reach.

mod kind;
mod streams;

use crate::error::BenchError;
use crate::measurement::{Measurement, Timing};
use crate::plans;
use crate::server::RunningServer;
use crate::setup::{First, Setup};
use kind::Kind;

/// What a scenario should reach, beside the best of the other servers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Their CPU for each message divided by ours, at least.
    pub cpu: f64,
    /// Their p50 divided by ours, at least.
    pub p50: f64,
    /// Memory of a connection, stream or consumer, or disk of a message, bytes, at most; without regard to the others.
    pub bytes_each: Option<f64>,
    /// Whether the rate says anything: not where the generator sets the pace.
    pub rate_counts: bool,
}

/// No worse than anyone in anything.
const NO_WORSE: Target = Target {
    cpu: 1.0,
    p50: 1.0,
    bytes_each: None,
    rate_counts: true,
};

/// No worse in CPU; the rate is that of the generator's own TLS or frames.
const AS_THE_TUNNEL_PERMITS: Target = Target {
    rate_counts: false,
    ..NO_WORSE
};

const fn cpu(cpu: f64) -> Target {
    Target { cpu, ..NO_WORSE }
}

/// One line of the table for each server.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// Name in the table.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What it should reach.
    pub target: Target,
    kind: Kind,
}

/// Payload of scenarios whose name does not say another size, bytes.
pub(crate) const SIZE: usize = 128;
/// All scenarios, in the order of the table.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    MESSAGES.iter().chain(streams::ALL).chain(CONNECTIONS)
}

const MESSAGES: &[Scenario] = &[
    Scenario {
        name: "pub16",
        about: "publish 16 B, nobody subscribes",
        target: cpu(6.0),
        kind: Kind::Flood(|| plans::publish_only(16)),
    },
    Scenario {
        name: "pub128",
        about: "publish 128 B, nobody subscribes",
        target: NO_WORSE,
        kind: Kind::Flood(|| plans::publish_only(128)),
    },
    Scenario {
        name: "pub64k",
        about: "publish 64 KiB, nobody subscribes",
        target: cpu(2.3),
        kind: Kind::Flood(|| plans::publish_only(65_536)),
    },
    Scenario {
        name: "1to1_16",
        about: "one publisher to one subscriber, 16 B",
        target: NO_WORSE,
        kind: Kind::Flood(|| plans::pairs(1, 16)),
    },
    Scenario {
        name: "1to1_128",
        about: "one publisher to one subscriber, 128 B",
        target: cpu(3.0),
        kind: Kind::Flood(|| plans::pairs(1, 128)),
    },
    Scenario {
        name: "import128",
        about: "one publisher to one subscriber of an account that imports it under another name, 128 B",
        target: cpu(3.0),
        kind: Kind::Imported(plans::imported),
    },
    Scenario {
        name: "1to1_1k",
        about: "one publisher to one subscriber, 1 KiB",
        target: NO_WORSE,
        kind: Kind::Flood(|| plans::pairs(1, 1_024)),
    },
    Scenario {
        name: "1to1_64k",
        about: "one publisher to one subscriber, 64 KiB",
        target: cpu(2.3),
        kind: Kind::Flood(|| plans::pairs(1, 65_536)),
    },
    Scenario {
        name: "headers_1to1",
        about: "HPUB to HMSG, 128 B and one small header",
        target: NO_WORSE,
        kind: Kind::Flood(plans::with_headers),
    },
    Scenario {
        name: "4to4_128",
        about: "4 publishers, each with its subject and subscriber, 128 B",
        target: NO_WORSE,
        kind: Kind::Flood(|| plans::pairs(4, 128)),
    },
    Scenario {
        name: "64to64_128",
        about: "64 publishers, each with its subject and subscriber, 128 B",
        target: cpu(5.0),
        kind: Kind::Flood(|| plans::pairs(64, 128)),
    },
    Scenario {
        name: "1000to1000_128",
        about: "1,000 publishers, each with its subject and subscriber, 128 B",
        target: cpu(3.0),
        kind: Kind::Flood(|| plans::pairs(1_000, SIZE)),
    },
    Scenario {
        name: "accounts1000",
        about: "the same, each pair in an account of its own",
        target: cpu(3.0),
        kind: Kind::InAccounts(plans::accounts),
    },
    Scenario {
        name: "fan10",
        about: "one publisher to 10 subscribers with equal sids, 128 B",
        target: NO_WORSE,
        kind: Kind::Flood(|| plans::fan(10, false)),
    },
    Scenario {
        name: "fan100",
        about: "one publisher to 100 subscribers with equal sids, 128 B",
        target: cpu(8.0),
        kind: Kind::Flood(|| plans::fan(100, false)),
    },
    Scenario {
        name: "fan1000",
        about: "one publisher to 1000 subscribers with equal sids, 128 B",
        target: cpu(8.0),
        kind: Kind::Flood(|| plans::fan(1_000, false)),
    },
    Scenario {
        name: "fan100_distinct",
        about: "one publisher to 100 subscribers with 100 sids, 128 B",
        target: cpu(3.0),
        kind: Kind::Flood(|| plans::fan(100, true)),
    },
    Scenario {
        name: "queue8",
        about: "one publisher to a queue group on 8 connections, 128 B",
        target: cpu(3.5),
        kind: Kind::Flood(plans::queue8),
    },
    Scenario {
        name: "wild100k",
        about: "100,000 wildcard subscriptions on 10 connections, random subjects that match one, 128 B",
        target: cpu(8.0),
        kind: Kind::Flood(plans::wild100k),
    },
    Scenario {
        name: "churn",
        about: "1to1_128 while 100,000 SUB and UNSUB a second go on elsewhere",
        target: cpu(4.5),
        kind: Kind::Flood(|| plans::churn("elsewhere")),
    },
    Scenario {
        name: "churn_same_prefix",
        about: "the same, below the first token of the published subject",
        target: cpu(4.5),
        kind: Kind::Flood(|| plans::churn(plans::TOKEN)),
    },
    Scenario {
        name: "slow_reader",
        about: "1to1_128 while another subscriber of the subject never reads",
        target: NO_WORSE,
        kind: Kind::Flood(plans::slow_reader),
    },
    Scenario {
        name: "tls_1to1_128",
        about: "1to1_128 through TLS",
        target: AS_THE_TUNNEL_PERMITS,
        kind: Kind::Secured(|| plans::pairs(1, 128)),
    },
    Scenario {
        name: "tls_fan100",
        about: "fan100 through TLS",
        target: AS_THE_TUNNEL_PERMITS,
        kind: Kind::Secured(|| plans::fan(100, false)),
    },
    Scenario {
        name: "ws_1to1_128",
        about: "1to1_128 through WebSocket",
        target: Target {
            cpu: 2.0,
            ..AS_THE_TUNNEL_PERMITS
        },
        kind: Kind::Framed(|| plans::pairs(1, 128)),
    },
    Scenario {
        name: "ws_fan100",
        about: "fan100 through WebSocket",
        target: AS_THE_TUNNEL_PERMITS,
        kind: Kind::Framed(|| plans::fan(100, false)),
    },
    Scenario {
        name: "permissions_1to1",
        about: "1to1_128 by a user with 50 rules that allow and 50 that deny, for PUB and for SUB",
        target: NO_WORSE,
        kind: Kind::Permitted(|| plans::pairs(1, 128)),
    },
    Scenario {
        name: "login_storm",
        about: "the same, while 1,000 others a second fail to log in",
        target: NO_WORSE,
        kind: Kind::Permitted(plans::login_storm),
    },
    Scenario {
        name: "echo64",
        about: "64 connections publish to themselves, one message in flight each, 128 B",
        target: cpu(1.4),
        kind: Kind::Echo { connections: 64 },
    },
    Scenario {
        name: "rr1",
        about: "request and reply, one in flight, 128 B; a message is a round trip",
        target: Target {
            cpu: 1.4,
            p50: 1.0 / 0.6,
            ..NO_WORSE
        },
        kind: Kind::RequestReply {
            in_flight: 1,
            servers: 1,
        },
    },
    Scenario {
        name: "rr64",
        about: "request and reply, 64 in flight on one connection, 128 B",
        target: NO_WORSE,
        kind: Kind::RequestReply {
            in_flight: 64,
            servers: 1,
        },
    },
    Scenario {
        name: "cluster2_1to1",
        about: "1to1_128, the subscriber on another server than the publisher; CPU is that of both",
        target: cpu(3.0),
        kind: Kind::Clustered(2, || plans::on_servers(&[1], plans::pairs(1, 128))),
    },
    Scenario {
        name: "cluster2_64to64",
        about: "64to64_128, the subscribers on another server than the publishers",
        target: cpu(3.0),
        kind: Kind::Clustered(2, || plans::on_servers(&[1], plans::pairs(64, 128))),
    },
    Scenario {
        name: "cluster2_queue8",
        about: "queue8, the group on another server than the publisher",
        target: cpu(3.0),
        kind: Kind::Clustered(2, || plans::on_servers(&[1], plans::queue8())),
    },
    Scenario {
        name: "cluster2_rr64",
        about: "rr64, the responder on another server than the requester",
        target: NO_WORSE,
        kind: Kind::RequestReply {
            in_flight: 64,
            servers: 2,
        },
    },
    Scenario {
        name: "cluster3_fan99",
        about: "one publisher to 99 subscribers with equal sids, 33 on each of three servers, 128 B",
        target: cpu(3.0),
        kind: Kind::Clustered(3, || plans::on_servers(&[0, 1, 2], plans::fan(99, false))),
    },
    Scenario {
        name: "cluster3_queue8",
        about: "queue8, half of the group on each of the two other servers",
        target: cpu(3.0),
        kind: Kind::Clustered(3, || plans::on_servers(&[1, 2], plans::queue8())),
    },
    Scenario {
        name: "hub_leaf",
        about: "1to1_128, the publisher on a hub and the subscriber on its leaf node; CPU is that of both",
        target: cpu(3.0),
        kind: Kind::Linked(First::Hub, || plans::on_servers(&[1], plans::pairs(1, 128))),
    },
    Scenario {
        name: "leaf_hub",
        about: "the same, the publisher on the leaf node",
        target: cpu(3.0),
        kind: Kind::Linked(First::Leaf, || plans::on_servers(&[1], plans::pairs(1, 128))),
    },
    Scenario {
        name: "hub_leaf64",
        about: "64to64_128, the publishers on a hub and the subscribers on its leaf node",
        target: cpu(3.0),
        kind: Kind::Linked(First::Hub, || plans::on_servers(&[1], plans::pairs(64, 128))),
    },
    Scenario {
        name: "gateway2_1to1",
        about: "1to1_128, the subscriber in another cluster than the publisher; CPU is that of both servers",
        target: cpu(3.0),
        kind: Kind::Bridged(|| plans::on_servers(&[1], plans::pairs(1, 128))),
    },
    Scenario {
        name: "gateway2_64to64",
        about: "64to64_128, the subscribers in another cluster than the publishers",
        target: cpu(3.0),
        kind: Kind::Bridged(|| plans::on_servers(&[1], plans::pairs(64, 128))),
    },
    Scenario {
        name: "gateway2_queue8",
        about: "queue8, the group in another cluster than the publisher",
        target: cpu(3.0),
        kind: Kind::Bridged(|| plans::on_servers(&[1], plans::queue8())),
    },
    Scenario {
        name: "lat50k",
        about: "one way, one publisher to one subscriber, paced 50,000 a second, 128 B",
        target: Target {
            rate_counts: false,
            ..NO_WORSE
        },
        kind: Kind::Paced { per_second: 50_000 },
    },
];

const CONNECTIONS: &[Scenario] = &[
    Scenario {
        name: "conn",
        about: "connect, CONNECT, PING, PONG, close; a message is a connection",
        target: NO_WORSE,
        kind: Kind::Connect,
    },
    Scenario {
        name: "idle10k",
        about: "10,000 idle connections with a subscription each; a message is a connection",
        target: Target {
            bytes_each: Some(3_072.0),
            rate_counts: false,
            ..NO_WORSE
        },
        kind: Kind::Idle { connections: 10_000 },
    },
];

impl Scenario {
    /// How often to run it in each round.
    pub fn runs_per_round(&self) -> usize {
        self.kind.runs_per_round()
    }

    /// How the server has to be set for it.
    pub fn setup(&self) -> Setup {
        self.kind.setup()
    }

    /// Runs it once on a server that has served nothing else.
    pub fn run(&self, server: &mut RunningServer, timing: Timing) -> Result<Measurement, BenchError> {
        self.kind.run(server, timing)
    }
}

#[cfg(test)]
mod tests;
