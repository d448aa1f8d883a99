//! The subscriptions of one connection in a table that grows in small steps.

use crate::outbox::ConnectionSubscription;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::{self, Entry};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::vec;

/// With more subscriptions than this the table is in parts.
const WHOLE: usize = 4096;

/// How many parts: that of a million subscriptions grows by moving 16,384 of them, in a fraction of a millisecond, not by
/// moving all while the others of the arbiter wait.
const PARTS: usize = 64;

/// By sid, each once. Connections with few subscriptions have one table, those with none no memory for it.
#[derive(Debug, Default)]
pub(super) struct BySid {
    /// One, or [`PARTS`]; none until there is a subscription.
    tables: Vec<HashTable<Known>>,
    length: usize,
    hasher: RandomState,
}

#[derive(Debug)]
struct Known {
    /// Kept so that growing looks at no subscription.
    hash: u64,
    subscription: Arc<ConnectionSubscription>,
}

impl Known {
    fn is(&self, hash: u64, sid: &[u8]) -> bool {
        self.hash == hash && self.subscription.sid() == sid
    }
}

impl BySid {
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Bits that a table does not look at unless it is large.
    fn table(&self, hash: u64) -> usize {
        (hash >> 48) as usize & (self.tables.len().max(1) - 1)
    }

    pub(super) fn get(&self, sid: &[u8]) -> Option<&Arc<ConnectionSubscription>> {
        let hash = self.hasher.hash_one(sid);
        let known = self.tables.get(self.table(hash))?;
        known
            .find(hash, |known| known.is(hash, sid))
            .map(|known| &known.subscription)
    }

    /// Puts it in, in place of one with the same sid.
    pub(super) fn insert(&mut self, subscription: Arc<ConnectionSubscription>) {
        if self.tables.is_empty() {
            self.tables = vec![HashTable::new()];
        } else if self.length == WHOLE && self.tables.len() == 1 {
            self.cut();
        }
        let hash = self.hasher.hash_one(subscription.sid());
        let at = self.table(hash);
        let is_it = |known: &Known| known.is(hash, subscription.sid());
        match self.tables[at].entry(hash, is_it, |known| known.hash) {
            Entry::Occupied(mut entry) => entry.get_mut().subscription = subscription,
            Entry::Vacant(entry) => {
                entry.insert(Known { hash, subscription });
                self.length += 1;
            }
        }
    }

    /// From here on in parts.
    fn cut(&mut self) {
        let mut parts: Vec<HashTable<Known>> = (0..PARTS).map(|_| HashTable::new()).collect();
        std::mem::swap(&mut self.tables, &mut parts);
        for known in parts.into_iter().flatten() {
            let at = self.table(known.hash);
            self.tables[at].insert_unique(known.hash, known, |known| known.hash);
        }
    }

    pub(super) fn remove(&mut self, sid: &[u8]) -> Option<Arc<ConnectionSubscription>> {
        let hash = self.hasher.hash_one(sid);
        let at = self.table(hash);
        let known = self.tables.get_mut(at)?;
        let entry = known.find_entry(hash, |known| known.is(hash, sid)).ok()?;
        let (Known { subscription, .. }, _) = entry.remove();
        self.length -= 1;
        let (length, capacity) = (known.len(), known.capacity());
        if self.length == 0 {
            self.tables = Vec::new();
        } else if capacity > 64 && length < capacity / 8 {
            known.shrink_to(length * 2, |known| known.hash);
        }
        Some(subscription)
    }

    /// In no order.
    pub(super) fn values(&self) -> impl Iterator<Item = &Arc<ConnectionSubscription>> {
        self.tables
            .iter()
            .flat_map(HashTable::iter)
            .map(|known| &known.subscription)
    }
}

/// The subscriptions of a connection that is gone. Taking them frees what the connection had for each.
#[derive(Debug, Default)]
pub struct DepartingSubscriptions {
    left: usize,
    table: hash_table::IntoIter<Known>,
    tables: vec::IntoIter<HashTable<Known>>,
}

impl From<BySid> for DepartingSubscriptions {
    /// In the time of one, however many they are.
    fn from(subscriptions: BySid) -> Self {
        Self {
            left: subscriptions.length,
            table: HashTable::new().into_iter(),
            tables: subscriptions.tables.into_iter(),
        }
    }
}

impl Iterator for DepartingSubscriptions {
    type Item = Arc<ConnectionSubscription>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(known) = self.table.next() {
                self.left -= 1;
                return Some(known.subscription);
            }
            self.table = self.tables.next()?.into_iter();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for DepartingSubscriptions {}

#[cfg(test)]
mod tests {
    use super::{BySid, DepartingSubscriptions, PARTS, WHOLE};
    use crate::outbox::{ConnectionSubscription, Outbox, Slots};
    use std::sync::Arc;

    /// Through both forms and back to nothing; it grows part by part.
    #[test]
    fn each_sid_is_there_once() {
        let outbox = Arc::new(Outbox::new(Slots::default().take(), 1, 0, 1000, None));
        let subscription = |sid: usize| {
            let sid = sid.to_string();
            Arc::new(ConnectionSubscription::new(
                b"a",
                None,
                sid.as_bytes(),
                outbox.clone(),
            ))
        };
        let mut known = BySid::default();
        let many = WHOLE * 4;
        for sid in 0..many {
            known.insert(subscription(sid));
            known.insert(subscription(sid));
            assert_eq!(known.len(), sid + 1);
        }
        assert_eq!(known.tables.len(), PARTS);
        let widest = known.tables.iter().map(|table| table.len()).max();
        assert!(widest < Some(2 * many / PARTS), "{widest:?}");
        for sid in 0..many {
            let sid = sid.to_string();
            assert_eq!(known.get(sid.as_bytes()).unwrap().sid(), sid.as_bytes());
        }
        assert!(known.get(b"other").is_none() && known.remove(b"other").is_none());
        assert_eq!(known.values().count(), many);
        for sid in 0..many / 2 {
            assert!(known.remove(sid.to_string().as_bytes()).is_some());
        }
        let mut departing = DepartingSubscriptions::from(known);
        assert_eq!(departing.len(), many / 2);
        departing.next();
        assert_eq!((departing.len(), departing.count()), (many / 2 - 1, many / 2 - 1));
    }

    #[test]
    fn nothing_is_kept_for_none() {
        let outbox = Arc::new(Outbox::new(Slots::default().take(), 1, 0, 1000, None));
        let mut known = BySid::default();
        known.insert(Arc::new(ConnectionSubscription::new(b"a", None, b"1", outbox)));
        assert!(known.remove(b"1").is_some());
        assert_eq!(known.tables.capacity(), 0);
    }
}
