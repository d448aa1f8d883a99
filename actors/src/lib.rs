//! Everything with a mailbox: connections, the router, subjects, queue groups.
//!
//! Publishers deliver by resolved fan-outs that they hold, and leave bytes with the outboxes of connections
//! (`vagus_delivery`); the other actors decide which fan-outs there are. None of them reads a wire language: a
//! [`connection::Session`] does, and what is delivered is encoded in `vagus_delivery`.

mod accounts;
mod agreed;
pub mod asking;
pub mod claimed_accounts;
pub mod cluster;
pub mod connection;
pub mod connection_events;
pub mod connectors;
pub mod dialling;
pub mod flood;
pub mod gateways;
pub mod history;
mod housekeeping;
pub mod impact;
pub mod in_process;
pub mod jetstream;
pub mod lame_duck;
pub mod leafnodes;
pub mod listener;
pub mod logins;
mod mailbox;
pub mod monitor;
mod observatory;
pub mod observed;
mod operator;
pub mod placement;
pub mod queue_group;
pub mod reception;
pub mod reload;
pub mod router;
pub mod sharing;
mod slow_work;
pub mod subject;
mod system_services;

pub use accounts::{AccountNews, Accounts, RoutedAccount};
pub use housekeeping::keep_house;
pub use mailbox::Observe;
pub use monitor::Pending;
pub use observatory::{
    Interested, Monitors, Observatory, ObservedCluster, ObservedConnection, ObservedGateways,
    ObservedLeafNodes, ask_again,
};
pub use operator::Operator;
pub use slow_work::SlowWork;
pub use system_services::add_system_services;
