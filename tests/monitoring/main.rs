//! What the server shows over HTTP is true, and as tools made for nats-server expect it.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod closed;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod crowded;
#[cfg(test)]
mod dashboard;
#[cfg(test)]
mod health;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod others;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod subjectz;
#[cfg(test)]
mod subscriptions;
#[cfg(test)]
mod varz;
