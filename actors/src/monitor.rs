//! The actor that knows who is connected.
//!
//! The role of the Monitor is to be asked: it keeps a list of connections, and passes questions on.

mod closed;
mod known;
mod pending;

pub(crate) use known::{ConnectionLeft, ConnectionOpening, Listed};
pub use pending::Pending;

use crate::impact::AssessImpact;
use crate::mailbox::{Observe, end_if_panicking, tell};
use crate::observed::{ClosedConnection, Describe};
use actix::WeakRecipient;
use actix::prelude::*;
use closed::ClosedConnections;
use hashbrown::HashMap;
use known::{Known, Open};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use vagus_delivery::outbox::{Notices, Outbox};
use vagus_protocol::error::CloseReason;
use vagus_routing::ConnectionId;

/// The keeper of the list of connections.
#[derive(Debug)]
pub struct Monitor {
    connections: BTreeMap<ConnectionId, Known>,
    total_connections: u64,
    closed: HashMap<CloseReason, u64, foldhash::fast::RandomState>,
    remembered: ClosedConnections,
}

/// What a [`Monitor`] shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MonitorState {
    /// Connections that are open or about to be: in a handshake, or waiting for the header of a proxy.
    pub connections: usize,
    /// Connections since the start; those that never were open, or for which there was no room, are among them.
    pub total_connections: u64,
    /// Connections that ended because too much waited for them, or for too long.
    pub slow_consumers: u64,
    /// Connections that ended because they answered no PING.
    pub stale_connections: u64,
    /// Connections that ended and are remembered.
    pub remembered: usize,
    /// Why connections ended, and how many.
    pub closed: BTreeMap<&'static str, u64>,
}

/// A connection's word to the Monitor: here it is.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct ConnectionOpened {
    pub(crate) id: ConnectionId,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) describe: WeakRecipient<Describe>,
    pub(crate) assess_impact: WeakRecipient<AssessImpact>,
}

/// A connection's last word.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct ConnectionClosed {
    pub(crate) reason: CloseReason,
    pub(crate) connection: Arc<ClosedConnection>,
}

/// Asks for connections that are open or about to be, in the order of their numbers, to be asked one by one.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<Listed>")]
pub(crate) struct ListConnections {
    /// How many to leave out.
    pub(crate) skip: usize,
    /// How many to give.
    pub(crate) take: usize,
}

/// Asks for the connections of these numbers, to be asked one by one. The asker bounds how many they are.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Vec<Listed>")]
pub(crate) struct ListThese(pub(crate) Vec<ConnectionId>);

/// Asks for a connection by its number.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<Listed>")]
pub(crate) struct FindConnection(pub(crate) ConnectionId);

/// Asks for the connections that ended and are remembered, the oldest first.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<Arc<ClosedConnection>>")]
pub(crate) struct ListClosed;

/// Asks for the connections that are open, to be asked what would become of them.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Recipient<AssessImpact>>")]
pub(crate) struct ListAssessable;

/// Tells the Monitor that the settings of the server have changed: it wakes every connection to adopt them.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct SettingsChanged;

impl Monitor {
    /// Has every connection adopt the settings that hold now.
    pub fn tell_settings_changed(monitor: &Addr<Self>) {
        tell(monitor, SettingsChanged);
    }
}

/// Asks for the outboxes of the connections that are open, to be closed one by one.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Arc<Outbox>>")]
pub(crate) struct ListOutboxes;

/// Asks the Monitor to have a connection closed, even if it is only about to be open. The answer is whether it is there.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub struct CloseConnection {
    /// Which one.
    pub id: ConnectionId,
    /// Why. One that is only about to be open is [`CloseReason::Kicked`].
    pub reason: CloseReason,
}

/// Asks the Monitor to have a connection told to look for another server. The answer is whether it is open.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "bool")]
pub struct DismissGently(pub ConnectionId);

/// Tells some connections that there is no room for them any more, if there are too many. The answer is how many these
/// are.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "usize")]
pub(crate) struct MakeRoom {
    /// How many connections there may be now.
    pub(crate) max_connections: usize,
}

impl Monitor {
    /// Remembers so many of the connections that ended.
    pub fn new(max_closed_clients: usize) -> Self {
        Self {
            connections: BTreeMap::new(),
            total_connections: 0,
            closed: HashMap::default(),
            remembered: ClosedConnections::new(max_closed_clients),
        }
    }

    /// Those that are open, in the order of their numbers.
    fn open(&self) -> impl DoubleEndedIterator<Item = &Open> {
        self.connections.values().filter_map(Known::open)
    }

    /// How many connections ended for one of these reasons.
    fn closed_for(&self, reasons: &[CloseReason]) -> u64 {
        let count = |reason| self.closed.get(reason).copied().unwrap_or_default();
        reasons.iter().map(count).sum()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        end_if_panicking("The Monitor");
    }
}

impl Actor for Monitor {
    type Context = Context<Self>;
}

impl Handler<ConnectionOpened> for Monitor {
    type Result = ();

    fn handle(&mut self, opened: ConnectionOpened, _: &mut Context<Self>) {
        let open = Open {
            outbox: opened.outbox,
            describe: opened.describe,
            assess_impact: opened.assess_impact,
        };
        let outbox = open.outbox.clone();
        match self.connections.insert(opened.id, Known::Open(open)) {
            // It was open at once.
            None => self.total_connections += 1,
            // It became open just when it was to end.
            Some(Known::Opening(opening)) if opening.end.is_aborted() => outbox.close(CloseReason::Kicked),
            Some(_) => {}
        }
    }
}

impl Handler<ConnectionOpening> for Monitor {
    type Result = ();

    fn handle(&mut self, opening: ConnectionOpening, _: &mut Context<Self>) {
        let id = opening.id;
        self.total_connections += 1;
        self.connections.insert(id, Known::Opening(Box::new(opening)));
    }
}

impl Handler<ConnectionLeft> for Monitor {
    type Result = ();

    fn handle(&mut self, ConnectionLeft(id): ConnectionLeft, _: &mut Context<Self>) {
        if self.connections.remove(&id).is_some() {
            self.total_connections -= 1;
        }
    }
}

impl Handler<ConnectionClosed> for Monitor {
    type Result = ();

    fn handle(&mut self, closed: ConnectionClosed, _: &mut Context<Self>) {
        if self.connections.remove(&closed.connection.state.id).is_none() {
            // There was no room for it.
            self.total_connections += 1;
        }
        *self.closed.entry(closed.reason).or_default() += 1;
        self.remembered.add(closed.connection);
    }
}

impl Handler<ListConnections> for Monitor {
    type Result = Vec<Listed>;

    fn handle(&mut self, list: ListConnections, _: &mut Context<Self>) -> Self::Result {
        let known = self.connections.iter().skip(list.skip).take(list.take);
        known.filter_map(|(id, known)| known.listed(*id)).collect()
    }
}

impl Handler<ListThese> for Monitor {
    type Result = Vec<Listed>;

    fn handle(&mut self, ListThese(ids): ListThese, _: &mut Context<Self>) -> Self::Result {
        let known = ids.iter().filter_map(|id| self.connections.get(id)?.listed(*id));
        known.collect()
    }
}

impl Handler<FindConnection> for Monitor {
    type Result = Option<Listed>;

    fn handle(&mut self, FindConnection(id): FindConnection, _: &mut Context<Self>) -> Self::Result {
        self.connections.get(&id)?.listed(id)
    }
}

impl Handler<ListClosed> for Monitor {
    type Result = Vec<Arc<ClosedConnection>>;

    fn handle(&mut self, _: ListClosed, _: &mut Context<Self>) -> Self::Result {
        self.remembered.all()
    }
}

impl Handler<ListAssessable> for Monitor {
    type Result = Vec<Recipient<AssessImpact>>;

    fn handle(&mut self, _: ListAssessable, _: &mut Context<Self>) -> Self::Result {
        self.open()
            .filter_map(|open| open.assess_impact.upgrade())
            .collect()
    }
}

impl Handler<SettingsChanged> for Monitor {
    type Result = ();

    fn handle(&mut self, _: SettingsChanged, _: &mut Context<Self>) {
        for open in self.open() {
            open.outbox.tell_settings_changed();
        }
    }
}

impl Handler<ListOutboxes> for Monitor {
    type Result = Vec<Arc<Outbox>>;

    fn handle(&mut self, _: ListOutboxes, _: &mut Context<Self>) -> Self::Result {
        self.open().map(|open| open.outbox.clone()).collect()
    }
}

impl Handler<CloseConnection> for Monitor {
    type Result = bool;

    fn handle(&mut self, close: CloseConnection, _: &mut Context<Self>) -> bool {
        match self.connections.get(&close.id) {
            Some(Known::Open(open)) => open.outbox.close(close.reason),
            Some(Known::Opening(opening)) => opening.end.abort(),
            None => return false,
        }
        true
    }
}

impl Handler<DismissGently> for Monitor {
    type Result = bool;

    fn handle(&mut self, DismissGently(id): DismissGently, _: &mut Context<Self>) -> bool {
        let open = self.connections.get(&id).and_then(Known::open);
        if let Some(open) = open {
            open.outbox.notify(Notices::LAME_DUCK);
        }
        open.is_some()
    }
}

impl Handler<MakeRoom> for Monitor {
    type Result = usize;

    fn handle(&mut self, room: MakeRoom, _: &mut Context<Self>) -> usize {
        let excess = self.connections.len().saturating_sub(room.max_connections);
        // Those who came last go first.
        for open in self.open().rev().take(excess) {
            open.outbox.notify(Notices::NO_ROOM);
        }
        excess
    }
}

impl Handler<Observe<MonitorState>> for Monitor {
    type Result = MessageResult<Observe<MonitorState>>;

    fn handle(&mut self, _: Observe<MonitorState>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(MonitorState {
            connections: self.connections.len(),
            total_connections: self.total_connections,
            slow_consumers: self.closed_for(&[
                CloseReason::SlowConsumerPendingBytes,
                CloseReason::SlowConsumerWriteDeadline,
            ]),
            stale_connections: self.closed_for(&[CloseReason::StaleConnection]),
            remembered: self.remembered.len(),
            closed: self
                .closed
                .iter()
                .map(|(reason, count)| (reason.text(), *count))
                .collect(),
        })
    }
}
