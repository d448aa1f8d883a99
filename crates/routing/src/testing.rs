//! What the tests of this crate share.

use std::sync::Arc;

use crate::fanout::{Encoder, Fanout, Prefix};
use crate::index::Index;
use crate::origin::{AccountId, ConnectionKind};
use crate::subscription::{Destination, Outlet, Subscription};

/// A connection that is only its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) id: u64,
    pub(crate) headers: bool,
    pub(crate) outlet: Outlet,
}

impl Destination for Peer {
    fn connection_id(&self) -> u64 {
        self.id
    }

    fn accepts_headers(&self) -> bool {
        self.headers
    }

    fn outlet(&self) -> Outlet {
        self.outlet
    }
}

impl Peer {
    pub(crate) fn client(id: u64) -> Self {
        Self {
            id,
            headers: true,
            outlet: Outlet::Client,
        }
    }
}

/// An end of any kind, with its number.
pub(crate) struct End(pub(crate) u64, pub(crate) ConnectionKind);

impl Destination for End {
    fn connection_id(&self) -> u64 {
        self.0
    }

    fn accepts_headers(&self) -> bool {
        true
    }

    fn kind(&self) -> ConnectionKind {
        self.1
    }
}

/// A language in which the sid comes last, and one in which it comes first.
pub(crate) struct Lines;

impl Encoder for Lines {
    fn start_length(&self, outlet: Outlet, subject: usize, sid: usize) -> usize {
        match outlet {
            Outlet::Client => "HMSG  ".len() + subject + sid,
            Outlet::Mailbox => "[] ".len() + subject + sid,
            Outlet::Peer | Outlet::Account => 0,
        }
    }

    fn write_start(&self, outlet: Outlet, subject: &[u8], sid: &[u8], write: &mut impl FnMut(&[u8])) -> u8 {
        match outlet {
            Outlet::Client => {
                [b"HMSG ", subject, b" ", sid].into_iter().for_each(write);
                5
            }
            Outlet::Mailbox => {
                [b"[", sid, b"] ", subject].into_iter().for_each(write);
                sid.len() as u8 + 3
            }
            Outlet::Peer | Outlet::Account => panic!("nothing is prepared for these"),
        }
    }
}

impl<D: Destination> Index<D> {
    /// In the account 0.
    pub(crate) fn resolve(&self, subject: &[u8]) -> Fanout<D> {
        self.matches(subject).into_fanout(AccountId(0), subject, &Lines)
    }
}

impl<D> Fanout<D> {
    pub(crate) fn hmsg_prefix(&self, prefix: Prefix) -> &[u8] {
        self.start(prefix, 0)
    }

    pub(crate) fn msg_prefix(&self, prefix: Prefix) -> &[u8] {
        self.start(prefix, 1)
    }
}

pub(crate) type Shared = Arc<Subscription<Peer>>;

pub(crate) fn plain(subject: &str, sid: &str, id: u64) -> Shared {
    let peer = Peer::client(id);
    Arc::new(Subscription::new(subject.as_bytes(), None, sid.as_bytes(), peer))
}

pub(crate) fn member(subject: &str, queue: &str, sid: &str, id: u64) -> Shared {
    let peer = Peer::client(id);
    Arc::new(Subscription::new(
        subject.as_bytes(),
        Some(queue.as_bytes()),
        sid.as_bytes(),
        peer,
    ))
}
