//! Scrubbing: reading what nobody asks for, so that damage is known before it matters.

use std::path::PathBuf;

use crate::disk::Disk;
use crate::encryption::Keys;
use crate::segment::{SegmentError, SegmentFile, SegmentId};

use super::{Messages, ReadError, Stage};

/// A segment that is to be read. Running it may take long.
#[derive(Debug)]
pub struct Scrub {
    id: SegmentId,
    path: PathBuf,
    keys: Option<Keys>,
    end: u64,
    records: u32,
}

impl Scrub {
    /// Reads all of it. Returns how many bytes that were.
    ///
    /// # Errors
    ///
    /// What is damaged, and what the disk cannot read.
    pub fn run(&self, disk: &dyn Disk) -> Result<u64, ReadError> {
        let read = || {
            let file = SegmentFile::open(disk, &self.path, self.keys.as_ref(), self.id)?;
            let directory = file.directory()?;
            let scanned = file.scan(self.end)?;
            let written = (0..directory.len()).filter(|position| {
                let range = directory.range(*position);
                range.is_some_and(|(_, length)| length > 0)
            });
            let is_whole = !scanned.is_damaged && scanned.directory.len() == written.count();
            if !is_whole || directory.len() != self.records as usize {
                return Err(SegmentError::Damaged);
            }
            Ok(self.end)
        };
        read().map_err(|source| ReadError {
            segment: self.id.number,
            sequence: None,
            source,
        })
    }
}

impl Messages {
    /// The segment to be read after that of a number, of those to which nothing is added any more; None behind the last.
    #[must_use]
    pub fn scrub(&self, after: u64) -> Option<(u64, Scrub)> {
        let place = self.place.as_ref()?;
        let sealed = self
            .parts
            .iter()
            .filter(|part| part.stage == Stage::Sealed && part.number > after);
        let part = sealed.min_by_key(|part| part.number)?;
        let scrub = Scrub {
            id: place.id(part),
            path: place.segment(part.number),
            keys: place.keys.clone(),
            end: part.file_end,
            records: part.records,
        };
        Some((part.number, scrub))
    }
}
