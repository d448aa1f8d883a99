//! The promises of a NATS server, as async-nats, the official Rust client, sees them.
//!
//! Every test starts a server of its own: this package's binary, or, to compare, the one named in
//! `VAGUS_TEST_SERVER`. `run` beside this file asks the same of the official Python client.

#[cfg(test)]
mod access;
#[cfg(test)]
mod draining;
#[cfg(test)]
mod headers;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod publish_subscribe;
#[cfg(test)]
mod queue_groups;
#[cfg(test)]
mod reconnecting;
#[cfg(test)]
mod requests_and_replies;
#[cfg(test)]
mod server;
