//! What is set, and may be set otherwise while the server runs.
//!
//! The role of a [`Live`] is to be the one place that says what holds now: what is opened reads it there,
//! and what lives long compares versions, which costs one load, and adopts what is new.

use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The current value of something that is replaced as a whole, and how often it was.
#[derive(Debug)]
pub struct Live<T> {
    version: AtomicU64,
    current: RwLock<Arc<T>>,
}

impl<T> Live<T> {
    /// Starts with this value, at version 0.
    pub fn new(value: T) -> Self {
        Self {
            version: AtomicU64::new(0),
            current: RwLock::new(Arc::new(value)),
        }
    }

    /// What holds now, and the version to compare with later. A value that is replaced meanwhile is noticed then.
    pub fn current(&self) -> (Arc<T>, u64) {
        // The version first: one that is too old costs a second look, one that is too new would be the last.
        let version = self.version();
        (self.current.read().clone(), version)
    }

    /// How often the value has been replaced.
    #[inline]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Sets another value. Those who adopt it when they next look should be woken.
    pub fn replace(&self, value: Arc<T>) {
        *self.current.write() = value;
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Sets what `change` makes of the value that holds now; nothing is replaced in between.
    pub fn update(&self, change: impl FnOnce(&T) -> T) {
        let mut current = self.current.write();
        *current = Arc::new(change(&current));
        self.version.fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::Live;
    use std::sync::Arc;

    #[test]
    fn a_replaced_value_is_noticed() {
        let live = Live::new("old");
        let (value, version) = live.current();
        assert_eq!((*value, version), ("old", live.version()));
        live.replace(Arc::new("new"));
        assert_ne!(version, live.version());
        assert_eq!(*live.current().0, "new");
    }
}
