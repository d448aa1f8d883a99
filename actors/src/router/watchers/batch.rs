//! What a watcher is told at once.

use super::{BatchTaken, FallenBehind};
use crate::mailbox::tell;
use crate::router::Router;
use actix::prelude::*;
use std::fmt;
use std::sync::Arc;
use vagus_delivery::Account;

/// So many changes are told at once, and beyond [`BYTES`] no more.
pub(super) const CHANGES: usize = 1024;

/// Bytes of subjects and names of queue groups.
const BYTES: usize = 64 * 1024;

/// The Router's word to a watcher: what interest has become, in the order in which it changed. Each is what was so when the
/// batch was made; it may be what the watcher was told before.
///
/// There is one batch with a watcher at most. Once it is dropped, the next may come.
#[derive(Message)]
#[rtype(result = "()")]
pub struct InterestChanged {
    account: Arc<Account>,
    changes: Changes,
    end: End,
    is_held_back: bool,
    with_watcher: WithWatcher,
}

/// What has been told to its end with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing.
    Not,
    /// All that there was when the watcher began.
    OfSnapshot,
    /// All that the watcher is ever told.
    OfWatch,
}

/// Interest of an account in a subject, or in the messages of a queue group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterestChange<'a> {
    /// As it was subscribed to; may have wildcards.
    pub subject: &'a [u8],
    /// The name of the group; none for interest in each message of the subject.
    pub queue: Option<&'a [u8]>,
    /// The name of the cluster of leaf nodes whose interest it is, empty where they are of none; none for that of the account
    /// itself. Only for who [is told](vagus_routing::ToldOfLeafNodes) that.
    pub of_leaf_nodes: Option<&'a [u8]>,
    /// How many members of the group there are, as often as they weigh; 1 for interest without a group. 0 if there is no
    /// such interest any more.
    pub weight: u32,
}

impl InterestChanged {
    pub(super) fn new(
        account: Arc<Account>,
        changes: Changes,
        end: End,
        watcher: u64,
        router: Addr<Router>,
    ) -> Self {
        Self {
            account,
            changes,
            end,
            is_held_back: false,
            with_watcher: WithWatcher { watcher, router },
        }
    }

    /// The watcher cannot take it for now: nobody is to wait for that.
    pub fn hold_back(&mut self) {
        if !std::mem::replace(&mut self.is_held_back, true) {
            let WithWatcher { watcher, router } = &self.with_watcher;
            tell(router, FallenBehind { watcher: *watcher });
        }
    }

    /// Whose interest it is.
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// What has changed.
    pub fn changes(&self) -> impl Iterator<Item = InterestChange<'_>> {
        self.changes.iter()
    }

    /// Whether everything there was when the watcher began has been told with this batch. So it is with one batch.
    pub fn is_snapshot_told(&self) -> bool {
        self.end == End::OfSnapshot
    }

    /// Whether the watcher is told nothing any more: see [`EndWatch`](super::EndWatch).
    pub fn is_last(&self) -> bool {
        self.end == End::OfWatch
    }
}

impl fmt::Debug for InterestChanged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("InterestChanged")
            .field("changes", &self.changes.places.len())
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// Tells the Router when the batch is dropped, by a watcher that has taken it or with one that is gone.
struct WithWatcher {
    watcher: u64,
    router: Addr<Router>,
}

impl Drop for WithWatcher {
    fn drop(&mut self) {
        let watcher = self.watcher;
        tell(&self.router, BatchTaken { watcher });
    }
}

/// A list of changes, packed.
#[derive(Default)]
pub(super) struct Changes {
    /// Subject, queue name and cluster of each, one after the other.
    text: Vec<u8>,
    places: Vec<Place>,
}

struct Place {
    subject_length: u32,
    /// One more than the name has; 0 if there is none.
    queue_length: u32,
    /// The same.
    cluster_length: u32,
    weight: u32,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.has_at_least(1)
    }

    pub(super) fn is_half_full(&self) -> bool {
        self.has_at_least(2)
    }

    /// This part of what there may be.
    fn has_at_least(&self, part: usize) -> bool {
        self.places.len() >= CHANGES / part || self.text.len() >= BYTES / part
    }

    pub(super) fn push(&mut self, change: InterestChange<'_>) {
        let InterestChange {
            subject,
            queue,
            of_leaf_nodes,
            weight,
        } = change;
        for word in [Some(subject), queue, of_leaf_nodes].into_iter().flatten() {
            self.text.extend_from_slice(word);
        }
        let length = |word: Option<&[u8]>| word.map_or(0, |word| word.len() as u32 + 1);
        self.places.push(Place {
            subject_length: subject.len() as u32,
            queue_length: length(queue),
            cluster_length: length(of_leaf_nodes),
            weight,
        });
    }

    fn iter(&self) -> impl Iterator<Item = InterestChange<'_>> {
        let mut text = &*self.text;
        self.places.iter().map(move |place| {
            let (subject, rest) = text.split_at(place.subject_length as usize);
            let (queue, rest) = rest.split_at(place.queue_length.saturating_sub(1) as usize);
            let (cluster, rest) = rest.split_at(place.cluster_length.saturating_sub(1) as usize);
            text = rest;
            InterestChange {
                subject,
                queue: (place.queue_length > 0).then_some(queue),
                of_leaf_nodes: (place.cluster_length > 0).then_some(cluster),
                weight: place.weight,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTES, CHANGES, Changes, InterestChange};

    fn change(subject: &[u8]) -> InterestChange<'_> {
        InterestChange {
            subject,
            queue: None,
            of_leaf_nodes: None,
            weight: 1,
        }
    }

    #[test]
    fn changes_are_read_as_they_were_pushed() {
        let pushed = [
            (&b"a.b"[..], None, None, 1),
            (b"a.*", Some(&b"workers"[..]), None, 7),
            (b"b", Some(b""), Some(&b"edge"[..]), 0),
            (b"b", None, Some(b""), 2),
            (b">", None, None, 0),
        ];
        let pushed = pushed.map(|(subject, queue, of_leaf_nodes, weight)| InterestChange {
            subject,
            queue,
            of_leaf_nodes,
            weight,
        });
        let mut changes = Changes::default();
        for change in pushed {
            changes.push(change);
        }
        assert!(changes.iter().eq(pushed));
    }

    #[test]
    fn a_list_is_full_by_number_and_by_bytes() {
        let mut many = Changes::default();
        for _ in 0..CHANGES {
            assert!(!many.is_full());
            many.push(change(b"a"));
        }
        assert!(many.is_full());
        let mut large = Changes::default();
        large.push(change(&vec![b'a'; BYTES - 1]));
        assert!(!large.is_full());
        large.push(InterestChange {
            of_leaf_nodes: Some(b"b"),
            ..change(b"")
        });
        assert!(large.is_full());
    }
}
