//! A bad peer costs only itself: afterwards the server serves, and nothing of the peer is left.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod half_closed;
#[cfg(test)]
mod junk;
#[cfg(test)]
mod lines;
#[cfg(test)]
mod panics;
#[cfg(test)]
mod random;
#[cfg(test)]
mod storms;
#[cfg(test)]
mod unfinished;
#[cfg(test)]
mod wide;
