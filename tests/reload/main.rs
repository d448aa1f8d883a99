//! A server is set otherwise while it runs: all of what is asked for, or nothing.

#![allow(clippy::unwrap_used)] // What cannot be set up is no test.

mod advertised;
mod all_or_nothing;
mod certificates;
mod connections;
mod file;
mod limits;
mod log;
mod over_http;
mod permissions;
mod signal_command;
mod soak;
mod users;
