//! Versions of the index, so that a publisher knows whether a fan-out it keeps still holds.

use std::hash::BuildHasher;
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
#[derive(Debug)]
pub struct Versions {
    buckets: Box<[AtomicU64; BUCKETS]>,
    wildcard: AtomicU64,
}

impl Default for Versions {
    fn default() -> Self {
        Self {
            buckets: Box::new([const { AtomicU64::new(0) }; BUCKETS]),
            wildcard: AtomicU64::new(0),
        }
    }
}

impl Versions {
    /// All counters at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The version of the index as far as the published `subject` is concerned. Load it before reading the index.
    pub fn current(&self, subject: &[u8]) -> Version {
        let bucket = self.bucket(split_token(subject).0).load(Ordering::Acquire);
        Version(bucket.wrapping_add(self.wildcard.load(Ordering::Acquire)))
    }

    /// Says that subscriptions to `subscription_subject` have changed. Call it after the index was changed.
    pub fn bump(&self, subscription_subject: &[u8]) {
        let counter = match split_token(subscription_subject) {
            (b"*", _) | (b">", None) => &self.wildcard,
            (token, _) => self.bucket(token),
        };
        counter.fetch_add(1, Ordering::Release);
    }

    /// Says that anything may have changed.
    pub fn bump_all(&self) {
        self.wildcard.fetch_add(1, Ordering::Release);
    }

    fn bucket(&self, token: &[u8]) -> &AtomicU64 {
        // The index is below 256, the number of buckets.
        &self.buckets[usize::from((FixedState::default().hash_one(token) >> 56) as u8)]
    }
}

#[cfg(test)]
mod tests;
