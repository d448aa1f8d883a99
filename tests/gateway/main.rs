//! Clusters serve each other's clients by way of their gateways.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod admission;
#[cfg(test)]
mod crossing;
#[cfg(test)]
mod dialling;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod nearest;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod raw;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod services;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod tracing;
#[cfg(test)]
mod world;
