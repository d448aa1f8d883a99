//! Which entries the log may lose, as they are kept elsewhere, and so which of its files may be used again.

use std::collections::HashMap;

use super::{FORGOTTEN, FreeFile, GroupId, LOW_WATER, LiveFile, Lsn, Wal, WalError, Work};

impl Wal {
    /// The groups that have entries in the oldest file that is needed: when they are checkpointed it can be used again, with
    /// those before it.
    pub fn oldest_groups(&self) -> impl Iterator<Item = GroupId> {
        // What was the last file when all of it was released is still there.
        let needed = self.live.iter().find(|file| self.needing(file).next().is_some());
        needed.into_iter().flat_map(|file| self.needing(file))
    }

    /// The groups that need a file.
    fn needing(&self, file: &LiveFile) -> impl Iterator<Item = GroupId> {
        let needing = file.last.iter();
        let needing = needing.filter(|(group, last)| !is_released(&self.released, **group, **last));
        needing.map(|(group, _)| *group)
    }

    /// A group keeps its entries up to `index` elsewhere, durably: the log may lose them.
    ///
    /// # Errors
    ///
    /// What the entry that says so is refused for; it is said with a later one then.
    pub fn release(&mut self, group: GroupId, index: u64) -> Result<(), WalError> {
        let released = self.released.entry(group).or_default();
        *released = (*released).max(index);
        self.advance()
    }

    /// A group is gone, with all its entries.
    ///
    /// # Errors
    ///
    /// What the entry that says so is refused for; the group may be back when the store is opened anew then.
    pub fn forget(&mut self, group: GroupId) -> Result<Lsn, WalError> {
        self.put_own(FORGOTTEN, group.0, true)?;
        self.released.insert(group, u64::MAX);
        self.advance()?;
        Ok(self.end)
    }

    /// Says how far files are not needed, if that has changed.
    pub(super) fn advance(&mut self) -> Result<(), WalError> {
        let is_unneeded = |file: &&LiveFile| self.needing(file).next().is_none();
        // The last is what is appended to, or may prove what was settled.
        let older = self.live.len().saturating_sub(1);
        let unneeded = self.live.iter().take(older).take_while(is_unneeded).count();
        let Some(oldest) = self.live.get(unneeded) else {
            return Ok(());
        };
        let low_water = oldest.generation;
        if low_water > self.low_water {
            self.put_own(LOW_WATER, low_water, true)?;
            self.low_water = low_water;
            if let Some(Work::Write(chunk)) = self.work.back_mut() {
                chunk.low_water = low_water;
            }
        }
        Ok(())
    }

    /// Files of generations below a durable low-water mark may be used again.
    pub(super) fn free_files(&mut self, low_water: u64) {
        while self.live.front().is_some_and(|file| file.generation < low_water) {
            if let Some(file) = self.live.pop_front() {
                self.free.push(FreeFile {
                    number: file.number,
                    length: file.length,
                });
            }
        }
        if low_water > 0 {
            let live = &self.live;
            self.released
                .retain(|group, _| live.iter().any(|file| file.last.contains_key(group)));
        }
    }
}

/// Whether a group keeps an entry elsewhere.
pub(super) fn is_released(released: &HashMap<GroupId, u64>, group: GroupId, index: u64) -> bool {
    released.get(&group).is_some_and(|released| index <= *released)
}
