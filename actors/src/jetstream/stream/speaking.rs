//! What a stream says: answers to publishers, messages that it publishes anew.

use super::Stream;
use super::asking::Outcome;
use super::telling::StreamEvent;
use crate::in_process::{self, publish};
use bytes::Bytes;
use std::time::Instant;
use tokio::sync::oneshot;
use vagus_delivery::Moment;
use vagus_delivery::arbiter::{ArbiterState, RunningTurn, hand_over};
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
    /// The number under which it is to be heard if nobody takes it.
    pub(super) asked: Option<u32>,
}

impl Stream {
    /// Does what has come of decisions, and of what was applied.
    pub(super) fn carry_out_effects(&mut self) {
        let effects = self.machine.take_effects();
        if effects.bytes != 0 {
            self.count_bytes(effects.bytes);
        }
        let batches = self.machine.batches();
        self.server.count_batches(self.batches, batches);
        self.batches = batches;
        if !effects.list.is_empty() || effects.bytes != 0 {
            self.figures.write(&self.machine);
        }
        let mut answers = Vec::new();
        for effect in effects.list {
            match effect {
                Effect::Done { request, outcome } => {
                    if outcome == Ok(Done::Configured) {
                        self.configured();
                    }
                    let asked = self.requests.remove(&request);
                    answers.extend(asked.map(|asked| (asked, outcome)));
                }
                effect => self.carry_out(effect),
            }
        }
        self.answer(answers);
    }

    /// Tells those who asked for something that it is done, once what follows for its interest is in force.
    fn answer(&mut self, answers: Vec<(oneshot::Sender<Outcome>, Outcome)>) {
        let changes = std::mem::take(&mut self.changes);
        let send_all = move || {
            for (asked, outcome) in answers {
                // Who asked may have gone.
                let _ = asked.send(outcome);
            }
        };
        if changes.is_empty() {
            return send_all();
        }
        let (told, in_force) = oneshot::channel();
        self.announce(changes, Some(told));
        actix_rt::spawn(async move {
            // The Router is gone at the end of the server only.
            let _ = in_force.await;
            send_all();
        });
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
                    asked: None,
                });
                self.spoken.extend(spoken);
            }
            Effect::Listen {
                number,
                subject,
                then,
            } => self.listen(number, &subject, then),
            Effect::StopListening { number } => self.stop_listening(number),
            Effect::Say(said) => self.spoken.push_back(said.into()),
            Effect::MirrorIsCurrent => {
                let changes = self.changes_of_interest();
                self.changes.extend(changes);
            }
            Effect::Read { sequence } => self.read(sequence),
            Effect::Abandoned { batch, reason } => self.tell_of_abandoned(&batch, reason),
            Effect::Advisory(advisory) => self.tell_of_consumer(&advisory),
            Effect::ConsumerBegan { name, deliver_to, .. } => self.consumer_began(name, deliver_to),
            Effect::ConsumerEnded { name } => self.consumer_ended(&name),
            // They are answered together.
            Effect::Done { .. } => {}
        }
    }

    /// It is configured anew: it takes in what it now is to.
    fn configured(&mut self) {
        self.changes_of_interest_follow();
        self.tell_of_event(StreamEvent::Updated);
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
        let mut unheard = Vec::new();
        let state = self.arbiter.clone();
        let mut arbiter = state.borrow_mut();
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
                asked,
            } = spoken;
            let spoken = in_process::Spoken {
                to: (!to.is_empty()).then_some(&*to),
                subject: &subject,
                reply: (!reply.is_empty()).then_some(&*reply),
                header: &headers,
                payload: &payload,
            };
            let is_taken = publish(&mut arbiter.delivery, account, spoken, origin);
            unheard.extend(asked.filter(|_| !is_taken));
        }
        arbiter.delivery.close_run();
        arbiter.delivery.finish();
        // Who does not read what he asked for is cut off as a slow consumer: a stream waits for nobody.
        hand_over(arbiter, running, began);
        for number in unheard {
            self.hear_of_nobody(number);
        }
        if !self.spoken.is_empty() {
            self.wake();
        }
    }
}
