//! A client within the process, for handlers that publish and subscribe for somebody who has no connection.
//!
//! The role of the InProcess is to be on an arbiter where they are not: it publishes through that arbiter's caches,
//! as a connection does, and has subscriptions put in force. What is delivered to one goes to an outbox without a
//! socket, bounded like any other, and from there to the holder of the [`InProcessSubscription`].

mod subscription;

pub use subscription::{Delivered, InProcessSubscription};

use crate::accounts::RoutedAccount;
use crate::mailbox::{Observe, end_if_panicking, tell};
use crate::router::{Announce, Settled};
use actix::prelude::*;
use bytes::Bytes;
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;
use vagus_delivery::Moment;
use vagus_delivery::arbiter::{ArbiterState, LocalArbiter, RunningTurn, hand_over};
use vagus_delivery::outbox::{ConnectionSubscription, Outbox};
use vagus_delivery::subscriptions::Change;
use vagus_protocol::operation::Publish;
use vagus_routing::Origin;

/// The sid of the one subscription that an outbox without a socket has.
const SID: &[u8] = b"1";

/// No arbiter carries an owner that is not a connection.
const NO_ARBITER: usize = usize::MAX;

/// Publishes and subscribes on its arbiter for those who are on none.
pub struct InProcess {
    arbiter: LocalArbiter,
    account: RoutedAccount,
    published: u64,
    subscribed: u64,
}

/// What an [`InProcess`] shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InProcessState {
    /// Messages it has published.
    pub published: u64,
    /// Subscriptions it has had put in force.
    pub subscribed: u64,
}

/// Publishes a message; true if somebody took it. The sender has made sure that the subject is one that can be
/// published on, and bounds how many wait.
#[derive(Debug, Message)]
#[rtype(result = "bool")]
pub struct PublishInProcess {
    /// The subject, without wildcards.
    pub subject: Bytes,
    /// Where answers go.
    pub reply: Option<Bytes>,
    /// The header block, from `NATS/1.0` to its empty line.
    pub header: Option<Bytes>,
    /// The payload.
    pub payload: Bytes,
}

/// Subscribes; answered once the subscription is in force. The sender has made sure that the subject is valid,
/// and bounds how many there are.
#[derive(Debug, Message)]
#[rtype(result = "Option<InProcessSubscription>")]
pub struct SubscribeInProcess {
    /// The subject, perhaps with wildcards.
    pub subject: Bytes,
    /// The queue group, if any.
    pub queue: Option<Bytes>,
    /// What may wait to be taken, in bytes; past it the subscription ends.
    pub max_pending: usize,
}

impl InProcess {
    /// For this arbiter, on the thread of which it must be started, and in this account.
    pub fn new(arbiter: LocalArbiter, account: RoutedAccount) -> Self {
        Self {
            arbiter,
            account,
            published: 0,
            subscribed: 0,
        }
    }

    fn publish(&mut self, given: &PublishInProcess) -> bool {
        self.published += 1;
        let header = given.header.as_deref().unwrap_or_default();
        let body = [header, &given.payload].concat();
        let header_size_text = header.len().to_string();
        let size_text = body.len().to_string();
        let message = Publish {
            subject: &given.subject,
            reply: given.reply.as_deref(),
            header_size: (!header.is_empty()).then_some(header.len()),
            header_size_text: header_size_text.as_bytes(),
            size_text: size_text.as_bytes(),
            tail: None,
            body: &body,
            line_len: 0,
        };
        let began = Instant::now();
        let mut arbiter = self.arbiter.borrow_mut();
        let arbiter: &mut ArbiterState = &mut arbiter;
        let running = RunningTurn::begin(&arbiter.shared, arbiter.number);
        arbiter.delivery.staging.begin_turn(Moment::of(began));
        let account = &*self.account.account;
        let origin = Origin::server(account.id());
        let taken = arbiter.delivery.publish(account, &message, origin);
        arbiter.delivery.close_run();
        arbiter.delivery.finish();
        // Requests come one by one and each waits for its answer: there is nothing to pause.
        hand_over(arbiter, running, began);
        taken
    }
}

/// Waits for the Router's word that a subscription is in force.
struct Awaiting(Option<oneshot::Sender<()>>);

impl Actor for Awaiting {
    type Context = Context<Self>;
}

impl Handler<Settled> for Awaiting {
    type Result = ();

    fn handle(&mut self, _: Settled, context: &mut Context<Self>) {
        if let Some(waiting) = self.0.take() {
            // The subscriber may have gone.
            let _ = waiting.send(());
        }
        context.stop();
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        end_if_panicking("The InProcess");
    }
}

impl Actor for InProcess {
    type Context = Context<Self>;
}

impl Handler<PublishInProcess> for InProcess {
    type Result = bool;

    fn handle(&mut self, publish: PublishInProcess, _: &mut Context<Self>) -> bool {
        self.publish(&publish)
    }
}

impl Handler<SubscribeInProcess> for InProcess {
    type Result = ResponseFuture<Option<InProcessSubscription>>;

    fn handle(&mut self, subscribe: SubscribeInProcess, _: &mut Context<Self>) -> Self::Result {
        self.subscribed += 1;
        let outbox = {
            let arbiter = self.arbiter.borrow();
            let id = arbiter.shared.next_connection_id();
            let slot = arbiter.shared.slots.take();
            Outbox::new(slot, id, NO_ARBITER, subscribe.max_pending, None)
        };
        outbox.set_accepts_headers(true);
        let outbox = Arc::new(outbox);
        let queue = subscribe.queue.as_deref();
        let subscription = ConnectionSubscription::new(&subscribe.subject, queue, SID, outbox.clone());
        let subscription = Arc::new(subscription);
        let (in_force, is_in_force) = oneshot::channel();
        let announce = Announce {
            account: self.account.account.id(),
            changes: vec![Change::Add(subscription.clone())],
            settled: Some(Awaiting(Some(in_force)).start().recipient()),
        };
        tell(&self.account.router, announce);
        let held = InProcessSubscription::new(outbox, subscription, self.account.clone(), Instant::now());
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
            subscribed: self.subscribed,
        })
    }
}
