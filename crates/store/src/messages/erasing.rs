//! Erasing: a message is deleted, and nothing of it is left in its segment. The log has it until its file is used again.

use std::path::PathBuf;

use crate::disk::{Disk, Opening};
use crate::segment::{HEADER, erased};

use super::flushing::WriteError;
use super::{Cold, Messages, Stage};

/// What is to be written over a message. Running it may take long.
#[derive(Debug)]
pub struct Erasure {
    path: PathBuf,
    offset: u64,
    bytes: Vec<u8>,
}

impl Erasure {
    /// Writes over it, durably.
    ///
    /// # Errors
    ///
    /// Those of the disk. The message is deleted, but what it said may still be in the file.
    pub fn run(&self, disk: &dyn Disk) -> Result<(), WriteError> {
        let write = || {
            let file = disk.open(&self.path, Opening::Existing)?;
            file.write_at(self.offset, &self.bytes)?;
            file.sync()
        };
        write().map_err(|source| WriteError {
            path: self.path.clone(),
            source: source.into(),
        })
    }
}

impl Messages {
    /// Deletes a message for good. Returns how much it counted, and what is to be written over it: nothing if it was never
    /// written, or if it is in a block, whose segment the next [`Compaction`](super::Compaction) writes anew. None if there is
    /// no such message.
    ///
    /// # Errors
    ///
    /// What has to be read first.
    pub fn erase(&mut self, sequence: u64) -> Result<Option<(u64, Option<Erasure>)>, Cold> {
        let erasure = match self.part_of(sequence) {
            Some(place) => {
                self.touch(place)?;
                self.erasure(place, sequence)
            }
            None => None,
        };
        let number = self.part_of(sequence).map(|place| self.parts[place].number);
        let Some(size) = self.remove(sequence)? else {
            return Ok(None);
        };
        self.recent.clear();
        if let Some(part) = self.parts.iter_mut().find(|part| Some(part.number) == number) {
            part.has_erased |= part.is_packed;
        }
        Ok(Some((size, erasure)))
    }

    fn erasure(&self, place: usize, sequence: u64) -> Option<Erasure> {
        let part = &self.parts[place];
        let files = self.place.as_ref()?;
        let directory = part.directory.as_ref()?;
        let position = directory.find(part.distance(sequence)).ok()?;
        let (start, length) = directory.range(position).filter(|(_, length)| *length > 0)?;
        if part.is_packed {
            return None;
        }
        let seed = match (&part.writing, part.stage) {
            (Some(writing), Stage::Growing | Stage::Complete) => writing.seed,
            // It follows from what the header says.
            _ => part.seed(files.incarnation),
        };
        Some(Erasure {
            path: files.segment(part.number),
            offset: HEADER as u64 + u64::from(start),
            bytes: erased(seed, length as usize, part.distance(sequence)),
        })
    }
}
