//! What connections announce to the Router, and its answer.

use super::Router;
use super::services::ServiceImport;
use super::shadows::StreamImport;
use actix::prelude::*;
use std::sync::mpsc::Sender;
use std::vec;
use tokio::sync::oneshot;
use vagus_delivery::subscriptions::{Change, DepartingSubscriptions};
use vagus_routing::{AccountId, ConnectionId, Destination};

/// The bytes of a subject that take the index as long as one step more.
const BYTES_PER_STEP: usize = 64;

/// What it takes to make a change, in steps.
fn steps_of(change: &Change) -> usize {
    1 + change.subscription().subject().len() / BYTES_PER_STEP
}

/// The changes of one read of a connection, in order; or shadows of what it is subscribed to in another account, which imports
/// of this one.
///
/// A connection has one announcement under way at most, of at most one read of bytes.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Announce {
    /// The account in which it changes: that of the Router which is told.
    pub(crate) account: AccountId,
    /// What changes.
    pub(crate) changes: Vec<Change>,
    /// Who is told when all of it is in force; nobody when the connection is gone.
    pub(crate) announcer: Option<Announcer>,
}

/// Who waits until what was announced is in force.
#[derive(Debug)]
pub(crate) enum Announcer {
    /// Who has subscribed.
    Subscriber(Recipient<Settled>),
    /// The Router of an account that imports streams, by its own ticket.
    Importer(Addr<Router>, u64),
    /// Who has changed what accounts share.
    Configurator(Sender<()>),
    /// Who waits for nothing else: no actor, as one may never take what is left with it as its last address is dropped.
    Waiting(oneshot::Sender<()>),
}

/// The answer to the Router of an account that imports streams: shadows of its subscriptions are in force, or gone.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(crate) struct ShadowsSettled {
    pub(super) ticket: u64,
}

/// From now on an account imports these, and nothing else.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct ChangeImports {
    pub(crate) streams: Vec<StreamImport>,
    pub(crate) services: Vec<ServiceImport>,
    /// Told when all of it is in force.
    pub(crate) settled: Sender<()>,
}

/// The last word of a connection: its subscriptions end. It hands them over as they are, whatever their number.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Depart {
    pub(crate) connection: ConnectionId,
    /// What it had not announced.
    pub(crate) changes: Vec<Change>,
    /// What it was subscribed to at its end.
    pub(crate) subscriptions: DepartingSubscriptions,
}

/// The Router's answer: what was announced is in force for every publisher of this server.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Settled {
    /// The account in which it changed.
    pub account: AccountId,
}

/// An announcement of which a part may be done.
#[derive(Debug)]
pub(super) struct Work {
    connection: ConnectionId,
    changes: vec::IntoIter<Change>,
    departing: DepartingSubscriptions,
    ticket: u64,
    /// Somebody waits until it is done.
    awaited: bool,
    salvaged: bool,
}

impl Work {
    /// None if nothing changes.
    pub(super) fn announced(changes: Vec<Change>, awaited: bool, ticket: u64) -> Option<Self> {
        let first = changes.first()?;
        Some(Self {
            connection: first.subscription().destination().connection_id(),
            awaited,
            changes: changes.into_iter(),
            departing: DepartingSubscriptions::default(),
            ticket,
            salvaged: false,
        })
    }

    /// What a connection had before the account began anew.
    pub(super) fn salvaged(connection: ConnectionId, changes: Vec<Change>, ticket: u64) -> Self {
        Self {
            connection,
            awaited: true,
            changes: changes.into_iter(),
            departing: DepartingSubscriptions::default(),
            ticket,
            salvaged: true,
        }
    }

    pub(super) fn departing(depart: Depart, ticket: u64) -> Self {
        Self {
            connection: depart.connection,
            changes: depart.changes.into_iter(),
            departing: depart.subscriptions,
            ticket,
            awaited: false,
            salvaged: false,
        }
    }

    /// What is left of it.
    pub(super) fn into_changes(self) -> impl Iterator<Item = Change> {
        self.changes.chain(self.departing.map(Change::Remove))
    }

    pub(super) fn is_salvaged(&self) -> bool {
        self.salvaged
    }

    /// Whose announcement it is.
    pub(super) fn connection(&self) -> ConnectionId {
        self.connection
    }

    pub(super) fn ticket(&self) -> u64 {
        self.ticket
    }

    pub(super) fn is_awaited(&self) -> bool {
        self.awaited
    }

    pub(super) fn len(&self) -> usize {
        self.changes.len() + self.departing.len()
    }

    /// The next changes that take about so many steps, at least one if there is one; and how many steps they take. Each takes
    /// `more` than by itself.
    pub(super) fn take(&mut self, steps: usize, more: usize) -> (Vec<Change>, usize) {
        let mut taken = Vec::with_capacity(steps.min(self.len()));
        let mut taking = 0;
        while taking < steps
            && let Some(change) = self
                .changes
                .next()
                .or_else(|| self.departing.next().map(Change::Remove))
        {
            taking += steps_of(&change) + more;
            taken.push(change);
        }
        (taken, taking)
    }
}
