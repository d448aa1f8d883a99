//! Lame duck mode: how a server that is about to stop closes its clients.
//!
//! The role of the LameDuck is to empty the server gently: it has the Listeners close, lets every client know, waits,
//! and then closes the connections in small numbers, spread over time, so that they do not all come to the next server
//! at once.

mod plan;

use crate::listener::StopAccepting;
use crate::mailbox::{Observe, end_if_panicking, tell};
use crate::monitor::{ListOutboxes, Monitor, SettingsChanged};
use actix::prelude::*;
use plan::Plan;
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vagus_configs::LameDuck as Settings;
use vagus_delivery::outbox::Outbox;
use vagus_protocol::error::CloseReason;

/// How long the last connections may take to write what waits for them.
const LINGER: Duration = Duration::from_secs(2);

/// How often is looked whether the last connections are gone.
const LOOK: Duration = Duration::from_millis(20);

/// Called once, when nobody is left.
pub type Farewell = Box<dyn FnOnce() + Send>;

/// Closes the clients of a server one by one, in lame duck mode.
pub struct LameDuck {
    settings: Settings,
    listeners: Vec<Recipient<StopAccepting>>,
    monitor: Addr<Monitor>,
    /// Changes what the server says of itself.
    announce: Option<Farewell>,
    ended: Option<Farewell>,
    phase: Phase,
    to_close: Vec<Arc<Outbox>>,
}

/// How far a server is in taking leave of its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It serves.
    Off,
    /// Nobody can connect any more, and those who are connected have been told.
    Grace,
    /// Connections are being closed.
    Closing,
    /// Nobody is left.
    Ended,
}

/// What a [`LameDuck`] shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LameDuckState {
    /// How far it is.
    pub phase: Phase,
    /// Connections that are yet to be closed, once closing has begun.
    pub to_close: usize,
}

/// Has the server take leave of its clients; false if it does so already.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub struct EnterLameDuck;

/// Begins lame duck mode by these settings, if it has not begun.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Resettle(pub(crate) Settings);

/// Says what is to be done once nobody is left.
#[derive(Message)]
#[rtype(result = "()")]
pub struct OnceEnded(pub Farewell);

impl LameDuck {
    /// Will close `listeners`, and what `monitor` knows; `announce` changes what the server says
    /// of itself.
    pub fn new(
        settings: Settings,
        listeners: Vec<Recipient<StopAccepting>>,
        monitor: Addr<Monitor>,
        announce: Farewell,
    ) -> Self {
        Self {
            settings,
            listeners,
            monitor,
            announce: Some(announce),
            ended: None,
            phase: Phase::Off,
            to_close: Vec::new(),
        }
    }

    /// Nobody can connect from here on: those who are there are told, if there are any.
    fn begin(&mut self, connected: bool, context: &mut Context<Self>) {
        if !connected {
            self.end();
            return;
        }
        if let Some(announce) = self.announce.take() {
            announce();
        }
        tell(&self.monitor, SettingsChanged);
        context.run_later(self.settings.grace_period, |lame_duck, context| {
            log::info!("Closing existing clients");
            lame_duck.with_outboxes(context, |lame_duck, outboxes, context| {
                let closing = lame_duck
                    .settings
                    .duration
                    .saturating_sub(lame_duck.settings.grace_period);
                let plan = Plan::new(outboxes.len(), closing);
                lame_duck.phase = Phase::Closing;
                lame_duck.to_close = outboxes;
                lame_duck.close_some(plan, context);
            });
        });
    }

    /// Closes as many as are due, and comes back.
    fn close_some(&mut self, plan: Plan, context: &mut Context<Self>) {
        let mut due = plan.batch();
        while due > 0
            && let Some(outbox) = self.to_close.pop()
        {
            // A client that has left by itself takes nobody's turn.
            if !outbox.is_closed() {
                outbox.dismiss(CloseReason::ServerShutdown);
                due -= 1;
            }
        }
        while self.to_close.pop_if(|outbox| outbox.is_closed()).is_some() {}
        if self.to_close.is_empty() {
            self.await_the_last(Instant::now() + LINGER, context);
            return;
        }
        context.run_later(plan.pause(), move |lame_duck, context| {
            lame_duck.close_some(plan, context);
        });
    }

    /// Waits until what waited for the last connections is written.
    fn await_the_last(&mut self, until: Instant, context: &mut Context<Self>) {
        self.with_outboxes(context, move |lame_duck, outboxes, context| {
            if outboxes.is_empty() || Instant::now() >= until {
                lame_duck.end();
                return;
            }
            context.run_later(LOOK, move |lame_duck, context| {
                lame_duck.await_the_last(until, context);
            });
        });
    }

    /// Goes on with the outboxes of those who are connected now.
    fn with_outboxes(
        &self,
        context: &mut Context<Self>,
        then: impl FnOnce(&mut Self, Vec<Arc<Outbox>>, &mut Context<Self>) + 'static,
    ) {
        let asking = self.monitor.send(ListOutboxes).into_actor(self);
        context.spawn(asking.map(|outboxes, lame_duck, context| {
            // Without the Monitor there is no server left.
            then(lame_duck, outboxes.unwrap_or_default(), context);
        }));
    }

    fn end(&mut self) {
        self.phase = Phase::Ended;
        if let Some(ended) = self.ended.take() {
            ended();
        }
    }
}

impl Drop for LameDuck {
    fn drop(&mut self) {
        end_if_panicking("The LameDuck");
    }
}

impl Actor for LameDuck {
    type Context = Context<Self>;
}

impl Handler<EnterLameDuck> for LameDuck {
    type Result = bool;

    fn handle(&mut self, _: EnterLameDuck, context: &mut Context<Self>) -> bool {
        if self.phase != Phase::Off {
            return false;
        }
        log::info!("Entering lame duck mode, stop accepting new clients");
        self.phase = Phase::Grace;
        let listeners = std::mem::take(&mut self.listeners);
        let closing = async move {
            for listener in listeners {
                // One that is gone accepts nobody.
                let _ = listener.send(StopAccepting).await;
            }
        };
        context.spawn(closing.into_actor(self).map(|(), lame_duck, context| {
            lame_duck.with_outboxes(context, |lame_duck, outboxes, context| {
                lame_duck.begin(!outboxes.is_empty(), context);
            });
        }));
        true
    }
}

impl Handler<Resettle> for LameDuck {
    type Result = ();

    fn handle(&mut self, Resettle(settings): Resettle, _: &mut Context<Self>) {
        if self.phase == Phase::Off {
            self.settings = settings;
        }
    }
}

impl Handler<OnceEnded> for LameDuck {
    type Result = ();

    fn handle(&mut self, OnceEnded(farewell): OnceEnded, _: &mut Context<Self>) {
        if self.phase == Phase::Ended {
            farewell();
        } else {
            self.ended = Some(farewell);
        }
    }
}

impl Handler<Observe<LameDuckState>> for LameDuck {
    type Result = MessageResult<Observe<LameDuckState>>;

    fn handle(&mut self, _: Observe<LameDuckState>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(LameDuckState {
            phase: self.phase,
            to_close: self.to_close.len(),
        })
    }
}
