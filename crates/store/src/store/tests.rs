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
mod power_cuts;
mod world;

use world::World;
