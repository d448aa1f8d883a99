//! Compaction: segments of which most is deleted, or that are written otherwise than new ones would be, are written anew.

use std::path::PathBuf;

use roaring::RoaringBitmap;

use crate::disk::{Disk, Opening, write_durably};
use crate::segment::{Directory, SegmentError, SegmentFile, SegmentId, put_record, size_of};

use super::flushing::{Records, begin, footer, is_as_configured};
use super::{Messages, MessagesOptions, Part, Place, ReadError, Stage};

/// Segments shorter than this share of what they may have are put together.
const SMALL: u64 = 4;

/// Segments that are to be written anew, as one. Running it may take long; then the result goes to [`Messages::compacted`].
#[derive(Debug)]
pub struct Compaction {
    sources: Vec<Source>,
    place: Place,
    options: MessagesOptions,
    number: u64,
    base: u64,
}

#[derive(Debug)]
struct Source {
    id: SegmentId,
    path: PathBuf,
    file_end: u64,
    deleted: RoaringBitmap,
}

/// A segment that was written in place of others, durably.
#[derive(Debug)]
pub struct Compacted {
    part: Part,
    sources: Vec<u64>,
}

impl Compaction {
    /// Writes the new segment.
    ///
    /// # Errors
    ///
    /// What cannot be read or written. The old segments stay as they are: [`Messages::not_compacted`].
    pub fn run(&self, disk: &dyn Disk) -> Result<Compacted, ReadError> {
        let mut part = Part::growing(self.number, self.base);
        let mut directory = Directory::growing();
        let failed = |segment: u64| {
            move |source: SegmentError| ReadError {
                segment,
                sequence: None,
                source,
            }
        };
        let writing =
            begin(&self.place, &self.options, self.number, self.base).map_err(failed(self.number))?;
        let mut records = Records::new(&writing, 0, 0);
        for source in &self.sources {
            let copy = self.copy(disk, source, &mut part, &mut directory, &mut records);
            copy.map_err(failed(source.id.number))?;
        }
        let finish = || {
            let (mut bytes, end) = records.finish(&mut directory)?;
            part.file_end = end;
            part.length = u64::from(directory.written());
            let directory = directory.into_sealed();
            bytes.extend(footer(&writing, &directory, end)?);
            let file = disk.open(&self.place.segment(self.number), Opening::Emptied)?;
            write_durably(&*file, 0, &bytes)?;
            disk.sync_folder(&self.place.folder)?;
            Ok(directory)
        };
        let directory = finish().map_err(failed(self.number))?;
        part.records = directory.len() as u32;
        part.live = part.records;
        part.held_from = directory.len();
        part.directory = Some(directory);
        part.stage = Stage::Sealed;
        (part.key, part.is_packed) = (writing.header.key, writing.header.is_packed);
        Ok(Compacted {
            part,
            sources: self.sources.iter().map(|source| source.id.number).collect(),
        })
    }

    /// Copies what is not deleted of a segment. All of that has to be whole, or the segment stays.
    fn copy(
        &self,
        disk: &dyn Disk,
        source: &Source,
        part: &mut Part,
        directory: &mut Directory,
        records: &mut Records<'_>,
    ) -> Result<(), SegmentError> {
        let file = SegmentFile::open(disk, &source.path, self.place.keys.as_ref(), source.id)?;
        let old = file.directory()?;
        let is_wanted = |distance| !source.deleted.contains(distance);
        file.for_each(&old, source.file_end, is_wanted, |record, length| {
            let message = record.message;
            if record.is_erased {
                return Err(SegmentError::Damaged);
            }
            directory.add((message.sequence - self.base) as u32, &message.subject);
            records.put(directory, |out, writing| {
                put_record(out, writing.seed, writing.header.base, &message);
            })?;
            if part.live_bytes == 0 {
                part.began = message.timestamp;
            }
            part.last = message.sequence;
            part.live_bytes += size_of(length);
            Ok(())
        })
    }
}

impl Messages {
    /// Segments that should be written anew; None if there are none, or if some are being written already.
    pub fn compaction(&mut self) -> Option<Compaction> {
        let place = self.place.clone().filter(|_| !self.is_compacting)?;
        let is_candidate = |part: &Part| {
            let is_half_dead = part.live * 2 < part.records;
            let is_as_wanted = is_as_configured(part, &self.options, place.keys.as_ref()) && !part.has_erased;
            part.stage == Stage::Sealed && !part.is_damaged && (is_half_dead || !is_as_wanted)
        };
        let limit = u64::from(self.options.segment_size);
        let is_small = |part: &Part| {
            part.stage == Stage::Sealed && !part.is_damaged && part.length < limit / SMALL && part.live > 0
        };
        let joins = |part: &Part| is_candidate(part) || is_small(part);
        let run_from = |start: usize| {
            let base = self.parts[start].first.min(self.parts[start].last);
            let mut bytes = 0;
            let run = self.parts.iter().skip(start).take_while(|part| {
                let fits = bytes == 0 || bytes + part.live_bytes <= limit;
                bytes += part.live_bytes;
                fits && joins(part) && u32::try_from(part.last - base).is_ok()
            });
            run.count()
        };
        // One that is small gains nothing alone.
        let (start, length) = (0..self.parts.len())
            .filter(|start| joins(&self.parts[*start]))
            .map(|start| (start, run_from(start)))
            .find(|(start, length)| is_candidate(&self.parts[*start]) || *length > 1)?;
        let base = self.parts[start].first.min(self.parts[start].last);
        let sources: Vec<Source> = self
            .parts
            .iter()
            .skip(start)
            .take(length)
            .map(|part| Source {
                id: place.id(part),
                path: place.segment(part.number),
                file_end: part.file_end,
                deleted: part.deleted.clone(),
            })
            .collect();
        self.is_compacting = true;
        self.next_number += 1;
        Some(Compaction {
            sources,
            place,
            options: self.options,
            number: self.next_number - 1,
            base,
        })
    }

    /// The new segment takes the place of the old ones, whose files go with the next checkpoint.
    pub fn compacted(&mut self, compacted: Compacted) {
        self.is_compacting = false;
        let Compacted { mut part, sources } = compacted;
        // What was read from the old ones may be deleted, which the new one does not say.
        self.recent.clear();
        self.found.clear();
        let is_source = |part: &Part| sources.contains(&part.number);
        let Some(start) = self.parts.iter().position(is_source) else {
            // All of it was purged meanwhile.
            self.retired.push(part.number);
            return;
        };
        self.delete_what_was_deleted(&mut part, is_source);
        let mut place = start;
        while let Some(old) = self.parts.get(place) {
            if !sources.contains(&old.number) {
                break;
            }
            // Its messages are those of the new one.
            self.directories -= old.directory_memory();
            self.held -= old
                .held
                .iter()
                .filter(|held| !held.subject.is_empty())
                .map(|held| self.size(held))
                .sum::<u64>();
            self.retired.push(old.number);
            place += 1;
        }
        self.parts.drain(start..place);
        if part.live > 0 {
            self.directories += part.directory_memory();
            self.parts.insert(start, part);
            self.drop_directories(start);
        } else {
            self.retired.push(part.number);
        }
    }

    /// What was deleted since the new segment was begun is deleted in it, too.
    fn delete_what_was_deleted(&self, part: &mut Part, is_source: impl Fn(&Part) -> bool) {
        let live: u64 = self
            .parts
            .iter()
            .filter(|part| is_source(part))
            .map(|part| u64::from(part.live))
            .sum();
        let positions = if live == u64::from(part.live) {
            0
        } else {
            part.records as usize
        };
        for position in 0..positions {
            let Some(directory) = &part.directory else {
                return;
            };
            let sequence = part.base + u64::from(directory.sequence(position));
            let source = self.part_of(sequence).map(|place| &self.parts[place]);
            let is_live = source.is_some_and(|old| is_source(old) && !old.is_deleted(old.distance(sequence)));
            if !is_live {
                let size = part.size(position, true);
                part.delete(position, size);
            }
        }
        let first = part.directory.as_ref().and_then(|directory| {
            let mut distances = (0..directory.len()).map(|position| directory.sequence(position));
            distances.find(|distance| !part.is_deleted(*distance))
        });
        part.first = first.map_or(part.last + 1, |distance| part.base + u64::from(distance));
    }

    /// The segments could not be written anew.
    pub fn not_compacted(&mut self, error: &ReadError) {
        self.is_compacting = false;
        // If something is damaged it would not be otherwise the next time.
        let is_damaged = matches!(error.source, SegmentError::Damaged);
        let parts = self
            .parts
            .iter_mut()
            .filter(|part| part.number == error.segment && is_damaged);
        parts.for_each(|part| part.is_damaged = true);
    }
}
