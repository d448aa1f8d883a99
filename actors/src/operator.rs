//! What may be asked of a server from outside of its actors, from any thread.
//!
//! The role of an [`Operator`] is to carry out what an administrator wants: it has the actors' addresses and no state.

use crate::history::{History, Samples, SamplesSince};
use crate::in_process::{InProcessAddress, InProcessMessage, InProcessSubscription, SubscribeInProcess};
use crate::lame_duck::{EnterLameDuck, LameDuck};
use crate::monitor::{CloseConnection, Monitor, SettingsChanged};
use actix::prelude::*;
use vagus_protocol::error::CloseReason;
use vagus_routing::ConnectionId;

/// The actors of a server that do what an administrator wants. None in an answer: the server is at its end.
#[derive(Clone)]
pub struct Operator {
    /// Who knows the connections.
    pub monitor: Addr<Monitor>,
    /// Who closes them in lame duck mode.
    pub lame_duck: Addr<LameDuck>,
    /// Who publishes and subscribes.
    pub in_process: InProcessAddress,
    /// Who remembers.
    pub history: Addr<History>,
}

impl Operator {
    /// Has a connection closed; false if there is no such.
    pub async fn close_connection(&self, id: ConnectionId) -> Option<bool> {
        let reason = CloseReason::Kicked;
        self.monitor.send(CloseConnection { id, reason }).await.ok()
    }

    /// Has the server take leave of its clients; false if it does so already.
    pub async fn enter_lame_duck_mode(&self) -> Option<bool> {
        self.lame_duck.send(EnterLameDuck).await.ok()
    }

    /// Has every connection look at what is logged now; false if the server is at its end.
    pub async fn adopt_log_levels(&self) -> bool {
        self.monitor.send(SettingsChanged).await.is_ok()
    }

    /// Publishes a message; true if somebody took it.
    pub async fn publish(&self, message: InProcessMessage) -> Option<bool> {
        self.in_process.publish(message).await
    }

    /// Subscribes; the subscription is in force when this is answered.
    pub async fn subscribe(&self, subscribe: SubscribeInProcess) -> Option<InProcessSubscription> {
        self.in_process.subscribe(subscribe).await
    }

    /// What was sampled from this sample on.
    pub async fn samples_since(&self, first: u64) -> Option<Samples> {
        self.history.send(SamplesSince(first)).await.ok()
    }
}

impl std::fmt::Debug for Operator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Operator").finish_non_exhaustive()
    }
}
