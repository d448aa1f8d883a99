//! Reading a segment's file.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::disk::{Disk, DiskFile, Opening, read_range};
use crate::encryption::Keys;
use crate::message::Message;

use super::block::{BLOCK_HEAD, Packing, read_block, read_head};
use super::directory::{Extract, NEAR, Place};
use super::footer::{self, TRAILER};
use super::{Directory, HEADER, Record, SegmentError, SegmentHeader, SegmentId, read_record};

/// An open segment.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) header: SegmentHeader,
    pub(crate) packing: Packing,
    pub(crate) seed: u32,
}

/// What was found in a segment, record by record.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) directory: Directory,
    pub(crate) is_damaged: bool,
    /// The distances of the sequences of those that were erased.
    pub(crate) erased: Vec<u32>,
}

impl SegmentFile {
    /// Opens a segment and reads its header. It is damaged if it is another one, whole as that may be.
    pub(crate) fn open(
        disk: &dyn Disk,
        path: &Path,
        keys: Option<&Keys>,
        id: SegmentId,
    ) -> Result<Self, SegmentError> {
        let file = disk.open(path, Opening::Existing)?;
        let mut bytes = vec![0; HEADER];
        let length = file.read_at(0, &mut bytes)?;
        let header = SegmentHeader::decode(&bytes[..length])?;
        if header.id() != id {
            return Err(SegmentError::Damaged);
        }
        let key = header.file_key(keys)?;
        Ok(Self {
            seed: header.seed(),
            packing: Packing {
                // It is the block that says whether it is compressed.
                is_compressed: header.is_packed,
                key,
            },
            header,
            file,
        })
    }

    /// The directory in the footer of a segment that is complete.
    pub(crate) fn directory(&self) -> Result<Directory, SegmentError> {
        let length = self.file.length()?;
        let trailer_at = length.checked_sub(TRAILER as u64).ok_or(SegmentError::Damaged)?;
        let trailer = read_range(&*self.file, trailer_at, TRAILER)?;
        let (offset, length, form) = footer::place(&trailer, self.seed).ok_or(SegmentError::Damaged)?;
        if offset.checked_add(length as u64) != Some(trailer_at) {
            return Err(SegmentError::Damaged);
        }
        let footer = read_range(&*self.file, offset, length)?.into();
        footer::read(&footer, form, self.seed, &self.packing)
    }

    /// The bytes of the file up to `end`, without its header.
    pub(crate) fn body(&self, end: u64) -> Result<Bytes, SegmentError> {
        let end = end.min(self.file.length()?);
        let length = usize::try_from(end.saturating_sub(HEADER as u64)).map_err(|_| SegmentError::Damaged)?;
        Ok(read_range(&*self.file, HEADER as u64, length)?.into())
    }

    /// The bytes of some records that lie near each other, and where in the segment they begin, if none are in blocks.
    fn bytes_of(&self, extract: &Extract, near: &[Place]) -> Result<(u32, Bytes), SegmentError> {
        let (Some(first), Some(last)) = (near.first(), near.last()) else {
            return Err(SegmentError::Damaged);
        };
        if !self.header.is_packed {
            let length = (last.start + last.length - first.start) as usize;
            let bytes = read_range(&*self.file, HEADER as u64 + u64::from(first.start), length)?;
            return Ok((first.start, bytes.into()));
        }
        let (start, offset) = extract.block.ok_or(SegmentError::Damaged)?;
        let head = read_head(&read_range(&*self.file, offset, BLOCK_HEAD)?).ok_or(SegmentError::Damaged)?;
        if head.start != start || head.length as u64 > self.file.length()? {
            return Err(SegmentError::Damaged);
        }
        let bytes = read_range(&*self.file, offset, head.length)?.into();
        Ok((start, self.read_block(&bytes)?))
    }

    fn read_block(&self, bytes: &Bytes) -> Result<Bytes, SegmentError> {
        read_block(bytes, self.seed, self.packing.key.as_ref())
    }

    /// All bytes of records, in pieces that records do not cross, and where these begin if none are in blocks.
    pub(crate) fn pieces(&self, directory: &Directory, end: u64) -> Result<Vec<(u32, Bytes)>, SegmentError> {
        let body = self.body(end)?;
        if !self.header.is_packed {
            return Ok(vec![(0, body)]);
        }
        let piece = |(start, offset): &(u32, u64)| {
            let offset = usize::try_from(*offset)
                .ok()
                .and_then(|offset| offset.checked_sub(HEADER));
            let block = offset.filter(|offset| *offset <= body.len());
            let block = body.slice(block.ok_or(SegmentError::Damaged)?..);
            Ok((*start, self.read_block(&block)?))
        };
        directory.blocks().iter().map(piece).collect()
    }

    /// Visits the records that are wanted by the distance of their sequences from the base, with their lengths, in their
    /// order; `end` is that of the last in the file.
    ///
    /// # Errors
    ///
    /// What the disk cannot read, and damage; that of records that are wanted.
    pub(crate) fn for_each(
        &self,
        directory: &Directory,
        end: u64,
        is_wanted: impl Fn(u32) -> bool,
        mut visit: impl FnMut(Record, u32) -> Result<(), SegmentError>,
    ) -> Result<(), SegmentError> {
        let pieces = self.pieces(directory, end)?;
        for position in 0..directory.len() {
            let distance = directory.sequence(position);
            let Some((start, length)) = directory.range(position).filter(|_| is_wanted(distance)) else {
                continue;
            };
            let piece = pieces
                .partition_point(|(first, _)| *first <= start)
                .checked_sub(1);
            let (first, bytes) = piece.map(|piece| &pieces[piece]).ok_or(SegmentError::Damaged)?;
            let place = Place {
                sequence: distance,
                start,
                length,
            };
            let record = self.record(bytes, (start - first) as usize, &place);
            visit(record.ok_or(SegmentError::Damaged)?, length)?;
        }
        Ok(())
    }

    /// The messages of some records, but those that were erased. Only the first has to be there: who asks for another is told
    /// then that it is damaged.
    pub(crate) fn messages(&self, extract: &Extract) -> Result<Vec<Message>, SegmentError> {
        let mut messages = Vec::with_capacity(extract.places.len());
        let is_near = |place: &Place, next: &Place| {
            self.header.is_packed || next.start - (place.start + place.length) <= NEAR
        };
        let mut is_first = true;
        for near in extract.places.chunk_by(is_near) {
            let (start, bytes) = match self.bytes_of(extract, near) {
                Err(_) if !is_first => break,
                read => read?,
            };
            for place in near.iter().filter(|place| place.length > 0) {
                let offset = (place.start - start) as usize;
                match self.record(&bytes, offset, place) {
                    Some(record) if !record.is_erased => messages.push(record.message),
                    _ if is_first => return Err(SegmentError::Damaged),
                    Some(_) => {}
                    None => return Ok(messages),
                }
                is_first = false;
            }
        }
        Ok(messages)
    }

    fn record(&self, bytes: &Bytes, offset: usize, place: &Place) -> Option<Record> {
        let record = read_record(bytes, offset, self.seed, self.header.base)?;
        let is_expected = record.message.sequence == self.header.base + u64::from(place.sequence);
        (is_expected && record.length == place.length as usize).then_some(record)
    }

    /// Reads all records up to `end` of the file, without help of a footer. What is not whole is left out.
    pub(crate) fn scan(&self, end: u64) -> Result<Scanned, SegmentError> {
        let body = self.body(end)?;
        let mut scanned = Scanned {
            directory: Directory::growing(),
            is_damaged: body.len() as u64 + (HEADER as u64) < end,
            erased: Vec::new(),
        };
        if !self.header.is_packed {
            self.scan_records(&body, &mut scanned);
            return Ok(scanned);
        }
        let mut offset = 0;
        while let Some(head) = body.get(offset..).and_then(read_head) {
            let block = body.get(offset..offset.saturating_add(head.length));
            // Only a footer says that it is where no records can be, and there is none before the end.
            let block =
                block.filter(|_| (scanned.directory.written()..RECORDS_AT_MOST).contains(&head.start));
            let records = block.map(|block| self.read_block(&body.slice_ref(block)));
            let Some(Ok(records)) = records else {
                scanned.is_damaged = true;
                let Some(next) = self.next_block(&body, offset + 1) else {
                    break;
                };
                offset = next;
                continue;
            };
            scanned.leave_out_until(head.start);
            scanned.directory.add_block(head.start, (HEADER + offset) as u64);
            self.scan_records(&records, &mut scanned);
            offset += head.length;
        }
        scanned.is_damaged |= offset < body.len();
        Ok(scanned)
    }

    fn scan_records(&self, bytes: &Bytes, scanned: &mut Scanned) {
        let mut work = SCAN_WORK * bytes.len();
        let (mut offset, mut skipped) = (0, 0);
        while offset < bytes.len() {
            let length = bytes
                .get(offset..offset + 4)
                .and_then(|length| length.try_into().ok());
            let length = u32::from_le_bytes(length.unwrap_or_default()) as usize;
            let is_possible = length <= bytes.len() - offset;
            // What peers have sent may look like records: so much is checked for, and no more.
            let record = (is_possible && work >= length)
                .then(|| read_record(bytes, offset, self.seed, self.header.base))
                .flatten()
                .filter(|record| scanned.is_next(record.message.sequence, self.header.base));
            match record {
                Some(record) => {
                    scanned.leave_out(std::mem::take(&mut skipped));
                    scanned.add(&record, self.header.base);
                    offset += record.length;
                }
                None => {
                    work = work.saturating_sub(if is_possible { length } else { 0 });
                    scanned.is_damaged = true;
                    skipped += 1;
                    offset += 1;
                }
            }
        }
        scanned.leave_out(skipped);
    }

    fn next_block(&self, body: &Bytes, from: usize) -> Option<usize> {
        let mut work = SCAN_WORK * body.len();
        (from..body.len()).find(|offset| {
            let Some(head) = read_head(&body[*offset..]) else {
                return false;
            };
            if head.length > body.len() - offset || head.length > work {
                return false;
            }
            work -= head.length;
            self.read_block(&body.slice(*offset..*offset + head.length))
                .is_ok()
        })
    }
}

/// All records of a segment together are shorter.
const RECORDS_AT_MOST: u32 = 1 << 31;

/// So many times its length is checked of a file that is damaged, in search of what is not.
const SCAN_WORK: usize = 8;

impl Scanned {
    fn is_next(&self, sequence: u64, base: u64) -> bool {
        let length = self.directory.len();
        length == 0 || sequence - base > u64::from(self.directory.sequence(length - 1))
    }

    fn add(&mut self, record: &Record, base: u64) {
        let sequence = (record.message.sequence - base) as u32;
        self.directory.add(sequence, &record.message.subject);
        self.directory.place(record.length as u32);
        if record.is_erased {
            self.erased.push(sequence);
        }
    }

    fn leave_out(&mut self, bytes: usize) {
        self.directory.leave_out(bytes as u32);
    }

    fn leave_out_until(&mut self, start: u32) {
        self.directory
            .leave_out(start.saturating_sub(self.directory.written()));
    }
}
