//! One traced message on its way through one fan-out: which subscriptions it comes to, one after the other.

use super::telling::Telling;
use crate::account::Account;
use crate::arbiter::kept::KeptMessage;
use crate::arbiter::peers::{NextPeer, Peers};
use crate::arbiter::served::Served;
use crate::arbiter::with_care::{ConnectionFanout, Content, Start};
use crate::moment::Moment;
use std::sync::Arc;
use std::time::Instant;
use vagus_protocol::message;
use vagus_protocol::message_trace::with_hop;
use vagus_routing::{Destination, Outlet};

/// Where a message is on its way.
#[derive(Debug)]
pub(super) struct Delivering {
    fanout: Arc<ConnectionFanout>,
    served: Served,
    text: Vec<u8>,
    message: KeptMessage,
    peers: Peers,
    /// Where it goes on.
    single: usize,
    class: usize,
    subscription: usize,
    queue: usize,
}

impl Delivering {
    /// At the beginning.
    pub(super) fn new(
        account: &Account,
        fanout: Arc<ConnectionFanout>,
        served: Served,
        content: &Content<'_>,
    ) -> Self {
        let mut text = Vec::new();
        let message = KeptMessage::append(&mut text, content);
        let mut peers = Peers::default();
        peers.begin(account, b"", Moment::of(Instant::now()));
        Self {
            fanout,
            served,
            text,
            message,
            peers,
            single: 0,
            class: 0,
            subscription: 0,
            queue: 0,
        }
    }

    /// What the message is published on.
    pub(super) fn subject(&self) -> &[u8] {
        self.fanout.subject()
    }

    /// As far as the turn allows; true when everybody had it.
    pub(super) fn proceed(
        &mut self,
        telling: &mut Telling<'_>,
        taken: &mut bool,
        mut random: impl FnMut() -> u64,
    ) -> bool {
        let fanout = self.fanout.clone();
        let content = self.message.content(&self.text);
        while let Some(target) = fanout.singles().get(self.single) {
            if telling.is_spent() {
                return false;
            }
            self.single += 1;
            let copy = Some((Start::of(&fanout, target.prefix()), &content));
            *taken |= telling.come_to(fanout.subject(), &target.subscription, copy);
        }
        while let Some(class) = fanout.shared().get(self.class) {
            let copy = Some((Start::of(&fanout, class.prefix()), &content));
            while let Some(subscription) = class.subscriptions.get(self.subscription) {
                if telling.is_spent() {
                    return false;
                }
                self.subscription += 1;
                *taken |= telling.come_to(fanout.subject(), subscription, copy);
            }
            self.class += 1;
            self.subscription = 0;
        }
        while let Some(queue) = fanout.queues().get(self.queue) {
            if telling.is_spent() {
                return false;
            }
            self.queue += 1;
            if !self.served.include(queue.name()) {
                continue;
            }
            if let Some(member) = telling.come_to_one(&fanout, queue, random(), &content) {
                *taken = true;
                // A peer gets one copy, when all queue groups have picked.
                if member.destination().outlet() == Outlet::Peer {
                    self.peers.pick(member, fanout.subject());
                }
            }
        }
        self.peers.sort();
        while let Some(next) = self.peers.next(&fanout) {
            if telling.is_spent() {
                return false;
            }
            self.peers.pass(&next);
            *taken |= come_to_peer(&mut self.peers, &next, telling, &fanout, &content);
        }
        true
    }
}

/// Another server gets the message, which says there by which hop it has come; false if it does not take it.
fn come_to_peer(
    peers: &mut Peers,
    next: &NextPeer<'_>,
    telling: &mut Telling<'_>,
    fanout: &ConnectionFanout,
    content: &Content<'_>,
) -> bool {
    let Some(destination) = peers.destination(next, fanout, telling.origin) else {
        return false;
    };
    let Some(hop) = telling.leave_for(&destination) else {
        return false;
    };
    let header = content.body.get(..content.header_size.unwrap_or(0));
    let header = with_hop(header.unwrap_or_default(), hop.as_bytes());
    let (mut tail, payload) = (Vec::new(), content.payload());
    message::append_parts(&mut tail, b"", content.reply, Some(&header), payload);
    let content = Content::again(&tail, header.len() + payload.len(), Some(header.len()));
    peers.stage(telling.staging, &destination, next, fanout, &content);
    true
}
