//! The messages of a stream as its machine asks for them, held by the store.
//!
//! What a machine asks of an index is answered at once: where a part of the index is on disk alone, it is read here, a
//! megabyte or two that is kept afterwards. What messages say is read by others ([`Stored::job`]).

mod cursors;
#[cfg(test)]
mod tests;

use bytes::{Bytes, BytesMut};
use cursors::Cursors;
use std::cell::{Cell, RefCell};
use std::ops::{ControlFlow, RangeInclusive};
use std::sync::Arc;
use vagus_jetstream::held::{Cold, EVERYTHING, Messages, OfSubject, Removed, SubjectCursor};
use vagus_jetstream::message::Message;
use vagus_jetstream::time::Time;
use vagus_routing::subject::has_wildcards;
use vagus_store::messages::{self as store, Cursor, Erasure, Leftovers, ReadError, Warm};
use vagus_store::{Disk, RealDisk, SubjectState};

/// How much more work it is to look a message up than to come by its subject.
const LOOKED_UP: usize = 32;

/// So many subjects are looked for one by one, and so many places of the tree of subjects are looked at to find that they are few:
/// some milliseconds.
const FEW: usize = 16;
const FEW_AFTER: usize = 20_000;

/// Messages that are shorter are copied when they are kept.
const COPIED_BELOW: usize = 64 << 10;

/// The messages of a stream.
#[derive(Debug)]
pub(super) struct Stored {
    disk: Arc<dyn Disk>,
    messages: RefCell<store::Messages>,
    cursors: RefCell<Cursors>,
    /// When the first message was stored, and which that is.
    first: Cell<Option<(u64, Time)>>,
    /// Messages whose records cannot be read: they count, and are not there.
    unreadable: RefCell<Vec<u64>>,
    /// What is to be written over messages that were erased.
    erasures: RefCell<Vec<Erasure>>,
    /// What is to be let go of where nobody waits for that.
    leftovers: RefCell<Vec<Leftovers>>,
    /// Why the index cannot be relied upon any more.
    failure: RefCell<Option<Failure>>,
}

/// Why the index of a stream cannot be relied upon any more: the stream has to be opened anew.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}")]
    Read(Arc<ReadError>),
    #[error("message {0} does not fit")]
    Append(u64),
}

impl Stored {
    pub(super) fn new(disk: Arc<dyn Disk>, messages: store::Messages) -> Self {
        Self {
            disk,
            messages: RefCell::new(messages),
            cursors: RefCell::default(),
            first: Cell::default(),
            unreadable: RefCell::default(),
            erasures: RefCell::default(),
            leftovers: RefCell::default(),
            failure: RefCell::default(),
        }
    }

    /// No messages, and nowhere to keep any: for what is never to have some.
    pub(super) fn nothing() -> Self {
        Self::new(Arc::new(RealDisk), store::Messages::in_memory())
    }

    /// The messages as the store has them, to flush and checkpoint them.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut store::Messages) -> R) -> R {
        act(&mut self.messages.borrow_mut())
    }

    /// Why the index cannot be relied upon any more.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure.borrow().clone()
    }

    /// What is to be written over messages that were erased since.
    pub(super) fn take_erasures(&self) -> Vec<Erasure> {
        let mut erasures = self.erasures.take();
        erasures.extend(self.messages.borrow_mut().take_erasures());
        erasures
    }

    /// What of messages that are gone is still in memory.
    pub(super) fn take_leftovers(&self) -> Vec<Leftovers> {
        self.leftovers.take()
    }

    /// What has to be read before a message can be shown; None if nothing has. Where somebody follows its subject, what else
    /// he follows is read with it, and nothing else.
    pub(super) fn job(&self, sequence: u64) -> Option<store::Cold> {
        let found = self.messages.borrow().found_job(sequence);
        if found.is_some() {
            return found;
        }
        let subject = self.subject_of(sequence);
        let (mut messages, mut cursors) = (self.messages.borrow_mut(), self.cursors.borrow_mut());
        match subject.and_then(|subject| cursors.of(&subject)) {
            Some(cursor) => {
                cursor.seek(sequence);
                messages.next_message(cursor).err()
            }
            None => messages.get(sequence).err(),
        }
    }

    /// What was read.
    pub(super) fn warm(&self, warm: Warm) {
        self.messages.borrow_mut().warm(warm);
    }

    /// A message cannot be read: it is not there for those who ask.
    pub(super) fn cannot_read(&self, sequence: u64) {
        self.unreadable.borrow_mut().push(sequence);
    }

    /// Asks the index. None: it cannot be read, which is remembered.
    fn ask<T>(&self, mut ask: impl FnMut(&mut store::Messages) -> Result<T, store::Cold>) -> Option<T> {
        let mut messages = self.messages.borrow_mut();
        loop {
            match ask(&mut messages) {
                Ok(answer) => return Some(answer),
                Err(cold) => match cold.run(&*self.disk) {
                    Ok(warm) => messages.warm(warm),
                    Err(error) => {
                        self.failure
                            .borrow_mut()
                            .get_or_insert(Failure::Read(Arc::new(error)));
                        return None;
                    }
                },
            }
        }
    }

    fn next_by(&self, cursor: &mut Cursor) -> Option<u64> {
        self.ask(|messages| messages.next(cursor)).flatten()
    }

    /// What there is of a subject of which so much is known.
    fn exactly(&self, subject: &[u8], messages: u64) -> Option<OfSubject> {
        let first = self.ask(|held| held.first_of(subject)).flatten()?;
        let last = self.ask(|held| held.last_of(subject)).flatten()?;
        Some(OfSubject {
            messages,
            first,
            last,
        })
    }

    /// The subjects that a pattern with wildcards matches, if they are few, and found soon: segments would all have to be looked
    /// through for what hardly any has. None as soon as they are more.
    fn few_subjects(&self, pattern: &[u8]) -> Option<Vec<Bytes>> {
        if pattern == EVERYTHING || !has_wildcards(pattern) {
            return None;
        }
        let mut subjects = Vec::new();
        let mut cursor = SubjectCursor::default();
        self.walk_on(pattern, &mut cursor, &mut { FEW_AFTER }, &mut |subject, _| {
            subjects.push(Bytes::copy_from_slice(subject));
            match subjects.len() <= FEW {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        cursor.is_at_end.then_some(subjects)
    }

    fn read(&self, sequence: u64) -> Option<vagus_store::Message> {
        self.ask(|messages| messages.get(sequence)).flatten()
    }
}

impl Stored {
    fn walk_on(
        &self,
        pattern: &[u8],
        cursor: &mut SubjectCursor,
        work: &mut usize,
        visit: &mut dyn FnMut(&[u8], &SubjectState) -> ControlFlow<()>,
    ) {
        let mut place = vagus_store::SubjectCursor {
            after: std::mem::take(&mut cursor.after),
            skip: cursor.skip,
            is_at_end: cursor.is_at_end,
        };
        self.messages.borrow().walk_on(pattern, &mut place, work, visit);
        (cursor.after, cursor.skip, cursor.is_at_end) = (place.after, place.skip, place.is_at_end);
    }
}

fn filters(pattern: &[u8]) -> Vec<Bytes> {
    match pattern {
        EVERYTHING => Vec::new(),
        pattern => cursors::apart(pattern).map(Bytes::copy_from_slice).collect(),
    }
}

fn time(timestamp: u64) -> Time {
    Time(i64::try_from(timestamp).unwrap_or(i64::MAX))
}

fn timestamp(time: Time) -> u64 {
    u64::try_from(time.0).unwrap_or(0)
}

/// A message as it is kept. What it says is a part of all that came with it in one turn, of any subjects: a small one is
/// copied, so that it does not hold all of that.
fn kept(message: Message) -> vagus_store::Message {
    let Message {
        sequence,
        time,
        subject,
        headers,
        payload,
    } = message;
    let ends = [subject.len(), headers.len(), payload.len()];
    let length = ends.iter().sum();
    let (subject, headers, payload) = match length {
        ..COPIED_BELOW => {
            let mut copied = BytesMut::with_capacity(length);
            for part in [&subject, &headers, &payload] {
                copied.extend_from_slice(part);
            }
            let mut rest = copied.freeze();
            let mut next = |length| rest.split_to(length);
            (next(ends[0]), next(ends[1]), next(ends[2]))
        }
        _ => (subject, headers, payload),
    };
    vagus_store::Message {
        sequence,
        timestamp: timestamp(time),
        subject,
        headers,
        payload,
    }
}

/// A message as machines have it.
pub(super) fn shown(message: vagus_store::Message) -> Message {
    Message {
        sequence: message.sequence,
        time: time(message.timestamp),
        subject: message.subject,
        headers: message.headers,
        payload: message.payload,
    }
}

impl Messages for Stored {
    fn count(&self) -> u64 {
        self.messages.borrow().state().messages
    }

    fn bytes(&self) -> u64 {
        self.messages.borrow().state().bytes
    }

    fn subjects(&self) -> u64 {
        self.messages.borrow().state().subjects
    }

    fn insert(&mut self, message: Message) {
        let sequence = message.sequence;
        let stored = kept(message);
        if self.messages.borrow_mut().append(stored).is_err() {
            self.failure.borrow_mut().get_or_insert(Failure::Append(sequence));
        }
    }

    fn remove(&mut self, sequence: u64, erased: bool) -> Option<Removed> {
        let subject = self.subject_of(sequence)?;
        let size = match erased {
            true => {
                let (size, erasure) = self.ask(|messages| messages.erase(sequence)).flatten()?;
                self.erasures.borrow_mut().extend(erasure);
                size
            }
            false => self.ask(|messages| messages.remove(sequence)).flatten()?,
        };
        Some(Removed { subject, size })
    }

    fn remove_beginning(&mut self, up_to: u64, may_go: &dyn Fn(u64, u64) -> bool) -> Option<(u64, u64)> {
        self.ask(|messages| messages.purge_beginning(up_to, may_go))
            .flatten()
    }

    fn clear(&mut self) {
        let (_, leftovers) = self.messages.borrow_mut().take_all();
        self.leftovers.borrow_mut().push(leftovers);
        self.unreadable.borrow_mut().clear();
    }

    fn get(&self, sequence: u64) -> Result<Option<Message>, Cold> {
        match self.messages.borrow_mut().get(sequence) {
            Ok(message) => Ok(message.map(shown)),
            Err(_) if self.unreadable.borrow().contains(&sequence) => Ok(None),
            Err(_) => Err(Cold { sequence }),
        }
    }

    fn subject_of(&self, sequence: u64) -> Option<Bytes> {
        self.ask(|messages| messages.subject_of(sequence)).flatten()
    }

    fn time_of(&self, sequence: u64) -> Option<Time> {
        let is_first = self.messages.borrow().state().first_sequence == sequence;
        if is_first
            && let Some((known, time)) = self.first.get()
            && known == sequence
        {
            return Some(time);
        }
        let time = time(self.read(sequence)?.timestamp);
        if is_first {
            self.first.set(Some((sequence, time)));
        }
        Some(time)
    }

    fn next(&self, pattern: &[u8], from: u64) -> Option<u64> {
        if let Some(subjects) = self.few_subjects(pattern) {
            let next = |subject| self.next_by(&mut Cursor::new(vec![subject], from));
            return subjects.into_iter().filter_map(next).min();
        }
        self.cursors
            .borrow_mut()
            .with(pattern, from, |cursor| self.next_by(cursor))
    }

    fn has(&self, sequence: u64) -> bool {
        self.ask(|messages| messages.has(sequence)).unwrap_or(false)
    }

    fn last(&self, pattern: &[u8], up_to: u64) -> Option<u64> {
        if !has_wildcards(pattern) {
            let last = self.ask(|messages| messages.last_of(pattern)).flatten()?;
            if last <= up_to {
                return Some(last);
            }
        }
        if let Some(subjects) = self.few_subjects(pattern) {
            let last = |subject: &Bytes| self.last(subject, up_to);
            return subjects.iter().filter_map(last).max();
        }
        let (filters, mut up_to) = (filters(pattern), up_to);
        self.ask(|messages| messages.last_up_to(&filters, &mut up_to))
            .flatten()
    }

    fn at_or_after(&self, time: Time) -> Option<u64> {
        self.ask(|messages| messages.at_or_after(timestamp(time)))
            .flatten()
    }

    fn of_subject(&self, subject: &[u8]) -> Option<OfSubject> {
        let messages = self.messages.borrow().subject(subject)?.count;
        self.exactly(subject, messages.into())
    }

    fn count_matching(&self, pattern: &[u8], from: u64) -> u64 {
        self.count_of(&filters(pattern), from)
    }

    fn count_of(&self, patterns: &[Bytes], from: u64) -> u64 {
        let mut count = store::Count::new(patterns.to_vec(), from);
        self.ask(|messages| messages.count(&mut count)).unwrap_or(0)
    }

    fn count_subjects(&self, pattern: &[u8]) -> u64 {
        self.messages.borrow().totals(pattern).subjects
    }

    fn walk_counts(
        &self,
        pattern: &[u8],
        cursor: &mut SubjectCursor,
        work: &mut usize,
        visit: &mut dyn FnMut(&[u8], u64) -> ControlFlow<()>,
    ) {
        self.walk_on(pattern, cursor, work, &mut |subject, state| {
            visit(subject, state.count.into())
        });
    }

    fn walk_lasts(
        &self,
        pattern: &[u8],
        cursor: &mut SubjectCursor,
        work: &mut usize,
        visit: &mut dyn FnMut(&[u8], u64),
    ) {
        // What is looked up changes the index.
        let mut unknown: Vec<Bytes> = Vec::new();
        let most = work.div_ceil(LOOKED_UP);
        self.walk_on(pattern, cursor, work, &mut |subject, state| {
            match state.known_last() {
                Some(last) => visit(subject, last),
                None => unknown.push(Bytes::copy_from_slice(subject)),
            }
            match unknown.len() < most {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        *work = work.saturating_sub(unknown.len() * LOOKED_UP);
        for subject in unknown {
            if let Some(last) = self.ask(|held| held.last_of(&subject)).flatten() {
                visit(&subject, last);
            }
        }
    }

    fn for_each_subject(&self, pattern: &[u8], visit: &mut dyn FnMut(&[u8], OfSubject) -> ControlFlow<()>) {
        // What is looked up on the way may change the index.
        let subjects = self.messages.borrow().subjects_now();
        subjects.walk(pattern, &mut |subject, state| {
            let known = OfSubject {
                messages: state.count.into(),
                first: state.first,
                last: state.last,
            };
            let of_it = match state.is_exact() {
                true => Some(known),
                false => self.exactly(subject, state.count.into()),
            };
            of_it.map_or(ControlFlow::Continue(()), |of_it| visit(subject, of_it))
        });
    }

    fn sequences(&self, pattern: &[u8], sequences: RangeInclusive<u64>, at_most: usize) -> Vec<u64> {
        let mut found = Vec::new();
        let start = *sequences.start();
        self.cursors.borrow_mut().with(pattern, start, |cursor| {
            while found.len() < at_most
                && let Some(sequence) = self.next_by(cursor)
                && sequence <= *sequences.end()
            {
                found.push(sequence);
                cursor.seek(sequence + 1);
            }
        });
        found
    }

    fn sequences_of(&self, patterns: &[Bytes], sequences: RangeInclusive<u64>, at_most: usize) -> Vec<u64> {
        self.sequences(&cursors::together(patterns), sequences, at_most)
    }

    fn gaps(&self, first: u64, last: u64) -> Vec<u64> {
        let (mut gaps, mut from) = (Vec::new(), first);
        self.ask(|messages| messages.gaps(&mut from, last, &mut gaps));
        gaps
    }
}
