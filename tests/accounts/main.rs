//! Accounts share a server and what they say: what is published in one is delivered in another only where that imports it.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod belonging;
#[cfg(test)]
mod denied;
#[cfg(test)]
mod idle;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod latency;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod many;
#[cfg(test)]
mod neighbours;
#[cfg(test)]
mod service_imports;
#[cfg(test)]
mod stream_imports;
#[cfg(test)]
mod world;
