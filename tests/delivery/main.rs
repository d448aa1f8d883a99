//! What is published arrives: in order, as often as it was asked for, byte for byte.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod numbered;
#[cfg(test)]
mod order;
