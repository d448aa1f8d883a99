//! Lumberjack: Beats bring events, Logstash is brought them.

mod bringing;
mod brought;

pub use bringing::{LumberjackOut, LumberjackParcel, LumberjackServer};
pub use brought::{LumberjackEvents, LumberjackIn, LumberjackPeer};
