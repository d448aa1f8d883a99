//! Messages that no client of an account has published in it: the server's own, and what came from another account.

use super::tracing::OwnMessage;
use crate::account::Crossing;
use crate::outbox::Outbox;
use std::sync::Arc;
use vagus_protocol::operation::{Groups, Publish};
use vagus_routing::{AccountId, Origin};

/// One that is kept for a later turn.
#[derive(Debug)]
pub struct Posted {
    subject: Box<[u8]>,
    reply: Option<Box<[u8]>>,
    header_size: Option<usize>,
    body: Vec<u8>,
    pub(super) origin: Origin,
    /// Who published it, where other accounts are told of it.
    pub(super) publisher: Option<Arc<Outbox>>,
    /// The ways that it has come by from other accounts.
    pub(super) passed: Box<[Arc<Crossing>]>,
}

/// The sizes of a message in digits.
pub(super) struct Sizes {
    header: String,
    whole: String,
}

impl Sizes {
    pub(super) fn of(header_size: Option<usize>, body: &[u8]) -> Self {
        Self {
            header: header_size.map_or_else(String::new, |size| size.to_string()),
            whole: body.len().to_string(),
        }
    }

    /// A message of this size.
    pub(super) fn message<'a>(
        &'a self,
        subject: &'a [u8],
        reply: Option<&'a [u8]>,
        header_size: Option<usize>,
        body: &'a [u8],
    ) -> Publish<'a> {
        Publish {
            subject,
            reply,
            groups: Groups::All,
            header_size,
            header_size_text: self.header.as_bytes(),
            size_text: self.whole.as_bytes(),
            tail: None,
            body,
            line_len: 0,
        }
    }
}

impl Posted {
    /// One of the server's own, in this account.
    pub(super) fn own(own: OwnMessage, account: AccountId) -> Box<Self> {
        Box::new(Self {
            subject: own.subject,
            reply: None,
            header_size: Some(own.header.len()).filter(|size| *size > 0),
            body: [own.header, &own.payload].concat(),
            origin: Origin::server(account),
            publisher: None,
            passed: Box::default(),
        })
    }

    /// One that came from another account.
    pub(super) fn crossed(
        message: &Publish<'_>,
        origin: Origin,
        publisher: Option<Arc<Outbox>>,
        passed: &[Arc<Crossing>],
    ) -> Box<Self> {
        Box::new(Self {
            subject: message.subject.into(),
            reply: message.reply.map(Into::into),
            header_size: message.header_size,
            body: message.body.to_vec(),
            origin,
            publisher,
            passed: passed.into(),
        })
    }

    pub(super) fn sizes(&self) -> Sizes {
        Sizes::of(self.header_size, &self.body)
    }

    pub(super) fn message<'a>(&'a self, sizes: &'a Sizes) -> Publish<'a> {
        sizes.message(&self.subject, self.reply.as_deref(), self.header_size, &self.body)
    }
}
