//! What is in the files of the log when a store is opened: which entries are whole, where it ends, and what is damaged.
//!
//! A record at the end that is not whole was being written when the power was cut, and was acknowledged to nobody: the log
//! is cut there. One that is followed by a record that says it was durable is damaged: that is reported, and what follows is
//! read.
//!
//! What is found need not be durable: before a kill, or a sync that has failed, it was written and no more. So the end of the
//! log is written once more before anybody is told of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::disk::Disk;
use crate::encryption::Keys;

use super::files::path_of;
use super::header::FIRST_RECORD;
use super::releasing::is_released;
use super::scanning::{Loaded, Scan, find, own};
use super::{Entry, FORGOTTEN, GroupId, LiveFile, Lsn, Wal, WalError, WalFiles, WalOptions};

/// What could not be read, though it was durable once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WalDamage {
    /// Records between two places of a file.
    Records {
        /// The file's name.
        file: String,
        /// Where in the file.
        bytes: Range<u64>,
    },
    /// A record that was sealed, and that no longer opens.
    Sealed {
        /// The file's name.
        file: String,
        /// Where in the log.
        lsn: Lsn,
    },
    /// A whole file, which is not there.
    File {
        /// The how-manieth use of a file it was.
        generation: u64,
    },
}

/// Up to which index entries of a group are kept elsewhere; None of a group that is unknown.
pub type Unneeded<'a> = dyn Fn(GroupId) -> Option<u64> + 'a;

/// A log that was found, ready to be appended to.
#[derive(Debug)]
pub struct Recovered {
    /// What decides.
    pub wal: Wal,
    /// What carries out.
    pub files: WalFiles,
    /// What could not be read.
    pub damage: Vec<WalDamage>,
    /// How many bytes at the end were not whole, and were cut off.
    pub cut: u64,
    /// Groups that have entries, but are unknown and were not forgotten.
    pub unknown: Vec<GroupId>,
    /// Groups that were forgotten, as far as the log still says so.
    pub forgotten: Vec<GroupId>,
}

/// Opens the log of a folder, or begins one. `read` is told each entry that is needed, in the order of the log. An entry
/// with an index that was there before replaces that entry and all later ones of its group; one that is missing between two
/// was damaged.
///
/// # Errors
///
/// Those of the disk; if it was sealed with a key that is not among `keys`, or written by a later version.
pub fn recover(
    disk: &Arc<dyn Disk>,
    folder: &Path,
    options: WalOptions,
    keys: Option<Keys>,
    unneeded: &Unneeded<'_>,
    read: &mut dyn FnMut(&Entry<'_>),
) -> Result<Recovered, WalError> {
    open(disk, folder, (options, keys), unneeded, read, None)
}

/// Opens a log again that has [failed](Wal::has_failed), as far as it was durable: what was not is cut off, as those who
/// waited for it were told that it is not there.
///
/// # Errors
///
/// Those of [`recover`].
pub(super) fn reopen(disk: &Arc<dyn Disk>, folder: &Path, failed: &Wal) -> Result<Recovered, WalError> {
    let settings = (failed.options, failed.keys.clone());
    let released = |group: GroupId| Some(failed.released.get(&group).copied().unwrap_or_default());
    open(
        disk,
        folder,
        settings,
        &released,
        &mut |_| {},
        Some(failed.durable),
    )
}

/// `durable`: up to where the log is, if that is known.
fn open(
    disk: &Arc<dyn Disk>,
    folder: &Path,
    (options, keys): (WalOptions, Option<Keys>),
    unneeded: &Unneeded<'_>,
    read: &mut dyn FnMut(&Entry<'_>),
    durable: Option<Lsn>,
) -> Result<Recovered, WalError> {
    disk.create_folder(folder)?;
    // A file may have been made, and its name not be durable.
    disk.sync_folder(folder)?;
    let mut wal = Wal::new(options, keys);
    let (mut found, unreadable) = find(disk, folder, &mut wal)?;
    let mut reading = Reading::new(unneeded, read);
    let newest = found.pop();
    let headers = found.iter().chain(&newest).map(|file| file.header.low_water);
    let low_water = headers.max().unwrap_or_default();
    let next_bases = found.iter().skip(1).chain(&newest);
    let bases: Vec<Option<Lsn>> = next_bases
        .zip(&found)
        .map(|(next, file)| {
            (next.header.generation == file.header.generation + 1).then_some(next.header.base)
        })
        .collect();
    let newest = newest.map(|file| file.load(disk, folder)).transpose()?;
    let scan = newest
        .as_ref()
        .map(|file| file.scan(file.bytes.len()))
        .unwrap_or_default();
    wal.low_water = low_water.max(scan.low_water).max(1);
    let mut expected = wal.low_water;
    for (file, next) in found.into_iter().zip(bases) {
        if file.header.generation < wal.low_water {
            wal.free.push(file.as_free());
            continue;
        }
        reading.expect(&mut expected, file.header.generation);
        let file = file.load(disk, folder)?;
        let end = next.map_or(file.bytes.len(), |next| file.offset_of(next));
        let mut scan = file.scan(end);
        if next.is_some() && scan.end < end {
            scan.damaged.push(scan.end..end);
        }
        wal.live.push_back(reading.read(&file, &scan, wal.keys.as_ref())?);
    }
    if let Some(file) = newest {
        let header = file.found.header;
        reading.expect(&mut expected, header.generation);
        let scan = reading.cut(&file, scan.up_to(durable.map(|durable| file.offset_of(durable))));
        file.make_durable(disk, folder, &scan)?;
        wal.next_generation = header.generation + 1;
        wal.end = Lsn(header.base.0 + (scan.end - FIRST_RECORD) as u64);
        wal.live.push_back(reading.read(&file, &scan, wal.keys.as_ref())?);
    }
    (wal.durable, wal.written) = (wal.end, wal.end);
    wal.settled = wal.end;
    let Reading {
        mut damage,
        sealed,
        cut,
        released,
        unknown,
        forgotten,
        ..
    } = reading;
    wal.released = released;
    for group in &forgotten {
        wal.released.insert(*group, u64::MAX);
    }
    let sealed = sealed.into_iter().filter(|(group, _)| !forgotten.contains(group));
    damage.extend(sealed.map(|(_, damage)| damage));
    let lacks_file = damage
        .iter()
        .any(|damage| matches!(damage, WalDamage::File { .. }));
    for file in unreadable {
        if lacks_file {
            let path = path_of(folder, file.number);
            disk.rename(&path, &path.with_extension("damaged"))?;
        } else {
            wal.free.push(file);
        }
    }
    wal.advance()?;
    Ok(Recovered {
        wal,
        files: WalFiles::new(Arc::clone(disk), folder),
        damage,
        cut,
        unknown: unknown
            .into_iter()
            .filter(|group| !forgotten.contains(group))
            .collect(),
        forgotten: forgotten.into_iter().collect(),
    })
}

/// What has been read so far.
pub(super) struct Reading<'a> {
    unneeded: &'a Unneeded<'a>,
    read: &'a mut dyn FnMut(&Entry<'_>),
    pub(super) damage: Vec<WalDamage>,
    /// What could not be opened, and whose it is.
    sealed: Vec<(GroupId, WalDamage)>,
    cut: u64,
    released: HashMap<GroupId, u64>,
    unknown: BTreeSet<GroupId>,
    forgotten: BTreeSet<GroupId>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(unneeded: &'a Unneeded<'a>, read: &'a mut dyn FnMut(&Entry<'_>)) -> Self {
        Self {
            unneeded,
            read,
            damage: Vec::new(),
            sealed: Vec::new(),
            cut: 0,
            released: HashMap::new(),
            unknown: BTreeSet::new(),
            forgotten: BTreeSet::new(),
        }
    }

    /// The next file is of this generation; those before are missing.
    fn expect(&mut self, expected: &mut u64, generation: u64) {
        let missing = (*expected..generation).map(|generation| WalDamage::File { generation });
        self.damage.extend(missing);
        *expected = generation + 1;
    }

    /// Cuts the newest file where it is not whole, unless that was settled.
    fn cut(&mut self, file: &Loaded, mut scan: Scan) -> Scan {
        let settled = file.offset_of(scan.settled);
        let torn = scan.damaged.iter().map(|range| range.start);
        // A header is durable before anything behind it is: without it nothing was.
        let without_key = scan.records.iter().copied().filter(|offset| {
            let record = file.record_at(*offset).filter(|_| file.found.is_guessed);
            record.is_some_and(|record| record.is_sealed)
        });
        if let Some(start) = torn.chain(without_key).filter(|start| *start >= settled).min() {
            self.cut = (scan.end - start) as u64;
            scan.records.retain(|offset| *offset < start);
            scan.damaged.retain(|range| range.start < start);
            scan.end = start;
        }
        scan
    }

    /// Tells of the entries of a file that are needed.
    pub(super) fn read(
        &mut self,
        file: &Loaded,
        scan: &Scan,
        keys: Option<&Keys>,
    ) -> Result<LiveFile, WalError> {
        // Of what is not needed any more the key may be gone.
        let key = file.found.header.file_key(keys);
        let mut last = BTreeMap::new();
        for range in &scan.damaged {
            self.damage.push(WalDamage::Records {
                file: file.name(),
                bytes: range.start as u64..range.end as u64,
            });
        }
        for record in scan.records.iter().filter_map(|offset| file.record_at(*offset)) {
            let entry = record.entry;
            if !self.is_needed(&entry, &mut last) {
                continue;
            }
            let opened = match &key {
                Err(error) if record.is_sealed && !self.unknown.contains(&entry.group) => {
                    return Err((*error).into());
                }
                Err(_) => record.unsealed(None),
                Ok(key) => record.unsealed(key.as_ref()),
            };
            match opened {
                Ok(opened) => (self.read)(&Entry {
                    body: opened.as_deref().unwrap_or(entry.body),
                    ..entry
                }),
                Err(_) => {
                    let (file, lsn) = (file.name(), record.place.lsn);
                    self.sealed.push((entry.group, WalDamage::Sealed { file, lsn }));
                }
            }
        }
        Ok(LiveFile {
            number: file.found.number,
            length: file.bytes.len() as u64,
            generation: file.found.header.generation,
            base: file.found.header.base,
            key: None,
            last,
            is_closed: true,
        })
    }

    /// Whether somebody has to be told of an entry.
    fn is_needed(&mut self, entry: &Entry<'_>, last: &mut BTreeMap<GroupId, u64>) -> bool {
        if let Some((what, value)) = own(entry) {
            if what == FORGOTTEN {
                self.forgotten.insert(GroupId(value));
            }
            return false;
        }
        let unneeded = self.unneeded;
        match unneeded(entry.group) {
            Some(index) => {
                self.released.insert(entry.group, index);
            }
            None => {
                self.unknown.insert(entry.group);
            }
        }
        last.insert(entry.group, entry.index);
        !is_released(&self.released, entry.group, entry.index)
    }
}
