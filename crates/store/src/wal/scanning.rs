//! What is in the files of the log: which of them there are, and where their records are.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile, Opening, read_all, write_durably};
use crate::fields::Fields;

use super::files::{number_of, path_of};
use super::header::{FIRST_RECORD, Header};
use super::record::{self, ALIGNMENT, HEAD, Record};
use super::{Entry, FreeFile, GroupId, LOW_WATER, Lsn, OWN_KIND, Wal, WalError};

/// How many bytes are checked at most to find out what a file without a header is.
const WORK_FOR_A_HEADER: usize = 1 << 30;

/// What a file says of itself.
pub(super) struct Found {
    pub(super) number: u32,
    pub(super) length: u64,
    pub(super) header: Header,
    /// The header is not whole: it is what records say, which know no key.
    pub(super) is_guessed: bool,
}

/// A file that is read: one at a time is in memory, besides the newest.
pub(super) struct Loaded {
    pub(super) found: Found,
    pub(super) bytes: Vec<u8>,
}

/// Where records of a file are, and where there should be some.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) records: Vec<usize>,
    pub(super) damaged: Vec<Range<usize>>,
    /// Behind the last record.
    pub(super) end: usize,
    pub(super) settled: Lsn,
    pub(super) low_water: u64,
}

/// The files of a folder in the order in which they were used, and those that say nothing.
pub(super) fn find(
    disk: &Arc<dyn Disk>,
    folder: &Path,
    wal: &mut Wal,
) -> Result<(Vec<Found>, Vec<FreeFile>), WalError> {
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for listed in disk.list(folder)? {
        let Some(number) = number_of(&listed.name) else {
            continue;
        };
        wal.next_file = wal.next_file.max(number + 1);
        let file = disk.open(&path_of(folder, number), Opening::Existing)?;
        let length = file.length()?;
        let header = header_of(&*file)?;
        let is_guessed = header.is_none();
        let header = match header {
            Some(header) => Some(header),
            None => header_by_records(&read_all(&*file)?),
        };
        match header {
            Some(header) => found.push(Found {
                number,
                length,
                header,
                is_guessed,
            }),
            None => unreadable.push(FreeFile { number, length }),
        }
    }
    found.sort_unstable_by_key(|file| file.header.generation);
    Ok((found, unreadable))
}

/// What a file says of itself.
pub(super) fn header_of(file: &dyn DiskFile) -> Result<Option<Header>, WalError> {
    let mut start = vec![0; FIRST_RECORD];
    let read = file.read_at(0, &mut start)?;
    Header::decode(&start[..read])
}

/// What the header of a file must have said, by the first of its records that is whole. Bodies that are sealed stay so.
fn header_by_records(bytes: &[u8]) -> Option<Header> {
    // What peers have sent may look like records: so much is checked, and no more.
    let mut work = WORK_FOR_A_HEADER;
    for offset in (FIRST_RECORD..bytes.len()).step_by(ALIGNMENT) {
        let length = Fields::new(&bytes[offset..]).u32()? as usize;
        if length < HEAD || length > bytes.len() - offset {
            continue;
        }
        work = work.checked_sub(length)?;
        let Some(record) = record::read(&bytes[offset..], |_| true) else {
            continue;
        };
        let base = record.place.lsn.0.checked_sub((offset - FIRST_RECORD) as u64)?;
        return Some(Header {
            generation: record.place.generation,
            base: Lsn(base),
            low_water: 1,
            key: Default::default(),
            salt: Default::default(),
        });
    }
    None
}

impl Found {
    pub(super) fn as_free(&self) -> FreeFile {
        FreeFile {
            number: self.number,
            length: self.length,
        }
    }

    pub(super) fn load(self, disk: &Arc<dyn Disk>, folder: &Path) -> Result<Loaded, WalError> {
        let file = disk.open(&path_of(folder, self.number), Opening::Existing)?;
        Ok(Loaded {
            bytes: read_all(&*file)?,
            found: self,
        })
    }
}

impl Loaded {
    pub(super) fn name(&self) -> String {
        format!("{:08}.wal", self.found.number)
    }

    /// Where a place of the log would be in this file.
    pub(super) fn offset_of(&self, lsn: Lsn) -> usize {
        let distance = usize::try_from(lsn.0.saturating_sub(self.found.header.base.0)).unwrap_or(usize::MAX);
        FIRST_RECORD.saturating_add(distance).min(self.bytes.len())
    }

    /// Writes the end of the file again, from where it says itself that it is durable. What was written before may be in the
    /// system's memory alone, where it seems to be in the file and no sync brings it there.
    pub(super) fn make_durable(&self, disk: &Arc<dyn Disk>, folder: &Path, scan: &Scan) -> io::Result<()> {
        let settled = self.offset_of(scan.settled);
        if settled >= scan.end && !scan.records.is_empty() {
            return Ok(());
        }
        let file = disk.open(&path_of(folder, self.found.number), Opening::Existing)?;
        if !self.found.is_guessed {
            write_durably(&*file, 0, &self.bytes[..FIRST_RECORD])?;
        }
        write_durably(
            &*file,
            settled as u64,
            &self.bytes[settled..scan.end.max(settled)],
        )
    }

    fn lsn_of(&self, offset: usize) -> Lsn {
        Lsn(self.found.header.base.0 + (offset - FIRST_RECORD) as u64)
    }

    pub(super) fn record_at(&self, offset: usize) -> Option<Record<'_>> {
        let (generation, lsn) = (self.found.header.generation, self.lsn_of(offset));
        record::read(self.bytes.get(offset..)?, |place| {
            place.generation == generation && place.lsn == lsn
        })
    }

    /// Looks for records up to `end`. What is between two of them is damaged.
    pub(super) fn scan(&self, end: usize) -> Scan {
        let mut scan = Scan {
            end: FIRST_RECORD,
            ..Scan::default()
        };
        let mut offset = FIRST_RECORD;
        while offset < end {
            let Some(record) = self.record_at(offset) else {
                offset += ALIGNMENT;
                continue;
            };
            if offset > scan.end {
                scan.damaged.push(scan.end..offset);
            }
            scan.records.push(offset);
            scan.settled = scan.settled.max(record.place.settled);
            scan.low_water = scan
                .low_water
                .max(low_water_in(&record.entry).unwrap_or_default());
            offset += record.length;
            scan.end = offset;
        }
        scan
    }
}

impl Scan {
    /// What of it is before a place in the file.
    pub(super) fn up_to(mut self, end: Option<usize>) -> Self {
        if let Some(end) = end.filter(|end| *end < self.end) {
            self.records.retain(|offset| *offset < end);
            self.damaged.retain(|range| range.start < end);
            self.end = end;
        }
        self
    }
}

/// A store's own entry: what it says, and of what.
pub(super) fn own(entry: &Entry<'_>) -> Option<(u8, u64)> {
    if entry.group != GroupId::STORE || entry.kind != OWN_KIND {
        return None;
    }
    let mut fields = Fields::new(entry.body);
    Some((fields.u8()?, fields.u64()?))
}

fn low_water_in(entry: &Entry<'_>) -> Option<u64> {
    own(entry).and_then(|(what, value)| (what == LOW_WATER).then_some(value))
}
