//! What is to be done, of what a stream has decided and applied.

use crate::consumer::{Advisory, ConsumerInfo, Delivery};
use crate::error::ApiError;
use bytes::Bytes;

/// What is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Each for itself, in their order.
    pub list: Vec<Effect>,
    /// For how many bytes more messages count or, below 0, less.
    pub bytes: i64,
}

/// Something that the stream says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Where to.
    pub subject: Bytes,
    /// Where it is answered; empty: nowhere.
    pub reply: Bytes,
    /// Its headers; empty: none.
    pub headers: Bytes,
    /// What.
    pub payload: Bytes,
}

/// Something that is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Somebody is answered.
    Answer {
        /// Where to.
        to: Bytes,
        /// What.
        payload: Bytes,
    },
    /// What was stored is published anew.
    Republish {
        /// On what.
        subject: Bytes,
        /// With these headers.
        headers: Bytes,
        /// And this payload.
        payload: Bytes,
    },
    /// Messages of a consumer, or what it has to say, go to who gets them.
    Deliver {
        /// Where to.
        to: Bytes,
        /// The queue group that shares them; empty: none.
        group: Bytes,
        /// They, in their order.
        deliveries: Vec<Delivery>,
    },
    /// Something is told of a consumer to who listens for it.
    Advisory(Advisory),
    /// There is a consumer, or it now delivers elsewhere.
    ConsumerBegan {
        /// Its name.
        name: String,
        /// Where it pushes messages; empty: they are pulled.
        deliver_to: Bytes,
        /// The queue group that shares them there; empty: none.
        group: Bytes,
    },
    /// There is no longer a consumer of this name.
    ConsumerEnded {
        /// Its name.
        name: String,
    },
    /// A message has to be read for consumers; then they are [told so](super::Stream::has_read).
    Read {
        /// Which.
        sequence: u64,
    },
    /// A request has been carried out, or not.
    Done {
        /// Which.
        request: u64,
        /// What has become of it.
        outcome: Result<Done, ApiError>,
    },
    /// What comes on a subject from now on is to be [heard](super::Stream::hear) under a number.
    Listen {
        /// Under this one.
        number: u32,
        /// What comes on this.
        subject: Bytes,
        /// Said once that is in force. If nobody takes it, that is heard under the number as headers with status 503.
        then: Option<Box<Said>>,
    },
    /// Nothing more is to be heard under a number.
    StopListening {
        /// Which.
        number: u32,
    },
    /// The stream says something.
    Say(Said),
    /// A copy has as good as all that there is: it may [answer](super::Stream::answers_for_origin) for what it is a copy of.
    MirrorIsCurrent,
    /// Nothing becomes of an atomic batch.
    Abandoned {
        /// Which.
        batch: Bytes,
        /// Why.
        reason: Abandonment,
    },
}

/// What has been done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// So many messages have gone.
    Purged(u64),
    /// The message has gone.
    Deleted,
    /// The stream is configured anew.
    Configured,
    /// A consumer is made, or is another.
    Consumer {
        /// Its name.
        name: String,
        /// What it is; None: something has to be read to tell.
        info: Option<Box<ConsumerInfo>>,
    },
    /// A part of a backup is there again.
    Restored,
    /// A consumer has gone.
    ConsumerDeleted,
    /// A consumer begins anew.
    ConsumerReset {
        /// Its name.
        name: String,
        /// What it is; None: something has to be read to tell.
        info: Option<Box<ConsumerInfo>>,
        /// With the message of this sequence.
        next: u64,
    },
}

/// Why nothing becomes of an atomic batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abandonment {
    /// Nothing more has come of it.
    Timeout,
    /// It has too many messages.
    Large,
    /// Some of them are missing.
    Incomplete,
    /// It requires more than the server knows.
    RequirementsNotMet,
}

impl Abandonment {
    /// How it is said.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Large => "large",
            Self::Incomplete => "incomplete",
            Self::RequirementsNotMet => "unsupported",
        }
    }
}
