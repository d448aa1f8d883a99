//! A request, as it waits to be answered.

use crate::topic::Topic;
use bytes::Bytes;
use vagus_delivery::mailbox::Message;

/// How long the header and the payload of such a request may be together, in bytes.
const ASKED_AT_MOST: usize = 4_096;

/// What is asked.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) topic: Topic,
    pub(crate) subject: Bytes,
    pub(crate) reply: Option<Bytes>,
    pub(crate) header: Bytes,
    pub(crate) payload: Bytes,
}

/// What has been answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    pub(crate) topic: Topic,
    /// Everybody was told.
    pub(crate) to_all: bool,
}

impl Asked {
    /// What a message to one of these topics asks.
    pub(crate) fn of(topics: &[Topic], message: &Message) -> Option<Self> {
        let request = message.parts();
        let place = usize::try_from(request.subscription).ok()?.checked_sub(1)?;
        Some(Self {
            topic: *topics.get(place)?,
            subject: message.share(request.subject),
            reply: request.reply.map(|reply| message.share(reply)),
            header: message.share(request.header),
            payload: message.share(request.payload),
        })
    }

    /// Whether it may wait: no account has so much to ask about itself otherwise.
    pub(crate) fn is_short(&self) -> bool {
        self.header.len() + self.payload.len() <= ASKED_AT_MOST
    }

    /// The same, without what it came with.
    pub(crate) fn copied(&self) -> Self {
        let copy = |bytes: &Bytes| Bytes::copy_from_slice(bytes);
        Self {
            topic: self.topic,
            subject: copy(&self.subject),
            reply: self.reply.as_ref().map(copy),
            header: copy(&self.header),
            payload: copy(&self.payload),
        }
    }
}
