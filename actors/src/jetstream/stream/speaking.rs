//! What a stream says: answers to publishers, messages that it publishes anew.

use super::Stream;
use super::telling::StreamEvent;
use crate::in_process::{self, publish};
use bytes::Bytes;
use std::time::Instant;
use tokio::sync::oneshot;
use vagus_delivery::Moment;
use vagus_delivery::arbiter::{ArbiterState, RunningTurn, hand_over};
use vagus_jetstream::error::ApiError;
use vagus_jetstream::stream::{Done, Effect};
use vagus_routing::{ConnectionKind, Destination, Origin};

/// Something that is to be published.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    /// Where it goes; empty: where its subject says.
    pub(super) to: Bytes,
    pub(super) subject: Bytes,
    /// Empty: none.
    pub(super) reply: Bytes,
    pub(super) headers: Bytes,
    pub(super) payload: Bytes,
}

impl Stream {
    /// Does what has come of decisions, and of what was applied.
    pub(super) fn carry_out_effects(&mut self) {
        let effects = self.machine.take_effects();
        if effects.bytes != 0 {
            self.account.use_bytes(&self.identity.name, effects.bytes);
        }
        let batches = self.machine.batches();
        self.server.count_batches(self.batches, batches);
        self.batches = batches;
        for effect in effects.list {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Answer { to, payload } => self.spoken.push_back(Spoken {
                subject: to,
                payload,
                ..Spoken::default()
            }),
            Effect::Republish {
                subject,
                headers,
                payload,
            } => self.spoken.push_back(Spoken {
                subject,
                headers,
                payload,
                ..Spoken::default()
            }),
            Effect::Deliver { to, deliveries, .. } => {
                let spoken = deliveries.into_iter().map(|delivery| Spoken {
                    to: to.clone(),
                    subject: delivery.subject,
                    reply: delivery.reply,
                    headers: delivery.headers,
                    payload: delivery.payload,
                });
                self.spoken.extend(spoken);
            }
            Effect::Read { sequence } => self.read(sequence),
            Effect::Done { request, outcome } => match (self.requests.remove(&request), outcome) {
                (asked, Ok(Done::Configured)) => self.configured(asked),
                (Some(asked), outcome) => {
                    // Who asked may have gone.
                    let _ = asked.send(outcome);
                }
                (None, _) => {}
            },
            Effect::Abandoned { batch, reason } => self.tell_of_abandoned(&batch, reason),
            Effect::Advisory(advisory) => self.tell_of_consumer(&advisory),
            Effect::ConsumerBegan { name, deliver_to, .. } => self.consumer_began(name, deliver_to),
            Effect::ConsumerEnded { name } => self.consumer_ended(&name),
        }
    }

    /// It is configured anew: it takes in what it now is to, then whoever asked for that is told.
    fn configured(&mut self, asked: Option<oneshot::Sender<Result<Done, ApiError>>>) {
        let changes = self.changes_of_interest();
        let (told, in_force) = oneshot::channel();
        self.announce(changes, Some(told));
        self.tell_of_event(StreamEvent::Updated);
        let Some(asked) = asked else { return };
        actix_rt::spawn(async move {
            // The Router is gone at the end of the server only.
            let _ = in_force.await;
            let _ = asked.send(Ok(Done::Configured));
        });
    }

    /// Publishes what there is to say, as much as one turn may.
    pub(super) fn speak(&mut self) {
        if self.spoken.is_empty() {
            return;
        }
        let account = &self.account.routed.account;
        let number = self.mailbox.outbox().connection_id();
        let origin = Origin::without_echo(number, account.id(), ConnectionKind::Stream);
        let began = Instant::now();
        let mut arbiter = self.arbiter.borrow_mut();
        let arbiter: &mut ArbiterState = &mut arbiter;
        let running = RunningTurn::begin(&arbiter.shared, arbiter.number);
        arbiter.delivery.staging.begin_turn(Moment::of(began));
        while !arbiter.delivery.is_spent()
            && let Some(spoken) = self.spoken.pop_front()
        {
            let Spoken {
                to,
                subject,
                reply,
                headers,
                payload,
            } = spoken;
            let spoken = in_process::Spoken {
                to: (!to.is_empty()).then_some(&*to),
                subject: &subject,
                reply: (!reply.is_empty()).then_some(&*reply),
                header: &headers,
                payload: &payload,
            };
            publish(&mut arbiter.delivery, account, spoken, origin);
        }
        arbiter.delivery.close_run();
        arbiter.delivery.finish();
        // Who does not read what he asked for is cut off as a slow consumer: a stream waits for nobody.
        hand_over(arbiter, running, began);
        if !self.spoken.is_empty() {
            self.wake();
        }
    }
}
