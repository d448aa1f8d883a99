//! Several messages that are got directly with one request.

use super::{DirectMessage, Further, Remaining};
use crate::api::GetRequest;
use crate::held::{Cold, Messages};
use crate::message::Message;
use crate::stream::Stream;
use bytes::Bytes;
use std::collections::{BTreeSet, VecDeque};
use std::ops::ControlFlow;

/// How many subjects one may ask the last message of at once.
const SUBJECTS_AT_MOST: usize = 1024;

/// How often a subject may be compared with what is asked for.
const VISITS_AT_MOST: usize = 1_000_000;

/// How many messages of a batch are looked up at first; each time after that twice as many, up to so many.
const LOOKED_UP: usize = 64;
const LOOKED_UP_AT_MOST: usize = 1024;

/// For how many subjects an earlier message than the last is looked for in one turn, segment by segment.
const LOOKED_BACK: usize = 8;

/// How many messages, and how many bytes of them, are sent in one turn.
const SENT_AT_ONCE: usize = 512;
const BYTES_AT_ONCE: usize = 512 << 10;

/// How far one is in a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    pub(super) pending: u64,
    /// The message that was sent last; 0: none.
    pub(super) last: u64,
}

/// What is not sent of a batch.
#[derive(Debug)]
pub(super) struct Batch {
    /// What was looked up.
    found: VecDeque<u64>,
    more: More,
    /// How many messages may still be sent, and how many bytes: what reaches that is sent still.
    messages: usize,
    bytes: usize,
    no_headers: bool,
    progress: Progress,
}

/// The last message up to a sequence of each of some subjects, as far as they are found.
#[derive(Debug)]
pub(super) struct LastOfEach {
    found: BTreeSet<u64>,
    /// Those of these subjects have to be looked for: the last that they have came later.
    earlier: BTreeSet<Bytes>,
    up_to: u64,
    /// Only those from here on are sent; so many messages, and so many bytes.
    from: u64,
    messages: usize,
    bytes: usize,
}

impl LastOfEach {
    fn is_too_much(&self) -> bool {
        self.found.len() + self.earlier.len() > SUBJECTS_AT_MOST
    }
}

/// What there is behind what was looked up.
#[derive(Debug)]
enum More {
    /// What a pattern matches from a sequence on, so many of them at once; None: no more.
    Following(Bytes, Option<u64>, usize),
    /// Nothing: it was the last message of each of several subjects, up to this sequence.
    LastOfEach(u64),
}

impl<M: Messages> Stream<M> {
    /// Messages of one sequence or of later ones.
    pub(super) fn following(&self, wanted: &GetRequest, from: u64, max_pending: usize) -> Remaining {
        let pattern = match &*wanted.next_for {
            "" => Bytes::from_static(b">"),
            pattern => Bytes::copy_from_slice(pattern.as_bytes()),
        };
        let pending = self.pending(&pattern, from);
        // Where there is nothing nothing is looked for.
        let next = (pending > 0).then_some(from);
        Remaining::Batch(Box::new(Batch {
            found: VecDeque::new(),
            messages: usize::try_from(wanted.batch).unwrap_or(0),
            bytes: bytes_at_most(wanted, max_pending),
            no_headers: wanted.no_headers,
            progress: Progress { pending, last: 0 },
            more: More::Following(pattern, next, LOOKED_UP),
        }))
    }

    /// The last message of each of several subjects.
    pub(super) fn last_of_each(&self, wanted: &GetRequest, max_pending: usize) -> Remaining {
        let up_to = match (&wanted.up_to_time, wanted.up_to_sequence) {
            (Some(time), _) => match self.at_time(time.time()) {
                behind if behind <= self.first => return Remaining::Status("404 No Results"),
                behind => behind - 1,
            },
            (None, 0) => self.last,
            (None, sequence) => sequence,
        };
        let mut last = LastOfEach {
            found: BTreeSet::new(),
            earlier: BTreeSet::new(),
            up_to,
            from: wanted.sequence,
            messages: usize::try_from(wanted.batch)
                .ok()
                .filter(|batch| *batch > 0)
                .unwrap_or(usize::MAX),
            bytes: bytes_at_most(wanted, max_pending),
        };
        match self.find_last_of_each(&wanted.multi_last, &mut last) {
            true => Remaining::LastOfEach(Box::new(last)),
            false => Remaining::Status("413 Too Many Results"),
        }
    }

    /// The subjects that some pattern matches, and the last message of each if that is known; false if those are too many.
    fn find_last_of_each(&self, patterns: &[String], last: &mut LastOfEach) -> bool {
        let mut visits = 0;
        for pattern in patterns {
            self.held
                .for_each_subject(pattern.as_bytes(), &mut |subject, of_it| {
                    visits += 1;
                    if of_it.last <= last.up_to {
                        last.found.insert(of_it.last);
                    } else if of_it.first <= last.up_to {
                        last.earlier.insert(Bytes::copy_from_slice(subject));
                    }
                    match last.is_too_much() || visits > VISITS_AT_MOST {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    }
                });
            if last.is_too_much() || visits > VISITS_AT_MOST {
                return false;
            }
        }
        true
    }

    /// Looks on for the last messages of subjects that have later ones, as far as one turn goes. What is to be sent, once all are
    /// found.
    pub(super) fn look_back(&self, last: &mut LastOfEach) -> Option<Remaining> {
        for _ in 0..LOOKED_BACK {
            let Some(subject) = last.earlier.pop_first() else {
                break;
            };
            last.found.extend(self.held.last(&subject, last.up_to));
        }
        if !last.earlier.is_empty() {
            return None;
        }
        if last.found.is_empty() {
            return Some(Remaining::Status("404 No Results"));
        }
        let found: VecDeque<u64> = last.found.range(last.from..).copied().collect();
        Some(Remaining::Batch(Box::new(Batch {
            messages: last.messages,
            bytes: last.bytes,
            no_headers: false,
            progress: Progress {
                pending: found.len() as u64,
                last: 0,
            },
            found,
            more: More::LastOfEach(last.up_to),
        })))
    }

    /// Sends as much as one turn may.
    pub(super) fn send_batch(
        &self,
        batch: &mut Batch,
        sent: &mut Vec<DirectMessage>,
    ) -> Result<Further, Cold> {
        let (mut messages, mut bytes) = (0, 0);
        while batch.messages > 0 && batch.bytes > 0 {
            if messages >= SENT_AT_ONCE || bytes >= BYTES_AT_ONCE {
                return Ok(Further::More);
            }
            if batch.found.is_empty() {
                batch.look_up(&self.held);
            }
            let Some(sequence) = batch.found.front().copied() else {
                break;
            };
            let message = self.held.get(sequence)?;
            batch.found.pop_front();
            messages += 1;
            let Some(message) = message else {
                if matches!(batch.more, More::LastOfEach(_)) {
                    sent.push(DirectMessage::status("404 Message Not Found"));
                    return Ok(Further::Done);
                }
                continue;
            };
            batch.progress.pending = batch.progress.pending.saturating_sub(1);
            let length = length(&message);
            bytes += length;
            batch.messages -= 1;
            batch.bytes = batch.bytes.saturating_sub(length);
            sent.push(self.direct_message(message, batch.no_headers, Some(batch.progress)));
            batch.progress.last = sequence;
        }
        sent.push(batch.end());
        Ok(Further::Done)
    }

    /// How many messages there are from a sequence on.
    fn pending(&self, pattern: &[u8], from: u64) -> u64 {
        match pattern == b">" && from <= self.first {
            true => self.held.count(),
            false => self.held.count_matching(pattern, from),
        }
    }
}

impl Batch {
    fn look_up<M: Messages>(&mut self, held: &M) {
        let More::Following(pattern, next, at_once) = &mut self.more else {
            return;
        };
        let Some(from) = *next else { return };
        let asked_for = (*at_once).min(self.messages);
        let found = held.sequences(pattern, from..=u64::MAX, asked_for);
        *next = found
            .last()
            .filter(|_| found.len() == asked_for)
            .map(|last| last + 1);
        *at_once = (*at_once * 2).min(LOOKED_UP_AT_MOST);
        self.found = found.into();
    }

    /// What says that this was all.
    fn end(&self) -> DirectMessage {
        let Progress { pending, last } = self.progress;
        let up_to = match self.more {
            More::Following(..) if last == 0 => return DirectMessage::status("404 Message Not Found"),
            More::Following(..) => String::new(),
            More::LastOfEach(up_to) => format!("\r\nNats-UpTo-Sequence: {up_to}"),
        };
        DirectMessage::status(&format!(
            "204 EOB\r\nNats-Num-Pending: {pending}\r\nNats-Last-Sequence: {last}{up_to}"
        ))
    }
}

/// How many bytes of a message count.
fn length(message: &Message) -> usize {
    message.subject.len() + message.headers.len() + message.payload.len()
}

/// How many bytes are sent at most: what reaches it is sent still, and so is the first message.
fn bytes_at_most(wanted: &GetRequest, max_pending: usize) -> usize {
    let bytes = match wanted.max_bytes {
        0 => max_pending,
        bytes => usize::try_from(bytes).unwrap_or(0),
    };
    bytes.max(1)
}
