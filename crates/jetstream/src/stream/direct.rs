//! Messages that are got directly: one, several one after another, or the last of each of several subjects; with where
//! they are stored in their headers.

use super::Stream;
use crate::api::{GetRequest, requires_other_level};
use crate::header;
use crate::held::{Cold, Messages};
use crate::message::Message;
use bytes::Bytes;
use std::collections::BTreeSet;

/// How many subjects one may ask the last message of at once.
const SUBJECTS_AT_MOST: usize = 1024;

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
        let pattern = match &*wanted.next_for {
            "" => ">",
            pattern => pattern,
        }
        .as_bytes();
        let mut from = match &wanted.start_time {
            Some(time) => self.at_time(time.time()),
            None => wanted.sequence,
        };
        let is_batch = wanted.batch > 0;
        let at_most = usize::try_from(wanted.batch).unwrap_or(0).max(1);
        let max_bytes = bytes_at_most(wanted, max_pending);
        let pending = if is_batch { self.pending(pattern, from) } else { 0 };
        let mut progress = Progress { pending, last: 0 };
        let (mut sent, mut bytes) = (Vec::new(), 0);
        while sent.len() < at_most && bytes < max_bytes {
            let found = if !wanted.last_for.is_empty() {
                self.held.last(wanted.last_for.as_bytes(), u64::MAX)
            } else if is_batch || !wanted.next_for.is_empty() {
                self.held.next(pattern, from)
            } else {
                Some(from)
            };
            let message = match found {
                Some(sequence) => self.held.get(sequence)?,
                None => None,
            };
            let Some(message) = message else { break };
            progress.pending = progress.pending.saturating_sub(1);
            let headers = match (wanted.no_headers, is_batch) {
                (true, _) => Bytes::new(),
                (false, true) => self.direct_headers(&message, Some(progress)),
                (false, false) => self.direct_headers(&message, None),
            };
            bytes += message.subject.len() + message.headers.len() + message.payload.len();
            progress.last = message.sequence;
            from = message.sequence + 1;
            sent.push(DirectMessage {
                headers,
                payload: message.payload,
            });
        }
        if sent.is_empty() {
            return Ok(DirectMessage::only("404 Message Not Found"));
        }
        if is_batch {
            let Progress { pending, last } = progress;
            sent.push(DirectMessage::status(&format!(
                "204 EOB\r\nNats-Num-Pending: {pending}\r\nNats-Last-Sequence: {last}"
            )));
        }
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
        let mut found = BTreeSet::new();
        for pattern in &wanted.multi_last {
            let mut earlier = Vec::new();
            self.held
                .for_each_subject(pattern.as_bytes(), &mut |subject, of_it| {
                    if found.len() + earlier.len() > SUBJECTS_AT_MOST {
                    } else if of_it.last <= up_to {
                        found.insert(of_it.last);
                    } else if of_it.first <= up_to {
                        earlier.push(Bytes::copy_from_slice(subject));
                    }
                });
            found.extend(
                earlier
                    .iter()
                    .filter_map(|subject| self.held.last(subject, up_to)),
            );
            if found.len() > SUBJECTS_AT_MOST {
                return Ok(DirectMessage::only("413 Too Many Results"));
            }
        }
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
            bytes += message.subject.len() + message.headers.len() + message.payload.len();
            let headers = self.direct_headers(&message, Some(progress));
            progress.last = sequence;
            sent.push(DirectMessage {
                headers,
                payload: message.payload,
            });
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

    /// How many messages there are from a sequence on.
    fn pending(&self, pattern: &[u8], from: u64) -> u64 {
        match pattern == b">" && from <= self.first {
            true => self.held.count(),
            false => self.held.count_matching(pattern, from),
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

/// How many bytes are sent at most: what reaches it is sent still.
fn bytes_at_most(wanted: &GetRequest, max_pending: usize) -> usize {
    match wanted.max_bytes {
        0 => max_pending,
        bytes => usize::try_from(bytes).unwrap_or(0),
    }
}
