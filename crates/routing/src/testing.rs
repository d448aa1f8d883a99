//! What the tests of this crate share.

use std::sync::Arc;

use crate::subscription::{Destination, Subscription};

/// A connection that is only its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) id: u64,
    pub(crate) headers: bool,
}

impl Destination for Peer {
    fn connection_id(&self) -> u64 {
        self.id
    }

    fn accepts_headers(&self) -> bool {
        self.headers
    }
}

pub(crate) type Shared = Arc<Subscription<Peer>>;

pub(crate) fn plain(subject: &str, sid: &str, id: u64) -> Shared {
    let peer = Peer { id, headers: true };
    Arc::new(Subscription::new(subject.as_bytes(), None, sid.as_bytes(), peer))
}

pub(crate) fn member(subject: &str, queue: &str, sid: &str, id: u64) -> Shared {
    let peer = Peer { id, headers: true };
    Arc::new(Subscription::new(
        subject.as_bytes(),
        Some(queue.as_bytes()),
        sid.as_bytes(),
        peer,
    ))
}

/// Numbers that are random enough and the same in every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}
