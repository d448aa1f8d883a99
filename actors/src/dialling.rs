//! Keeping one server connected.
//!
//! The role of a Dialling is for servers that we connect to what that of the Listener is for those that connect to us: it
//! has each connection placed on an arbiter. How often it tries, and when, is a [`Dialer`]'s to know.

use crate::mailbox::{Observe, end_if_panicking, tell_recipient};
use crate::placement::{Placed, Placement};
use actix::prelude::*;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use vagus_delivery::arbiter::Arbiters;
use vagus_delivery::dialer::{DialStage, DialState, Dialer};
use vagus_delivery::wire::Errand;

/// Ends a Dialling: no more attempts are made. The connection that there is stays.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StopDialling;

/// Keeps one server connected.
pub struct Dialling {
    /// None once it has begun.
    dialer: Option<Dialer>,
    state: watch::Receiver<DialState>,
    receptions: Vec<Recipient<Placed>>,
    arbiters: Arc<Arbiters>,
    errand: Option<Errand>,
}

/// What a [`Dialling`] shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiallingState {
    /// The peer of the connection, while there is one or one is being opened.
    pub connected: Option<SocketAddr>,
    /// How many attempts have failed since there was a connection.
    pub failed: u64,
    /// Why the last one failed, or the last connection ended.
    pub last_error: Option<String>,
    /// How long it is until the next attempt, if none is under way and there is no connection.
    pub next_attempt_in: Option<Duration>,
    /// Whether it makes no more attempts.
    pub given_up: bool,
}

impl Dialling {
    /// Has connections opened by the receptions of all arbiters, in order.
    pub fn new(dialer: Dialer, receptions: Vec<Recipient<Placed>>, arbiters: Arc<Arbiters>) -> Self {
        Self {
            state: dialer.state(),
            dialer: Some(dialer),
            receptions,
            arbiters,
            errand: None,
        }
    }

    /// The same, with what the language of the receptions is to know of each connection.
    #[must_use]
    pub fn on(mut self, errand: Errand) -> Self {
        self.errand = Some(errand);
        self
    }
}

impl Drop for Dialling {
    fn drop(&mut self) {
        end_if_panicking("A Dialling");
    }
}

impl Actor for Dialling {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let Some(dialer) = self.dialer.take() else {
            return;
        };
        let (receptions, arbiters) = (self.receptions.clone(), self.arbiters.clone());
        let errand = self.errand.clone();
        let keep_connected = dialer.keep_connected(move |dialled| {
            let place = Placement::choose(&arbiters, false);
            if let Some(reception) = receptions.get(place.arbiter()) {
                let placed = Placed {
                    socket: dialled.socket,
                    peer: dialled.peer,
                    place,
                    outcome: Some(dialled.outcome),
                    errand: errand.clone(),
                };
                // One at a time: the next is dialled when it has ended.
                tell_recipient(reception, placed);
            }
        });
        context.spawn(keep_connected.into_actor(self).map(|_given_up, _, _| ()));
    }
}

impl Handler<StopDialling> for Dialling {
    type Result = ();

    fn handle(&mut self, _: StopDialling, context: &mut Context<Self>) {
        context.stop();
    }
}

impl From<&DialState> for DiallingState {
    fn from(state: &DialState) -> Self {
        let mut shown = Self {
            connected: None,
            failed: state.failed,
            last_error: state.last_error.clone(),
            next_attempt_in: None,
            given_up: false,
        };
        match state.stage {
            DialStage::Resolving | DialStage::Connecting(_) => {}
            DialStage::Waiting(until) => {
                shown.next_attempt_in = Some(until.saturating_duration_since(Instant::now()));
            }
            DialStage::Connected(peer) => shown.connected = Some(peer),
            DialStage::GivenUp => shown.given_up = true,
        }
        shown
    }
}

impl Handler<Observe<DiallingState>> for Dialling {
    type Result = MessageResult<Observe<DiallingState>>;

    fn handle(&mut self, _: Observe<DiallingState>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(DiallingState::from(&*self.state.borrow()))
    }
}
