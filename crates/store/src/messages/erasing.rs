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

/// How a message is erased.
enum Erasing {
    /// It was never written.
    Nothing,
    Over(Erasure),
    /// By writing its segment anew.
    Anew,
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
    /// written, or if it is in a block or is being written, as then the next [`Compaction`](super::Compaction) writes its
    /// segment anew. None if there is no such message.
    ///
    /// # Errors
    ///
    /// What has to be read first.
    pub fn erase(&mut self, sequence: u64) -> Result<Option<(u64, Option<Erasure>)>, Cold> {
        let mut erasing = Erasing::Nothing;
        if let Some(place) = self.part_of(sequence) {
            self.touch(place)?;
            erasing = self.erasing(place, sequence);
        }
        let number = self.part_of(sequence).map(|place| self.parts[place].number);
        let Some(size) = self.remove(sequence)? else {
            return Ok(None);
        };
        self.recent.clear();
        self.found.clear();
        let erasure = match erasing {
            Erasing::Nothing => None,
            Erasing::Over(erasure) => Some(erasure),
            Erasing::Anew => {
                let part = self.parts.iter_mut().find(|part| Some(part.number) == number);
                part.into_iter().for_each(|part| part.has_erased = true);
                None
            }
        };
        Ok(Some((size, erasure)))
    }

    fn erasing(&self, place: usize, sequence: u64) -> Erasing {
        let part = &self.parts[place];
        let (Some(files), Some(directory)) = (&self.place, &part.directory) else {
            return Erasing::Nothing;
        };
        let found = directory.find(part.distance(sequence)).ok();
        let range = found.and_then(|position| directory.range(position));
        let (Some(position), Some((start, length))) = (found, range.filter(|(_, length)| *length > 0)) else {
            return Erasing::Nothing;
        };
        // What is being written would be written over what erases it.
        if part.is_packed || self.is_writing && part.held(position).is_some() {
            return Erasing::Anew;
        }
        let seed = match (&part.writing, part.stage) {
            (Some(writing), Stage::Growing | Stage::Complete) => writing.seed,
            // It follows from what the header says.
            _ => part.seed(files.incarnation),
        };
        Erasing::Over(Erasure {
            path: files.segment(part.number),
            offset: HEADER as u64 + u64::from(start),
            bytes: erased(seed, length as usize, part.distance(sequence)),
        })
    }
}
