//! What authorities say of certificates: of the server's, which peers are told, and of peers', which decides.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod gateways;
#[cfg(test)]
mod links;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod stapled;
#[cfg(test)]
mod world;
