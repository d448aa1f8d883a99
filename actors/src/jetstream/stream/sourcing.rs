//! What comes to a stream from those whose messages it gets: a mailbox of its own, and who is listened to.
//!
//! What does not fit there goes, the oldest first: the machine notices that it is missing, and asks for it again. So a
//! stream that is slow holds up nobody whose messages it gets.

use super::Stream;
use super::speaking::Spoken;
use crate::mailbox::tell;
use actix::prelude::*;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use tokio::sync::oneshot;
use vagus_delivery::arbiter::LocalArbiter;
use vagus_delivery::mailbox::{Delivered, Mailbox, Message as Came, Messages};
use vagus_delivery::outbox::{ConnectionSubscription, WhenFull};
use vagus_delivery::subscriptions::Change;
use vagus_jetstream::held::Cold;
use vagus_jetstream::stream::{Heard, Hearing, Said};
use vagus_routing::ConnectionKind;

/// What may wait to be heard, in bytes: what a consumer pushes at most before it waits for an answer, and half as much.
const WAITING_AT_MOST: usize = 48 << 20;

/// What is heard where nobody has taken what was asked.
const NOBODY: &[u8] = b"NATS/1.0 503\r\n\r\n";

/// Where what others send waits to be heard.
pub(super) struct Ear {
    mailbox: Mailbox,
    incoming: Messages,
    /// What has to be heard again, before all others.
    held_back: Option<Came>,
    listening: HashMap<u32, Arc<ConnectionSubscription>>,
}

/// What was to be listened for is: something can be asked that is answered there.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Listening {
    number: u32,
    said: Said,
}

impl Ear {
    fn new(arbiter: &LocalArbiter) -> Self {
        Self {
            mailbox: Mailbox::new(
                &arbiter.borrow().shared,
                ConnectionKind::Stream,
                WAITING_AT_MOST,
                WhenFull::DropOldest,
            ),
            incoming: Messages::default(),
            held_back: None,
            listening: HashMap::new(),
        }
    }

    /// Those who are listened to, at its end.
    pub(super) fn into_subscriptions(self) -> impl Iterator<Item = Arc<ConnectionSubscription>> {
        self.listening.into_values()
    }
}

impl Stream {
    /// Has what comes on a subject be heard, and says something when that is in force.
    pub(super) fn listen(&mut self, number: u32, subject: &Bytes, then: Option<Box<Said>>) {
        let ear = self.ear.get_or_insert_with(|| Box::new(Ear::new(&self.arbiter)));
        let subscription = ear.mailbox.subscription(subject, None, number);
        ear.listening.insert(number, subscription.clone());
        let in_force = then.map(|said| {
            let (told, in_force) = oneshot::channel();
            let stream = self.own.clone();
            actix_rt::spawn(async move {
                // The Router is gone at the end of the server only.
                if in_force.await.is_ok() {
                    tell(&stream, Listening { number, said: *said });
                }
            });
            told
        });
        self.announce(vec![Change::Add(subscription)], in_force);
        self.wake();
    }

    pub(super) fn stop_listening(&mut self, number: u32) {
        let there = self.ear.as_mut().and_then(|ear| ear.listening.remove(&number));
        if let Some(subscription) = there {
            self.announce(vec![Change::Remove(subscription)], None);
        }
    }

    /// Hears what has come, about as much as one turn may. Whether what comes next wakes the task.
    pub(super) fn hear_more(&mut self, task: &mut TaskContext<'_>) -> bool {
        if !self.hear_all() {
            // What it waits for wakes the stream.
            return true;
        }
        let Some(ear) = &mut self.ear else { return true };
        match ear.mailbox.poll_next(task) {
            Poll::Ready(Delivered::Messages(messages)) => {
                ear.incoming = messages;
                self.hear_all();
                false
            }
            Poll::Ready(Delivered::Ended(_)) => {
                self.ear = None;
                true
            }
            Poll::Pending => true,
        }
    }

    /// Whether all that was taken is heard.
    fn hear_all(&mut self) -> bool {
        let Some(ear) = &mut self.ear else { return true };
        if self.ailment.is_some() {
            // It is asked for again when something gets in again.
            (ear.held_back, ear.incoming) = (None, Messages::default());
            return true;
        }
        let (mut next, mut incoming) = (ear.held_back.take(), std::mem::take(&mut ear.incoming));
        let mut cold = None;
        self.around(|machine, around| {
            let mut around = *around;
            while let Some(message) = next.take().or_else(|| incoming.next()) {
                let parts = message.parts();
                let share = |part| message.share(part);
                let heard = Heard {
                    number: parts.subscription,
                    subject: &share(parts.subject),
                    reply: &parts.reply.map(share).unwrap_or_default(),
                    headers: &share(parts.header),
                    payload: &share(parts.payload),
                };
                let hearing = machine.hear(&around, heard);
                let size = parts.subject.len() + parts.header.len() + parts.payload.len();
                match hearing {
                    Hearing::Done => {
                        let left = &mut around.room.bytes;
                        *left = left.map(|left| left.saturating_sub_unsigned(size as u64));
                        continue;
                    }
                    Hearing::Unsettled => {}
                    Hearing::Cold(Cold { sequence }) => cold = Some(sequence),
                }
                next = Some(message);
                break;
            }
        });
        let is_held_up = next.is_some();
        if let Some(ear) = &mut self.ear {
            (ear.held_back, ear.incoming) = (next, incoming);
        }
        self.is_held_up |= is_held_up;
        if let Some(sequence) = cold {
            self.read(sequence);
        }
        self.propose();
        !is_held_up
    }

    /// Nobody has taken what was asked: that is the answer.
    pub(super) fn hear_of_nobody(&mut self, number: u32) {
        let nothing = Bytes::new();
        let headers = Bytes::from_static(NOBODY);
        self.guarded(|stream| {
            stream.around(|machine, around| {
                let heard = Heard {
                    number,
                    subject: &nothing,
                    reply: &nothing,
                    headers: &headers,
                    payload: &nothing,
                };
                machine.hear(around, heard)
            });
            stream.propose();
        });
    }
}

impl Handler<Listening> for Stream {
    type Result = ();

    fn handle(&mut self, Listening { number, said }: Listening, _: &mut Context<Self>) {
        self.spoken.push_back(Spoken {
            asked: Some(number),
            ..said.into()
        });
        self.wake();
    }
}

impl From<Said> for Spoken {
    fn from(said: Said) -> Self {
        let Said {
            subject,
            reply,
            headers,
            payload,
        } = said;
        Self {
            subject,
            reply,
            headers,
            payload,
            ..Self::default()
        }
    }
}
