//! What the Monitor knows of a connection.

use crate::impact::AssessImpact;
use crate::observed::{ConnectionState, Describe};
use actix::prelude::*;
use actix::{Recipient, WeakRecipient};
use futures_util::future::AbortHandle;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use vagus_delivery::outbox::Outbox;
use vagus_routing::ConnectionId;

/// A connection, from the moment there is one more.
#[derive(Debug)]
pub(super) enum Known {
    /// Something has to be agreed upon with the peer first. Boxed: it lasts for a moment, and all would pay for the room.
    Opening(Box<ConnectionOpening>),
    Open(Open),
}

#[derive(Debug)]
pub(super) struct Open {
    pub(super) outbox: Arc<Outbox>,
    /// Weak: these take a quarter of the memory, for as long as the connection lasts.
    pub(super) describe: WeakRecipient<Describe>,
    pub(super) assess_impact: WeakRecipient<AssessImpact>,
}

/// The word of a connection that is not open yet to the Monitor: there is one more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct ConnectionOpening {
    pub(crate) id: ConnectionId,
    pub(crate) peer: SocketAddr,
    pub(crate) since: Instant,
    /// Ends what has to be agreed upon, and with it the connection.
    pub(crate) end: AbortHandle,
}

/// The last word of a connection that is none of these: another Monitor knows of it from now on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct ConnectionLeft(pub(crate) ConnectionId);

/// A connection on the Monitor's list.
pub(crate) enum Listed {
    /// It shows nothing but this.
    Opening(Box<ConnectionState>),
    /// It can be asked.
    Open(Recipient<Describe>),
}

impl Known {
    pub(super) fn open(&self) -> Option<&Open> {
        match self {
            Self::Opening(_) => None,
            Self::Open(open) => Some(open),
        }
    }

    /// None if it has just ended.
    pub(super) fn listed(&self, id: ConnectionId) -> Option<Listed> {
        match self {
            Self::Opening(opening) => {
                let state = ConnectionState::opening(id, opening.peer, opening.since);
                Some(Listed::Opening(Box::new(state)))
            }
            Self::Open(open) => open.describe.upgrade().map(Listed::Open),
        }
    }
}
