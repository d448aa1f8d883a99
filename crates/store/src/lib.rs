//! What streams keep, on disk and in memory.
//!
//! The entries of all streams go through one write-ahead log ([`wal`]): what it says is durable, is. Every byte goes through
//! a [`Disk`]. Nothing here knows a clock or a runtime; what may take long is a step or a job that somebody else carries out.

#[allow(dead_code, reason = "segments use the rest of it")]
pub mod disk;
#[allow(dead_code, reason = "segments use the rest of it")]
mod encryption;
#[allow(dead_code, reason = "segments use the rest of it")]
mod fields;
pub mod wal;

pub use disk::{Disk, DiskFile, RealDisk};
pub use encryption::{Cipher, EncryptionError, Keys};
