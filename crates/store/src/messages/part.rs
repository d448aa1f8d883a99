//! A segment of a stream, as it is known in memory.

use std::collections::VecDeque;

use roaring::RoaringBitmap;

use crate::encryption::KeyId;
use crate::message::Message;
use crate::segment::{Directory, Packing, SegmentHeader, length_of, size_of};

/// No record is longer, so that all places in a segment are told in 32 bits.
pub(crate) const RECORD_AT_MOST: u32 = 1 << 30;

/// How far a segment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Messages are added to it.
    Growing,
    /// None are; not all of it is written, or it has no footer.
    Complete,
    /// All of it is written, with its footer.
    Sealed,
}

/// What is needed to write a segment.
#[derive(Clone, Debug)]
pub(crate) struct Writing {
    pub(crate) header: SegmentHeader,
    pub(crate) seed: u32,
    pub(crate) packing: Packing,
}

/// A directory as it is in a footer, and the numbers that its subjects had before.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) directory: Directory,
    pub(crate) order: Vec<u32>,
}

#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) number: u64,
    /// Sequences are counted from here on.
    pub(crate) base: u64,
    /// The first that is not deleted, or behind the last if all are.
    pub(crate) first: u64,
    /// The last, deleted or not.
    pub(crate) last: u64,
    /// When the first was stored.
    pub(crate) began: u64,
    /// How many there are, deleted or not.
    pub(crate) records: u32,
    pub(crate) live: u32,
    /// How much those count that are not deleted.
    pub(crate) live_bytes: u64,
    /// How long all records are, if none are in blocks, those that are not written included.
    pub(crate) length: u64,
    /// How far the sequences of those that are deleted are from the base.
    pub(crate) deleted: RoaringBitmap,
    pub(crate) stage: Stage,
    /// Behind the last record in the file; 0 as long as there is no file.
    pub(crate) file_end: u64,
    pub(crate) key: KeyId,
    pub(crate) is_packed: bool,
    /// Some of it could not be read; it is left as it is.
    pub(crate) is_damaged: bool,
    /// Something in one of its blocks was erased: it has to be written anew.
    pub(crate) has_erased: bool,
    /// How many bytes are written that may not be durable.
    pub(crate) unsynced: usize,
    pub(crate) writing: Option<Writing>,
    /// There unless the segment is sealed and nobody has asked for it for a while.
    pub(crate) directory: Option<Directory>,
    /// When it was used last.
    pub(crate) used: u64,
    /// Messages in memory, from that position on. Of those that are deleted nothing is left.
    pub(crate) held: VecDeque<Message>,
    pub(crate) held_from: usize,
}

impl Part {
    pub(crate) fn growing(number: u64, base: u64) -> Self {
        Self {
            number,
            base,
            first: base,
            last: base,
            began: 0,
            records: 0,
            live: 0,
            live_bytes: 0,
            length: 0,
            deleted: RoaringBitmap::new(),
            stage: Stage::Growing,
            file_end: 0,
            key: KeyId::default(),
            is_packed: false,
            is_damaged: false,
            has_erased: false,
            unsynced: 0,
            writing: None,
            directory: Some(Directory::growing()),
            used: 0,
            held: VecDeque::new(),
            held_from: 0,
        }
    }

    /// Whether the message with this sequence may be added.
    pub(crate) fn grows(&self, sequence: u64, size: u32) -> bool {
        self.stage == Stage::Growing
            && self.length < u64::from(size)
            && u32::try_from(sequence - self.base).is_ok()
    }

    /// What checksums of its records begin with, if it is neither compressed nor sealed.
    pub(crate) fn seed(&self, incarnation: u64) -> u32 {
        let header = SegmentHeader {
            incarnation,
            number: self.number,
            base: self.base,
            is_packed: false,
            key: KeyId::default(),
            salt: Default::default(),
        };
        header.seed()
    }

    /// Whether every sequence from the first to the last was that of a record, as far as is known.
    pub(crate) fn is_dense(&self) -> bool {
        !self.is_damaged && u64::from(self.records) == self.last - self.base + 1
    }

    pub(crate) fn distance(&self, sequence: u64) -> u32 {
        (sequence - self.base) as u32
    }

    pub(crate) fn is_deleted(&self, distance: u32) -> bool {
        !self.deleted.is_empty() && self.deleted.contains(distance)
    }

    /// Adds a message that counts so much.
    pub(crate) fn add(&mut self, message: Message, size: u64) {
        let distance = self.distance(message.sequence);
        if self.live == 0 {
            self.first = message.sequence;
        }
        if self.records == 0 {
            self.began = message.timestamp;
        }
        self.last = message.sequence;
        self.records += 1;
        self.live += 1;
        self.live_bytes += size;
        self.length += length_of(&message) as u64;
        if let Some(directory) = &mut self.directory {
            directory.add(distance, &message.subject);
        }
        self.held.push_back(message);
    }

    /// How many bytes of records are not written.
    pub(crate) fn unwritten(&self) -> u64 {
        match (self.stage, &self.directory) {
            (Stage::Growing | Stage::Complete, Some(directory)) => {
                self.length - u64::from(directory.written())
            }
            _ => 0,
        }
    }

    /// Positions before are on disk alone. What is in memory may not be written yet, though it has a place.
    pub(crate) fn let_go_of(&self, directory: &Directory) -> usize {
        match self.held.is_empty() {
            true => directory.placed(),
            false => self.held_from,
        }
    }

    pub(crate) fn held(&self, position: usize) -> Option<&Message> {
        self.held.get(position.checked_sub(self.held_from)?)
    }

    /// By how much the message at a position counts, whether it is in memory or on disk.
    pub(crate) fn size(&self, position: usize, on_disk: bool) -> u64 {
        match self.held(position) {
            Some(message) if on_disk => message.size_on_disk(),
            Some(message) => message.size_in_memory(),
            None => {
                let range = self
                    .directory
                    .as_ref()
                    .and_then(|directory| directory.range(position));
                range.map_or(0, |(_, length)| size_of(length))
            }
        }
    }

    /// Deletes a message that is there, and that counts so much. The directory is.
    pub(crate) fn delete(&mut self, position: usize, size: u64) {
        let Some(directory) = &mut self.directory else {
            return;
        };
        let distance = directory.sequence(position);
        directory.delete(position);
        self.deleted.insert(distance);
        self.live -= 1;
        self.live_bytes -= size;
        let held = position
            .checked_sub(self.held_from)
            .and_then(|place| self.held.get_mut(place));
        if let Some(message) = held {
            let sequence = message.sequence;
            *message = Message {
                sequence,
                ..Message::default()
            };
        }
        if self.base + u64::from(distance) == self.first {
            self.first = self.first_behind(position);
        }
    }

    /// The first sequence that is not deleted, behind that at a position of the directory.
    fn first_behind(&self, position: usize) -> u64 {
        let Some(directory) = self.directory.as_ref().filter(|_| self.live > 0) else {
            return self.last + 1;
        };
        let known = position + 1..directory.len();
        let mut known = known.map(|position| directory.sequence(position));
        // What is lost is in no directory, and not deleted.
        let mut all = directory.sequence(position) + 1..=self.distance(self.last);
        let first = match self.is_damaged {
            true => all.find(|distance| !self.deleted.contains(*distance)),
            false => known.find(|distance| !self.deleted.contains(*distance)),
        };
        first.map_or(self.last + 1, |distance| self.base + u64::from(distance))
    }

    /// Lets go of the messages in memory before `position`. Returns how much they counted on disk.
    pub(crate) fn let_go(&mut self, position: usize, at_least: u64) -> u64 {
        let mut freed = 0;
        while freed < at_least && self.held_from < position {
            let Some(message) = self.held.pop_front() else {
                break;
            };
            self.held_from += 1;
            if !message.subject.is_empty() {
                freed += message.size_on_disk();
            }
        }
        if self.held.is_empty() {
            self.held_from = self.held_from.max(position);
            self.held = VecDeque::new();
        }
        freed
    }

    /// How many bytes of memory the directory takes that could be read again.
    pub(crate) fn directory_memory(&self) -> usize {
        match (&self.directory, self.stage) {
            (Some(directory), Stage::Sealed) => directory.memory(),
            _ => 0,
        }
    }

    /// Drops the directory, if it can be read again.
    pub(crate) fn drop_directory(&mut self) -> usize {
        let memory = self.directory_memory();
        if memory > 0 && self.held.is_empty() {
            self.directory = None;
            return memory;
        }
        0
    }

    /// It is all written: the subjects of the directory come in order, as in the footer.
    pub(crate) fn seal(&mut self, sealed: &Sealed) {
        self.stage = Stage::Sealed;
        self.writing = None;
        if let Some(directory) = &mut self.directory {
            directory.replace_by_sorted(&sealed.directory, &sealed.order);
        }
    }
}
