//! Connectors: what other systems bring, and what they are brought.
//!
//! A [`Connector`] is an actor for each that is configured; [`Connectors`] knows them all, and follows the configuration.
//! What a connector does is an [`Inward`] or an [`Outward`] of a language: the first accepts peers and publishes what they
//! bring, the second brings to a server what is published, or what a stream keeps. They hold whatever is the same in all languages: sockets, bounds,
//! retries, counters. A language is a [`language::InwardLanguage`] or [`language::OutwardLanguage`] of `handlers/`. All
//! connectors have one thread: what they do costs nobody who carries messages.

mod connector;
mod consuming;
mod counters;
mod inward;
pub mod language;
mod link;
mod outward;
mod peer;
mod publisher;
mod room;
mod rotation;
mod storing;
mod subjects;
mod supply;
pub mod wire;
mod work;

pub use connector::{Connector, ConnectorState};
pub use counters::Counters;
pub use inward::{Bind, Inward};
pub use outward::Outward;
pub use publisher::PublishError;
pub use work::{Means, Work};

use crate::in_process::EnterAccount;
use crate::mailbox::{Observe, end_if_panicking, tell};
use actix::prelude::*;
use connector::{Bring, End, SetPaused};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use vagus_configs::ConnectorSettings;

/// All connectors of a server.
pub struct Connectors {
    door: Recipient<EnterAccount>,
    max_payload: Arc<AtomicUsize>,
    running: BTreeMap<String, Running>,
}

struct Running {
    settings: ConnectorSettings,
    connector: Addr<Connector>,
}

/// A connector that is to be there.
pub struct ReadyConnector {
    /// How it is set.
    pub settings: ConnectorSettings,
    /// What it does. One whose settings are as before goes on with what it does, and takes over nothing but how TLS is
    /// spoken.
    pub work: Arc<dyn Work>,
}

/// Has these connectors there be, and no others. Those that are set as before are not touched.
#[derive(Message)]
#[rtype(result = "()")]
struct Adopt {
    connectors: Vec<ReadyConnector>,
    max_payload: usize,
}

/// Pauses or resumes one; false if there is no such.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
struct Pause {
    id: String,
    is_paused: bool,
}

/// Reaches the [`Connectors`] of a server, from any thread. None in an answer: the server is at its end.
#[derive(Clone)]
pub struct ConnectorsHandle(Addr<Connectors>);

impl ConnectorsHandle {
    /// Has these connectors there be, and no others. Messages have at most `max_payload` bytes.
    pub fn adopt(&self, connectors: Vec<ReadyConnector>, max_payload: usize) {
        let adopt = Adopt {
            connectors,
            max_payload,
        };
        // One message a reload.
        tell(&self.0, adopt);
    }

    /// What each shows of itself, by id.
    pub async fn states(&self) -> Option<Vec<ConnectorState>> {
        self.0.send(Observe::new()).await.ok()
    }

    /// Pauses one or has it go on; false if there is no such.
    pub async fn set_paused(&self, id: &str, is_paused: bool) -> Option<bool> {
        let id = id.to_owned();
        self.0.send(Pause { id, is_paused }).await.ok()
    }
}

impl std::fmt::Debug for ConnectorsHandle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ConnectorsHandle").finish_non_exhaustive()
    }
}

impl Connectors {
    /// Starts it on a thread of connectors; `door` leads into accounts. There are none until it is told of some.
    pub fn start_in(thread: &ArbiterHandle, door: Recipient<EnterAccount>) -> ConnectorsHandle {
        let actor = Self::start_in_arbiter(thread, move |_| Self {
            door,
            max_payload: Arc::default(),
            running: BTreeMap::new(),
        });
        ConnectorsHandle(actor)
    }

    /// Leaves those there that are set as before. Gives those that are to begin, and the ends of all others.
    fn adopt(
        &mut self,
        connectors: Vec<ReadyConnector>,
    ) -> (Vec<ReadyConnector>, Vec<Request<Connector, End>>) {
        let mut before = std::mem::take(&mut self.running);
        let mut others = Vec::new();
        for ready in connectors {
            match before.remove(&ready.settings.id) {
                Some(same) if same.settings == ready.settings => {
                    tell(&same.connector, Bring(ready.work));
                    self.running.insert(ready.settings.id, same);
                }
                Some(other) => {
                    before.insert(ready.settings.id.clone(), other);
                    others.push(ready);
                }
                None => others.push(ready),
            }
        }
        let ends = before.into_values().map(|running| running.connector.send(End));
        (others, ends.collect())
    }

    fn begin(&mut self, connectors: Vec<ReadyConnector>) {
        for ReadyConnector { settings, work } in connectors {
            let connector = Connector::new(&settings, work, self.door.clone(), self.max_payload.clone());
            let running = Running {
                connector: connector.start(),
                settings,
            };
            self.running.insert(running.settings.id.clone(), running);
        }
    }
}

impl Drop for Connectors {
    fn drop(&mut self) {
        end_if_panicking("The Connectors");
    }
}

impl Actor for Connectors {
    type Context = Context<Self>;
}

impl Handler<Adopt> for Connectors {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, adopt: Adopt, _: &mut Context<Self>) -> Self::Result {
        self.max_payload.store(adopt.max_payload, Ordering::Relaxed);
        let (others, ends) = self.adopt(adopt.connectors);
        // What one listens on may be what the next one is to listen on.
        let begun = join_all(ends)
            .into_actor(self)
            .map(|_, connectors, _| connectors.begin(others));
        AtomicResponse::new(Box::pin(begun))
    }
}

impl Handler<Pause> for Connectors {
    type Result = bool;

    fn handle(&mut self, pause: Pause, _: &mut Context<Self>) -> bool {
        match self.running.get(&pause.id) {
            Some(running) => tell(&running.connector, SetPaused(pause.is_paused)),
            None => false,
        }
    }
}

impl Handler<Observe<Vec<ConnectorState>>> for Connectors {
    type Result = ResponseFuture<Vec<ConnectorState>>;

    fn handle(&mut self, _: Observe<Vec<ConnectorState>>, _: &mut Context<Self>) -> Self::Result {
        let asked: Vec<_> = self
            .running
            .values()
            .map(|running| running.connector.send(Observe::<ConnectorState>::new()))
            .collect();
        Box::pin(async move { join_all(asked).await.into_iter().flatten().collect() })
    }
}
