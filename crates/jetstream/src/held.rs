//! The messages that a stream holds, and what can be known of them without reading them.

mod memory;

pub use memory::InMemory;

use crate::message::Message;
use crate::time::Time;
use bytes::Bytes;
use std::ops::{ControlFlow, RangeInclusive};
use thiserror::Error;

/// The pattern that every subject is matched by.
pub const EVERYTHING: &[u8] = b">";

/// Something that is not in memory: it has to be read, then one may ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("message {sequence} is not in memory")]
pub struct Cold {
    /// The message that is to be read.
    pub sequence: u64,
}

/// What there is of one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfSubject {
    /// How many messages; at least one.
    pub messages: u64,
    /// The first of them.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// A message that has gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// What it was about.
    pub subject: Bytes,
    /// For how many bytes it counted.
    pub size: u64,
}

/// Where a walk through subjects has come to that is made in parts. What comes and goes between them is met if it is behind that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectCursor {
    /// What was looked at last; empty: nothing.
    pub after: Vec<u8>,
    /// So many subjects are passed over first.
    pub skip: u64,
    /// Whether there are no more.
    pub is_at_end: bool,
}

/// The messages that a stream holds, whether in memory or on disk. Sequences grow, and are never used twice.
///
/// Subjects are matched by patterns; one without wildcards matches itself. What is asked costs no more than what it tells,
/// and the number of subjects that a pattern with wildcards has to be compared with.
pub trait Messages {
    /// How many.
    fn count(&self) -> u64;

    /// For how many bytes they count.
    fn bytes(&self) -> u64;

    /// How many subjects they have.
    fn subjects(&self) -> u64;

    /// Takes one in, behind all others.
    fn insert(&mut self, message: Message);

    /// Lets one go, and has its bytes overwritten if they are to be `erased`.
    fn remove(&mut self, sequence: u64, erased: bool) -> Option<Removed>;

    /// Lets some of the first messages go together, if that is much cheaper than one by one: of those that are kept together, up to
    /// a sequence, and only if so many messages with so many bytes may go. How many these were.
    fn remove_beginning(&mut self, up_to: u64, may_go: &dyn Fn(u64, u64) -> bool) -> Option<(u64, u64)>;

    /// Lets all go.
    fn clear(&mut self);

    /// One of them.
    ///
    /// # Errors
    /// If it has to be read first.
    fn get(&self, sequence: u64) -> Result<Option<Message>, Cold>;

    /// What one is about, if there is it.
    fn subject_of(&self, sequence: u64) -> Option<Bytes>;

    /// When one was stored, if there is it.
    fn time_of(&self, sequence: u64) -> Option<Time>;

    /// The first one from a sequence on whose subject a pattern matches.
    fn next(&self, pattern: &[u8], from: u64) -> Option<u64>;

    /// Whether there is one with this sequence.
    fn has(&self, sequence: u64) -> bool {
        self.next(EVERYTHING, sequence) == Some(sequence)
    }

    /// The last one up to a sequence whose subject a pattern matches.
    fn last(&self, pattern: &[u8], up_to: u64) -> Option<u64>;

    /// The first one that was stored at a time or later.
    fn at_or_after(&self, time: Time) -> Option<u64>;

    /// What there is of a subject.
    fn of_subject(&self, subject: &[u8]) -> Option<OfSubject>;

    /// How many there are from a sequence on whose subject a pattern matches.
    fn count_matching(&self, pattern: &[u8], from: u64) -> u64;

    /// The same of several patterns, of which more than one may match a subject.
    fn count_of(&self, patterns: &[Bytes], from: u64) -> u64;

    /// How many subjects there are that a pattern matches.
    fn count_subjects(&self, pattern: &[u8]) -> u64;

    /// Visits the next subjects that a pattern matches, in their order, from where the cursor is, until there is enough or `work`
    /// is used up, of which looking at one is 1: with how many messages each has.
    fn walk_counts(
        &self,
        pattern: &[u8],
        cursor: &mut SubjectCursor,
        work: &mut usize,
        visit: &mut dyn FnMut(&[u8], u64) -> ControlFlow<()>,
    );

    /// The same, in any order: with the last message of each.
    fn walk_lasts(
        &self,
        pattern: &[u8],
        cursor: &mut SubjectCursor,
        work: &mut usize,
        visit: &mut dyn FnMut(&[u8], u64),
    );

    /// Visits the subjects that a pattern matches, in their order, until there is enough.
    fn for_each_subject(&self, pattern: &[u8], visit: &mut dyn FnMut(&[u8], OfSubject) -> ControlFlow<()>);

    /// The first so many from one sequence up to another whose subjects a pattern matches, in their order.
    fn sequences(&self, pattern: &[u8], sequences: RangeInclusive<u64>, at_most: usize) -> Vec<u64>;

    /// The same of several patterns, of which more than one may match a subject.
    fn sequences_of(&self, patterns: &[Bytes], sequences: RangeInclusive<u64>, at_most: usize) -> Vec<u64>;

    /// The sequences that no message has, from one to another.
    fn gaps(&self, first: u64, last: u64) -> Vec<u64>;
}
