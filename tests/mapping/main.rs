//! Messages go on on the subjects that their account maps theirs to.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod changed;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod published;
#[cfg(test)]
mod shared_out;
#[cfg(test)]
mod traced;

/// A client that is told when nobody answers.
#[cfg(test)]
const CONNECT: &str = r#"{"verbose":false,"pedantic":false,"headers":true,"no_responders":true}"#;
