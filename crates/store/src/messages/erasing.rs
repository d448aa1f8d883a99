//! Erasing: a message is deleted, and nothing of it is left in its segment. The log has it until its file is used again.
//!
//! After a crash the segment has to be what it was at the last checkpoint, as the log tells what has changed since. One that had
//! its footer then is, whatever is written over. Of others it is read from their records, so what is deleted of them is written
//! over when the next checkpoint says that it is.

use std::path::PathBuf;

use crate::disk::{Disk, Opening};
use crate::segment::{HEADER, erased};

use super::flushing::WriteError;
use super::{Cold, Messages, Part, Stage};

/// How many erasures wait for a checkpoint: where there are more, their segments are written anew.
const WAITING_AT_MOST: usize = 1024;

/// What is to be written over a message. Running it may take long.
#[derive(Debug)]
pub struct Erasure {
    segment: u64,
    path: PathBuf,
    seed: u32,
    offset: u64,
    length: u32,
    /// How far the sequence is from the segment's base.
    distance: u32,
}

/// What is to be erased, and when that may be.
#[derive(Debug, Default)]
pub(super) struct Erasures {
    /// Those that wait for the next checkpoint that is begun.
    waiting: Vec<Erasure>,
    /// Those that may be made.
    ready: Vec<Erasure>,
    /// Segments with lower numbers had their footers at the last checkpoint, but for the one that grew.
    before: u64,
    growing: Option<u64>,
}

impl Erasures {
    /// There is a checkpoint that was begun when so many waited, and when the next segment was to have that number.
    pub(super) fn checkpointed(&mut self, waited: usize, next_number: u64, growing: Option<u64>) {
        let waited = waited.min(self.waiting.len());
        self.ready.extend(self.waiting.drain(..waited));
        (self.before, self.growing) = (next_number, growing);
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// All there was is gone.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.ready.clear();
    }
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
            let bytes = erased(self.seed, self.length as usize, self.distance);
            file.write_at(self.offset, &bytes)?;
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
    /// written, or if it is in a block or is being written, or if too many wait, as then the next
    /// [`Compaction`](super::Compaction) writes its segment anew; nor if that may only be done [after a checkpoint](Self::take_erasures). None if there is no such message.
    ///
    /// # Errors
    ///
    /// What has to be read first.
    pub fn erase(&mut self, sequence: u64) -> Result<Option<(u64, Option<Erasure>)>, Cold> {
        let (mut erasing, mut had_footer) = (Erasing::Nothing, false);
        if let Some(place) = self.part_of(sequence) {
            self.touch(place)?;
            erasing = self.erasing(place, sequence);
            had_footer = self.had_footer(&self.parts[place]);
        }
        let number = self.part_of(sequence).map(|place| self.parts[place].number);
        let Some(size) = self.remove(sequence)? else {
            return Ok(None);
        };
        self.recent.clear();
        self.found.clear();
        let erasure = match erasing {
            Erasing::Nothing => None,
            Erasing::Over(erasure) if had_footer => Some(erasure),
            Erasing::Over(erasure) if self.erasures.waiting.len() < WAITING_AT_MOST => {
                self.erasures.waiting.push(erasure);
                None
            }
            Erasing::Over(_) | Erasing::Anew => {
                let part = self.parts.iter_mut().find(|part| Some(part.number) == number);
                part.into_iter().for_each(|part| part.has_erased = true);
                None
            }
        };
        Ok(Some((size, erasure)))
    }

    /// What may be written over since there is a checkpoint that says that it is deleted.
    pub fn take_erasures(&mut self) -> Vec<Erasure> {
        let mut ready = std::mem::take(&mut self.erasures.ready);
        ready.retain(|erasure| self.parts.iter().any(|part| part.number == erasure.segment));
        ready
    }

    /// Whether a segment had its footer at the last checkpoint.
    fn had_footer(&self, part: &Part) -> bool {
        let Erasures { before, growing, .. } = self.erasures;
        part.number < before && growing != Some(part.number) && !part.is_damaged
    }

    /// The segment that is to have no footer at a checkpoint that is begun now.
    pub(super) fn growing(&self) -> Option<u64> {
        let growing = self.parts.iter().find(|part| part.stage == Stage::Growing);
        growing.map(|part| part.number)
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
            segment: part.number,
            path: files.segment(part.number),
            seed,
            offset: HEADER as u64 + u64::from(start),
            length,
            distance: part.distance(sequence),
        })
    }
}
