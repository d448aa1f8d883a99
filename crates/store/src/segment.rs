//! Segments: files of messages of one stream, in order of sequences. They are written when it suits, behind the log; once
//! the log has dropped an entry, its segment is the only copy.

mod block;
mod directory;
mod footer;
mod header;
mod numbers;
mod reading;
mod record;

pub(crate) use block::{Packing, is_whole, put_block, read_block};
pub(crate) use directory::{Directory, Extract, Matching};
pub(crate) use footer::put_footer;
pub(crate) use header::{HEADER, SegmentHeader, SegmentId};
pub(crate) use reading::SegmentFile;
pub(crate) use record::{Record, erased, length_of, put_record, read_record, size_of};

use crate::encryption::EncryptionError;

/// What a segment could not be read for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// What is there is not what was written.
    #[error("damaged")]
    Damaged,
    /// It was written by a version of the store that came later.
    #[error("a segment of a later version")]
    Unknown,
    /// It could not be sealed or opened.
    #[error(transparent)]
    Encryption(#[from] EncryptionError),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] std::io::Error),
}
