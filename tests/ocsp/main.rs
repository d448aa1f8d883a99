//! What authorities say of certificates: of the server's, which clients are told, and of clients', which decides.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod peers;
#[cfg(test)]
mod stapled;
