//! Deleting and purging.

use super::{Cold, Messages, Stage};
use crate::messages::part::Part;
use crate::subjects::Subjects;
use std::collections::VecDeque;

/// So many subjects lose some messages in no more time than others may be made to wait.
const FEW: usize = 2048;

/// What was purged, and whether that was all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// How many messages.
    pub messages: u64,
    /// How much they counted.
    pub bytes: u64,
    /// Whether nothing is left to be purged.
    pub is_done: bool,
}

/// What was in memory of messages that are gone.
#[derive(Debug)]
pub struct Leftovers {
    _parts: VecDeque<Part>,
    _subjects: Subjects,
}

impl Messages {
    /// Deletes the message with a sequence. Returns how much it counted; None if there is none.
    ///
    /// # Errors
    ///
    /// What has to be read first.
    pub fn remove(&mut self, sequence: u64) -> Result<Option<u64>, Cold> {
        if sequence < self.first {
            return Ok(None);
        }
        let Some(place) = self.part_of(sequence) else {
            return Ok(None);
        };
        let distance = self.parts[place].distance(sequence);
        if self.parts[place].is_deleted(distance) {
            return Ok(None);
        }
        self.touch(place)?;
        let found = self.parts[place]
            .directory
            .as_ref()
            .and_then(|directory| directory.find(distance).ok());
        let Some(position) = found else {
            return Ok(None);
        };
        let size = self.remove_at(place, position);
        if self.place.is_none() {
            self.compact_in_memory(place);
        }
        self.drop_if_empty(place);
        self.advance_first();
        Ok(Some(size))
    }

    fn remove_at(&mut self, place: usize, position: usize) -> u64 {
        let part = &mut self.parts[place];
        let size = part.size(position, self.place.is_some());
        if let Some(directory) = &part.directory {
            let sequence = part.base + u64::from(directory.sequence(position));
            self.subjects.remove(&directory.subject(position), sequence);
        }
        if part.held(position).is_some() {
            self.held -= size;
        }
        part.delete(position, size);
        self.messages -= 1;
        self.bytes -= size;
        size
    }

    /// Deletes messages before a sequence: those of one segment at a time, so that it is to be called until it is done.
    ///
    /// # Errors
    ///
    /// What has to be read first.
    pub fn purge_to(&mut self, sequence: u64) -> Result<Purged, Cold> {
        if sequence > self.last {
            return Ok(self.purge());
        }
        let mut purged = Purged {
            is_done: true,
            ..Purged::default()
        };
        if self.first >= sequence || self.parts.is_empty() {
            return Ok(purged);
        }
        self.touch(0)?;
        let (messages, bytes) = (self.messages, self.bytes);
        let part = &self.parts[0];
        if part.last < sequence {
            self.purge_part(0);
        } else {
            let positions = match part
                .directory
                .as_ref()
                .map(|directory| directory.find(part.distance(sequence)))
            {
                Some(Ok(end) | Err(end)) => 0..end,
                None => 0..0,
            };
            for position in positions {
                let part = &self.parts[0];
                let distance = part
                    .directory
                    .as_ref()
                    .map(|directory| directory.sequence(position));
                if distance.is_some_and(|distance| !part.is_deleted(distance)) {
                    self.remove_at(0, position);
                }
            }
            self.purge_lost(sequence);
            self.drop_if_empty(0);
        }
        self.advance_first();
        purged.messages = messages - self.messages;
        purged.bytes = bytes - self.bytes;
        purged.is_done = self.first >= sequence;
        Ok(purged)
    }

    /// Deletes what there is of the first segment, if that ends at a sequence or before it, and so many messages with so many bytes
    /// may go: only if they are of few subjects, so that it costs no more than some single messages. Returns how many these were.
    ///
    /// # Errors
    ///
    /// What has to be read first.
    pub fn purge_beginning(
        &mut self,
        up_to: u64,
        may_go: &dyn Fn(u64, u64) -> bool,
    ) -> Result<Option<(u64, u64)>, Cold> {
        let may_go = |part: &Part| {
            let is_complete = part.stage != Stage::Growing && part.last <= up_to;
            is_complete && may_go(part.live.into(), part.live_bytes)
        };
        if !self.parts.front().is_some_and(may_go) {
            return Ok(None);
        }
        self.touch(0)?;
        let directory = self.parts[0].directory.as_ref();
        if directory.is_none_or(|directory| directory.subject_count() > FEW) {
            return Ok(None);
        }
        let gone = self.purge_part(0);
        self.advance_first();
        Ok(Some(gone))
    }

    /// Deletes all there is of a segment.
    fn purge_part(&mut self, place: usize) -> (u64, u64) {
        self.forget_subjects(place);
        let part = &self.parts[place];
        let gone = (part.live.into(), part.live_bytes);
        self.messages -= gone.0;
        self.bytes -= gone.1;
        self.drop_part(place);
        gone
    }

    /// Lets go of what the first part has lost before a sequence, as no record of it is left that could be deleted. How much
    /// of that it was is known of all that is lost alone, and a share of it is taken.
    fn purge_lost(&mut self, sequence: u64) {
        let part = &mut self.parts[0];
        let Some(directory) = part.directory.as_ref().filter(|_| part.first < sequence) else {
            return;
        };
        let is_known = |distance: &u32| part.deleted.contains(*distance) || directory.find(*distance).is_ok();
        let purged = part.distance(part.first)..part.distance(sequence);
        let gaps = purged.clone().filter(|distance| !is_known(distance)).count();
        let live = (0..directory.len()).filter(|position| !part.is_deleted(directory.sequence(*position)));
        let (mut lost, mut lost_bytes) = (part.live, part.live_bytes);
        for position in live {
            lost = lost.saturating_sub(1);
            lost_bytes = lost_bytes.saturating_sub(part.size(position, self.place.is_some()));
        }
        let gone = lost.min(u32::try_from(gaps).unwrap_or(lost));
        let bytes = match gone == lost {
            true => lost_bytes,
            false => lost_bytes / u64::from(lost) * u64::from(gone),
        };
        part.first = (directory.find(purged.end).unwrap_or_else(|next| next)..directory.len())
            .map(|position| directory.sequence(position))
            .find(|distance| !part.is_deleted(*distance))
            .map_or(part.last + 1, |distance| part.base + u64::from(distance));
        if gone < lost {
            part.first = sequence;
        }
        part.deleted.insert_range(purged);
        part.live -= gone;
        part.live_bytes -= bytes;
        self.messages -= u64::from(gone);
        self.bytes -= bytes;
    }

    /// Deletes everything, whatever it is: it costs the segments.
    pub fn purge(&mut self) -> Purged {
        self.take_all().0
    }

    /// The same, for who wants to let go of the memory elsewhere: of millions of messages and subjects that takes long.
    pub fn take_all(&mut self) -> (Purged, Leftovers) {
        let purged = Purged {
            messages: self.messages,
            bytes: self.bytes,
            is_done: true,
        };
        if self.place.is_some() {
            self.retired.extend(self.parts.iter().map(|part| part.number));
        }
        let leftovers = Leftovers {
            _parts: std::mem::take(&mut self.parts),
            _subjects: std::mem::take(&mut self.subjects),
        };
        self.recent.clear();
        self.found.clear();
        self.erasures.clear();
        (self.messages, self.bytes, self.held, self.directories) = (0, 0, 0, 0);
        self.first = self.last + 1;
        (purged, leftovers)
    }

    /// The messages of a part are gone: none of them counts for its subject.
    fn forget_subjects(&mut self, place: usize) {
        if let Some(directory) = &self.parts[place].directory {
            directory.for_each_name(|number, name| match directory.live_of(number) {
                0 => {}
                live => self.subjects.remove_first(name, live as u32),
            });
        }
    }

    /// A part of which nothing is left goes, but for the one that grows.
    fn drop_if_empty(&mut self, place: usize) {
        let Some(part) = self.parts.get(place) else {
            return;
        };
        if part.live == 0 && part.stage != Stage::Growing {
            self.drop_part(place);
        }
    }

    pub(super) fn drop_part(&mut self, place: usize) {
        if let Some(part) = self.parts.remove(place) {
            self.directories -= part.directory_memory();
            let held = part.held.iter().filter(|message| !message.subject.is_empty());
            let held: u64 = held.map(|message| self.size(message)).sum();
            self.held -= held;
            if self.place.is_some() {
                self.retired.push(part.number);
            }
        }
    }

    /// The first message may be gone.
    fn advance_first(&mut self) {
        let first = self
            .parts
            .iter()
            .find(|part| part.live > 0)
            .map(|part| part.first);
        self.first = first.unwrap_or(self.last + 1);
    }
}
