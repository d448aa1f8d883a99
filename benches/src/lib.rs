//! Vagus beside other NATS servers: the load generator, the scenarios and the table.
//!
//! The generator speaks raw protocol from two threads, so that on a small machine most of the CPU is
//! left to the server under test. What is compared is the CPU time of the server's process, or of all of a cluster, for each
//! message; rates depend on what else the machine does.

pub mod arguments;
pub mod cluster;
pub mod connection;
pub mod consuming;
pub mod error;
pub mod flood;
pub mod frames;
pub mod host;
pub mod hostile;
pub mod inbound;
pub mod keeping;
pub mod measurement;
pub mod opening;
pub mod paced;
mod plans;
pub mod poller;
pub mod process;
pub mod publisher;
pub mod report;
pub mod round_trip;
pub mod scenarios;
pub mod server;
pub mod setup;
pub mod statistics;
pub mod storing;
pub mod subscriber;
pub mod summary;
pub mod table;
pub mod terminal;
pub mod tunnel;
