//! What a language of connectors is: a folder in `handlers/` implements this.
//!
//! Sessions are codecs of `tokio-util`: bytes come in, and what they come to goes out. They know no socket, and wait for
//! nothing.

use bytes::Bytes;
use std::io;
use thiserror::Error;
use tokio_util::codec::Decoder;
use vagus_protocol::neutral::NeutralMessage;

/// A language in which peers bring events.
pub trait InwardLanguage: Send + Sync + 'static {
    /// One peer.
    type Session: InwardSession;

    /// Begins with a peer; what it is told first, if anything, comes with it.
    fn begin(&self) -> (Self::Session, Option<Bytes>);
}

/// A peer that brings events.
pub trait InwardSession: Decoder<Item = Heard<Self::Events>, Error = Breach> + 'static {
    /// What it brings at once.
    type Events: Events;

    /// What it is told while what it brought is on its way, so that it goes on waiting.
    fn keep_alive(&self) -> Option<Bytes> {
        None
    }

    /// Whether it has shown that it may bring events.
    fn is_admitted(&self) -> bool {
        true
    }

    /// Whether more of what it brought last is still to come: then that is published by itself.
    fn is_amid(&self) -> bool {
        false
    }

    /// What it holds of what has come, in bytes, beside the input.
    fn held(&self) -> usize {
        0
    }
}

/// What a peer has said.
#[derive(Debug)]
pub enum Heard<E> {
    /// Nothing that matters.
    Nothing,
    /// What is to be answered with this.
    Answered(Bytes),
    /// Events.
    Events(E),
}

/// Events that a peer brought at once.
pub trait Events {
    /// The next one, if there is any.
    ///
    /// # Errors
    /// When the rest cannot be read: the peer has to go.
    fn next_event(&mut self) -> Result<Option<Event>, Breach>;

    /// By what these events are told from others, if the peer sends them again as the same.
    fn identity(&self) -> Option<&[u8]>;

    /// What the peer is told when all of them are where they belong.
    fn reply(&self) -> Option<Bytes>;
}

/// An event, as a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Its tag; empty if it has none.
    pub tag: Bytes,
    /// Lines of its header, each with its end.
    pub header: Vec<u8>,
    /// The payload. None: the event can be nothing, and is passed over.
    pub payload: Option<Bytes>,
}

/// Why a connection cannot go on.
#[derive(Debug, Error)]
pub enum Breach {
    /// The connection has failed, or the peer has gone.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What the other end says is not what it should. It is told the last words, if there are any.
    #[error("{reason}")]
    Peer {
        /// Why.
        reason: String,
        /// What it is told.
        last_words: Option<Bytes>,
    },
}

impl Breach {
    /// A breach of the language, about which the peer is told nothing.
    pub fn of(reason: impl ToString) -> Self {
        Self::Peer {
            reason: reason.to_string(),
            last_words: None,
        }
    }
}

/// A language in which servers are brought messages.
pub trait OutwardLanguage: Send + Sync + 'static {
    /// What is brought at once.
    type Parcel: Parcel;
    /// One connection.
    type Session: OutwardSession<Parcel = Self::Parcel>;

    /// An empty parcel.
    fn parcel(&self) -> Self::Parcel;

    /// Begins with a server that has been connected to.
    fn begin(&self) -> Self::Session;
}

/// Messages that are brought at once, and again if they have to be.
pub trait Parcel: 'static {
    /// Adds a message with its tag.
    fn add(&mut self, message: &NeutralMessage<'_>, tag: &[u8]);

    /// How large it is, in bytes.
    fn size(&self) -> usize;
}

/// A server that is brought messages.
pub trait OutwardSession: Decoder<Item = Told, Error = Breach> + 'static {
    /// What is brought at once.
    type Parcel: Parcel;

    /// Whether it can be brought anything.
    fn is_open(&self) -> bool {
        true
    }

    /// What is to be sent so that it has the parcel. The session knows from then on what the answer to it is.
    fn send(&mut self, parcel: &Self::Parcel) -> Vec<Bytes>;

    /// Whether it still has to say that it has what was sent.
    fn awaits_answer(&self) -> bool;
}

/// What a server has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// That it is there; it may be asked what it is open for or waited for.
    Something,
    /// What is to be answered with this.
    Answered(Bytes),
}
