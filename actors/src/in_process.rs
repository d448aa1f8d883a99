//! A client within the process, for handlers that publish and subscribe for somebody who has no connection.
//!
//! The role of the InProcess is to be on an arbiter where they are not: it publishes through that arbiter's caches,
//! as a connection does, and has subscriptions put in force. What is delivered to one goes to a mailbox, bounded like the
//! outbox of a connection, and from there to the holder of the [`InProcessSubscription`].

mod door;
mod handed_in;
mod subscription;

pub use door::{AccountDoor, Door, EnterAccount};
pub use handed_in::InProcessMessage;
pub use subscription::InProcessSubscription;

use crate::accounts::RoutedAccount;
use crate::mailbox::{Observe, end_if_panicking, tell};
use crate::router::{Announce, Announcer};
use actix::prelude::*;
use bytes::Bytes;
use handed_in::HandedIn;
use serde::Serialize;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use vagus_delivery::arbiter::{ArbiterState, Delivery, LocalArbiter, RunningTurn, hand_over};
use vagus_delivery::mailbox::Mailbox;
use vagus_delivery::outbox::{ConnectionSubscription, WhenFull};
use vagus_delivery::subscriptions::Change;
use vagus_delivery::{Account, Moment};
use vagus_protocol::operation::{Groups, Publish};
use vagus_routing::{ConnectionKind, Origin};

/// Publishes and subscribes on its arbiter for those who are on none.
pub struct InProcess {
    arbiter: LocalArbiter,
    account: RoutedAccount,
    handed_in: Arc<HandedIn>,
    published: u64,
    turns: u64,
    subscribed: u64,
}

/// Where an [`InProcess`] is reached, from any thread. None in an answer: the server is at its end.
#[derive(Debug, Clone)]
pub struct InProcessAddress {
    actor: Addr<InProcess>,
    handed_in: Arc<HandedIn>,
}

impl InProcessAddress {
    /// Publishes a message; true if somebody took it.
    pub async fn publish(&self, message: InProcessMessage) -> Option<bool> {
        self.publish_all(vec![message]).await.map(|taken| taken > 0)
    }

    /// Publishes messages in their order; gives how many of them somebody took.
    pub async fn publish_all(&self, messages: Vec<InProcessMessage>) -> Option<usize> {
        let (answer, answered) = oneshot::channel();
        if self.handed_in.add(messages.into(), answer) {
            tell(&self.actor, TakeHandedIn);
        }
        answered.await.ok()
    }

    /// Subscribes; the subscription is in force when this is answered.
    pub async fn subscribe(&self, subscribe: SubscribeInProcess) -> Option<InProcessSubscription> {
        self.actor.send(subscribe).await.ok().flatten()
    }

    /// What the actor shows of itself.
    pub async fn observe(&self) -> Option<InProcessState> {
        self.actor.send(Observe::new()).await.ok()
    }
}

/// What an [`InProcess`] shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InProcessState {
    /// Messages it has published.
    pub published: u64,
    /// Turns it took for that.
    pub turns: u64,
    /// Subscriptions it has had put in force.
    pub subscribed: u64,
}

/// There are messages to be published.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct TakeHandedIn;

/// Subscribes to several subjects, with one mailbox for all; answered once that is in force. The sender has made sure
/// that the subjects are valid, and bounds how many there are.
#[derive(Debug, Message)]
#[rtype(result = "Option<InProcessSubscription>")]
pub struct SubscribeInProcess {
    /// What for. Messages say by which of them they have come, counted from 1.
    pub subjects: Vec<InProcessSubject>,
    /// What may wait to be taken, in bytes.
    pub max_pending: usize,
    /// What happens past that.
    pub when_full: WhenFull,
}

/// What is subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InProcessSubject {
    /// The subject, perhaps with wildcards.
    pub subject: Bytes,
    /// The queue group, if any.
    pub queue: Option<Bytes>,
}

impl InProcess {
    /// Starts it on this arbiter, on the thread of which this must be called, and in this account.
    pub fn start(arbiter: LocalArbiter, account: RoutedAccount) -> InProcessAddress {
        let handed_in = Arc::new(HandedIn::default());
        let actor = Self {
            arbiter,
            account,
            handed_in: handed_in.clone(),
            published: 0,
            turns: 0,
            subscribed: 0,
        };
        InProcessAddress {
            actor: Actor::start(actor),
            handed_in,
        }
    }

    /// Publishes what was handed in, in one turn; what is too much for that waits for another.
    fn publish_handed_in(&mut self, address: Addr<Self>) {
        let mut waiting = self.handed_in.take();
        if waiting.is_empty() {
            return;
        }
        let began = Instant::now();
        let mut answers = Vec::with_capacity(waiting.len());
        let mut published = 0;
        {
            let mut arbiter = self.arbiter.borrow_mut();
            let arbiter: &mut ArbiterState = &mut arbiter;
            let running = RunningTurn::begin(&arbiter.shared, arbiter.number);
            arbiter.delivery.staging.begin_turn(Moment::of(began));
            while !arbiter.delivery.is_spent()
                && let Some(together) = waiting.front_mut()
            {
                match together.messages.pop_front() {
                    Some(message) => {
                        let taken = publish_given(&mut arbiter.delivery, &self.account.account, &message);
                        together.taken += usize::from(taken);
                        published += 1;
                    }
                    None => answers.extend(waiting.pop_front()),
                }
            }
            arbiter.delivery.close_run();
            arbiter.delivery.finish();
            // Each who publishes waits for the answer: there is nothing to pause.
            hand_over(arbiter, running, began);
        }
        self.turns += 1;
        self.published += published;
        for together in answers {
            // The publisher may have gone.
            let _ = together.answer.send(together.taken);
        }
        if !waiting.is_empty() {
            self.handed_in.put_back(waiting);
            actix_rt::spawn(async move {
                yield_now().await;
                tell(&address, TakeHandedIn);
            });
        }
    }
}

fn publish_given(delivery: &mut Delivery, account: &Account, given: &InProcessMessage) -> bool {
    let origin = match given.except {
        None => Origin::server(account.id()),
        Some(number) => Origin::without_echo(number, account.id(), ConnectionKind::Service),
    };
    let spoken = Spoken {
        to: None,
        subject: &given.subject,
        reply: given.reply.as_deref(),
        header: given.header.as_deref().unwrap_or_default(),
        payload: &given.payload,
    };
    publish(delivery, account, spoken, origin)
}

/// What a part of the server publishes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spoken<'a> {
    /// Where it goes; None: where its subject says.
    pub(crate) to: Option<&'a [u8]>,
    pub(crate) subject: &'a [u8],
    pub(crate) reply: Option<&'a [u8]>,
    /// Empty: none.
    pub(crate) header: &'a [u8],
    pub(crate) payload: &'a [u8],
}

/// Publishes it in the turn that is running, to who is interested in `to` or else in its subject; whether somebody took
/// it.
pub(crate) fn publish(
    delivery: &mut Delivery,
    account: &Account,
    spoken: Spoken<'_>,
    origin: Origin,
) -> bool {
    let Spoken {
        to,
        subject,
        reply,
        header,
        payload,
    } = spoken;
    let body = match header.is_empty() {
        true => Cow::Borrowed(payload),
        false => Cow::Owned([header, payload].concat()),
    };
    let header_size_text = header.len().to_string();
    let size_text = body.len().to_string();
    let message = Publish {
        subject,
        reply,
        groups: Groups::All,
        header_size: (!header.is_empty()).then_some(header.len()),
        header_size_text: header_size_text.as_bytes(),
        size_text: size_text.as_bytes(),
        tail: None,
        body: &body,
        line_len: 0,
    };
    match to {
        Some(to) if to != subject => delivery.publish_under_another_subject(account, to, &message, origin),
        _ => delivery.publish(account, &message, origin),
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        // Nobody is going to take what waits: who waits for an answer is told so.
        drop(self.handed_in.take());
        end_if_panicking("The InProcess");
    }
}

impl Actor for InProcess {
    type Context = Context<Self>;
}

impl Handler<TakeHandedIn> for InProcess {
    type Result = ();

    fn handle(&mut self, _: TakeHandedIn, context: &mut Context<Self>) {
        self.publish_handed_in(context.address());
    }
}

impl Handler<SubscribeInProcess> for InProcess {
    type Result = ResponseFuture<Option<InProcessSubscription>>;

    fn handle(&mut self, subscribe: SubscribeInProcess, _: &mut Context<Self>) -> Self::Result {
        let SubscribeInProcess {
            subjects,
            max_pending,
            when_full,
        } = subscribe;
        self.subscribed += subjects.len() as u64;
        let kind = ConnectionKind::Service;
        let mailbox = Mailbox::new(&self.arbiter.borrow().shared, kind, max_pending, when_full);
        let subscriptions: Vec<Arc<ConnectionSubscription>> = (1..)
            .zip(&subjects)
            .map(|(number, subject)| mailbox.subscription(&subject.subject, subject.queue.as_deref(), number))
            .collect();
        let (in_force, is_in_force) = oneshot::channel();
        let announce = Announce {
            account: self.account.account.id(),
            changes: subscriptions.iter().cloned().map(Change::Add).collect(),
            announcer: Some(Announcer::Waiting(in_force)),
        };
        tell(&self.account.router, announce);
        let held = InProcessSubscription::new(mailbox, subscriptions, self.account.clone(), Instant::now());
        Box::pin(async move {
            // Without the Router there is no server left.
            is_in_force.await.ok().map(|()| held)
        })
    }
}

impl Handler<Observe<InProcessState>> for InProcess {
    type Result = MessageResult<Observe<InProcessState>>;

    fn handle(&mut self, _: Observe<InProcessState>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(InProcessState {
            published: self.published,
            turns: self.turns,
            subscribed: self.subscribed,
        })
    }
}

#[cfg(test)]
mod tests;
