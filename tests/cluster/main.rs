//! Servers of one cluster serve each other's clients.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod compression;
#[cfg(test)]
mod interest;
#[cfg(test)]
mod joining;
#[cfg(test)]
mod lame_duck;
#[cfg(test)]
mod latency;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod pools;
#[cfg(test)]
mod publishing;
#[cfg(test)]
mod queue_groups;
#[cfg(test)]
mod raw;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod resetting;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod slow;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod system;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod tracing;
#[cfg(test)]
mod world;
