//! The subscriptions of one connection, by sid.

mod by_sid;

pub use by_sid::DepartingSubscriptions;

use crate::outbox::{ConnectionSubscription, Outbox};
use by_sid::BySid;
use serde::Serialize;
use std::sync::Arc;
use vagus_auth::permission::Filter;
use vagus_routing::subject::matches;
use vagus_routing::{ConnectionId, Destination, SubjectFilter};

/// A change of a connection's interest.
#[derive(Debug, Clone)]
pub enum Change {
    /// A subscription begins.
    Add(Arc<ConnectionSubscription>),
    /// A subscription ends after this many deliveries since it began.
    Limit(Arc<ConnectionSubscription>, u64),
    /// What a subscription leaves out of what it matches is something else now.
    Except(Arc<ConnectionSubscription>),
    /// A member of a queue group stands for so many, as that of another server does. Its owner has announced it before.
    Weigh(Arc<ConnectionSubscription>, u32),
    /// A subscription ends.
    Remove(Arc<ConnectionSubscription>),
}

impl Change {
    /// The subscription that changes.
    pub fn subscription(&self) -> &Arc<ConnectionSubscription> {
        match self {
            Self::Add(subscription)
            | Self::Limit(subscription, _)
            | Self::Except(subscription)
            | Self::Weigh(subscription, _)
            | Self::Remove(subscription) => subscription,
        }
    }

    /// Whether publishers that still go by the old index would deliver too much.
    pub fn takes_away(&self) -> bool {
        !matches!(self, Self::Add(_) | Self::Weigh(..))
    }
}

/// A subscription, as the peer asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribed {
    /// What it is to.
    pub subject: Box<[u8]>,
    /// The queue group it is a member of.
    pub queue: Option<Box<[u8]>>,
    /// Its id, chosen by the peer.
    pub sid: Box<[u8]>,
}

/// What is shown of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubscriptionState {
    /// Whose it is.
    pub connection: ConnectionId,
    /// What it is to.
    pub subject: Box<[u8]>,
    /// The queue group it is a member of.
    pub queue: Option<Box<[u8]>>,
    /// Its id, chosen by the connection.
    pub sid: Box<[u8]>,
    /// Messages delivered since it began.
    pub delivered: u64,
    /// After how many messages it ends, if it does.
    pub maximum: Option<u64>,
}

impl From<&ConnectionSubscription> for SubscriptionState {
    fn from(subscription: &ConnectionSubscription) -> Self {
        Self {
            connection: subscription.destination().connection_id(),
            subject: subscription.subject().into(),
            queue: subscription.queue().map(Into::into),
            sid: subscription.sid().into(),
            delivered: subscription.delivered(),
            maximum: subscription.limit(),
        }
    }
}

/// Which subscriptions a connection has. Everything it changes is also put on a list for the Router.
#[derive(Debug, Default)]
pub struct Subscriptions {
    by_sid: BySid,
}

impl Subscriptions {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_sid.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this sid is in use.
    pub fn contains(&self, sid: &[u8]) -> bool {
        self.by_sid
            .get(sid)
            .is_some_and(|subscription| !subscription.is_exhausted())
    }

    /// A sid that is in use stays as it is; one whose subscription has had its last message is free again.
    pub fn add(
        &mut self,
        subject: &[u8],
        queue: Option<&[u8]>,
        sid: &[u8],
        except: Option<Filter>,
        outbox: &Arc<Outbox>,
        changes: &mut Vec<Change>,
    ) {
        if let Some(known) = self.by_sid.get(sid) {
            if !known.is_exhausted() {
                return;
            }
            changes.push(Change::Remove(known.clone()));
        }
        let except = except.map(|filter| Box::new(filter) as Box<dyn SubjectFilter>);
        let subscription = ConnectionSubscription::new(subject, queue, sid, outbox.clone()).except(except);
        let subscription = Arc::new(subscription);
        self.by_sid.insert(subscription.clone());
        changes.push(Change::Add(subscription));
    }

    /// The sid of a plain one that matches a subject, and how many were looked at for it: `at_most` so many.
    pub fn find_plain(&self, subject: &[u8], at_most: usize) -> (Option<Box<[u8]>>, usize) {
        let mut looked_at = 0;
        let found = self
            .by_sid
            .values()
            .take(at_most)
            .inspect(|_| looked_at += 1)
            .find(|it| it.queue().is_none() && !it.is_closed() && matches(it.subject(), subject));
        (found.map(|it| it.sid().into()), looked_at)
    }

    /// All of them, in no order.
    pub fn all(&self) -> Vec<Arc<ConnectionSubscription>> {
        self.by_sid.values().cloned().collect()
    }

    /// Some of them, described, as many as take no more than so many bytes.
    pub fn described_up_to(&self, bytes: usize) -> Vec<SubscriptionState> {
        let mut left = bytes;
        let mut described = Vec::new();
        for subscription in self.by_sid.values() {
            let takes =
                size_of::<SubscriptionState>() + subscription.subject().len() + subscription.sid().len();
            match left.checked_sub(takes) {
                Some(rest) => left = rest,
                None => break,
            }
            described.push(SubscriptionState::from(&**subscription));
        }
        described
    }

    /// All of them, in the order of their sids.
    pub fn list(&self) -> Vec<Subscribed> {
        let mut all: Vec<Subscribed> = self
            .by_sid
            .values()
            .map(|subscription| Subscribed {
                subject: subscription.subject().into(),
                queue: subscription.queue().map(Into::into),
                sid: subscription.sid().into(),
            })
            .collect();
        // A shorter one first: most clients count.
        all.sort_by(|one, other| (one.sid.len(), &one.sid).cmp(&(other.sid.len(), &other.sid)));
        all
    }

    /// From now on a subscription leaves out what `except` denies. It stays the one it is, with what was delivered to it
    /// and with its maximum, which the Router may have been told of and not set yet.
    pub fn except(&mut self, sid: &[u8], except: Option<Filter>, changes: &mut Vec<Change>) {
        let Some(known) = self.by_sid.get(sid) else {
            return;
        };
        if known.is_exhausted() || (except.is_none() && !known.has_exceptions()) {
            return;
        }
        known.set_except(except.map(|filter| Box::new(filter) as Box<dyn SubjectFilter>));
        changes.push(Change::Except(known.clone()));
    }

    /// From now on a member of a queue group stands for so many.
    pub fn weigh(&mut self, sid: &[u8], weight: u32, changes: &mut Vec<Change>) {
        if let Some(known) = self.by_sid.get(sid) {
            changes.push(Change::Weigh(known.clone(), weight));
        }
    }

    /// Ends a subscription now, or after `max` deliveries since it began.
    pub fn end(&mut self, sid: &[u8], max: Option<u64>, changes: &mut Vec<Change>) {
        let Some(subscription) = self.by_sid.get(sid) else {
            return;
        };
        match max {
            Some(max) if max > subscription.delivered() => {
                changes.push(Change::Limit(subscription.clone(), max));
            }
            _ => {
                if let Some(subscription) = self.by_sid.remove(sid) {
                    changes.push(Change::Remove(subscription));
                }
            }
        }
    }

    /// Removes a subscription that has had its last message, unless its sid is used for another by now.
    pub fn remove_exhausted(
        &mut self,
        subscription: &Arc<ConnectionSubscription>,
        changes: &mut Vec<Change>,
    ) {
        let known = self
            .by_sid
            .get(subscription.sid())
            .is_some_and(|known| Arc::ptr_eq(known, subscription));
        if known && subscription.is_exhausted() {
            subscription.destination().log(format_args!(
                "<-> [DELSUB {}]",
                String::from_utf8_lossy(subscription.sid())
            ));
            self.by_sid.remove(subscription.sid());
            changes.push(Change::Remove(subscription.clone()));
        }
    }

    /// All of them, to be ended: in the time of one, however many they are.
    pub fn depart(&mut self) -> DepartingSubscriptions {
        std::mem::take(&mut self.by_sid).into()
    }
}

#[cfg(test)]
mod tests;
