//! What connections announce to the Router, and its answer.

use crate::outbox::{ConnectionId, ConnectionSubscription};
use actix::prelude::*;
use std::collections::VecDeque;
use std::sync::Arc;
use vagus_routing::Destination;

/// A change of a connection's interest.
#[derive(Debug, Clone)]
pub enum Change {
    /// A subscription begins.
    Add(Arc<ConnectionSubscription>),
    /// A subscription ends after this many deliveries since it began.
    Limit(Arc<ConnectionSubscription>, u64),
    /// A subscription ends.
    Remove(Arc<ConnectionSubscription>),
}

impl Change {
    pub(crate) fn subscription(&self) -> &Arc<ConnectionSubscription> {
        match self {
            Self::Add(subscription) | Self::Limit(subscription, _) | Self::Remove(subscription) => {
                subscription
            }
        }
    }

    /// Whether publishers that still go by the old index would deliver too much.
    fn takes_away(&self) -> bool {
        !matches!(self, Self::Add(_))
    }
}

/// The changes of one read of a connection, in order.
///
/// A connection has one announcement under way at most, of at most one read of bytes; when it is gone a last
/// one for all its subscriptions.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Announce {
    /// What changes.
    pub changes: Vec<Change>,
    /// Who is told when all of it is in force; nobody when the connection is gone.
    pub settled: Option<Recipient<Settled>>,
}

impl Announce {
    pub(super) fn takes_away(&self) -> bool {
        self.changes.iter().any(Change::takes_away)
    }
}

/// The Router's answer: what was announced is in force for every publisher of this server.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Settled;

/// An announcement of which a part may be done.
#[derive(Debug)]
pub(super) struct Work {
    changes: VecDeque<Change>,
    ticket: u64,
}

impl Work {
    pub(super) fn new(announce: Announce, ticket: u64) -> Self {
        Self {
            changes: announce.changes.into(),
            ticket,
        }
    }

    /// Whose announcement it is; none when nothing is left of it.
    pub(super) fn connection(&self) -> Option<ConnectionId> {
        self.changes
            .front()
            .map(|change| change.subscription().destination().connection_id())
    }

    pub(super) fn ticket(&self) -> u64 {
        self.ticket
    }

    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(super) fn take(&mut self, at_most: usize) -> Vec<Change> {
        self.changes.drain(..at_most.min(self.changes.len())).collect()
    }
}
