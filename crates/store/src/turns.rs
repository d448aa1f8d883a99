//! Which streams are checkpointed when.

use std::collections::BTreeSet;

use crate::wal::{GroupId, Wal};

/// So many checkpoints are written at once, so that the log's own writes do not wait for more.
pub const CHECKPOINTS_AT_ONCE: usize = 2;

/// Has streams checkpointed in turn: when more than a quarter of the log's files are in use, those that have entries in the
/// oldest. So what has to be read and applied after a kill is some 128 MiB, unless the disk is slower than those who publish.
/// What a stream appends meanwhile is in the newest file, so its turn comes again only when the log has gone on by as many
/// files, however much it is written to; and a stream that rests has none.
#[derive(Debug, Default)]
pub struct CheckpointTurns {
    under_way: BTreeSet<GroupId>,
}

impl CheckpointTurns {
    /// The stream that is to be checkpointed next; None if none has to be, or if as many are as may be at once. To be asked
    /// again when the log has grown, and when a checkpoint has ended.
    pub fn next(&mut self, wal: &Wal) -> Option<GroupId> {
        let (used, at_most) = wal.files_in_use();
        if used * 4 <= at_most || self.under_way.len() >= CHECKPOINTS_AT_ONCE {
            return None;
        }
        let due = wal
            .oldest_groups()
            .find(|group| !self.under_way.contains(group))?;
        self.under_way.insert(due);
        Some(due)
    }

    /// The checkpoint of a stream is durable, and the log was told; or it was not begun, or has failed.
    pub fn ended(&mut self, group: GroupId) {
        self.under_way.remove(&group);
    }
}
