//! The system account: what a server tells of itself there, and is asked.
//!
//! A [`SystemService`] lives in that account as a part of the server with one mailbox ([`run`] is its life, on a thread of
//! its own). What is asked is found out from the subject ([`topic`]), answered by `vagus-monitoring`, and wrapped
//! ([`envelope`]); what becomes of connections is told as events ([`events`]) where somebody is interested.

mod answering;
mod asked;
mod count;
mod envelope;
mod event_id;
mod events;
mod filter;
mod service;
mod statistics;
mod topic;
mod turns;

pub use service::{Farewells, SystemService, SystemServiceHandle, run};
