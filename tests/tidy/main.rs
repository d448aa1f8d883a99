//! The house is in order: its rings, its manifests and its files.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod circles;
#[cfg(test)]
mod files;
#[cfg(test)]
mod manifests;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod rings;
