//! How scenarios are run.

use super::SIZE;
use crate::consuming::ConsumingPlan;
use crate::error::BenchError;
use crate::flood::{self, FloodPlan};
use crate::keeping::{self, KeepingPlan};
use crate::measurement::{Measurement, Timing};
use crate::server::RunningServer;
use crate::setup::{Durability, First, Setup};
use crate::storing::StoringPlan;
use crate::{consuming, opening, paced, round_trip, storing};

/// How often a scenario with few messages in flight runs in a round: its figures depend on which cores
/// the kernel happens to use, which a fresh process draws anew.
const PING_PONG_RUNS: usize = 3;

/// How a scenario is run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Flood(fn() -> FloodPlan),
    /// The same through TLS.
    Secured(fn() -> FloodPlan),
    /// The same through WebSocket.
    Framed(fn() -> FloodPlan),
    /// The same by a user with permissions.
    Permitted(fn() -> FloodPlan),
    /// The same from one account to another that imports it.
    Imported(fn() -> FloodPlan),
    /// The same in accounts of their own.
    InAccounts(fn() -> FloodPlan),
    /// The same on a cluster of so many servers.
    Clustered(usize, fn() -> FloodPlan),
    /// The same over a link between a hub and its leaf node.
    Linked(First, fn() -> FloodPlan),
    /// The same from one cluster to another.
    Bridged(fn() -> FloodPlan),
    RequestReply {
        in_flight: usize,
        servers: usize,
    },
    Echo {
        connections: usize,
    },
    /// Publishing to streams.
    Storing(StoringPlan, Durability),
    /// Consuming a stream that was filled before.
    Consuming(ConsumingPlan),
    /// Streams that nobody uses.
    Keeping(KeepingPlan),
    Paced {
        per_second: u64,
    },
    Connect,
    Idle {
        connections: usize,
    },
}

impl Kind {
    /// How often to run it in each round.
    pub(super) fn runs_per_round(&self) -> usize {
        match *self {
            Kind::RequestReply { .. } | Kind::Echo { .. } | Kind::Paced { .. } => PING_PONG_RUNS,
            Kind::Storing(..)
            | Kind::Consuming(_)
            | Kind::Keeping(_)
            | Kind::Flood(_)
            | Kind::Secured(_)
            | Kind::Framed(_)
            | Kind::Permitted(_)
            | Kind::Imported(_)
            | Kind::InAccounts(_)
            | Kind::Clustered(..)
            | Kind::Linked(..)
            | Kind::Bridged(_)
            | Kind::Connect
            | Kind::Idle { .. } => 1,
        }
    }

    /// How the server has to be set for it.
    pub(super) fn setup(&self) -> Setup {
        match *self {
            Kind::Secured(_) => Setup::Tls,
            Kind::Framed(_) => Setup::WebSocket,
            Kind::Permitted(_) => Setup::Permissions,
            Kind::Imported(_) => Setup::Imports,
            Kind::InAccounts(_) => Setup::Accounts,
            Kind::Consuming(_) | Kind::Keeping(_) => Setup::Streams(Durability::AsByDefault),
            Kind::Storing(_, durability) => Setup::Streams(durability),
            Kind::Clustered(servers, _) => Setup::Cluster(servers),
            Kind::Linked(first, _) => Setup::Leaf(first),
            Kind::Bridged(_) => Setup::Gateways,
            Kind::RequestReply { servers, .. } if servers > 1 => Setup::Cluster(servers),
            _ => Setup::Plain,
        }
    }

    /// Runs it once on a server that has served nothing else.
    pub(super) fn run(&self, server: &mut RunningServer, timing: Timing) -> Result<Measurement, BenchError> {
        match *self {
            Kind::Flood(plan)
            | Kind::Secured(plan)
            | Kind::Framed(plan)
            | Kind::Permitted(plan)
            | Kind::Imported(plan)
            | Kind::InAccounts(plan)
            | Kind::Clustered(_, plan)
            | Kind::Linked(_, plan)
            | Kind::Bridged(plan) => flood::run(&plan(), server, timing),
            Kind::RequestReply { in_flight, .. } => {
                round_trip::request_reply(in_flight, SIZE, server, timing)
            }
            Kind::Storing(plan, _) => storing::run(plan, server, timing),
            Kind::Consuming(plan) => consuming::run(plan, server, timing),
            Kind::Keeping(plan) => keeping::run(plan, server, timing),
            Kind::Echo { connections } => round_trip::echo(connections, SIZE, server, timing),
            Kind::Paced { per_second } => paced::run(per_second, SIZE, server, timing),
            Kind::Connect => opening::connect(server, timing),
            Kind::Idle { connections } => opening::idle(connections, server, timing),
        }
    }
}
