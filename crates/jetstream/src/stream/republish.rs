//! What is stored is published anew, on other subjects, with where it is stored.

use super::{Effect, Stream};
use crate::header;
use crate::held::Messages;
use crate::message::Message;
use bytes::Bytes;
use vagus_routing::subject::{has_wildcards, is_valid_subscription, matches};

impl<M: Messages> Stream<M> {
    /// The subject on which a message is published anew, if it is.
    pub(super) fn republished_on(&self, subject: &[u8]) -> Option<Bytes> {
        let transform = self.republish.as_ref()?;
        if !matches(transform.source().as_bytes(), subject) {
            return None;
        }
        let mut out = Vec::new();
        transform.append(subject, 0, &mut out);
        let is_literal = is_valid_subscription(&out) && !has_wildcards(&out);
        is_literal.then(|| out.into())
    }

    /// Publishes a message anew. `before`: the sequence of the last one of its subject before it; 0: none.
    pub(super) fn publish_anew(&mut self, on: Bytes, message: &Message, before: u64) {
        let headers_only = self
            .config
            .republish
            .as_ref()
            .is_some_and(|republish| republish.headers_only);
        let (sequence, time) = (message.sequence.to_string(), message.time.to_string());
        let (before, size) = (before.to_string(), message.payload.len().to_string());
        let mut added: Vec<(&str, &[u8])> = vec![
            (header::STREAM, self.config.name.as_bytes()),
            (header::SUBJECT, &message.subject),
            (header::SEQUENCE, sequence.as_bytes()),
            (header::TIME_STAMP, time.as_bytes()),
            (header::LAST_SEQUENCE, before.as_bytes()),
        ];
        if headers_only {
            added.push((header::MESSAGE_SIZE, size.as_bytes()));
        }
        let payload = if headers_only {
            Bytes::new()
        } else {
            message.payload.clone()
        };
        self.effects.list.push(Effect::Republish {
            subject: on,
            headers: header::with(&message.headers, &added),
            payload,
        });
    }
}
