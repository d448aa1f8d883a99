//! Clusters serve each other's clients by way of their gateways.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod crossing;
#[cfg(test)]
mod world;
