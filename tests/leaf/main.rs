//! Leaf nodes and their hubs serve each other's clients.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod clusters;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod links;
#[cfg(test)]
mod mapping;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod raw;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod tracing;
#[cfg(test)]
mod websocket;
#[cfg(test)]
mod world;
