//! What may take more than one turn of a publisher: what a turn begins and another ends.

use super::traced_crossing::Crossed;
use super::{Delivery, Parts};
use crate::account::Account;
use crate::arbiter::posted::Posted;
use crate::arbiter::resolving::{Resolving, Unfinished};
use crate::arbiter::spread::Spread;
use crate::arbiter::tracing::{OwnMessage, Place, Trace, Tracing};
use crate::arbiter::with_care::Content;
use std::sync::Arc;
use vagus_protocol::operation::Publish;
use vagus_routing::Origin;

impl Delivery {
    /// Delivers what was gathered as far as the turn allows.
    pub(super) fn spread_gathered(&mut self) {
        if let Some(mut spread) = self.gathered.take()
            && !self.proceed_spread(&mut spread)
        {
            self.unfinished = Some(Box::new(Unfinished::Delivering(spread)));
        }
    }

    fn proceed_spread(&mut self, spread: &mut Spread) -> bool {
        let random = &mut self.random;
        spread.proceed(&mut self.staging, || random.u64(..))
    }

    /// Goes on with what an earlier turn could not do to its end; gives back what this one cannot either. A subject that
    /// is not resolved waits for [`Delivery::resume`].
    pub fn proceed(&mut self, unfinished: Box<Unfinished>) -> Option<Box<Unfinished>> {
        match *unfinished {
            Unfinished::Delivering(mut spread) => {
                let done = self.proceed_spread(&mut spread);
                (!done).then(|| Box::new(Unfinished::Delivering(spread)))
            }
            Unfinished::Tracing(tracing) => self.go_on_tracing(tracing),
            Unfinished::Publishing(posted, account, resolving) => {
                self.publish_posted(&account, posted, resolving)
            }
            Unfinished::InOrder(first, next) => match self.proceed(first) {
                Some(first) => Some(Box::new(Unfinished::InOrder(first, next))),
                None => self.proceed(next),
            },
            Unfinished::Resolving(_) => Some(unfinished),
        }
    }

    /// Goes on with this behind whatever is not done to its end.
    fn proceed_behind(&mut self, next: Box<Unfinished>) {
        let first = self.unfinished.take();
        self.unfinished = match first.filter(|first| first.goes_on_by_itself()) {
            Some(first) => Some(Box::new(Unfinished::InOrder(first, next))),
            None => self.proceed(next),
        };
    }

    /// The publisher's next message may be the one whose subject earlier turns have begun to resolve. Without, that is
    /// forgotten: a message that comes later is resolved from the start.
    pub fn resume(&mut self, resolving: Option<Resolving>) {
        self.resumed = resolving;
    }

    /// What the turn could not do to its end, for the next turn of the same publisher.
    pub fn take_unfinished(&mut self) -> Option<Box<Unfinished>> {
        self.unfinished.take()
    }

    /// Whether there is something that the turn could not do to its end.
    pub fn is_unfinished(&self) -> bool {
        self.unfinished.is_some()
    }

    /// Does to its end whatever there is. For those who have one message and no further turn; sessions see to it that
    /// they publish nothing more in a turn that is spent.
    pub fn finish(&mut self) {
        self.is_last_turn = true;
        while let Some(unfinished) = self.unfinished.take() {
            // The next message on this subject resolves it anew.
            if !unfinished.goes_on_by_itself() {
                break;
            }
            self.staging.hand_over();
            self.staging.renew();
            self.unfinished = self.proceed(unfinished);
        }
        self.is_last_turn = false;
    }

    /// Delivers a message as [`Delivery::publish`] does, if it is to be delivered, and tells the trace of each subscription
    /// that it comes to; the event that comes of it is delivered next. Each is asked, so this is not for every message.
    #[cold]
    pub fn publish_traced(
        &mut self,
        account: &Arc<Account>,
        message: &Publish<'_>,
        origin: Origin,
        trace: Box<dyn Trace>,
    ) -> bool {
        if !self.is_of_run(message, origin) {
            self.close_run();
            self.finish();
            self.open_run(account, message, origin, Parts::All);
        }
        let mut composed = std::mem::take(&mut self.composed);
        let content = Content::of(message, &mut composed);
        let counted = self.count_one(&content);
        // What came before goes before.
        self.close_run();
        let Some((fanout, origin)) = counted else {
            self.composed = composed;
            return false;
        };
        let crossed = match fanout.accounts() {
            [] => Crossed::default(),
            ways => self.find_crossings(account, ways, message, origin, &*trace),
        };
        let served = self.served.clone();
        let place = Place::of(account.clone(), origin, (fanout, served), &content);
        self.composed = composed;
        let taken = self.begin_tracing(
            account,
            Box::new(Tracing::new(trace, account.clone(), place, crossed.places)),
        );
        self.cross_untraced(crossed.untraced) || taken
    }

    /// Delivers a traced message as far as the turn allows, and its event if that is all.
    fn begin_tracing(&mut self, account: &Arc<Account>, mut tracing: Box<Tracing>) -> bool {
        if self.is_unfinished() {
            self.proceed_behind(Box::new(Unfinished::Tracing(tracing)));
            return true;
        }
        let event = self.proceed_tracing(&mut tracing);
        let taken = tracing.is_taken();
        self.unfinished = match event {
            Some(event) => self.publish_posted(account, Posted::own(event, account.id()), None),
            None => Some(Box::new(Unfinished::Tracing(tracing))),
        };
        taken
    }

    /// Delivers the event of a message that goes nowhere.
    #[cold]
    pub fn publish_event(&mut self, account: &Arc<Account>, trace: Box<dyn Trace>) {
        self.close_run();
        let tracing = Box::new(Tracing::of_refused(trace, account.clone()));
        self.proceed_behind(Box::new(Unfinished::Tracing(tracing)));
    }

    /// Delivers a message of the server's own.
    pub fn answer(&mut self, account: &Arc<Account>, message: OwnMessage) {
        self.close_run();
        let own = Posted::own(message, account.id());
        self.proceed_behind(Box::new(Unfinished::Publishing(own, account.clone(), None)));
    }

    /// Goes on with a traced message, as far as the turn allows; gives the event once it is made.
    fn proceed_tracing(&mut self, tracing: &mut Tracing) -> Option<OwnMessage> {
        let random = &mut self.random;
        tracing.proceed(&mut self.staging, || random.u64(..))
    }

    /// The same, and delivers the event.
    fn go_on_tracing(&mut self, mut tracing: Box<Tracing>) -> Option<Box<Unfinished>> {
        match self.proceed_tracing(&mut tracing) {
            Some(event) => {
                let account = tracing.account();
                self.publish_posted(account, Posted::own(event, account.id()), None)
            }
            None => Some(Box::new(Unfinished::Tracing(tracing))),
        }
    }

    /// Delivers a message that was kept, as far as the turn allows; gives back what it could not do. `resolving` is how far
    /// earlier turns came with its subject.
    pub(super) fn publish_posted(
        &mut self,
        account: &Arc<Account>,
        posted: Box<Posted>,
        resolving: Option<Resolving>,
    ) -> Option<Box<Unfinished>> {
        let later = |posted, resolving| {
            Some(Box::new(Unfinished::Publishing(
                posted,
                account.clone(),
                resolving,
            )))
        };
        if self.is_spent() {
            return later(posted, resolving);
        }
        self.resumed = resolving;
        let sizes = posted.sizes();
        let message = posted.message(&sizes);
        if !self.open_run(account, &message, posted.origin, Parts::One) {
            let resolving = self.take_resolving();
            return later(posted, resolving);
        }
        if posted.origin.has_crossed() && !self.is_last_turn && !self.has_room() {
            return later(posted, None);
        }
        if posted.publisher.is_some() {
            self.publisher.clone_from(&posted.publisher);
        }
        self.deliver_uncounted(account, &message, &posted.passed);
        self.close_run();
        self.unfinished.take()
    }

    /// How far the subject has come that the turn could not resolve to its end.
    pub(super) fn take_resolving(&mut self) -> Option<Resolving> {
        match self.unfinished.take().map(|unfinished| *unfinished) {
            Some(Unfinished::Resolving(resolving)) => Some(resolving),
            _ => None,
        }
    }
}
