//! The messages that a stream keeps: in memory as long as they are new, and in segments.
//!
//! Whoever has applied an entry of the log says here what that changes. Nothing waits for a disk: what has to be read first
//! is a [`Cold`] job, what has to be written a [`Flush`], a [`Checkpoint`] or a [`Compaction`]; somebody else runs them, and
//! their results come back. The messages of a stream in memory are the same without such jobs.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::encryption::Keys;
use crate::message::Message;
use crate::segment::{SegmentId, length_of};
use crate::subjects::{SubjectCursor, SubjectState, Subjects, Totals};

mod checkpoint;
mod compaction;
mod cutting;
mod erasing;
mod flushing;
mod found;
mod memory;
mod opening;
mod part;
mod reading;
mod removal;
mod scrubbing;
mod searching;
#[cfg(test)]
mod tests;

pub use checkpoint::{Checkpoint, Position};
pub use compaction::{Compacted, Compaction};
pub use cutting::Cut;
pub use erasing::Erasure;
pub use flushing::{Flush, WriteError};
pub use opening::{Found, OpenError};
pub use reading::{Cold, ReadError, Warm};
pub use removal::{Leftovers, Purged};
pub use scrubbing::Scrub;
pub use searching::{Count, Cursor};

use erasing::Erasures;
use part::{Part, Stage};

/// How the messages of a stream are kept.
#[derive(Clone, Copy, Debug)]
pub struct MessagesOptions {
    /// How many bytes of records a segment has before the next one is begun.
    pub segment_size: u32,
    /// How many bytes of messages that are written stay in memory.
    pub held_at_most: u64,
    /// How many bytes of directories of segments stay in memory.
    pub directories_at_most: usize,
    /// Whether segments are compressed.
    pub is_compressed: bool,
}

impl Default for MessagesOptions {
    fn default() -> Self {
        Self {
            segment_size: 16 << 20,
            held_at_most: 1 << 20,
            directories_at_most: 32 << 20,
            is_compressed: false,
        }
    }
}

/// What a message is not taken for.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppendError {
    /// Its sequence is not behind that of the last.
    #[error("out of order")]
    OutOfOrder,
    /// Its subject or the whole of it is longer than a record can be.
    #[error("too large a message")]
    TooLarge,
}

/// What there is of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// How many messages there are.
    pub messages: u64,
    /// How much they count.
    pub bytes: u64,
    /// The first sequence; of an empty stream the next one.
    pub first_sequence: u64,
    /// The last sequence there ever was.
    pub last_sequence: u64,
    /// When that was stored.
    pub last_time: u64,
    /// How many subjects the messages have.
    pub subjects: u64,
}

/// The messages of a stream.
#[derive(Debug)]
pub struct Messages {
    options: MessagesOptions,
    /// Where segments are; None if everything is in memory.
    place: Option<Place>,
    parts: VecDeque<Part>,
    subjects: Subjects,
    messages: u64,
    bytes: u64,
    first: u64,
    last: u64,
    last_time: u64,
    next_number: u64,
    /// Segments that the next checkpoint does not name: their files go when it is durable.
    retired: Vec<u64>,
    /// Bytes of messages in memory.
    held: u64,
    /// Bytes of the directories that could be read again.
    directories: usize,
    /// Counts uses of directories.
    uses: u64,
    /// Messages that were read, newest last.
    recent: VecDeque<Vec<Message>>,
    found: found::Found,
    erasures: Erasures,
    /// In which of its two files the index of subjects is written next.
    next_subjects_file: usize,
    is_writing: bool,
    is_compacting: bool,
    /// How many cuts are still read.
    cuts: usize,
}

/// The subjects that there were at one moment: it does not change any more.
#[derive(Debug)]
pub struct SubjectsNow(Subjects);

impl SubjectsNow {
    /// Tells `visit` the subjects that a filter matches, in order of their tokens.
    pub fn walk(&self, filter: &[u8], visit: &mut dyn FnMut(&[u8], &SubjectState) -> ControlFlow<()>) {
        self.0.walk(filter, 0, visit);
    }
}

/// Where the files of a stream are.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) incarnation: u64,
    pub(crate) keys: Option<Keys>,
}

impl Place {
    fn new(folder: &Path, incarnation: u64, keys: Option<Keys>) -> Self {
        Self {
            folder: folder.to_owned(),
            incarnation,
            keys,
        }
    }

    pub(crate) fn segment(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:012}.seg"))
    }

    fn id(&self, part: &Part) -> SegmentId {
        SegmentId {
            incarnation: self.incarnation,
            number: part.number,
            base: part.base,
        }
    }
}

impl Messages {
    /// No messages yet, and none on disk ever.
    #[must_use]
    pub fn in_memory() -> Self {
        let options = MessagesOptions {
            segment_size: memory::PART_SIZE,
            ..MessagesOptions::default()
        };
        Self::new(options, None)
    }

    fn new(options: MessagesOptions, place: Option<Place>) -> Self {
        Self {
            options,
            place,
            parts: VecDeque::new(),
            subjects: Subjects::default(),
            messages: 0,
            bytes: 0,
            first: 1,
            last: 0,
            last_time: 0,
            next_number: 1,
            retired: Vec::new(),
            held: 0,
            directories: 0,
            uses: 0,
            recent: VecDeque::new(),
            found: found::Found::default(),
            erasures: Erasures::default(),
            next_subjects_file: 0,
            is_writing: false,
            is_compacting: false,
            cuts: 0,
        }
    }

    /// What there is.
    #[must_use]
    pub fn state(&self) -> State {
        State {
            messages: self.messages,
            bytes: self.bytes,
            first_sequence: self.first,
            last_sequence: self.last,
            last_time: self.last_time,
            subjects: self.subjects.totals().subjects,
        }
    }

    /// By how much a message counts here.
    #[must_use]
    pub fn size(&self, message: &Message) -> u64 {
        match self.place {
            Some(_) => message.size_on_disk(),
            None => message.size_in_memory(),
        }
    }

    /// Adds a message behind all others.
    ///
    /// # Errors
    ///
    /// What it is not taken for; nothing has changed then.
    pub fn append(&mut self, message: Message) -> Result<(), AppendError> {
        if message.sequence <= self.last {
            return Err(AppendError::OutOfOrder);
        }
        let length = u32::try_from(length_of(&message)).unwrap_or(u32::MAX);
        if message.subject.len() > usize::from(u16::MAX) || length > part::RECORD_AT_MOST {
            return Err(AppendError::TooLarge);
        }
        let grows = self
            .parts
            .back()
            .is_some_and(|part| part.grows(message.sequence, self.options.segment_size));
        if !grows {
            self.start_part(message.sequence);
        }
        let size = self.size(&message);
        if self.messages == 0 {
            self.first = message.sequence;
        }
        self.messages += 1;
        self.bytes += size;
        self.last = message.sequence;
        self.last_time = message.timestamp;
        self.held += size;
        self.subjects.add(&message.subject, message.sequence);
        if let Some(part) = self.parts.back_mut() {
            part.add(message, size);
        }
        Ok(())
    }

    fn start_part(&mut self, base: u64) {
        if let Some(part) = self.parts.back_mut()
            && part.stage == Stage::Growing
        {
            part.stage = Stage::Complete;
        }
        if self.place.is_none() {
            self.compact_in_memory(self.parts.len().saturating_sub(1));
        }
        self.parts.push_back(Part::growing(self.next_number, base));
        self.next_number += 1;
    }

    /// Has the next sequence be this one at least.
    pub fn skip_to(&mut self, next: u64) {
        self.last = self.last.max(next.saturating_sub(1));
        if self.messages == 0 {
            self.first = self.last + 1;
        }
    }

    /// How much a filter matches, of all there is.
    #[must_use]
    pub fn totals(&self, filter: &[u8]) -> Totals {
        self.subjects.count(filter)
    }

    /// What is known of a subject, which may be stale in what is first and last.
    #[must_use]
    pub fn subject(&self, subject: &[u8]) -> Option<&SubjectState> {
        self.subjects.get(subject)
    }

    /// Tells `visit` the subjects that a filter matches, in order of their tokens, without the first `skip`.
    pub fn walk_subjects(
        &self,
        filter: &[u8],
        skip: u64,
        visit: &mut dyn FnMut(&[u8], &SubjectState) -> ControlFlow<()>,
    ) {
        self.subjects.walk(filter, skip, visit);
    }

    /// Tells `visit` the next subjects that a filter matches, behind where the cursor is, until `work` is used up: one for each
    /// place of the index that is looked at.
    pub fn walk_on(
        &self,
        filter: &[u8],
        cursor: &mut SubjectCursor,
        work: &mut usize,
        visit: &mut dyn FnMut(&[u8], &SubjectState) -> ControlFlow<()>,
    ) {
        self.subjects.walk_on(filter, cursor, work, visit);
    }

    /// The subjects as they are now.
    #[must_use]
    pub fn subjects_now(&self) -> SubjectsNow {
        SubjectsNow(self.subjects.clone())
    }

    /// How many bytes are in memory alone, and wait to be written.
    #[must_use]
    pub fn unwritten(&self) -> u64 {
        match self.place {
            Some(_) => self.parts.iter().map(Part::unwritten).sum(),
            None => 0,
        }
    }

    /// The part that a sequence is in, if it is in any.
    fn part_of(&self, sequence: u64) -> Option<usize> {
        let place = self
            .parts
            .partition_point(|part| part.base <= sequence)
            .checked_sub(1)?;
        (sequence <= self.parts[place].last).then_some(place)
    }
}
