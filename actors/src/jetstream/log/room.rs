//! While the room on the disk ends, streams become read-only one by one, and come back by themselves.

use super::writer::Writer;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use vagus_store::wal::GroupId;
use vagus_store::{Reserve, Space, SpaceChange, SpaceLimits, StoreError};

/// Of what the disk has left at the start, this share is little; but at least, and at most, so many bytes are.
const LITTLE: u64 = 20;
const LITTLE_BYTES: (u64, u64) = (4 << 20, 256 << 20);

/// What is asked of the disk now and then.
pub(in crate::jetstream) struct Room {
    space: Space,
    reserve: Reserve,
    /// How many bytes streams have taken in that are in the log alone.
    unwritten: Arc<AtomicU64>,
    looked: Instant,
    /// How many bytes were taken in since, and after how many it is looked at again, however soon that is.
    taken: u64,
    looks_after: u64,
    is_full: bool,
    may_reserve: bool,
}

impl Room {
    /// So often it is looked at, at least.
    pub(super) const LOOKS_AFTER: Duration = Duration::from_secs(1);

    /// Of the disk of which some is kept back.
    ///
    /// # Errors
    /// Those of the disk.
    pub(in crate::jetstream) fn new(reserve: Reserve, unwritten: Arc<AtomicU64>) -> Result<Self, StoreError> {
        let (least, most) = LITTLE_BYTES;
        let low = (reserve.available()? / LITTLE).clamp(least, most);
        let limits = SpaceLimits { low, enough: 2 * low };
        Ok(Self {
            space: Space::new(limits),
            reserve,
            unwritten,
            looked: Instant::now(),
            taken: 0,
            looks_after: low / 8,
            is_full: false,
            may_reserve: true,
        })
    }

    /// A stream has taken in so many bytes.
    pub(super) fn took(&mut self, group: GroupId, bytes: u64) {
        self.space.took(group, bytes);
        self.taken += bytes;
    }

    fn is_to_be_looked_at(&self) -> bool {
        self.taken >= self.looks_after || self.looked.elapsed() >= Self::LOOKS_AFTER
    }

    /// A stream is gone.
    pub(super) fn forget(&mut self, group: GroupId) {
        self.space.forget(group);
    }

    pub(super) fn has_room(&self, group: GroupId) -> bool {
        self.space.is_writable(group)
    }

    /// Whether some stream is read-only: it is to be looked at even if nothing happens.
    pub(super) fn is_short(&self) -> bool {
        self.is_full || self.space.read_only() > 0
    }
}

impl Writer {
    /// Looks whether there is room, if that was a while ago.
    pub(super) fn look_for_room(&mut self) {
        if !self.room.is_to_be_looked_at() {
            return;
        }
        (self.room.looked, self.room.taken) = (Instant::now(), 0);
        let available = match self.room.reserve.available() {
            Ok(available) => available,
            Err(error) => return log::warn!("JetStream: how much the disk has left is not known: {error}"),
        };
        let spoken_for = self.wal.may_still_take() + self.room.unwritten.load(Ordering::Relaxed);
        let change = self.room.space.left(available.saturating_sub(spoken_for));
        if let Some(change) = change {
            self.change_room(change, available);
        }
    }

    /// The disk is full: gives free what was kept back, once. Whether it did.
    pub(super) fn free_reserve(&mut self) -> bool {
        if let Some(change) = self.room.space.full() {
            self.change_room(change, 0);
        }
        std::mem::take(&mut self.room.may_reserve)
    }

    fn change_room(&mut self, change: SpaceChange, available: u64) {
        match change {
            SpaceChange::ReadOnly(group) => {
                log::warn!(
                    "JetStream: the disk has {available} bytes left: the stream that grows most takes in no messages"
                );
                self.tell_of_room(group);
            }
            SpaceChange::Writable(group) => {
                log::info!(
                    "JetStream: a stream takes in messages again, as the disk has {available} bytes left"
                );
                self.tell_of_room(group);
            }
            SpaceChange::AllReadOnly => {
                log::error!("JetStream: the disk is full: streams take in no messages");
                self.room.is_full = true;
                self.reserve(|reserve| reserve.free().map(|()| true));
                self.tell_all_of_room();
            }
            SpaceChange::NotFull => {
                log::info!(
                    "JetStream: streams take in messages again, as the disk has {available} bytes left"
                );
                self.room.is_full = false;
                self.room.may_reserve = self.reserve(Reserve::restore);
                self.tell_all_of_room();
            }
        }
        let read_only = match self.room.is_full {
            true => self.followers.len(),
            false => self.room.space.read_only(),
        };
        self.counters()
            .read_only
            .store(read_only as u64, Ordering::Relaxed);
    }

    fn reserve(&self, act: impl FnOnce(&Reserve) -> Result<bool, StoreError>) -> bool {
        let done = act(&self.room.reserve);
        done.unwrap_or_else(|error| {
            log::warn!("JetStream: what is kept back of the disk: {error}");
            false
        })
    }

    fn tell_of_room(&self, group: GroupId) {
        if let Some(follower) = self.followers.get(&group) {
            follower.has_room(self.room.has_room(group));
        }
    }

    fn tell_all_of_room(&self) {
        self.followers.keys().for_each(|group| self.tell_of_room(*group));
    }
}
