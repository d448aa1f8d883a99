//! Who wants what: the index of subscriptions, written by the Router alone and read by publishers.

mod fresh;

pub use fresh::FreshReplies;

use crate::lines::Lines;
use crate::outbox::{ConnectionSubscription, Outbox};
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::sync::{Arc, OnceLock};
use vagus_protocol::gateway::ReplyPrefix;
use vagus_routing::{AccountId, Fanout, Index, IndexStats, Matches, Version, Versions};

/// How much of the index is looked at for one subject in one hold of the read lock, as [`Matches::work`] counts it: some
/// milliseconds where memory is slow.
pub const LOOKED_AT_ONCE: usize = 16_384;

/// The same for statistics, of which many may be due at once.
const COUNTED_AT_ONCE: usize = 4_096;

/// The same for whether anybody is interested, which is asked for many subjects.
const LOOKED_AT_IN_PASSING: usize = 64;

/// The subscriptions of one account, and the versions that tell when a resolved fan-out is out of date.
#[derive(Debug)]
pub struct Interest {
    account: AccountId,
    index: RwLock<Index<Arc<Outbox>>>,
    versions: Versions,
    /// Only where there are other clusters.
    fresh: OnceLock<Arc<FreshReplies>>,
}

impl Interest {
    /// No subscriptions, in this account.
    pub(crate) fn new(account: AccountId) -> Self {
        Self {
            account,
            index: RwLock::default(),
            versions: Versions::default(),
            fresh: OnceLock::new(),
        }
    }

    /// From now on replies to subscriptions of the last moment lead back by themselves, where they leave for other clusters.
    pub fn map_replies(&self, prefix: ReplyPrefix) {
        // It is the same for a server's life.
        let _ = self.fresh.set(Arc::new(FreshReplies::new(prefix)));
    }

    /// The subscriptions of the last moment, where there are other clusters.
    #[inline]
    pub fn fresh(&self) -> Option<&Arc<FreshReplies>> {
        self.fresh.get()
    }

    /// What a fan-out of this subject is good for. Load it before resolving.
    #[inline]
    pub fn version(&self, subject: &[u8]) -> Version {
        self.versions.current(subject)
    }

    /// Adds to the list of what a subject reaches, see [`Index::add_matches`]; true when nothing is missing. Load the
    /// version before the first part: a change since then shows.
    ///
    /// The read lock is held for a part of the list, and not while a fan-out is made of it.
    pub fn add_matches(&self, subject: &[u8], matches: &mut Matches<Arc<Outbox>>, at_most: usize) -> bool {
        self.index.read().add_matches(subject, matches, at_most)
    }

    /// What a message on this subject reaches as of now; less than that if finding it is more work than `at_most`, see
    /// [`Index::add_matches`].
    pub fn resolve(&self, subject: &[u8], at_most: usize) -> Fanout<Arc<Outbox>> {
        let mut matches = Matches::default();
        self.add_matches(subject, &mut matches, at_most);
        matches.into_fanout(self.account, subject, &Lines)
    }

    /// How many copies of a message on this subject are delivered as of now; fewer than that if they take long to count.
    pub fn deliveries(&self, subject: &[u8]) -> usize {
        self.resolve(subject, COUNTED_AT_ONCE).deliveries()
    }

    /// Whether a message on this subject reaches anybody as of now. Where that takes long to find out, somebody counts as
    /// reached.
    pub fn reaches_anybody(&self, subject: &[u8]) -> bool {
        let mut matches = Matches::default();
        !self.add_matches(subject, &mut matches, LOOKED_AT_IN_PASSING) || matches.found() > 0
    }

    /// The first plain subscription of this subject that `wanted` accepts, and how much work it was to look for it. It is
    /// not found if [`LOOKED_AT_ONCE`] nodes come before it.
    pub fn find_plain(
        &self,
        subject: &[u8],
        wanted: impl Fn(&ConnectionSubscription) -> bool,
    ) -> (Option<Arc<ConnectionSubscription>>, usize) {
        self.index.read().find_match(subject, LOOKED_AT_ONCE, wanted)
    }

    /// The index to be changed. For the Router, which bumps the version of what it changes before the lock
    /// is let go.
    pub fn change(&self) -> RwLockWriteGuard<'_, Index<Arc<Outbox>>> {
        self.index.write()
    }

    /// Gives up the index as it is: from now on nobody is interested in anything.
    pub fn begin_anew(&self) -> Index<Arc<Outbox>> {
        let before = std::mem::take(&mut *self.index.write());
        self.versions.bump_all();
        before
    }

    /// The index to be looked at. Nobody changes it meanwhile.
    pub fn read(&self) -> RwLockReadGuard<'_, Index<Arc<Outbox>>> {
        self.index.read()
    }

    /// What tells that fan-outs are out of date.
    pub fn versions(&self) -> &Versions {
        &self.versions
    }

    /// What the index holds and has done.
    pub fn stats(&self) -> IndexStats {
        self.index.read().stats()
    }
}
