//! Clients that speak WebSocket are clients as any other, and whatever else comes to their port costs only itself.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod client;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod compression;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod login;
#[cfg(test)]
mod program;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod upgrade;
