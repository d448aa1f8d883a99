//! Which streams may take in more while room on the disk runs out.
//!
//! What acknowledges, deletes and configures has to go on until the very end, as that is what makes room again. So messages
//! are refused while there is still some: first those of the stream that has grown most of late, then, if that does not
//! help and there is less and less, those of the next. As room comes back so do streams, one after the other, the last one first.

use std::collections::HashMap;

use crate::wal::GroupId;

/// How much room is kept for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceLimits {
    /// With fewer bytes left than these, a stream becomes read-only; and one more whenever there is less by another eighth of
    /// it.
    pub low: u64,
    /// With these left again, one stream less is read-only each time. More than `low`, so that none goes to and fro.
    pub enough: u64,
}

impl Default for SpaceLimits {
    fn default() -> Self {
        Self {
            low: 256 << 20,
            enough: 512 << 20,
        }
    }
}

/// What becomes of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpaceChange {
    /// It takes no messages any more, but is read, acknowledged, purged and configured.
    ReadOnly(GroupId),
    /// It takes messages again.
    Writable(GroupId),
    /// The disk is full: no stream takes messages. The reserve is to be freed, so that all else goes on.
    AllReadOnly,
    /// There is room again: streams take messages, but for those that are read-only on their own. The reserve is to be kept
    /// back again.
    NotFull,
}

/// Which streams may take in more. It is told how much room there is, now and then, and what streams take in.
#[derive(Debug)]
pub struct Space {
    limits: SpaceLimits,
    /// How many bytes streams have taken in of late: what is longer ago counts half each time.
    grown: HashMap<GroupId, u64>,
    /// In the order in which they became so.
    read_only: Vec<GroupId>,
    /// With fewer bytes left than these, the next one does.
    next_at: u64,
    is_full: bool,
}

impl Space {
    /// All streams take messages at first.
    #[must_use]
    pub fn new(limits: SpaceLimits) -> Self {
        Self {
            limits,
            grown: HashMap::new(),
            read_only: Vec::new(),
            next_at: limits.low,
            is_full: false,
        }
    }

    /// A stream takes in so many bytes.
    pub fn took(&mut self, group: GroupId, bytes: u64) {
        let grown = self.grown.entry(group).or_default();
        *grown = grown.saturating_add(bytes);
    }

    /// A stream is gone.
    pub fn forget(&mut self, group: GroupId) {
        self.grown.remove(&group);
        self.read_only.retain(|other| *other != group);
    }

    /// How many streams take none on their own.
    #[must_use]
    pub fn read_only(&self) -> usize {
        self.read_only.len()
    }

    /// Whether a stream takes messages.
    #[must_use]
    pub fn is_writable(&self, group: GroupId) -> bool {
        !self.is_full && !self.read_only.contains(&group)
    }

    /// The disk has said that it is full. Returns what changes.
    pub fn full(&mut self) -> Option<SpaceChange> {
        let was_full = std::mem::replace(&mut self.is_full, true);
        (!was_full).then_some(SpaceChange::AllReadOnly)
    }

    /// So many bytes are left, besides what is kept back, what [the log](crate::wal::Wal::may_still_take) may still take, and
    /// what of streams [is not written yet](crate::messages::Messages::unwritten): asked for about once a second. Returns what
    /// changes, which is one thing at a time, so that it can be seen whether it helps.
    pub fn left(&mut self, bytes: u64) -> Option<SpaceChange> {
        let change = self.change(bytes);
        for grown in self.grown.values_mut() {
            *grown /= 2;
        }
        self.grown.retain(|_, grown| *grown > 0);
        change
    }

    fn change(&mut self, bytes: u64) -> Option<SpaceChange> {
        let is_enough = bytes >= self.limits.enough.max(self.limits.low);
        if self.is_full && is_enough {
            self.is_full = false;
            return Some(SpaceChange::NotFull);
        }
        if is_enough {
            self.next_at = self.limits.low;
            return self.read_only.pop().map(SpaceChange::Writable);
        }
        if self.is_full || bytes >= self.next_at {
            return None;
        }
        let growing = self
            .grown
            .iter()
            .filter(|(group, _)| !self.read_only.contains(group));
        let (group, _) = growing.max_by_key(|(group, grown)| (**grown, **group))?;
        let group = *group;
        self.read_only.push(group);
        self.next_at = bytes.saturating_sub(self.limits.low / 8);
        Some(SpaceChange::ReadOnly(group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SpaceLimits = SpaceLimits {
        low: 100,
        enough: 200,
    };
    const ONE: GroupId = GroupId(1);
    const TWO: GroupId = GroupId(2);
    const THREE: GroupId = GroupId(3);

    #[test]
    fn streams_become_read_only_one_by_one_and_come_back_by_themselves() {
        let mut space = Space::new(LIMITS);
        space.took(ONE, 10);
        space.took(TWO, 1000);
        assert_eq!(space.left(150), None);
        assert_eq!(space.left(99), Some(SpaceChange::ReadOnly(TWO)));
        assert!(space.is_writable(ONE) && !space.is_writable(TWO) && space.is_writable(THREE));
        space.took(ONE, 10);
        // It helps, as long as there is not much less.
        assert_eq!(space.left(90), None);
        space.took(ONE, 10);
        assert_eq!(space.left(50), Some(SpaceChange::ReadOnly(ONE)));
        // A stream that has taken nothing in would make no room by refusing.
        assert_eq!(space.left(50), None);
        assert!(space.is_writable(THREE));
        assert_eq!(space.left(199), None);
        assert_eq!(space.left(200), Some(SpaceChange::Writable(ONE)));
        assert_eq!(space.left(201), Some(SpaceChange::Writable(TWO)));
        assert_eq!(space.left(1000), None);
    }

    #[test]
    fn what_is_full_takes_nothing_until_there_is_enough() {
        let mut space = Space::new(LIMITS);
        space.took(ONE, 10);
        assert_eq!(space.left(10), Some(SpaceChange::ReadOnly(ONE)));
        assert_eq!(space.full(), Some(SpaceChange::AllReadOnly));
        assert_eq!(space.full(), None);
        assert!(!space.is_writable(TWO));
        assert_eq!(space.left(150), None);
        assert_eq!(space.left(250), Some(SpaceChange::NotFull));
        assert!(space.is_writable(TWO) && !space.is_writable(ONE));
        assert_eq!(space.left(250), Some(SpaceChange::Writable(ONE)));
    }

    #[test]
    fn who_grew_long_ago_counts_less() {
        let mut space = Space::new(LIMITS);
        space.took(ONE, 1000);
        for _ in 0..8 {
            assert_eq!(space.left(500), None);
        }
        space.took(TWO, 10);
        assert_eq!(space.left(50), Some(SpaceChange::ReadOnly(TWO)));
        space.forget(TWO);
        assert!(space.is_writable(TWO));
        assert_eq!(space.left(300), None);
    }
}
