//! Versions of the index, so that a publisher knows whether a fan-out it keeps still holds.

use std::hash::BuildHasher;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::FixedState;

use crate::subject::split_token;

const BUCKETS: usize = 256;

/// What the index was like for a subject. Only equality means anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version(u64);

/// One counter for each of 256 classes of first tokens, and one for subscriptions that begin with a wildcard. A
/// change of subscriptions thus makes stale only the fan-outs of subjects in its class.
///
/// # Why a stale fan-out is never taken for a current one
///
/// The writer changes the index under its write lock and bumps afterwards (`Release`). The reader loads the version
/// (`Acquire`) *before* it reads the index. If it loads the bumped value, then the change happened before its read, and
/// its fan-out has it. If it loads the older value, its fan-out may or may not have the change, but it is kept under
/// the older version, which no later load returns: counters only grow, each later load of a counter by the same thread
/// returns no smaller value, so the sum of two stays equal only if neither has moved. Loading the version *after*
/// reading the index would break this: the older fan-out could be kept under the newer version.
#[derive(Debug, Default)]
pub struct Versions {
    /// None as long as all are zero: most of many accounts may never have a subscription.
    buckets: OnceLock<Box<[AtomicU64; BUCKETS]>>,
    wildcard: AtomicU64,
}

impl Versions {
    /// All counters at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The version of the index as far as the published `subject` is concerned. Load it before reading the index.
    #[inline]
    pub fn current(&self, subject: &[u8]) -> Version {
        let bucket = match self.buckets.get() {
            Some(buckets) => buckets[bucket_of(split_token(subject).0)].load(Ordering::Acquire),
            None => 0,
        };
        Version(bucket.wrapping_add(self.wildcard.load(Ordering::Acquire)))
    }

    /// Says that subscriptions to `subscription_subject` have changed. Call it after the index was changed.
    pub fn bump(&self, subscription_subject: &[u8]) {
        let counter = match split_token(subscription_subject) {
            (b"*", _) | (b">", None) => &self.wildcard,
            (token, _) => &self.buckets()[bucket_of(token)],
        };
        counter.fetch_add(1, Ordering::Release);
    }

    /// Says that anything may have changed.
    pub fn bump_all(&self) {
        self.wildcard.fetch_add(1, Ordering::Release);
    }

    fn buckets(&self) -> &[AtomicU64; BUCKETS] {
        self.buckets
            .get_or_init(|| Box::new([const { AtomicU64::new(0) }; BUCKETS]))
    }
}

/// Below 256, the number of buckets.
#[inline]
fn bucket_of(token: &[u8]) -> usize {
    usize::from((FixedState::default().hash_one(token) >> 56) as u8)
}

#[cfg(test)]
mod tests;
