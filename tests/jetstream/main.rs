//! Streams, as clients see them.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod audited;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod backup_commands;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod consumers;
#[cfg(test)]
mod disk_failure;
#[cfg(test)]
mod durable;
#[cfg(test)]
mod handed_over;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod large_questions;
#[cfg(test)]
mod logged;
#[cfg(test)]
mod measured;
#[cfg(test)]
mod monitored;
#[cfg(test)]
mod order_per_subject;
#[cfg(test)]
mod over_http;
mod own_writes;
#[cfg(test)]
mod queue_limits;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod silence;
#[cfg(test)]
mod sourcing;
#[cfg(test)]
mod switched;
#[cfg(test)]
mod system_account;
#[cfg(test)]
mod world;
