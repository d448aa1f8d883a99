//! Everything with a mailbox: connections, the router, subjects, queue groups.
//!
//! Publishers deliver by resolved routes that they hold, and leave bytes with the outboxes of connections;
//! the other actors decide which routes there are. None of them knows a wire language: a
//! [`connection::Session`] does.

mod arbiter;
pub mod connection;
pub mod flood;
pub mod history;
pub mod in_process;
mod interest;
pub mod lame_duck;
pub mod listener;
mod live;
mod mailbox;
mod moment;
pub mod monitor;
mod observatory;
mod operator;
mod outbox;
pub mod placement;
pub mod queue_group;
pub mod reception;
pub mod reload;
pub mod router;
mod slow_work;
pub mod subject;
mod supervision;

pub use arbiter::{Arbiter, Arbiters, HandOverTimes, HeldRoutes, LocalArbiter, Traffic, Workload};
pub use interest::Interest;
pub use live::Live;
pub use mailbox::Observe;
pub use monitor::Pending;
pub use observatory::{Observatory, ObservedConnection, ask_again};
pub use operator::Operator;
pub use outbox::{ConnectionId, Outbox, Traced};
pub use slow_work::SlowWork;

use actix::prelude::*;
use std::sync::Arc;

/// Begins the housekeeping of an arbiter: timers, statistics, caches. Call it on the arbiter's own thread.
pub fn keep_house(arbiter: LocalArbiter, interest: Arc<Interest>, router: Addr<router::Router>) {
    actix::spawn(arbiter::watch(arbiter.clone()));
    actix::spawn(arbiter::keep_house(arbiter, interest, router));
}
