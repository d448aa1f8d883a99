//! What may be asked about a server from outside of its actors, from any thread.
//!
//! The role of an [`Observatory`] is to ask the actors for whoever is none: it has their addresses and no state.

use crate::arbiter::{Arbiters, HandOverTimes, Traffic, Workload};
use crate::listener::{Listener, ListenerState};
use crate::mailbox::Observe;
use crate::monitor::{Monitor, MonitorState, Pending};
use crate::router::{ListHotSubjects, Router, RouterState};
use crate::subject::SubjectState;
use actix::dev::ToEnvelope;
use actix::prelude::*;
use std::sync::Arc;

/// The actors of a server that answer questions about it.
#[derive(Clone)]
pub struct Observatory {
    monitor: Addr<Monitor>,
    router: Addr<Router>,
    listener: Addr<Listener>,
    arbiters: Arc<Arbiters>,
}

impl Observatory {
    /// Asks these.
    pub fn new(
        monitor: Addr<Monitor>,
        router: Addr<Router>,
        listener: Addr<Listener>,
        arbiters: Arc<Arbiters>,
    ) -> Self {
        Self {
            monitor,
            router,
            listener,
            arbiters,
        }
    }

    /// The state of the Monitor; None if the server is at its end.
    pub async fn monitor(&self) -> Option<MonitorState> {
        ask(&self.monitor, Observe::new()).await
    }

    /// The state of the Router; None if the server is at its end.
    pub async fn router(&self) -> Option<RouterState> {
        ask(&self.router, Observe::new()).await
    }

    /// The state of the Listener of clients; None if the server is at its end.
    pub async fn listener(&self) -> Option<ListenerState> {
        ask(&self.listener, Observe::new()).await
    }

    /// The state of each subject that has much traffic, of which there are 1024 at most; None if the server is at its
    /// end.
    pub async fn hot_subjects(&self) -> Option<Vec<SubjectState>> {
        let subjects = ask(&self.router, ListHotSubjects).await?;
        let mut states = Vec::with_capacity(subjects.len());
        for subject in subjects {
            // One that has cooled down meanwhile does not answer.
            states.extend(ask(&subject, Observe::new()).await);
        }
        Some(states)
    }

    /// What waits to be written to connections; None if the server is at its end.
    pub async fn pending(&self) -> Option<Pending> {
        Pending::count(&self.monitor).await
    }

    /// How long messages took from being read to being handed over. Asks nobody.
    pub fn hand_over_times(&self) -> HandOverTimes {
        self.arbiters.hand_over_times()
    }

    /// What each arbiter has to do, in the order of their numbers. Asks nobody.
    pub fn workloads(&self) -> Vec<Workload> {
        self.arbiters.workloads()
    }

    /// What passed through the server since its start. Asks nobody.
    pub fn traffic(&self) -> Traffic {
        self.arbiters.traffic()
    }

    /// How many threads carry connections.
    pub fn arbiters(&self) -> usize {
        self.arbiters.counters.len()
    }
}

impl std::fmt::Debug for Observatory {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Observatory")
            .field("arbiters", &self.arbiters())
            .finish_non_exhaustive()
    }
}

/// Asks an actor; None if it is gone.
async fn ask<A, M>(actor: &Addr<A>, message: M) -> Option<M::Result>
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    actor.send(message).await.ok()
}
