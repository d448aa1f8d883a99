//! The paths of the few: messages of which each subscription is asked, or that are more than a turn may do.

use super::{Delivery, RunFanout};
use crate::account::Account;
use crate::arbiter::repeats::Repeats;
use crate::arbiter::spread::Spread;
use crate::arbiter::staging::STAGED_AT_MOST;
use crate::arbiter::with_care::{ConnectionFanout, Content, Start, deliver, deliver_to_one};
use std::sync::Arc;
use vagus_protocol::operation::Publish;
use vagus_routing::Origin;

impl Delivery {
    /// Keeps messages until the run ends, as each is more than a turn may do.
    #[cold]
    pub(super) fn gather_each(&mut self, repeats: &Repeats<'_>) -> bool {
        let Some(header_size) = self.run.as_ref().map(|run| run.header_size) else {
            return false;
        };
        repeats.tails().fold(false, |_, tail| {
            self.gather(&Content::again(tail, repeats.payload(), header_size))
        })
    }

    /// The path of the few: a target that is counted down, strips headers or is the publisher itself, a message with
    /// odd spacing, one that is more than a turn may do, or any while deliveries are logged.
    #[cold]
    pub(super) fn deliver_with_care(&mut self, account: &Account, message: &Publish<'_>) -> bool {
        let taken = self.deliver_here(message);
        match &self.run {
            Some(run) if !self.crossings.is_empty() => {
                let origin = run.origin;
                self.cross(account, message, origin, &[]) || taken
            }
            _ => taken,
        }
    }

    /// Delivers in the account of the run; which ways the message takes into others is noted.
    pub(super) fn deliver_here(&mut self, message: &Publish<'_>) -> bool {
        let mut composed = std::mem::take(&mut self.composed);
        let content = Content::of(message, &mut composed);
        let is_large = self.run.as_ref().is_some_and(|run| {
            let copies = run
                .fanout
                .get(&self.fanouts)
                .map_or(0, |fanout| fanout.deliveries());
            run.wide || copies.saturating_mul(content.tail.len()) > STAGED_AT_MOST
        });
        let taken = if is_large {
            self.gather(&content)
        } else {
            self.deliver_each(&content)
        };
        self.composed = composed;
        taken
    }

    fn deliver_each(&mut self, content: &Content<'_>) -> bool {
        self.pause_run();
        let Some((fanout, origin)) = self.count_one(content) else {
            return false;
        };
        self.crossings.extend_from_slice(fanout.accounts());
        let mut taken = false;
        for target in fanout.singles() {
            let start = Start::of(&fanout, target.prefix());
            taken |= deliver(&mut self.staging, start, &target.subscription, content, origin);
        }
        for group in fanout.shared() {
            let start = Start::of(&fanout, group.prefix());
            for subscription in &group.subscriptions {
                taken |= deliver(&mut self.staging, start, subscription, content, origin);
            }
        }
        for queue in fanout.queues() {
            if !self.served.include(queue.name()) {
                continue;
            }
            let random = self.random.u64(..);
            let (staging, peers) = (&mut self.staging, &mut self.peers);
            taken |= deliver_to_one(staging, peers, &fanout, queue, random, content, origin);
        }
        taken |= self.peers.deliver(&mut self.staging, &fanout, content, origin);
        self.staging.charge(fanout.deliveries());
        taken
    }

    /// Keeps a message until the run ends, as it is more than a turn may do. Whether anybody takes it is not known yet:
    /// true if there is anybody.
    #[cold]
    pub(super) fn gather(&mut self, content: &Content<'_>) -> bool {
        debug_assert!(
            self.unfinished.is_none(),
            "nothing is published before it is done"
        );
        if self.gathered.is_none() {
            // What the run has encoded already comes before.
            self.pause_run();
        }
        let Some((fanout, origin)) = self.count_one(content) else {
            return false;
        };
        self.crossings.extend_from_slice(fanout.accounts());
        let goes_to_some = !fanout.is_empty();
        // Members of queue groups are picked message by message, and may be destinations of others as well.
        let alone = !fanout.queues().is_empty() || !self.run.as_ref().is_some_and(|run| run.wide);
        self.staging.charge(1);
        self.gathered
            .get_or_insert_with(|| {
                Box::new(Spread::new(
                    fanout,
                    origin,
                    self.peers.others(),
                    self.served.clone(),
                ))
            })
            .add(content);
        if alone {
            self.pause_run();
        }
        goes_to_some
    }

    /// Counts a message of the run that is not counted with it; gives what is needed to deliver it.
    pub(super) fn count_one(&mut self, content: &Content<'_>) -> Option<(Arc<ConnectionFanout>, Origin)> {
        let run = self.run.as_ref()?;
        self.traffic.messages_in += 1;
        self.traffic.payload_in += content.body.len() as u64;
        if let RunFanout::Kept(kept) = run.fanout {
            self.fanouts.count(kept, 1, content.body.len() as u64);
        }
        Some((run.fanout.get(&self.fanouts)?.clone(), run.origin))
    }
}
