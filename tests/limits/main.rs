//! Every limit holds, is told in nats-server's words where it tells, and costs nothing where it is kept to.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod access;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod pings;
#[cfg(test)]
mod sizes;
#[cfg(test)]
mod slow_consumers;
#[cfg(test)]
mod subscriptions;
#[cfg(test)]
mod vouched_for;
