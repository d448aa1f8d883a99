//! What the actors show of themselves is true: monitoring and every other test rest on it.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod closed;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod hot_subjects;
#[cfg(test)]
mod interest;
#[cfg(test)]
mod traffic;
