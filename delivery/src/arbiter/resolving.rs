//! Subjects that take more than one turn to resolve, and what a connection keeps of a turn that was too short.
//!
//! The list of what a subject reaches is made in parts, and the index changes between two of them. It has whatever was
//! subscribed from the first part to the last; the message was read before the first. What has ended meanwhile is left out
//! when the list becomes a route, in the turn that delivers by it: the Router marks a subscription as ended before it
//! looks which turns run, so either the mark is seen or the turn is waited for (see `quiescence`). The route is kept under
//! the version that was loaded before the first part: it is out of date if anything has changed since.

use super::spread::Spread;
use super::staging::Staging;
use super::tracing::{OwnMessage, Tracing};
use super::with_care::ConnectionFanout;
use crate::interest::{Interest, LOOKED_AT_ONCE};
use crate::outbox::{ConnectionSubscription, Outbox};
use std::sync::Arc;
use vagus_routing::{Matches, Version};

/// What a turn could not do to its end, for a later turn of the same publisher.
#[derive(Debug)]
pub enum Unfinished {
    /// Goes on by itself, before anything else of the publisher.
    Delivering(Spread),
    /// So does this.
    Tracing(Box<Tracing>),
    /// And this, a message of the server's own of which it is not known yet whom it reaches.
    Publishing(OwnMessage, Option<Resolving>),
    /// One behind the other.
    InOrder(Box<Unfinished>, Box<Unfinished>),
    /// Goes on when the message that asked for it is looked at again.
    Resolving(Resolving),
}

impl Unfinished {
    /// Whether it goes on by itself, before anything else of the publisher.
    pub fn goes_on_by_itself(&self) -> bool {
        !matches!(self, Self::Resolving(_))
    }
}

/// A subject on the way to its route.
#[derive(Debug)]
pub struct Resolving {
    /// Empty while it is not known whether one turn is enough.
    subject: Box<[u8]>,
    /// That of before the first part.
    version: Version,
    matches: Matches<Arc<Outbox>>,
}

impl Resolving {
    pub(super) fn new(version: Version) -> Self {
        Self {
            subject: Box::default(),
            version,
            matches: Matches::default(),
        }
    }

    pub(super) fn is_for(&self, subject: &[u8]) -> bool {
        *self.subject == *subject
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// Goes on with one part; true when it was the last.
    pub(super) fn proceed(&mut self, interest: &Interest, subject: &[u8], staging: &mut Staging) -> bool {
        let before = self.matches.work();
        let done = interest.add_matches(subject, &mut self.matches, LOOKED_AT_ONCE);
        staging.charge(self.matches.work() - before);
        done
    }

    /// Takes one of the plain subscriptions that were found.
    pub(super) fn pop_plain(&mut self) -> Option<Arc<ConnectionSubscription>> {
        self.matches.pop_plain()
    }

    pub(super) fn keep_for(mut self, subject: &[u8]) -> Self {
        if !self.is_for(subject) {
            self.subject = subject.into();
        }
        self
    }

    pub(super) fn into_fanout(self, subject: &[u8]) -> ConnectionFanout {
        self.matches.into_fanout(subject)
    }
}
