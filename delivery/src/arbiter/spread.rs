//! Messages whose fan-out is too much for one turn: delivered piece by piece, in as many turns as it takes.
//!
//! Between two pieces anything may happen to who is subscribed. What was resolved is held all the same, as resolving
//! anew would not tell who has had the message already. So each subscription is asked again when its turn comes: one
//! that has ended gets nothing, nor one that may not have it any more; one that got a maximum claims its places. The
//! Router marks a subscription as ended before it looks which turns run; a piece in a later turn therefore sees the
//! mark, and an earlier one is waited for like any turn (see `quiescence`). Behind PONG after UNSUB nothing more
//! arrives, though the fan-out is old.
//!
//! A connection's own pieces come one behind the other before it publishes anything else, and each destination is done
//! with before the next begins: all messages for it, in their order, to all of its subscriptions.

use super::kept::KeptMessage;
use super::peers::Peers;
use super::served::Served;
use super::staging::Staging;
use super::with_care::{
    ConnectionFanout, Content, Start, claims_one, count, deliver, deliver_claimed, deliver_to_one, has_room,
    logs_each, reaches,
};
use bytes::Bytes;
use std::sync::Arc;
use vagus_protocol::message::{self, MORE_WITH_HEADERS};
use vagus_routing::{Destination, Origin, Outlet, SharedTargets};

/// What encoding this much takes, in bytes, is counted as one delivery.
const ENCODED_IN_ONE: usize = 256;

/// Messages of one subject on their way to all that it reaches.
#[derive(Debug)]
pub struct Spread {
    fanout: Arc<ConnectionFanout>,
    origin: Origin,
    text: Vec<u8>,
    messages: Vec<KeptMessage>,
    /// The reply of one leads back through gateways: not all get it as it came.
    leads_back: bool,
    next: Next,
    /// The messages as the class that is under way gets them.
    encoded: Option<Encoded>,
    peers: Peers,
    /// The queue groups that they are for.
    served: Served,
}

#[derive(Debug)]
struct Encoded {
    chunk: Bytes,
    payload: u64,
}

/// Where it goes on.
#[derive(Debug, Default)]
struct Next {
    /// The singles of one connection: where they begin, and where they end once that is known.
    group: usize,
    group_end: Option<usize>,
    message: usize,
    single: usize,
    class: usize,
    subscription: usize,
    queue: usize,
    message_of_queue: usize,
}

impl Spread {
    pub(super) fn new(fanout: Arc<ConnectionFanout>, origin: Origin, peers: Peers, served: Served) -> Self {
        Self {
            fanout,
            origin,
            text: Vec::new(),
            messages: Vec::new(),
            leads_back: false,
            next: Next::default(),
            encoded: None,
            peers,
            served,
        }
    }

    /// Adds a message, before the first is delivered.
    pub(super) fn add(&mut self, content: &Content<'_>) {
        self.leads_back |= content.mapped_reply().is_some();
        self.messages.push(KeptMessage::append(&mut self.text, content));
    }

    /// Delivers as much as the turn allows; true when all is delivered.
    pub(super) fn proceed(&mut self, staging: &mut Staging, random: impl FnMut() -> u64) -> bool {
        self.deliver_to_singles(staging)
            && self.deliver_to_shared(staging)
            && self.deliver_to_queues_and_peers(staging, random)
    }

    fn content(&self, message: usize) -> Option<Content<'_>> {
        Some(self.messages.get(message)?.content(&self.text))
    }

    fn deliver_to_singles(&mut self, staging: &mut Staging) -> bool {
        let fanout = self.fanout.clone();
        let singles = fanout.singles();
        while let Some(first) = singles.get(self.next.group) {
            let destination = first.subscription.destination();
            let connection = destination.connection_id();
            while self.next.message < self.messages.len() {
                let end = self.next.group_end.unwrap_or(singles.len());
                while self.next.single < end {
                    if staging.is_spent() {
                        return false;
                    }
                    staging.charge(1);
                    let target = &singles[self.next.single];
                    if target.subscription.destination().connection_id() != connection {
                        break;
                    }
                    self.next.single += 1;
                    // A closed connection needs no look at what it would have got.
                    if destination.is_closed() || !reaches(self.origin, &target.subscription) {
                        self.next.message = self.messages.len();
                        continue;
                    }
                    if let Some(content) = self.content(self.next.message)
                        && !target.subscription.denies(fanout.subject())
                        && has_room(destination, 1)
                        && claims_one(&target.subscription)
                    {
                        let start = Start::of(&fanout, target.prefix());
                        deliver_claimed(staging, start, &target.subscription, &content);
                    }
                }
                self.next.group_end = Some(self.next.single.max(self.next.group + 1));
                self.next.message += 1;
                self.next.single = self.next.group;
            }
            self.next.group = self.next.group_end.unwrap_or(singles.len());
            self.next.group_end = None;
            self.next.single = self.next.group;
            self.next.message = 0;
        }
        true
    }

    fn deliver_to_shared(&mut self, staging: &mut Staging) -> bool {
        let fanout = self.fanout.clone();
        while let Some(class) = fanout.shared().get(self.next.class) {
            while let Some(subscription) = class.subscriptions.get(self.next.subscription) {
                if staging.is_spent() {
                    return false;
                }
                staging.charge(1);
                self.next.subscription += 1;
                let destination = subscription.destination();
                if destination.is_closed()
                    || subscription.is_closed()
                    || subscription.denies(fanout.subject())
                    || !reaches(self.origin, subscription)
                {
                    continue;
                }
                let is_looked_at = self.leads_back || destination.looks_at_each() || logs_each();
                if is_looked_at || subscription.original().limit().is_some() {
                    let start = Start::of(&fanout, class.prefix());
                    for message in 0..self.messages.len() {
                        if let Some(content) = self.content(message) {
                            deliver(staging, start, subscription, &content, self.origin);
                        }
                    }
                    continue;
                }
                let messages = self.messages.len() as u64;
                if !has_room(destination, messages) {
                    continue;
                }
                count(subscription, messages);
                let encoded = match self.encoded.take() {
                    Some(encoded) => encoded,
                    None => {
                        staging.charge(self.messages.len() + self.text.len() / ENCODED_IN_ONE);
                        self.encode(class)
                    }
                };
                staging.shared(destination, &encoded.chunk, messages, encoded.payload);
                self.encoded = Some(encoded);
            }
            self.encoded = None;
            self.next.class += 1;
            self.next.subscription = 0;
        }
        true
    }

    fn encode<D>(&self, class: &SharedTargets<D>) -> Encoded {
        let (msg, hmsg) = (
            self.fanout.start(class.prefix(), MORE_WITH_HEADERS),
            self.fanout.start(class.prefix(), 0),
        );
        let mut chunk = Vec::with_capacity(self.text.len() + self.messages.len() * hmsg.len());
        let mut payload = 0;
        for content in (0..self.messages.len()).filter_map(|message| self.content(message)) {
            if class.outlet == Outlet::Mailbox {
                let reply = content.reply.unwrap_or_default();
                let pieces = [hmsg, &content.neutral_sizes(), reply, content.body];
                pieces
                    .into_iter()
                    .for_each(|piece| chunk.extend_from_slice(piece));
                payload += content.body.len() as u64;
            } else if content.header_size.is_some() && !class.headers {
                message::append_parts(&mut chunk, msg, content.reply, None, content.payload());
                payload += content.payload().len() as u64;
            } else {
                let with_headers = content.header_size.is_some();
                chunk.extend_from_slice(if with_headers { hmsg } else { msg });
                chunk.extend_from_slice(content.tail);
                payload += content.body.len() as u64;
            }
        }
        Encoded {
            chunk: chunk.into(),
            payload,
        }
    }

    /// Message by message, as what a peer gets says which queue groups it is to serve.
    fn deliver_to_queues_and_peers(
        &mut self,
        staging: &mut Staging,
        mut random: impl FnMut() -> u64,
    ) -> bool {
        let fanout = self.fanout.clone();
        let mut peers = std::mem::take(&mut self.peers);
        let done = self.proceed_by_message(staging, &mut peers, &fanout, &mut random);
        self.peers = peers;
        done
    }

    fn proceed_by_message(
        &mut self,
        staging: &mut Staging,
        peers: &mut Peers,
        fanout: &ConnectionFanout,
        random: &mut impl FnMut() -> u64,
    ) -> bool {
        while let Some(content) = self.content(self.next.message_of_queue) {
            let mut next = self.next.queue;
            while let Some(queue) = fanout.queues().get(next) {
                if staging.is_spent() {
                    self.next.queue = next;
                    return false;
                }
                next += 1;
                if !self.served.include(queue.name()) {
                    continue;
                }
                deliver_to_one(staging, peers, fanout, queue, random(), &content, self.origin);
            }
            if peers.proceed(staging, fanout, &content, self.origin).is_none() {
                self.next.queue = next;
                return false;
            }
            self.next.queue = 0;
            self.next.message_of_queue += 1;
        }
        true
    }
}
