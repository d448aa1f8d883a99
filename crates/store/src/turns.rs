//! Which streams are checkpointed when.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::wal::{GroupId, Wal};

/// So many checkpoints are written at once, so that the log's own writes do not wait for more.
pub const CHECKPOINTS_AT_ONCE: usize = 2;

/// So many bytes of a stream are in the log alone at most, while its disk is quick enough: that is what has to be read and
/// applied after a kill.
pub const BEHIND_AT_MOST: u64 = 32 << 20;

/// Has streams checkpointed in turn: those of which much is in the log alone; and when more than a quarter of the log's files
/// are in use, those that have entries in the oldest. So what has to be read and applied after a kill is 32 MiB of each, and
/// some 128 of all, unless the disk is slower than those who publish. What a stream appends meanwhile is in the newest file,
/// so its turn comes again only when the log has gone on by as many files; and a stream that rests has none.
#[derive(Debug, Default)]
pub struct CheckpointTurns {
    under_way: BTreeSet<GroupId>,
    /// How many bytes each has put into the log since its last turn.
    behind: HashMap<GroupId, u64>,
    /// Those of which that is much.
    far_behind: VecDeque<GroupId>,
}

impl CheckpointTurns {
    /// The stream that is to be checkpointed next; None if none has to be, or if as many are as may be at once. To be asked
    /// again when the log has grown, and when a checkpoint has ended.
    pub fn next(&mut self, wal: &Wal) -> Option<GroupId> {
        if self.under_way.len() >= CHECKPOINTS_AT_ONCE {
            return None;
        }
        let is_free = |group: &GroupId| !self.under_way.contains(group);
        let (used, at_most) = wal.files_in_use();
        let far_behind = self.far_behind.iter().position(is_free);
        let due = match far_behind.and_then(|place| self.far_behind.remove(place)) {
            Some(due) => due,
            None if used * 4 <= at_most => return None,
            None => wal.oldest_groups().find(is_free)?,
        };
        self.far_behind.retain(|group| *group != due);
        self.behind.remove(&due);
        self.under_way.insert(due);
        Some(due)
    }

    /// A stream has put so many bytes into the log.
    pub fn appended(&mut self, group: GroupId, bytes: u64) {
        let behind = self.behind.entry(group).or_default();
        let before = *behind;
        *behind += bytes;
        if before < BEHIND_AT_MOST && *behind >= BEHIND_AT_MOST {
            self.far_behind.push_back(group);
        }
    }

    /// A stream is gone.
    pub fn forget(&mut self, group: GroupId) {
        self.ended(group);
        self.behind.remove(&group);
        self.far_behind.retain(|other| *other != group);
    }

    /// The checkpoint of a stream is durable, and the log was told; or it was not begun, or has failed.
    pub fn ended(&mut self, group: GroupId) {
        self.under_way.remove(&group);
    }
}
