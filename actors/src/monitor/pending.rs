//! How much waits for connections, counted without stopping anybody: in parts, by the one that asks.

use super::Monitor;
use actix::prelude::*;
use std::ops::Bound;
use std::sync::Arc;
use vagus_delivery::outbox::Outbox;
use vagus_routing::ConnectionId;

/// How many connections are in one part.
const PART: usize = 512;

/// What waits to be written to connections, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pending {
    /// For all of them.
    pub total: u64,
    /// For the one for which most does.
    pub most: u64,
}

/// Asks for the outboxes of the next connections after this one, in the order of their numbers.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Arc<Outbox>>")]
struct ListOutboxes {
    after: ConnectionId,
}

impl Handler<ListOutboxes> for Monitor {
    type Result = Vec<Arc<Outbox>>;

    fn handle(&mut self, list: ListOutboxes, _: &mut Context<Self>) -> Self::Result {
        self.connections
            .range((Bound::Excluded(list.after), Bound::Unbounded))
            .filter_map(|(_, known)| known.open())
            .take(PART)
            .map(|open| open.outbox.clone())
            .collect()
    }
}

impl Pending {
    /// Counts on the thread of the caller; None if the Monitor is gone.
    pub(crate) async fn count(monitor: &Addr<Monitor>) -> Option<Self> {
        use vagus_routing::Destination;
        let mut pending = Self::default();
        let mut after = 0;
        loop {
            let outboxes = monitor.send(ListOutboxes { after }).await.ok()?;
            let Some(last) = outboxes.last() else {
                return Some(pending);
            };
            after = last.connection_id();
            for outbox in outboxes {
                let waits = outbox.traffic().pending as u64;
                pending.total += waits;
                pending.most = pending.most.max(waits);
            }
        }
    }
}
