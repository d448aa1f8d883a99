//! From the start of a server to its end: how many it carries, where it listens, and how it stops.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod idle;
#[cfg(test)]
mod lame_duck;
#[cfg(test)]
mod log;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod process;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod two_servers;
