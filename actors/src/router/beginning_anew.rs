//! An account that fails is no other's loss.
//!
//! Where the Router of an account panics, nobody knows what of its index is true. So the account begins anew: its index is
//! empty from then on, the connections that are in it are closed, and what others have in it (routes, accounts that import
//! from it, the server itself) is [salvaged](super::salvage) and comes into the new index. Nothing is delivered by what the
//! panic has left.

use super::Router;
use super::changes::Work;
use super::salvage::{Remains, Salvaged};
use actix::prelude::*;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use vagus_delivery::outbox::ConnectionSubscription;
use vagus_routing::{Destination, Outlet};

impl Router {
    /// Does something that panics at the account's expense.
    pub(super) fn contain(
        &mut self,
        context: &mut Context<Self>,
        act: impl FnOnce(&mut Self, &mut Context<Self>),
    ) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| act(self, context))) {
            self.begin_anew(&context.address(), panic);
        }
    }

    #[cold]
    fn begin_anew(&mut self, router: &Addr<Self>, panic: Box<dyn Any + Send>) {
        let account = self.account.clone();
        let making = self.making.take();
        let mut culprits = making.iter().flat_map(|making| &making.changes);
        if let Some(change) = culprits.find(|change| is_of_the_server(change.subscription())) {
            let is_import = change.subscription().destination().outlet() == Outlet::Account;
            if !is_import || making.as_ref().is_some_and(|making| making.is_salvaged) {
                // No tenant has caused it, and the server would only seem to run.
                resume_unwind(panic);
            }
            self.doubt_imports();
        }
        account.count_panic();
        let present = account.outboxes();
        log::error!(
            "Internal error in account {:?}: it begins anew, and its {} connections are closed",
            account.name(),
            present.len()
        );
        let again = self.salvaged > 0 && making.is_none();
        let index = account.interest().begin_anew();
        let mut watchers = self.watchers.begin_anew();
        let mut waiting = self.settling.begin_anew();
        waiting.extend(watchers.take_held());
        self.imports_have_failed();
        let remains = Remains {
            present,
            making,
            index,
            schedule: std::mem::take(&mut self.schedule),
            groups: self.groups.begin_anew(),
            shadows: self.shadows.begin_anew(),
            is_watched: !self.watchers.is_empty(),
            watchers,
            waiting,
            again,
        };
        self.casting = None;
        self.resting = false;
        self.told = false;
        self.salvaged = 0;
        self.salvaging += 1;
        if remains.salvage_for(router.clone()).is_err() {
            resume_unwind(panic);
        }
    }

    /// What others had in the account comes into its index again.
    pub(super) fn take_back(&mut self, salvaged: Salvaged) {
        self.salvaging = self.salvaging.saturating_sub(1);
        for (connection, changes) in salvaged.kept {
            self.salvaged += changes.len();
            let ticket = self.settling.open(None, false);
            self.schedule.push(Work::salvaged(connection, changes, ticket));
        }
        self.watchers.tell_again(salvaged.topics);
        for announcer in salvaged.waiting {
            self.settling.answer(announcer);
        }
    }
}

/// Whether it is one that the server itself has in the account, for which no connection can pay.
pub(super) fn is_of_the_server(subscription: &ConnectionSubscription) -> bool {
    let outlet = subscription.destination().outlet();
    matches!(outlet, Outlet::Mailbox | Outlet::Account) && !subscription.is_shadow()
}

#[cfg(test)]
pub(super) mod tests;
