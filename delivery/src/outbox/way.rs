//! How messages get from an outbox to its owner, and what publishers have to know of that for each of them.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use vagus_protocol::routed::PeerLine;

/// What becomes of messages that the owner of a mailbox has no room for: it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// The publisher waits until there is room.
    Pause,
    /// They are not taken, and the publisher is told as if nobody had been interested.
    Refuse,
    /// The oldest make room.
    DropOldest,
    /// The owner is cut off, as a client that is a slow consumer.
    CutOff,
}

/// Where what waits in an outbox goes.
#[derive(Debug)]
pub(super) enum Way {
    /// To a client, in its own language.
    Client,
    /// To an owner within the server.
    Owner(Box<Owner>),
    /// To another server, in such lines.
    Peer(PeerLine),
    /// Into another account. Nothing ever waits.
    Account,
}

/// An owner within the server.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) when_full: WhenFull,
    /// Messages that it had no room for.
    pub(super) lost: AtomicU64,
}

impl Owner {
    pub(super) fn new(when_full: WhenFull) -> Box<Self> {
        Box::new(Self {
            when_full,
            lost: AtomicU64::new(0),
        })
    }
}

/// What makes a difference to how one message is delivered, in one byte.
#[derive(Debug)]
pub(crate) struct Traits(AtomicU8);

impl Traits {
    /// Nothing more can be delivered.
    pub(crate) const CLOSED: u8 = 1;
    /// Headers are to be left out.
    pub(crate) const NO_HEADERS: u8 = 1 << 1;
    /// Each request that is delivered has to be recorded.
    pub(crate) const RECORDS_REQUESTS: u8 = 1 << 2;
    /// It is not in a client's language that messages are delivered. Does not change.
    pub(crate) const NO_CLIENT: u8 = 1 << 3;
    /// The owner takes no more for now.
    pub(crate) const FULL: u8 = 1 << 4;
    /// It carries one account alone, which is not said to the peer.
    pub(crate) const OF_ONE_ACCOUNT: u8 = 1 << 5;
    /// The peer is a server that traces messages.
    pub(crate) const TRACES: u8 = 1 << 6;
    /// Answers to some subjects lead back through gateways.
    pub(crate) const HAS_WAYS_BACK: u8 = 1 << 7;

    pub(super) fn new(traits: u8) -> Self {
        Self(AtomicU8::new(traits))
    }

    /// Whether it has one of these.
    #[inline]
    pub(crate) fn have(&self, traits: u8) -> bool {
        self.0.load(Ordering::Relaxed) & traits != 0
    }

    /// Gives or takes these; whether it had one of them before.
    pub(super) fn set(&self, traits: u8, has: bool) -> bool {
        let before = match has {
            true => self.0.fetch_or(traits, Ordering::Relaxed),
            false => self.0.fetch_and(!traits, Ordering::Relaxed),
        };
        before & traits != 0
    }
}
