//! What would become of connections, before anything is changed.

use actix::prelude::*;
use std::any::Any;
use std::sync::Arc;
use vagus_protocol::error::CloseReason;

/// Asks a connection what would become of it if its session were told of these settings.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Fate")]
pub struct Foresee(pub Arc<dyn Any + Send + Sync>);

/// What would become of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, MessageResponse)]
pub struct Fate {
    /// Why it would be closed, if it would.
    pub closed: Option<CloseReason>,
    /// How many of its subscriptions would end.
    pub subscriptions_ended: usize,
}

/// What would become of all connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prospects {
    /// Connections that there are.
    pub connections: usize,
    /// Connections that would be closed: their user is gone or has another password.
    pub unauthorized: usize,
    /// Connections beside these that would be closed to fall within max_connections.
    pub excess: usize,
    /// Connections that would go on, but lose subscriptions.
    pub restricted: usize,
    /// Subscriptions that these would lose.
    pub subscriptions_ended: usize,
}

/// Asks all of them.
pub(crate) async fn forecast(
    known: Vec<Recipient<Foresee>>,
    settings: Arc<dyn Any + Send + Sync>,
    max_connections: usize,
) -> Prospects {
    let mut prospects = Prospects::default();
    for connection in known {
        // One that has gone meanwhile has no fate.
        let Ok(fate) = connection.send(Foresee(settings.clone())).await else {
            continue;
        };
        prospects.connections += 1;
        if fate.closed.is_some() {
            prospects.unauthorized += 1;
        } else if fate.subscriptions_ended > 0 {
            prospects.restricted += 1;
            prospects.subscriptions_ended += fate.subscriptions_ended;
        }
    }
    let left = prospects.connections - prospects.unauthorized;
    prospects.excess = left.saturating_sub(max_connections);
    prospects
}
