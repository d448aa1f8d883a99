//! What peers bring becomes messages.

use super::language::{Breach, Event, Events};
use super::storing::Storing;
use super::subjects::SubjectMaker;
use super::{Counters, Means};
use crate::in_process::InProcessMessage;
use bytes::Bytes;
use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;
use thiserror::Error;
use vagus_configs::SubjectOfTag;

/// So many messages are published at once at most.
const AT_ONCE: usize = 512;

/// So many bytes are published at once, and a message beyond.
const BYTES_AT_ONCE: usize = 256 * 1024;

/// So often something may be published that is not stored, before what is published next.
const UNDER_WAY: usize = 4;

/// The most that is taken of what a peer tells its events from others by, in bytes.
const LONGEST_IDENTITY: usize = 256;

/// Why what a peer brought is not where it belongs.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The server is at its end.
    #[error("the server is at its end")]
    Ending,
    /// No stream has stored it.
    #[error("it was not stored: {0}")]
    NotStored(String),
    /// The peer brought what cannot be read.
    #[error(transparent)]
    Breach(#[from] Breach),
}

/// Publishes what one peer brings.
pub(super) struct Publisher {
    means: Means,
    /// Who brings it.
    peer: SocketAddr,
    subjects: SubjectMaker,
    /// How long streams may take, where what is published has to be stored.
    patience: Option<Duration>,
    /// There is one from the first events on.
    storing: Option<Storing>,
}

/// How far it is with events.
#[derive(Default)]
struct Place {
    /// With which of those that were brought together.
    among: usize,
    /// How many of these there were.
    number: u64,
}

/// What is to be published at once.
#[derive(Default)]
struct Batch {
    messages: Vec<InProcessMessage>,
    bytes: usize,
    /// Why there is no more of it.
    end: Option<Breach>,
}

impl Publisher {
    /// Publishes on these subjects; where `patience` is given, streams may take so long until they have what was published.
    pub(super) fn new(
        means: Means,
        peer: SocketAddr,
        rule: &SubjectOfTag,
        patience: Option<Duration>,
    ) -> Self {
        Self {
            peer,
            subjects: SubjectMaker::new(rule),
            means,
            patience,
            storing: None,
        }
    }

    /// Publishes events, in their order; gives the number of the last message. What was readable has been published also when
    /// this fails over the rest.
    pub(super) async fn publish(&mut self, events: &mut [impl Events]) -> Result<u64, PublishError> {
        let mut place = Place::default();
        loop {
            let batch = self.gather(events, &mut place);
            if !batch.messages.is_empty() {
                self.hand_in(batch.messages, batch.bytes as u64).await?;
            } else if batch.end.is_none() {
                return Ok(self.storing.as_ref().map_or(0, Storing::published));
            }
            if let Some(breach) = batch.end {
                return Err(breach.into());
            }
        }
    }

    async fn hand_in(&mut self, messages: Vec<InProcessMessage>, bytes: u64) -> Result<(), PublishError> {
        let in_process = &self.means.in_process;
        let Some(patience) = self.patience else {
            let count = messages.len() as u64;
            // Where nobody is interested it is over with them.
            let taken = in_process.publish_all(messages).await;
            taken.ok_or(PublishError::Ending)?;
            self.count(count, bytes);
            return Ok(());
        };
        if self.storing.is_none() {
            self.storing = Storing::begin(in_process.clone(), patience).await;
        }
        while self.under_way() >= UNDER_WAY {
            self.hear().await?;
        }
        let storing = self.storing.as_mut().ok_or(PublishError::Ending)?;
        storing.publish(messages).await
    }

    /// How much was published at once and is not stored.
    pub(super) fn under_way(&self) -> usize {
        self.storing.as_ref().map_or(0, Storing::under_way)
    }

    /// Up to which message all are where they belong.
    pub(super) fn stored(&self) -> u64 {
        self.storing.as_ref().map_or(0, Storing::stored)
    }

    /// Waits until something more is stored; for ever if nothing is under way. It may be broken off.
    pub(super) async fn hear(&mut self) -> Result<(), PublishError> {
        let Some(storing) = &mut self.storing else {
            return pending().await;
        };
        let (count, bytes) = storing.hear().await?;
        self.count(count, bytes);
        Ok(())
    }

    fn count(&self, messages: u64, bytes: u64) {
        Counters::add(&self.means.counters.messages_in, messages);
        Counters::add(&self.means.counters.bytes_in, bytes);
    }

    fn gather(&mut self, events: &mut [impl Events], place: &mut Place) -> Batch {
        let mut batch = Batch::default();
        while batch.messages.len() < AT_ONCE
            && batch.bytes < BYTES_AT_ONCE
            && let Some(events) = events.get_mut(place.among)
        {
            match events.next_event() {
                Ok(Some(event)) => {
                    place.number += 1;
                    let identity = events.identity().filter(|_| self.patience.is_some());
                    match self.message(event, identity.map(|identity| (identity, place.number))) {
                        Ok(message) => {
                            batch.bytes += message.payload.len();
                            batch.messages.push(message);
                        }
                        Err(reason) => self.pass_over(&reason),
                    }
                }
                Ok(None) => {
                    *place = Place {
                        among: place.among + 1,
                        number: 0,
                    }
                }
                Err(breach) => {
                    batch.end = Some(breach);
                    break;
                }
            }
        }
        batch
    }

    /// The message of an event; why it can be none.
    fn message(&mut self, event: Event, identity: Option<(&[u8], u64)>) -> Result<InProcessMessage, String> {
        let Event { tag, header, payload } = event;
        let payload = payload.ok_or("an event is no object")?;
        let subject = self.subjects.subject(&tag);
        let subject = subject.ok_or_else(|| format!("there is no subject for tag {:?}", shown(&tag)))?;
        if !self.means.rights.may_publish(&subject) {
            return Err(format!(
                "Permissions Violation for Publish to {:?}",
                shown(&subject)
            ));
        }
        let header = block(&header, identity);
        let size = payload.len() + header.as_ref().map_or(0, Bytes::len);
        if size > self.means.max_payload() {
            return Err(format!(
                "Maximum Payload Violation: {size} bytes for {:?}",
                shown(&subject)
            ));
        }
        Ok(InProcessMessage {
            subject,
            reply: None,
            header,
            payload,
            except: None,
        })
    }

    /// Events that can be nothing are counted, and told of when it is for another reason than before.
    fn pass_over(&self, reason: &str) {
        let Means { id, counters, .. } = &self.means;
        Counters::count(&counters.dropped);
        if counters.fail(reason) {
            log::warn!("Connector {:?}: {} - {reason}", &**id, self.peer);
        }
    }
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(100).collect()
}

/// A header block of these lines, and of what a stream tells messages apart by.
fn block(lines: &[u8], identity: Option<(&[u8], u64)>) -> Option<Bytes> {
    if lines.is_empty() && identity.is_none() {
        return None;
    }
    let mut block = b"NATS/1.0\r\n".to_vec();
    block.extend_from_slice(lines);
    if let Some((identity, number)) = identity {
        block.extend_from_slice(b"Nats-Msg-Id: ");
        // Whatever a peer writes there: it is one word.
        let word = identity.trim_ascii().iter().take(LONGEST_IDENTITY);
        block.extend(word.map(|byte| if byte.is_ascii_graphic() { *byte } else { b'_' }));
        block.extend_from_slice(format!(":{number}\r\n").as_bytes());
    }
    block.extend_from_slice(b"\r\n");
    Some(block.into())
}

#[cfg(test)]
mod tests {
    use super::block;

    #[test]
    fn headers() {
        assert_eq!(block(b"", None), None);
        let with_lines = block(b"A: b\r\n", None).unwrap();
        assert_eq!(&with_lines[..], b"NATS/1.0\r\nA: b\r\n\r\n");
        let both = block(b"A: b\r\n", Some((b"Zm9v\n", 7))).unwrap();
        assert_eq!(&both[..], b"NATS/1.0\r\nA: b\r\nNats-Msg-Id: Zm9v:7\r\n\r\n");
        let odd = block(b"", Some((b"a\r\nB: c\xff", 1))).unwrap();
        assert_eq!(&odd[..], b"NATS/1.0\r\nNats-Msg-Id: a__B:_c_:1\r\n\r\n");
        let long = block(b"", Some((&[b'x'; 1000], 1))).unwrap();
        assert!(long.len() < 300);
    }
}
