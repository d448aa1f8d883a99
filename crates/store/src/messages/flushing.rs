//! Writing segments: what is new is put behind what is there, and a segment that is complete gets its footer.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::disk::{Disk, Opening, PIECE, is_full, write_durably};
use crate::encryption::{Keys, is_current, new_file_key};
use crate::segment::{
    Directory, HEADER, Packing, SegmentError, SegmentHeader, put_block, put_footer, put_record,
};

use super::part::{Sealed, Writing};
use super::{Messages, MessagesOptions, Part, Place, Stage};

/// So many bytes of records make a block.
const BLOCK: usize = 64 << 10;

/// What could not be written. Nothing is lost: it is in the log; but unless it was for [room](Self::is_for_room) the stream
/// has to be opened anew.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct WriteError {
    /// Into which file.
    pub path: PathBuf,
    /// Why.
    pub source: SegmentError,
}

impl WriteError {
    /// Whether the disk had no room for it, and that is all: it can be run again when there is.
    #[must_use]
    pub fn is_for_room(&self) -> bool {
        matches!(&self.source, SegmentError::Disk(error) if is_full(error))
    }
}

/// What is to be written into segments. Running it may take long; then it goes to [`Messages::flushed`].
#[derive(Debug)]
pub struct Flush {
    writes: Vec<Write>,
}

/// What is to be written into one segment.
#[derive(Debug)]
struct Write {
    number: u64,
    path: PathBuf,
    offset: u64,
    bytes: Vec<u8>,
    /// How many of its records are written afterwards.
    placed: usize,
    /// What is to be put in order, for the footer, if the segment gets one.
    seal: Option<Seal>,
    /// Whether it is made durable, with what was written before.
    syncs: bool,
}

/// The footer that is to be made. Putting many subjects in order takes long.
#[derive(Debug)]
struct Seal {
    directory: Directory,
    writing: Writing,
    /// Where in the file it goes.
    end: u64,
    sealed: OnceLock<Sealed>,
}

impl Seal {
    /// The bytes of the footer.
    fn footer(&self) -> Result<Vec<u8>, SegmentError> {
        let sealed = self.sealed.get_or_init(|| {
            let (directory, order) = self.directory.frozen().sort();
            Sealed { directory, order }
        });
        footer(&self.writing, &sealed.directory, self.end)
    }
}

impl Flush {
    /// Writes it. What is much is made durable piece by piece, so that the log's own syncs never wait for much; what is
    /// little may be lost until the next checkpoint.
    ///
    /// # Errors
    ///
    /// Those of the disk. The stream has to be opened anew then.
    pub fn run(&self, disk: &dyn Disk) -> Result<(), WriteError> {
        for write in &self.writes {
            let run = || {
                let opening = if write.offset == 0 {
                    Opening::Emptied
                } else {
                    Opening::Existing
                };
                let file = disk.open(&write.path, opening)?;
                let footer = write.seal.as_ref().map(Seal::footer).transpose()?;
                let bytes = match footer {
                    Some(footer) => Cow::Owned([&write.bytes[..], &footer].concat()),
                    None => Cow::Borrowed(&write.bytes[..]),
                };
                match write.syncs {
                    true => write_durably(&*file, write.offset, &bytes)?,
                    false => file.write_at(write.offset, &bytes)?,
                }
                Ok(())
            };
            run().map_err(|source| WriteError {
                path: write.path.clone(),
                source,
            })?;
        }
        Ok(())
    }

    /// Whether there is nothing to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// How many bytes are to be written.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.writes.iter().map(|write| write.bytes.len() as u64).sum()
    }
}

/// What is needed to write a new segment.
pub(super) fn begin(
    place: &Place,
    options: &MessagesOptions,
    number: u64,
    base: u64,
) -> Result<Writing, SegmentError> {
    let (key, id, salt) = new_file_key(place.keys.as_ref())?;
    let header = SegmentHeader {
        incarnation: place.incarnation,
        number,
        base,
        is_packed: options.is_compressed || key.is_some(),
        key: id,
        salt,
    };
    Ok(Writing {
        seed: header.seed(),
        packing: Packing {
            is_compressed: options.is_compressed,
            key,
        },
        header,
    })
}

/// Whether a segment is written as a new one would be.
pub(super) fn is_as_configured(part: &Part, options: &MessagesOptions, keys: Option<&Keys>) -> bool {
    is_current(keys, part.key) && part.is_packed == (options.is_compressed || keys.is_some())
}

/// Puts records behind each other, in blocks if they have to be.
#[derive(Debug)]
pub(super) struct Records<'a> {
    writing: &'a Writing,
    bytes: Vec<u8>,
    /// Where in the file `bytes` go.
    offset: u64,
    /// Records that are in no block yet, and where they begin.
    open: Vec<u8>,
    start: u32,
}

impl<'a> Records<'a> {
    pub(super) fn new(writing: &'a Writing, offset: u64, start: u32) -> Self {
        let (bytes, offset) = match offset {
            0 => (writing.header.encode(), 0),
            _ => (Vec::new(), offset),
        };
        Self {
            writing,
            bytes,
            offset,
            open: Vec::new(),
            start,
        }
    }

    /// Puts a record, by what encodes it.
    pub(super) fn put(
        &mut self,
        directory: &mut Directory,
        encode: impl FnOnce(&mut Vec<u8>, &Writing),
    ) -> Result<(), SegmentError> {
        let is_packed = self.writing.header.is_packed;
        let out = if is_packed {
            &mut self.open
        } else {
            &mut self.bytes
        };
        let before = out.len();
        encode(out, self.writing);
        let length = out.len() - before;
        directory.place(length as u32);
        if is_packed && self.open.len() >= BLOCK {
            self.close_block(directory)?;
        }
        Ok(())
    }

    fn close_block(&mut self, directory: &mut Directory) -> Result<(), SegmentError> {
        if self.open.is_empty() {
            return Ok(());
        }
        directory.add_block(self.start, self.end());
        let Writing { seed, packing, .. } = self.writing;
        put_block(&mut self.bytes, *seed, self.start, &self.open, packing)?;
        self.start += self.open.len() as u32;
        self.open.clear();
        Ok(())
    }

    fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    /// All bytes, and where in the file the next record goes.
    pub(super) fn finish(mut self, directory: &mut Directory) -> Result<(Vec<u8>, u64), SegmentError> {
        self.close_block(directory)?;
        let end = self.end();
        Ok((self.bytes, end))
    }
}

/// The footer of a segment that ends there.
pub(super) fn footer(writing: &Writing, directory: &Directory, end: u64) -> Result<Vec<u8>, SegmentError> {
    let mut bytes = Vec::new();
    put_footer(&mut bytes, writing.seed, end, directory, &writing.packing)?;
    Ok(bytes)
}

impl Messages {
    /// What is not written yet; None if that is nothing, or if something is being written already.
    ///
    /// # Errors
    ///
    /// What the TLS library cannot seal. The stream has to be opened anew then.
    pub fn flush(&mut self) -> Result<Option<Flush>, WriteError> {
        if self.is_writing {
            return Ok(None);
        }
        let flush = self.plan_flush()?;
        self.is_writing = !flush.is_empty();
        Ok(self.is_writing.then_some(flush))
    }

    pub(super) fn plan_flush(&mut self) -> Result<Flush, WriteError> {
        let mut writes = Vec::new();
        if let Some(place) = &self.place {
            for part in self.parts.iter_mut().filter(|part| part.stage != Stage::Sealed) {
                let write = part
                    .plan_write(place, &self.options)
                    .map_err(|source| WriteError {
                        path: place.segment(part.number),
                        source,
                    })?;
                writes.extend(write);
            }
        }
        Ok(Flush { writes })
    }

    /// It was written.
    pub fn flushed(&mut self, flush: &Flush) {
        self.is_writing = false;
        self.written(flush);
    }

    pub(super) fn written(&mut self, flush: &Flush) {
        for write in &flush.writes {
            let Some(place) = self.parts.iter().position(|part| part.number == write.number) else {
                continue;
            };
            let part = &mut self.parts[place];
            let over = self.held.saturating_sub(self.options.held_at_most);
            self.held -= part.let_go(write.placed, over);
            if let Some(sealed) = write.seal.as_ref().and_then(|seal| seal.sealed.get()) {
                part.seal(sealed);
                self.directories += part.directory_memory();
            }
        }
        // What was written before goes, too, if there is too much of it.
        let mut over = self.held.saturating_sub(self.options.held_at_most);
        for part in &mut self.parts {
            let placed = part.directory.as_ref().map_or(0, |directory| directory.placed());
            let freed = part.let_go(placed, over);
            self.held -= freed;
            over -= freed.min(over);
        }
        self.drop_directories(usize::MAX);
    }
}

impl Part {
    /// What of it is not written, and its footer if it is complete.
    fn plan_write(
        &mut self,
        place: &Place,
        options: &MessagesOptions,
    ) -> Result<Option<Write>, SegmentError> {
        let Some(directory) = &mut self.directory else {
            return Ok(None);
        };
        let seals = self.stage == Stage::Complete && !self.is_damaged;
        let unplaced = directory.placed()..directory.len();
        if unplaced.is_empty() && !seals {
            return Ok(None);
        }
        let writing = match &mut self.writing {
            Some(writing) => writing,
            writing => writing.insert(begin(place, options, self.number, self.base)?),
        };
        (self.key, self.is_packed) = (writing.header.key, writing.header.is_packed);
        let mut records = Records::new(writing, self.file_end, directory.written());
        for position in unplaced {
            let distance = directory.sequence(position);
            let message = self.held.get(position - self.held_from);
            match message.filter(|_| self.deleted.is_empty() || !self.deleted.contains(distance)) {
                Some(message) => records.put(directory, |out, writing| {
                    put_record(out, writing.seed, writing.header.base, message);
                })?,
                // It was deleted before it was written.
                None => directory.place(0),
            }
        }
        let offset = self.file_end;
        let (bytes, end) = records.finish(directory)?;
        let offset_of_end = if offset == 0 { end.max(HEADER as u64) } else { end };
        self.file_end = offset_of_end;
        // What was deleted before it was written takes no room.
        self.length = u64::from(directory.written());
        let placed = directory.placed();
        let seal = seals.then(|| Seal {
            directory: directory.frozen(),
            writing: writing.clone(),
            end: self.file_end,
            sealed: OnceLock::new(),
        });
        self.unsynced += bytes.len();
        let syncs = self.unsynced >= PIECE;
        if syncs {
            self.unsynced = 0;
        }
        Ok(Some(Write {
            number: self.number,
            path: place.segment(self.number),
            offset,
            bytes,
            placed,
            seal,
            syncs,
        }))
    }
}
