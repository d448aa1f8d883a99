//! What streams keep, on disk and in memory.
//!
//! The entries of all streams go through one write-ahead log ([`wal`]): what it says is durable, is. Every byte goes through
//! a [`Disk`]. Nothing here knows a clock or a runtime; what may take long is a step or a job that somebody else carries out.

pub mod disk;
mod encryption;
mod envelope;
mod fields;
mod layout;
mod message;
pub mod messages;
mod segment;
mod store;
mod subjects;
mod turns;
pub mod wal;

pub use disk::{Disk, DiskFile, RealDisk, is_full};
pub use encryption::{Cipher, EncryptionError, Keys};
pub use message::Message;
pub use segment::SegmentError;
pub use store::{
    FoundStream, Quarantined, Reason, Reserve, Space, SpaceChange, SpaceLimits, Store, StoreError,
    StoreOptions, StreamIdentity, StreamPlace, Streams,
};
pub use subjects::{SubjectCursor, SubjectState, Totals};
pub use turns::{BEHIND_AT_MOST, CHECKPOINTS_AT_ONCE, CheckpointTurns};
