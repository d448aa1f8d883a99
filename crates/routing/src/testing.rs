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
