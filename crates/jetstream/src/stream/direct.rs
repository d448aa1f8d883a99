//! Messages that are got directly: one, several one after another, or the last of each of several subjects; with where
//! they are stored in their headers.

use super::Stream;
use crate::api::{GetRequest, requires_other_level};
use crate::header;
use crate::held::{Cold, Messages};
use crate::message::Message;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// How many subjects one may ask the last message of at once.
const SUBJECTS_AT_MOST: usize = 1024;

/// How often a subject may be compared with what is asked for.
const VISITS_AT_MOST: usize = 1_000_000;

/// How many messages of a batch are looked up at first; each time after that twice as many.
const LOOKED_UP: usize = 64;

/// Something that is sent to who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectMessage {
    /// Its headers; empty: none.
    pub headers: Bytes,
    /// Its payload.
    pub payload: Bytes,
}

impl DirectMessage {
    fn status(status: &str) -> Self {
        Self {
            headers: format!("NATS/1.0 {status}\r\n\r\n").into(),
            payload: Bytes::new(),
        }
    }

    fn only(status: &str) -> Vec<Self> {
        vec![Self::status(status)]
    }
}

/// How far one is in a batch.
#[derive(Debug, Clone, Copy)]
struct Progress {
    pending: u64,
    /// The message that was sent last; 0: none.
    last: u64,
}

impl<M: Messages> Stream<M> {
    /// What is sent to who asks for messages in the body of a request. `max_pending`: how many bytes a connection may have
    /// waiting.
    ///
    /// # Errors
    /// If a message has to be read first.
    pub fn direct(
        &self,
        headers: &[u8],
        body: &[u8],
        max_pending: usize,
    ) -> Result<Vec<DirectMessage>, Cold> {
        if requires_other_level(headers) {
            return Ok(DirectMessage::only("412 Required Api Level"));
        }
        if body.is_empty() {
            return Ok(DirectMessage::only("408 Empty Request"));
        }
        let Ok(wanted) = GetRequest::from_json(body, false) else {
            return Ok(DirectMessage::only("408 Malformed Request"));
        };
        let (last, next, several) = (
            !wanted.last_for.is_empty(),
            !wanted.next_for.is_empty(),
            !wanted.multi_last.is_empty(),
        );
        let (by_sequence, by_time) = (wanted.sequence > 0, wanted.start_time.is_some());
        if !(by_sequence || by_time || last || next || several) {
            return Ok(DirectMessage::only("408 Empty Request"));
        }
        let is_bad = (by_sequence && (last || by_time))
            || (last && (by_time || next || several || wanted.batch > 0))
            || (next && several)
            || (wanted.up_to_sequence > 0 && wanted.up_to_time.is_some());
        if is_bad {
            return Ok(DirectMessage::only("408 Bad Request"));
        }
        match several {
            true => self.direct_last_of_each(&wanted, max_pending),
            false => self.direct_one_or_more(&wanted, max_pending),
        }
    }

    /// The same for who asks for the last message of the subject that he asks on.
    ///
    /// # Errors
    /// If a message has to be read first.
    pub fn direct_last(
        &self,
        headers: &[u8],
        subject: &[u8],
        body: &[u8],
        max_pending: usize,
    ) -> Result<Vec<DirectMessage>, Cold> {
        if requires_other_level(headers) {
            return Ok(DirectMessage::only("412 Required Api Level"));
        }
        let read = match body {
            [] => Ok(GetRequest::default()),
            body => GetRequest::from_json(body, false),
        };
        let Ok(mut wanted) = read else {
            return Ok(DirectMessage::only("408 Malformed Request"));
        };
        let plain = GetRequest {
            max_bytes: wanted.max_bytes,
            no_headers: wanted.no_headers,
            ..GetRequest::default()
        };
        let Some(subject) = str::from_utf8(subject)
            .ok()
            .filter(|subject| !subject.is_empty() && wanted == plain)
        else {
            return Ok(DirectMessage::only("408 Bad Request"));
        };
        subject.clone_into(&mut wanted.last_for);
        self.direct_one_or_more(&wanted, max_pending)
    }

    fn direct_one_or_more(
        &self,
        wanted: &GetRequest,
        max_pending: usize,
    ) -> Result<Vec<DirectMessage>, Cold> {
        let from = match &wanted.start_time {
            Some(time) => self.at_time(time.time()),
            None => wanted.sequence,
        };
        if wanted.batch > 0 {
            return self.direct_batch(wanted, from, max_pending);
        }
        let found = if !wanted.last_for.is_empty() {
            self.held.last(wanted.last_for.as_bytes(), u64::MAX)
        } else if !wanted.next_for.is_empty() {
            self.held.next(wanted.next_for.as_bytes(), from)
        } else {
            Some(from)
        };
        let message = match found {
            Some(sequence) => self.held.get(sequence)?,
            None => None,
        };
        let Some(message) = message else {
            return Ok(DirectMessage::only("404 Message Not Found"));
        };
        Ok(vec![self.direct_message(message, wanted.no_headers, None)])
    }

    fn direct_batch(
        &self,
        wanted: &GetRequest,
        mut from: u64,
        max_pending: usize,
    ) -> Result<Vec<DirectMessage>, Cold> {
        let pattern = match &*wanted.next_for {
            "" => ">",
            pattern => pattern,
        }
        .as_bytes();
        let at_most = usize::try_from(wanted.batch).unwrap_or(0);
        let max_bytes = bytes_at_most(wanted, max_pending);
        let mut progress = Progress {
            pending: self.pending(pattern, from),
            last: 0,
        };
        let (mut sent, mut bytes, mut looked_up) = (Vec::new(), 0, LOOKED_UP);
        'batch: while sent.len() < at_most {
            let found = self.held.sequences(pattern, from..=u64::MAX, looked_up);
            for sequence in &found {
                let Some(message) = self.held.get(*sequence)? else {
                    continue;
                };
                progress.pending = progress.pending.saturating_sub(1);
                bytes += length(&message);
                sent.push(self.direct_message(message, wanted.no_headers, Some(progress)));
                progress.last = *sequence;
                if sent.len() == at_most || bytes >= max_bytes {
                    break 'batch;
                }
            }
            match found.last() {
                Some(last) if found.len() == looked_up => from = last + 1,
                _ => break,
            }
            looked_up = looked_up.saturating_mul(2);
        }
        if sent.is_empty() {
            return Ok(DirectMessage::only("404 Message Not Found"));
        }
        let Progress { pending, last } = progress;
        sent.push(DirectMessage::status(&format!(
            "204 EOB\r\nNats-Num-Pending: {pending}\r\nNats-Last-Sequence: {last}"
        )));
        Ok(sent)
    }

    fn direct_last_of_each(
        &self,
        wanted: &GetRequest,
        max_pending: usize,
    ) -> Result<Vec<DirectMessage>, Cold> {
        let up_to = match (&wanted.up_to_time, wanted.up_to_sequence) {
            (Some(time), _) => match self.at_time(time.time()) {
                behind if behind <= self.first => return Ok(DirectMessage::only("404 No Results")),
                behind => behind - 1,
            },
            (None, 0) => self.last,
            (None, sequence) => sequence,
        };
        let Some(found) = self.last_of_each(&wanted.multi_last, up_to) else {
            return Ok(DirectMessage::only("413 Too Many Results"));
        };
        if found.is_empty() {
            return Ok(DirectMessage::only("404 No Results"));
        }
        let max_bytes = bytes_at_most(wanted, max_pending);
        let at_most = usize::try_from(wanted.batch).ok().filter(|batch| *batch > 0);
        let mut progress = Progress {
            pending: found.len() as u64,
            last: 0,
        };
        let (mut sent, mut bytes) = (Vec::new(), 0);
        for sequence in found {
            progress.pending -= 1;
            if sequence < wanted.sequence {
                continue;
            }
            let Some(message) = self.held.get(sequence)? else {
                sent.push(DirectMessage::status("404 Message Not Found"));
                return Ok(sent);
            };
            bytes += length(&message);
            sent.push(self.direct_message(message, false, Some(progress)));
            progress.last = sequence;
            if bytes >= max_bytes || at_most == Some(sent.len()) {
                break;
            }
        }
        let Progress { pending, last } = progress;
        sent.push(DirectMessage::status(&format!(
            "204 EOB\r\nNats-Num-Pending: {pending}\r\nNats-Last-Sequence: {last}\r\nNats-UpTo-Sequence: {up_to}"
        )));
        Ok(sent)
    }

    /// The last message up to a sequence of each subject that some pattern matches; None if those are too many.
    fn last_of_each(&self, patterns: &[String], up_to: u64) -> Option<BTreeSet<u64>> {
        let mut found = BTreeSet::new();
        let mut visits = 0;
        for pattern in patterns {
            let mut earlier = Vec::new();
            self.held
                .for_each_subject(pattern.as_bytes(), &mut |subject, of_it| {
                    visits += 1;
                    if of_it.last <= up_to {
                        found.insert(of_it.last);
                    } else if of_it.first <= up_to {
                        earlier.push(Bytes::copy_from_slice(subject));
                    }
                    match found.len() + earlier.len() > SUBJECTS_AT_MOST || visits > VISITS_AT_MOST {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    }
                });
            found.extend(
                earlier
                    .iter()
                    .filter_map(|subject| self.held.last(subject, up_to)),
            );
            if found.len() > SUBJECTS_AT_MOST || visits > VISITS_AT_MOST {
                return None;
            }
        }
        Some(found)
    }

    /// How many messages there are from a sequence on.
    fn pending(&self, pattern: &[u8], from: u64) -> u64 {
        match pattern == b">" && from <= self.first {
            true => self.held.count(),
            false => self.held.count_matching(pattern, from),
        }
    }

    fn direct_message(
        &self,
        message: Message,
        no_headers: bool,
        progress: Option<Progress>,
    ) -> DirectMessage {
        DirectMessage {
            headers: match no_headers {
                true => Bytes::new(),
                false => self.direct_headers(&message, progress),
            },
            payload: message.payload,
        }
    }

    /// The headers of a message, and where it is stored.
    fn direct_headers(&self, message: &Message, progress: Option<Progress>) -> Bytes {
        let (sequence, time) = (message.sequence.to_string(), message.time.to_string());
        let mut added: Vec<(&str, &[u8])> = vec![
            (header::STREAM, self.config.name.as_bytes()),
            (header::SUBJECT, &message.subject),
            (header::SEQUENCE, sequence.as_bytes()),
            (header::TIME_STAMP, time.as_bytes()),
        ];
        let progress = progress.map(|progress| (progress.pending.to_string(), progress.last.to_string()));
        if let Some((pending, last)) = &progress {
            added.push((header::NUM_PENDING, pending.as_bytes()));
            added.push((header::LAST_SEQUENCE, last.as_bytes()));
        }
        header::with(&message.headers, &added)
    }
}

/// How many bytes of a message count.
fn length(message: &Message) -> usize {
    message.subject.len() + message.headers.len() + message.payload.len()
}

/// How many bytes are sent at most: what reaches it is sent still.
fn bytes_at_most(wanted: &GetRequest, max_pending: usize) -> usize {
    match wanted.max_bytes {
        0 => max_pending,
        bytes => usize::try_from(bytes).unwrap_or(0),
    }
}
