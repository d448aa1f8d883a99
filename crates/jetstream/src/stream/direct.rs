//! Messages that are got directly: one, several one after another, or the last of each of several subjects; with where
//! they are stored in their headers.

//!
//! What is asked for is sent in parts, so that others have their turn between, and so that nothing is read twice: where a
//! request is goes with it.

mod batch;

use super::Stream;
use crate::api::{GetRequest, requires_other_level};
use crate::header;
use crate::held::{Cold, Messages};
use crate::message::Message;
use batch::{Batch, LastOfEach, Progress};
use bytes::Bytes;

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
}

/// What somebody has asked for directly, as far as it is not sent.
#[derive(Debug)]
pub struct DirectRequest(Remaining);

#[derive(Debug)]
enum Remaining {
    /// All, and how many bytes a connection may have waiting: nothing is looked for yet.
    Wanted(Box<GetRequest>, usize),
    /// That this is all.
    Status(&'static str),
    /// A message, with or without its headers, if there is one.
    One(Option<u64>, bool),
    LastOfEach(Box<LastOfEach>),
    Batch(Box<Batch>),
    Nothing,
}

/// Whether there is more to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Further {
    /// That was all.
    Done,
    /// There is, once others have had their turn.
    More,
}

impl DirectRequest {
    /// What is asked for in the body of a request. `max_pending`: how many bytes a connection may have waiting.
    pub fn of(headers: &[u8], body: &[u8], max_pending: usize) -> Self {
        Self::new(asked(headers, body), max_pending)
    }

    /// The same for who asks for the last message of the subject that he asks on.
    pub fn last_of(headers: &[u8], subject: &[u8], body: &[u8]) -> Self {
        Self::new(asked_on(headers, subject, body), 0)
    }

    fn new(asked: Result<GetRequest, &'static str>, max_pending: usize) -> Self {
        Self(match asked {
            Err(status) => Remaining::Status(status),
            Ok(wanted) => Remaining::Wanted(Box::new(wanted), max_pending),
        })
    }
}

impl<M: Messages> Stream<M> {
    /// Whether what is asked for may be, or be changed by, what is decided and not yet in the log. Of a request of which
    /// something was sent nothing is ahead.
    pub fn is_ahead(&self, request: &DirectRequest) -> bool {
        match &request.0 {
            Remaining::Wanted(wanted, _) => self.may_be_ahead(wanted),
            _ => false,
        }
    }

    /// Sends some of what is asked for.
    ///
    /// # Errors
    /// If a message has to be read before there can be more: then that goes on from there.
    pub fn send_directly(
        &self,
        request: &mut DirectRequest,
        sent: &mut Vec<DirectMessage>,
    ) -> Result<Further, Cold> {
        if let Remaining::Wanted(wanted, max_pending) = &request.0 {
            request.0 = match wanted.multi_last.is_empty() {
                true => self.direct_one_or_more(wanted, *max_pending),
                false => self.last_of_each(wanted, *max_pending),
            };
        }
        if let Remaining::LastOfEach(last) = &mut request.0 {
            let Some(found) = self.look_back(last) else {
                return Ok(Further::More);
            };
            request.0 = found;
        }
        match &mut request.0 {
            Remaining::Nothing | Remaining::Wanted(..) | Remaining::LastOfEach(_) => {}
            Remaining::Status(status) => sent.push(DirectMessage::status(status)),
            Remaining::One(sequence, no_headers) => {
                let message = match sequence {
                    Some(sequence) => self.held.get(*sequence)?,
                    None => None,
                };
                sent.push(match message {
                    Some(message) => self.direct_message(message, *no_headers, None),
                    None => DirectMessage::status("404 Message Not Found"),
                });
            }
            Remaining::Batch(batch) => {
                if self.send_batch(batch, sent)? == Further::More {
                    return Ok(Further::More);
                }
            }
        }
        request.0 = Remaining::Nothing;
        Ok(Further::Done)
    }

    fn direct_one_or_more(&self, wanted: &GetRequest, max_pending: usize) -> Remaining {
        let from = match &wanted.start_time {
            Some(time) => self.at_time(time.time()),
            None => wanted.sequence,
        };
        if wanted.batch > 0 {
            return self.following(wanted, from, max_pending);
        }
        let found = if !wanted.last_for.is_empty() {
            self.held.last(wanted.last_for.as_bytes(), u64::MAX)
        } else if !wanted.next_for.is_empty() {
            self.held.next(wanted.next_for.as_bytes(), from)
        } else {
            Some(from)
        };
        Remaining::One(found, wanted.no_headers)
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

/// What a request asks for, or the status that answers it.
fn asked(headers: &[u8], body: &[u8]) -> Result<GetRequest, &'static str> {
    if requires_other_level(headers) {
        return Err("412 Required Api Level");
    }
    if body.is_empty() {
        return Err("408 Empty Request");
    }
    let wanted = GetRequest::from_json(body, false).map_err(|_| "408 Malformed Request")?;
    let (last, next, several) = (
        !wanted.last_for.is_empty(),
        !wanted.next_for.is_empty(),
        !wanted.multi_last.is_empty(),
    );
    let (by_sequence, by_time) = (wanted.sequence > 0, wanted.start_time.is_some());
    if !(by_sequence || by_time || last || next || several) {
        return Err("408 Empty Request");
    }
    let is_bad = (by_sequence && (last || by_time))
        || (last && (by_time || next || several || wanted.batch > 0))
        || (next && several)
        || (wanted.up_to_sequence > 0 && wanted.up_to_time.is_some());
    match is_bad {
        true => Err("408 Bad Request"),
        false => Ok(wanted),
    }
}

/// The same for who asks on a subject for its last message.
fn asked_on(headers: &[u8], subject: &[u8], body: &[u8]) -> Result<GetRequest, &'static str> {
    if requires_other_level(headers) {
        return Err("412 Required Api Level");
    }
    let mut wanted = match body {
        [] => GetRequest::default(),
        body => GetRequest::from_json(body, false).map_err(|_| "408 Malformed Request")?,
    };
    let plain = GetRequest {
        max_bytes: wanted.max_bytes,
        no_headers: wanted.no_headers,
        ..GetRequest::default()
    };
    match str::from_utf8(subject) {
        Ok(subject) if !subject.is_empty() && wanted == plain => {
            subject.clone_into(&mut wanted.last_for);
            Ok(wanted)
        }
        _ => Err("408 Bad Request"),
    }
}
