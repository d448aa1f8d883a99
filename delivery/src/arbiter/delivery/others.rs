//! The straight path where not only clients are interested: also the owners of mailboxes, and other servers.

use super::Delivery;
use crate::arbiter::repeats::Repeats;
use crate::arbiter::staging::STAGED_AT_MOST;
use crate::arbiter::with_care::{Content, count, deliver_to_picked, has_room, pick};
use vagus_protocol::message::MORE_WITH_HEADERS;
use vagus_routing::Outlet;

impl Delivery {
    /// Delivers messages of the same control line as the last, none of which has to be looked at, each by the outlets of
    /// those it reaches; keeps them until the run ends if each is more than a turn may do. False if nobody took the last
    /// of them.
    #[inline(never)]
    pub(super) fn publish_otherwise(&mut self, repeats: &Repeats<'_>) -> bool {
        let Some(run) = &mut self.run else {
            return false;
        };
        if run.copies.saturating_mul(repeats.tail()) > STAGED_AT_MOST {
            return self.gather_each(repeats);
        }
        let Some(fanout) = run.fanout.get(&self.fanouts) else {
            return false;
        };
        let (messages, payload) = (repeats.count(), repeats.payload());
        run.messages += messages as u64;
        run.payload += (messages * payload) as u64;
        self.staging.charge(run.work.saturating_mul(messages));
        let (singles, shared, queues) = (fanout.singles(), fanout.shared(), fanout.queues());
        let mut taken_by_peers = false;
        if queues.is_empty() && !fanout.peers().is_empty() {
            // No message says queue groups: all have the same line. What peers get is in order among itself.
            let (staging, peers) = (&mut self.staging, &mut self.peers);
            taken_by_peers = peers.deliver_alike(staging, fanout, repeats, run.with_headers, run.origin);
            if singles.is_empty() && shared.is_empty() {
                return taken_by_peers;
            }
        }
        let mut taken = false;
        let skipped = if run.with_headers { 0 } else { MORE_WITH_HEADERS };
        for tail in repeats.tails() {
            let content = Content::again(tail, payload, run.header_size);
            let (sizes, reply) = (content.neutral_sizes(), content.reply.unwrap_or_default());
            taken = taken_by_peers || !shared.is_empty();
            for target in singles {
                let destination = target.subscription.destination();
                if target.outlet == Outlet::Client {
                    let pieces = [fanout.start(target.prefix(), skipped), tail];
                    self.staging.message(destination, pieces, payload);
                } else if has_room(destination, 1) {
                    count(&target.subscription, 1);
                    let pieces = [fanout.start(target.prefix(), 0), &sizes, reply, content.body];
                    self.staging.message(destination, pieces, payload);
                } else {
                    continue;
                }
                taken = true;
            }
            for (group, encoded) in shared.iter().zip(&mut self.encoded) {
                if group.outlet == Outlet::Client {
                    encoded.append(fanout.start(group.prefix(), skipped));
                    encoded.append(tail);
                } else {
                    encoded.append(fanout.start(group.prefix(), 0));
                    [&sizes, reply, content.body]
                        .into_iter()
                        .for_each(|piece| encoded.append(piece));
                }
            }
            for queue in queues {
                if !self.served.include(queue.name()) {
                    continue;
                }
                let random = self.random.u64(..);
                let staging = &mut self.staging;
                if let Some(member) = pick(queue, random, &self.subject, run.origin, staging) {
                    deliver_to_picked(staging, &mut self.peers, fanout, queue, member, &content);
                    taken = true;
                }
            }
            if !queues.is_empty() {
                let staging = &mut self.staging;
                taken |= self.peers.deliver(staging, fanout, &content, run.origin);
            }
        }
        taken
    }
}
