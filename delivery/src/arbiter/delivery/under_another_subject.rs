//! Messages that show another subject than the one by which they find who gets them: those of a stream, which go to where
//! its consumers deliver. Peers, and other accounts, are told in the reply what is shown.

use super::{Delivery, Parts};
use crate::account::Account;
use crate::arbiter::staging::STAGED_AT_MOST;
use crate::arbiter::with_care::{Content, Start, deliver, deliver_to_one_showing};
use vagus_protocol::operation::Publish;
use vagus_protocol::shown_subject;
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
            tail: None,
            ..*message
        };
        if !self.is_of_run(&sought, origin) {
            self.close_run();
            self.finish();
            self.open_run(account, &sought, origin, Parts::All);
        }
        self.deliver_shown_and_cross(account, &sought, message.subject)
    }

    /// The same, if the turn [goes on](Self::goes_on) with it; None if it does not. What is more than a turn may do shows the
    /// subject that it has found its way by: somebody else has made it.
    pub fn publish_next_under_another_subject(
        &mut self,
        account: &Account,
        to: &[u8],
        message: &Publish<'_>,
        origin: Origin,
    ) -> Option<bool> {
        let sought = Publish {
            subject: to,
            tail: None,
            ..*message
        };
        if !self.goes_on(account, Some(&sought), origin) {
            return None;
        }
        let is_much = self.run.as_ref().is_some_and(|run| {
            let copies = run
                .fanout
                .get(&self.fanouts)
                .map_or(0, |fanout| fanout.deliveries());
            run.wide || copies.saturating_mul(message.body.len()) > STAGED_AT_MOST
        });
        Some(match is_much {
            true => self.deliver_with_care(account, &sought),
            false => self.deliver_shown_and_cross(account, &sought, message.subject),
        })
    }

    fn deliver_shown_and_cross(&mut self, account: &Account, sought: &Publish<'_>, shown: &[u8]) -> bool {
        let taken = self.deliver_shown(sought, shown);
        match &self.run {
            Some(run) if !self.crossings.is_empty() => {
                let origin = run.origin;
                let mut reply = Vec::new();
                shown_subject::write(sought.reply.unwrap_or_default(), shown, &mut reply);
                let crossing = Publish {
                    reply: sought.reply.map(|_| &*reply),
                    ..*sought
                };
                self.cross(account, &crossing, origin, &[]) || taken
            }
            _ => taken,
        }
    }

    /// Delivers it in the account of the run; which ways it takes into others is noted.
    pub(super) fn deliver_shown(&mut self, sought: &Publish<'_>, shown: &[u8]) -> bool {
        let mut composed = std::mem::take(&mut self.composed);
        let mut start = std::mem::take(&mut self.shown);
        let content = Content::of(sought, &mut composed);
        let taken = self.deliver_showing(shown, &content, &mut start);
        (self.composed, self.shown) = (composed, start);
        taken
    }

    fn deliver_showing(&mut self, shown: &[u8], content: &Content<'_>, start: &mut Vec<u8>) -> bool {
        let Some((fanout, origin)) = self.count_one(content) else {
            return false;
        };
        self.crossings.extend_from_slice(fanout.accounts());
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
        if !fanout.peers().is_empty() || self.peers.has_picked() {
            let (mut reply, mut composed) = (Vec::new(), Vec::new());
            shown_subject::write(content.reply.unwrap_or_default(), shown, &mut reply);
            let content = content.replied_to(&reply, &mut composed);
            taken |= self.peers.deliver(&mut self.staging, &fanout, &content, origin);
        }
        self.staging.charge(fanout.deliveries());
        taken
    }
}
