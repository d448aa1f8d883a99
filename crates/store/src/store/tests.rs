use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::disk::{Faults, SimulatedDisk};
use crate::encryption::Cipher;
use crate::message::Message;
use crate::messages::{Checkpoint, Compaction, Position};
use crate::wal::{Importance, Lsn, Wal, WalFiles};

mod errors;
mod folders;
mod lies;
mod power_cuts;
mod turns;
mod world;

use world::World;

/// So many seeds, or as many as `STORE_SEEDS` says, from `STORE_FIRST_SEED` on.
fn seeds(count: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse().ok());
    let first = number("STORE_FIRST_SEED").unwrap_or(0);
    first..first + number("STORE_SEEDS").unwrap_or(count)
}

/// Says which seed it was.
struct Context(u64);

impl Drop for Context {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("seed {}", self.0);
        }
    }
}
