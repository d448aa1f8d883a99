//! Cuts: all messages that there are at one moment, to be read while the stream goes on.
//!
//! A cut takes as long as there are segments, and messages in memory. What is deleted or written anew later is read as it was;
//! until the cut is [given back](Messages::give_back) no file of a segment goes. What is written over in a file is gone from
//! it, too.

use std::collections::VecDeque;
use std::path::PathBuf;

use roaring::RoaringBitmap;

use crate::disk::Disk;
use crate::encryption::Keys;
use crate::message::Message;
use crate::segment::{SegmentError, SegmentFile, SegmentId};

use super::{Messages, ReadError, Stage};

/// All messages of one moment. Reading them may take long.
#[derive(Debug)]
pub struct Cut {
    parts: VecDeque<Source>,
    keys: Option<Keys>,
}

#[derive(Debug)]
struct Source {
    number: u64,
    /// Its file, if messages are to be read from that.
    file: Option<(SegmentId, PathBuf)>,
    is_sealed: bool,
    file_end: u64,
    deleted: RoaringBitmap,
    /// Messages in memory, which come behind those in the file.
    held: Vec<Message>,
}

impl Cut {
    /// The messages of the next segment, in their order; None: there are no more.
    ///
    /// # Errors
    ///
    /// What is damaged, and what the disk cannot read.
    pub fn next(&mut self, disk: &dyn Disk) -> Result<Option<Vec<Message>>, ReadError> {
        let Some(source) = self.parts.pop_front() else {
            return Ok(None);
        };
        let segment = source.number;
        let read = source.read(disk, self.keys.as_ref());
        read.map(Some).map_err(|source| ReadError {
            segment,
            sequence: None,
            source,
        })
    }
}

impl Source {
    fn read(self, disk: &dyn Disk, keys: Option<&Keys>) -> Result<Vec<Message>, SegmentError> {
        let mut messages = Vec::new();
        if let Some((id, path)) = &self.file {
            let file = SegmentFile::open(disk, path, keys, *id)?;
            let directory = match self.is_sealed {
                true => file.directory()?,
                false => file.scan(self.file_end)?.directory,
            };
            let first_held = self.held.first().map_or(u64::MAX, |message| message.sequence);
            let is_wanted = |distance: u32| {
                !self.deleted.contains(distance) && id.base + u64::from(distance) < first_held
            };
            file.for_each(&directory, self.file_end, is_wanted, |record, _| {
                if !record.is_erased {
                    messages.push(record.message);
                }
                Ok(())
            })?;
        }
        messages.extend(self.held);
        Ok(messages)
    }
}

impl Messages {
    /// All messages that there are. It has to be [given back](Self::give_back).
    pub fn cut(&mut self) -> Cut {
        self.cuts += 1;
        let parts = self.parts.iter().filter(|part| part.live > 0).map(|part| {
            // Of those that are deleted nothing is left.
            let held = part.held.iter().filter(|message| !message.subject.is_empty());
            let is_in_file = part.file_end > 0 && (part.held_from > 0 || part.held.is_empty());
            let file = self.place.as_ref().filter(|_| is_in_file);
            Source {
                number: part.number,
                file: file.map(|place| (place.id(part), place.segment(part.number))),
                is_sealed: part.stage == Stage::Sealed,
                file_end: part.file_end,
                deleted: part.deleted.clone(),
                held: held.cloned().collect(),
            }
        });
        Cut {
            parts: parts.collect(),
            keys: self.place.as_ref().and_then(|place| place.keys.clone()),
        }
    }

    /// A cut is not read any more.
    pub fn give_back(&mut self) {
        self.cuts = self.cuts.saturating_sub(1);
    }
}
