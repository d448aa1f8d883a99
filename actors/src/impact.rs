//! The impact of a reload on connections, before anything is changed.

use actix::prelude::*;
use std::any::Any;
use std::sync::Arc;
use vagus_protocol::error::CloseReason;

/// Asks a connection what would become of it if its session were told of these settings.
#[derive(Debug, Clone, Message)]
#[rtype(result = "ConnectionImpact")]
pub(crate) struct AssessImpact(pub(crate) Arc<dyn Any + Send + Sync>);

/// What a reload would do to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, MessageResponse)]
pub struct ConnectionImpact {
    /// Why it would be closed, if it would.
    pub closed: Option<CloseReason>,
    /// How many of its subscriptions would end.
    pub subscriptions_ended: usize,
}

/// What a reload would do to all connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReloadImpact {
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

/// Asks all of these connections.
pub(crate) async fn assess_all(
    known: Vec<Recipient<AssessImpact>>,
    settings: Arc<dyn Any + Send + Sync>,
    max_connections: usize,
) -> ReloadImpact {
    let mut all = ReloadImpact::default();
    for connection in known {
        // One that has gone meanwhile is not counted.
        let Ok(one) = connection.send(AssessImpact(settings.clone())).await else {
            continue;
        };
        all.connections += 1;
        if one.closed.is_some() {
            all.unauthorized += 1;
        } else if one.subscriptions_ended > 0 {
            all.restricted += 1;
            all.subscriptions_ended += one.subscriptions_ended;
        }
    }
    let left = all.connections - all.unauthorized;
    all.excess = left.saturating_sub(max_connections);
    all
}
