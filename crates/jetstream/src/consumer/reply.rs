//! The subjects on which messages are acknowledged: they say which message it is.
//!
//! There are two forms, of which both are always understood:
//! `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time>.<pending>`, and one with domain
//! and account behind `$JS.ACK.`, to which others may add (ADR-15).

use crate::time::Time;
use bytes::{BufMut, Bytes, BytesMut};
use std::io::Write as _;

/// How many subjects are written into one piece of memory.
const CHUNK: usize = 4096;

/// How subjects begin on which messages are acknowledged, and on which flow control is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyForm {
    /// What comes in front of the stream: empty, or domain and account, each with a dot.
    scope: String,
}

impl ReplyForm {
    /// The form without domain and account.
    #[must_use]
    pub fn plain() -> Self {
        Self { scope: String::new() }
    }

    /// The form with domain, `_` if there is none, and account. `account`: what is known by it, eight letters.
    #[must_use]
    pub fn scoped(domain: &str, account: &str) -> Self {
        let domain = if domain.is_empty() { "_" } else { domain };
        Self {
            scope: format!("{domain}.{account}."),
        }
    }

    /// How the subject begins of a consumer's messages.
    pub(crate) fn ack_prefix(&self, stream: &str, consumer: &str) -> Box<[u8]> {
        format!("$JS.ACK.{}{stream}.{consumer}.", self.scope)
            .into_bytes()
            .into()
    }

    /// How that begins on which flow control is answered.
    pub(crate) fn flow_prefix(&self, stream: &str, consumer: &str) -> String {
        format!("$JS.FC.{}{stream}.{consumer}.", self.scope)
    }
}

/// What the subject of an acknowledgement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Acknowledged<'a> {
    pub(crate) stream: &'a [u8],
    pub(crate) consumer: &'a [u8],
    pub(crate) deliveries: u64,
    pub(crate) sequence: u64,
    pub(crate) consumer_sequence: u64,
    /// When the message was stored.
    pub(crate) time: Time,
    /// How many were still to come.
    pub(crate) pending: u64,
}

impl<'a> Acknowledged<'a> {
    /// Reads a subject; None if it is none.
    pub(crate) fn read(subject: &'a [u8]) -> Option<Self> {
        let rest = subject.strip_prefix(b"$JS.ACK.")?;
        let tokens = memchr::memchr_iter(b'.', rest).count() + 3;
        let mut rest = rest.split(|byte| *byte == b'.');
        match tokens {
            9 => {}
            11.. => drop(rest.by_ref().nth(1)),
            _ => return None,
        }
        let (stream, consumer) = (rest.next()?, rest.next()?);
        let mut number = || number(rest.next()?);
        Some(Self {
            stream,
            consumer,
            deliveries: number()?,
            sequence: number()?,
            consumer_sequence: number()?,
            // What nobody but a server has written need not be right.
            time: Time(number().and_then(|time| i64::try_from(time).ok()).unwrap_or(0)),
            pending: number().unwrap_or(0),
        })
    }
}

fn number(token: &[u8]) -> Option<u64> {
    crate::header::number(token)
}

/// The stream and the consumer that an answer to flow control is for; None if it is none.
pub(crate) fn read_flow(subject: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = subject.strip_prefix(b"$JS.FC.")?;
    let mut from_end = rest.rsplit(|byte| *byte == b'.');
    let (_, consumer, stream) = (from_end.next()?, from_end.next()?, from_end.next()?);
    Some((stream, consumer))
}

/// Writes subjects, many into one piece of memory.
#[derive(Debug, Default)]
pub(crate) struct ReplyWriter {
    chunk: BytesMut,
}

impl ReplyWriter {
    /// The subject on which a message is acknowledged.
    pub(crate) fn write(
        &mut self,
        prefix: &[u8],
        deliveries: u64,
        sequence: u64,
        consumer_sequence: u64,
        time: Time,
        pending: u64,
    ) -> Bytes {
        let longest = prefix.len() + 5 * 21;
        if self.chunk.capacity() < longest {
            self.chunk = BytesMut::with_capacity(CHUNK.max(longest));
        }
        self.chunk.extend_from_slice(prefix);
        let mut out = (&mut self.chunk).writer();
        // Writing to memory cannot fail.
        let _ = write!(
            out,
            "{deliveries}.{sequence}.{consumer_sequence}.{}.{pending}",
            time.0
        );
        self.chunk.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::{Acknowledged, ReplyForm, ReplyWriter, read_flow};
    use crate::time::Time;

    #[test]
    fn says_which_message_it_is() {
        let mut writer = ReplyWriter::default();
        for (form, subject) in [
            (ReplyForm::plain(), "$JS.ACK.S.C.2.7.9.123.4"),
            (
                ReplyForm::scoped("", "HASHHASH"),
                "$JS.ACK._.HASHHASH.S.C.2.7.9.123.4",
            ),
            (
                ReplyForm::scoped("hub", "HASHHASH"),
                "$JS.ACK.hub.HASHHASH.S.C.2.7.9.123.4",
            ),
        ] {
            let written = writer.write(&form.ack_prefix("S", "C"), 2, 7, 9, Time(123), 4);
            assert_eq!(written, subject);
            for more in ["", ".more"] {
                let read = format!("{subject}{more}");
                let is_fixed = subject.starts_with("$JS.ACK.S");
                assert_eq!(
                    Acknowledged::read(read.as_bytes()),
                    (more.is_empty() || !is_fixed).then_some(Acknowledged {
                        stream: b"S",
                        consumer: b"C",
                        deliveries: 2,
                        sequence: 7,
                        consumer_sequence: 9,
                        time: Time(123),
                        pending: 4,
                    }),
                    "{read}"
                );
            }
            let flow = format!("{}abcd", form.flow_prefix("S", "C"));
            assert_eq!(read_flow(flow.as_bytes()), Some((&b"S"[..], &b"C"[..])));
        }
        for none in [
            "$JS.ACK.S.C.2.x.9.123.4",
            "$JS.ACK.S.C.2.7",
            "$JS.FC.S.C.a",
            "$JS.ACK",
            "",
        ] {
            assert_eq!(Acknowledged::read(none.as_bytes()), None, "{none}");
        }
        assert_eq!(read_flow(b"$JS.FC.C.a"), None);
    }
}
