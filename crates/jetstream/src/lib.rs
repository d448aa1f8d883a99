//! What becomes of streams: what they are configured to be, what they take in, keep, let go and answer, as state machines
//! without clock, disk and network.

pub mod account;
pub mod api;
pub mod backup;
pub mod config;
pub mod consumer;
pub mod error;
pub mod header;
pub mod held;
mod json;
pub mod message;
pub mod stream;
pub mod time;
