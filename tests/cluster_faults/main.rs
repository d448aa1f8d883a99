//! A cluster is whole again by itself after whatever happens to its processes and its network: interest is exact, and
//! nothing is delivered twice or out of order.
//!
//! Servers are processes, each on a machine of a network of its own, which takes root. Clients are on the machine of their
//! server, so that nothing but routes passes through what is cut, slowed down or made to lose packets.
//!
//! All of it can be tried with one server of another make among them: `MIXED_WITH=/usr/sbin/nats-server make test-mixed`.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod cut_off;
#[cfg(test)]
mod distant;
#[cfg(test)]
mod flapping;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod lossy;
#[cfg(test)]
mod mesh;
#[cfg(test)]
mod network;
#[cfg(test)]
mod of_clusters;
#[cfg(test)]
mod restarted;
#[cfg(test)]
mod rolling;
#[cfg(test)]
mod slow;
#[cfg(test)]
mod stopped;
#[cfg(test)]
mod traffic;
