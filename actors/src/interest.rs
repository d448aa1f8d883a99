//! Who wants what: the index of subscriptions, written by the Router alone and read by publishers.

use crate::outbox::{ConnectionSubscription, Outbox};
use parking_lot::{RwLock, RwLockWriteGuard};
use std::sync::Arc;
use vagus_routing::{Fanout, Index, IndexStats, Matches, Version, Versions};

/// The subscriptions of one account, and the versions that tell when a resolved route is out of date.
#[derive(Debug, Default)]
pub struct Interest {
    index: RwLock<Index<Arc<Outbox>>>,
    versions: Versions,
}

impl Interest {
    /// What a route of this subject is good for. Load it before resolving.
    #[inline]
    pub(crate) fn version(&self, subject: &[u8]) -> Version {
        self.versions.current(subject)
    }

    /// The route of a subject as of now, and how much work it was, as [`Matches::work`] counts it. Load its version
    /// first: a change in between then shows.
    ///
    /// The read lock is held while what matches is listed, and not while a route is made of it.
    pub(crate) fn resolve(&self, subject: &[u8]) -> (Fanout<Arc<Outbox>>, usize) {
        let matches = self.matches(subject);
        let work = matches.work();
        (matches.into_fanout(subject), work)
    }

    fn matches(&self, subject: &[u8]) -> Matches<Arc<Outbox>> {
        self.index.read().matches(subject)
    }

    /// The first plain subscription of this subject that `wanted` accepts, and how much work it was to find it.
    pub(crate) fn find_plain(
        &self,
        subject: &[u8],
        wanted: impl Fn(&ConnectionSubscription) -> bool,
    ) -> (Option<Arc<ConnectionSubscription>>, usize) {
        self.index.read().find_match(subject, wanted)
    }

    /// The index to be changed. For the Router; whoever changes a subject bumps its version before the lock
    /// is let go.
    pub(crate) fn change(&self) -> RwLockWriteGuard<'_, Index<Arc<Outbox>>> {
        self.index.write()
    }

    pub(crate) fn versions(&self) -> &Versions {
        &self.versions
    }

    /// What the index holds and has done.
    pub(crate) fn stats(&self) -> IndexStats {
        self.index.read().stats()
    }

    /// The subscriptions that match a subject, those of queue groups included.
    pub(crate) fn matching(&self, subject: &[u8]) -> Vec<Arc<ConnectionSubscription>> {
        let mut matching = Vec::new();
        self.index
            .read()
            .for_each_match_or_member(subject, &mut |subscription| {
                matching.push(subscription.clone());
            });
        matching
    }
}
