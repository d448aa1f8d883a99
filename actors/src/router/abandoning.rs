//! Requests of which it is measured how long they take, whose askers have just stopped waiting.

use super::Router;
use vagus_delivery::subscriptions::Change;

/// How many of them are looked at for changes that are made at once.
const LOOKED_AT_ONCE: usize = 1_024;

/// The subject of a subscription that ends by this change.
pub(super) fn ended(change: &Change) -> Option<&[u8]> {
    match change {
        Change::Remove(subscription) => Some(subscription.subject()),
        _ => None,
    }
}

impl Router {
    /// Subscriptions to these subjects have ended: what they were there to hear is not waited for, if nobody else is. Those who
    /// export the services are told.
    pub(super) fn abandon_requests<'a>(&self, subjects: impl IntoIterator<Item = &'a [u8]>) {
        if !self.account.expects_measured_answers() {
            return;
        }
        let mut looks = LOOKED_AT_ONCE;
        for subject in subjects {
            self.account.abandon_requests(subject, &mut looks);
        }
    }
}
