//! Messages that show another subject than the one by which they find who gets them: those of a stream, which go to where
//! its consumers deliver.

use super::{Delivery, Parts};
use crate::account::Account;
use crate::arbiter::with_care::{Content, Start, deliver, deliver_to_one_showing};
use vagus_protocol::operation::Publish;
use vagus_routing::Origin;

impl Delivery {
    /// Delivers a message to those who are interested in `to`. True if somebody took it.
    pub fn publish_under_another_subject(
        &mut self,
        account: &Account,
        to: &[u8],
        message: &Publish<'_>,
        origin: Origin,
    ) -> bool {
        let sought = Publish {
            subject: to,
            ..*message
        };
        if !self.is_of_run(&sought, origin) {
            self.close_run();
            self.finish();
            self.open_run(account, &sought, origin, Parts::All);
        }
        let mut composed = std::mem::take(&mut self.composed);
        let mut start = std::mem::take(&mut self.shown);
        let content = Content::of(message, &mut composed);
        let taken = self.deliver_shown(message.subject, &content, &mut start);
        (self.composed, self.shown) = (composed, start);
        taken
    }

    fn deliver_shown(&mut self, shown: &[u8], content: &Content<'_>, start: &mut Vec<u8>) -> bool {
        let Some((fanout, origin)) = self.count_one(content) else {
            return false;
        };
        let mut taken = false;
        let singles = fanout.singles().iter().map(|target| &target.subscription);
        let shared = fanout.shared().iter().flat_map(|group| &group.subscriptions);
        for subscription in singles.chain(shared) {
            let start = Start::showing(shown, subscription.sid_field(), start);
            taken |= deliver(&mut self.staging, start, subscription, content, origin);
        }
        for queue in fanout.queues() {
            if !self.served.include(queue.name()) {
                continue;
            }
            let random = self.random.u64(..);
            let (staging, peers) = (&mut self.staging, &mut self.peers);
            let (from, showing) = ((&*fanout, queue, random), (shown, &mut *start));
            taken |= deliver_to_one_showing(staging, peers, from, showing, content, origin);
        }
        taken |= self.peers.deliver(&mut self.staging, &fanout, content, origin);
        self.staging.charge(fanout.deliveries());
        taken
    }
}
