//! The write-ahead log of all streams: one writer, in files that are used again and again.
//!
//! [`Wal`] decides and does nothing. Entries are [appended](Wal::append); whoever owns it carries out one
//! [`Step`] after the other ([`WalFiles`]) and says what became of it. All that was appended meanwhile is the next write, and
//! one sync makes it durable: the slower the disk, the more goes into each.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::mem;
use std::sync::Arc;

use crate::encryption::{EncryptionError, FileKey, Keys, new_file_key};

mod excerpt;
mod files;
mod header;
mod record;
mod recovery;
mod releasing;
mod scanning;
#[cfg(test)]
mod tests;

use header::{FIRST_RECORD, Header};
use record::Place;

pub use excerpt::Excerpt;
pub use files::{WalFiles, WalMaker};
pub use record::{Entry, GroupId, Lsn};
pub use recovery::{Recovered, Unneeded, WalDamage, recover};

/// How the log uses its files.
#[derive(Clone, Copy, Debug)]
pub struct WalOptions {
    /// How long a file is. An entry that is longer has one of its own.
    pub file_size: u64,
    /// How many files there are at most.
    pub files_at_most: usize,
    /// How many bytes may wait to be written.
    pub pending_at_most: usize,
}

impl Default for WalOptions {
    fn default() -> Self {
        Self {
            file_size: 64 << 20,
            files_at_most: 8,
            pending_at_most: 64 << 20,
        }
    }
}

/// What an entry is refused for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalError {
    /// A write or a sync has failed: nothing more is taken until the store is opened anew.
    #[error("the log has failed")]
    Failed,
    /// No file is left: streams have to be checkpointed, so that some can be used again.
    #[error("the log is full")]
    Full,
    /// As much waits to be written as may.
    #[error("too much waits to be written")]
    Busy,
    /// No file could hold it.
    #[error("too large an entry")]
    TooLarge,
    /// It was written by a version of the store that came later.
    #[error("a log of a later version")]
    Unknown,
    /// It could not be sealed or opened.
    #[error(transparent)]
    Encryption(#[from] EncryptionError),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

/// For what an entry is. As space ends, what frees some is taken for longer than what takes more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// It stores something.
    Message,
    /// It acknowledges, deletes or configures something.
    Upkeep,
}

/// What is to be done next, and reported by [`Wal::done`] or [`Wal::failed`].
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Make a file of zeros, durably.
    Prepare {
        /// Which file.
        file: u32,
        /// How long it is to be.
        length: u64,
    },
    /// Write bytes.
    Write {
        /// Into which file.
        file: u32,
        /// Where.
        offset: u64,
        /// What.
        bytes: &'a [u8],
    },
    /// Make durable what was written into a file.
    Sync {
        /// Which file.
        file: u32,
    },
}

/// A file to be made ahead of time, by a [`WalMaker`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preparation {
    file: u32,
    length: u64,
}

/// Entries of the store itself.
const OWN_KIND: u8 = 255;
/// So much of each file is left for them, as they are what frees files.
const OWN_SPACE: usize = 4096;
/// More is not written at once, so that what comes first is durable first.
const WRITE: usize = 4 << 20;

/// What entries of the store say, by the first byte of their bodies.
const LOW_WATER: u8 = 1;
const FORGOTTEN: u8 = 2;
const SETTLED: u8 = 3;

/// The log, as far as it decides.
#[derive(Debug)]
pub struct Wal {
    options: WalOptions,
    keys: Option<Keys>,
    /// Files with entries that may be needed, oldest first. Entries are appended to the last.
    live: VecDeque<LiveFile>,
    free: Vec<FreeFile>,
    next_file: u32,
    next_generation: u64,
    /// Where the next record is.
    end: Lsn,
    durable: Lsn,
    /// Before this everything is written, but may not be durable.
    written: Lsn,
    /// The file that is appended to has entries for which no sync is planned.
    lacks_sync: bool,
    /// The newest record says that everything before this is durable.
    settled: Lsn,
    work: VecDeque<Work>,
    /// Whether the first of `work` is under way; no more is put into it then.
    is_under_way: bool,
    is_preparing: bool,
    pending: usize,
    /// What chunks were written from, to be used again.
    spare: Vec<u8>,
    /// Up to which index each group keeps its entries elsewhere.
    released: HashMap<GroupId, u64>,
    /// Files of generations below are not needed, which the log says or is about to say.
    low_water: u64,
    has_failed: bool,
}

#[derive(Debug)]
struct LiveFile {
    number: u32,
    length: u64,
    generation: u64,
    base: Lsn,
    key: Option<Arc<FileKey>>,
    /// The last index of each group that has entries here.
    last: BTreeMap<GroupId, u64>,
    /// Nothing more is appended to it.
    is_closed: bool,
}

#[derive(Clone, Copy, Debug)]
struct FreeFile {
    number: u32,
    length: u64,
}

#[derive(Debug)]
enum Work {
    Prepare(FreeFile),
    Write(Chunk),
    Sync { file: u32, end: Lsn, low_water: u64 },
}

#[derive(Debug)]
struct Chunk {
    file: u32,
    offset: u64,
    bytes: Vec<u8>,
    end: Lsn,
    /// The low-water mark that holds once it is durable.
    low_water: u64,
    is_synced: bool,
}

impl Wal {
    fn new(options: WalOptions, keys: Option<Keys>) -> Self {
        Self {
            options,
            keys,
            live: VecDeque::new(),
            free: Vec::new(),
            next_file: 0,
            next_generation: 1,
            end: Lsn(0),
            durable: Lsn(0),
            written: Lsn(0),
            lacks_sync: false,
            settled: Lsn(0),
            work: VecDeque::new(),
            is_under_way: false,
            is_preparing: false,
            pending: 0,
            spare: Vec::new(),
            released: HashMap::new(),
            low_water: 1,
            has_failed: false,
        }
    }

    /// Takes an entry to be written. It is durable when everything up to the place returned is.
    ///
    /// # Errors
    ///
    /// What it is refused for; nothing of it is written then.
    pub fn append(&mut self, entry: &Entry<'_>, importance: Importance) -> Result<Lsn, WalError> {
        self.take(entry, importance, true)
    }

    /// Takes an entry to be written for which nobody waits until it is durable: it becomes so with the next one for which
    /// somebody does, or by [`Wal::sync`]. [`Wal::written`] says when it would survive the end of the process.
    ///
    /// # Errors
    ///
    /// What it is refused for; nothing of it is written then.
    pub fn append_unsynced(&mut self, entry: &Entry<'_>, importance: Importance) -> Result<Lsn, WalError> {
        self.take(entry, importance, false)
    }

    fn take(&mut self, entry: &Entry<'_>, importance: Importance, syncs: bool) -> Result<Lsn, WalError> {
        if self.pending > 0 && self.pending + entry.body.len() > self.options.pending_at_most {
            return Err(WalError::Busy);
        }
        let files = match importance {
            Importance::Message => self.options.files_at_most.saturating_sub(1).max(1),
            Importance::Upkeep => self.options.files_at_most,
        };
        self.put(entry, OWN_SPACE, files, syncs)?;
        if let Some(file) = self.live.back_mut() {
            file.last.insert(entry.group, entry.index);
        }
        Ok(self.end)
    }

    /// Has everything be durable that was appended. Worth doing every so often where entries are not waited for.
    pub fn sync(&mut self) {
        let Some(file) = self.live.back().filter(|_| mem::take(&mut self.lacks_sync)) else {
            return;
        };
        let number = file.number;
        let may_grow = self.work.len() > usize::from(self.is_under_way);
        match self.work.back_mut() {
            Some(Work::Write(chunk)) if may_grow && chunk.file == number => chunk.is_synced = true,
            _ => self.work.push_back(Work::Sync {
                file: number,
                end: self.end,
                low_water: 0,
            }),
        }
    }

    /// Up to where everything is written: it survives the end of the process, but not of the machine.
    #[must_use]
    pub fn written(&self) -> Lsn {
        self.written
    }

    /// Up to where everything is durable.
    #[must_use]
    pub fn durable(&self) -> Lsn {
        self.durable
    }

    /// Behind the last entry that was appended.
    #[must_use]
    pub fn end(&self) -> Lsn {
        self.end
    }

    /// How many files hold entries that may be needed, of how many there may be.
    #[must_use]
    pub fn files_in_use(&self) -> (usize, usize) {
        (self.live.len(), self.options.files_at_most)
    }

    /// How many bytes of the disk its files may still take, as not all of them are made. What else is on the disk should leave
    /// them.
    #[must_use]
    pub fn may_still_take(&self) -> u64 {
        let made = self.live.len() + self.free.len();
        self.options.files_at_most.saturating_sub(made) as u64 * self.options.file_size
    }

    /// A file that will be needed soon, to be made meanwhile; so that no entry waits for that.
    pub fn preparation(&mut self) -> Option<Preparation> {
        let file = self.live.back()?;
        let is_needed =
            !self.is_preparing && self.free.is_empty() && self.live.len() < self.options.files_at_most;
        if self.has_failed || !is_needed || file.offset_of(self.end) < file.length / 2 {
            return None;
        }
        self.is_preparing = true;
        self.next_file += 1;
        Some(Preparation {
            file: self.next_file - 1,
            length: self.options.file_size,
        })
    }

    /// The file is made, or could not be.
    pub fn prepared(&mut self, preparation: Preparation, is_made: bool) {
        self.is_preparing = false;
        if is_made {
            self.free.push(FreeFile {
                number: preparation.file,
                length: preparation.length,
            });
        }
    }

    /// Has the log say of itself what is durable, for whoever looks at it after damage. Worth doing when nothing else is
    /// written for a while, and before the store is closed.
    ///
    /// # Errors
    ///
    /// What the entry is refused for.
    pub fn settle(&mut self) -> Result<(), WalError> {
        let is_needed = self.work.is_empty() && self.settled < self.durable;
        match is_needed && self.has_room(record::HEAD + OWN_SPACE) {
            true => self.put_own(SETTLED, 0, false),
            false => Ok(()),
        }
    }

    /// What is to be done next; the same until it is reported.
    pub fn step(&mut self) -> Option<Step<'_>> {
        if self.has_failed {
            return None;
        }
        self.is_under_way = !self.work.is_empty();
        Some(match self.work.front()? {
            Work::Prepare(file) => Step::Prepare {
                file: file.number,
                length: file.length,
            },
            Work::Write(chunk) => Step::Write {
                file: chunk.file,
                offset: chunk.offset,
                bytes: &chunk.bytes,
            },
            Work::Sync { file, .. } => Step::Sync { file: *file },
        })
    }

    /// The step was carried out. Returns up to where everything is durable now.
    pub fn done(&mut self) -> Lsn {
        if self.has_failed || !mem::take(&mut self.is_under_way) {
            return self.durable;
        }
        match self.work.pop_front() {
            Some(Work::Write(chunk)) => {
                self.pending -= chunk.bytes.len();
                self.written = chunk.end;
                if chunk.is_synced {
                    self.work.push_front(Work::Sync {
                        file: chunk.file,
                        end: chunk.end,
                        low_water: chunk.low_water,
                    });
                }
                self.spare = chunk.bytes;
                self.spare.clear();
            }
            Some(Work::Sync { end, low_water, .. }) => {
                self.durable = end;
                self.free_files(low_water);
            }
            Some(Work::Prepare(_)) | None => {}
        }
        self.durable
    }

    /// The step was not carried out, or not all of it: nothing that was not durable before can be trusted. The store has to
    /// be opened anew.
    pub fn failed(&mut self) {
        self.has_failed = true;
    }

    /// Whether a step has failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// The groups that may have entries behind what is durable.
    pub fn undurable_groups(&self) -> impl Iterator<Item = GroupId> {
        let behind = self.live.iter().skip(1).map(|next| next.base > self.durable);
        let may_have_some = self.live.iter().zip(behind.chain([true]));
        may_have_some
            .filter(|(_, may_have_some)| *may_have_some)
            .flat_map(|(file, _)| file.last.keys().copied())
    }

    /// Has what comes next be in a new file. So a log that was opened again shows that it can be written.
    ///
    /// # Errors
    ///
    /// What an entry would be refused for.
    pub fn begin_file(&mut self) -> Result<(), WalError> {
        self.start_file(OWN_SPACE, usize::MAX)
    }

    fn put_own(&mut self, what: u8, value: u64, syncs: bool) -> Result<(), WalError> {
        let mut body = [what; 9];
        body[1..].copy_from_slice(&value.to_le_bytes());
        let entry = Entry {
            group: GroupId::STORE,
            incarnation: 0,
            term: 0,
            index: 0,
            timestamp: 0,
            kind: OWN_KIND,
            body: &body,
        };
        self.put(&entry, 0, usize::MAX, syncs)
    }

    /// Whether the file that is appended to has so many bytes left.
    fn has_room(&self, length: usize) -> bool {
        self.live
            .back()
            .is_some_and(|file| !file.is_closed && file.offset_of(self.end) + length as u64 <= file.length)
    }

    fn put(
        &mut self,
        entry: &Entry<'_>,
        left: usize,
        files_at_most: usize,
        syncs: bool,
    ) -> Result<(), WalError> {
        if self.has_failed {
            return Err(WalError::Failed);
        }
        // What the store says of itself is no secret, and is read before there are keys.
        let is_sealed = self.keys.is_some() && entry.group != GroupId::STORE;
        let length = record::length_of(entry.body.len(), is_sealed);
        if !self.has_room(length + left) {
            self.start_file(length + left, files_at_most)?;
        }
        let (end, settled) = (self.end, self.durable);
        let Some(file) = self.live.back() else {
            return Err(WalError::Full);
        };
        let place = Place {
            generation: file.generation,
            lsn: end,
            settled,
        };
        let (number, offset) = (file.number, file.offset_of(end));
        let key = file.key.clone().filter(|_| is_sealed);
        let chunk = self.chunk_at(number, offset);
        let before = chunk.bytes.len();
        record::put(&mut chunk.bytes, place, entry, key.as_deref())?;
        let length = chunk.bytes.len() - before;
        chunk.end.0 += length as u64;
        chunk.is_synced |= syncs;
        self.lacks_sync = !chunk.is_synced;
        self.pending += length;
        self.end.0 += length as u64;
        self.settled = settled;
        Ok(())
    }

    /// What is written next to this place: the last chunk, unless it is under way, full, or for another file.
    fn chunk_at(&mut self, file: u32, offset: u64) -> &mut Chunk {
        let may_grow = self.work.len() > usize::from(self.is_under_way);
        let grows = may_grow
            && matches!(self.work.back(), Some(Work::Write(chunk))
                if chunk.file == file && chunk.bytes.len() < WRITE);
        if !grows {
            self.work.push_back(Work::Write(Chunk {
                file,
                offset,
                bytes: mem::take(&mut self.spare),
                end: self.end,
                low_water: 0,
                is_synced: false,
            }));
        }
        match self.work.back_mut() {
            Some(Work::Write(chunk)) => chunk,
            _ => unreachable!("a chunk was put there"),
        }
    }

    /// Has entries go to a file with so much room, from here on.
    fn start_file(&mut self, room: usize, files_at_most: usize) -> Result<(), WalError> {
        if self.live.len() >= files_at_most {
            return Err(WalError::Full);
        }
        let length = (FIRST_RECORD + room) as u64;
        let (key, key_id, salt) = new_file_key(self.keys.as_ref())?;
        let file = match self.free.iter().position(|file| file.length >= length) {
            Some(place) => self.free.swap_remove(place),
            None => {
                let file = FreeFile {
                    number: self.next_file,
                    length: length.max(self.options.file_size),
                };
                self.next_file += 1;
                self.work.push_back(Work::Prepare(file));
                file
            }
        };
        let header = Header {
            generation: self.next_generation,
            base: self.end,
            low_water: self.low_water,
            key: key_id,
            salt,
        };
        self.next_generation += 1;
        // The header says that everything before is durable.
        self.sync();
        self.live.push_back(LiveFile {
            number: file.number,
            length: file.length,
            generation: header.generation,
            base: header.base,
            key: key.map(Arc::new),
            last: BTreeMap::new(),
            is_closed: false,
        });
        let bytes = header.encode();
        self.pending += bytes.len();
        self.work.push_back(Work::Write(Chunk {
            file: file.number,
            offset: 0,
            bytes,
            end: self.end,
            low_water: 0,
            is_synced: true,
        }));
        Ok(())
    }
}

impl LiveFile {
    fn offset_of(&self, lsn: Lsn) -> u64 {
        FIRST_RECORD as u64 + (lsn.0 - self.base.0)
    }
}
