//! Reading messages, and what has to be read before anything else is known of a segment.

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::disk::Disk;
use crate::encryption::Keys;
use crate::message::Message;
use crate::segment::{Directory, Extract, SegmentError, SegmentFile, SegmentId};

use super::searching::{Cursor, Mask};
use super::{Messages, Part, Place};

/// So much is read at once, for those who ask for what follows.
const READ: u32 = 256 << 10;
/// So many reads are remembered.
const RECENT: usize = 12;

/// What has to be read first. Running it may take long; what it returns goes to [`Messages::warm`], and then the question is
/// to be asked again.
#[derive(Debug)]
pub struct Cold(Box<Job>);

#[derive(Debug)]
struct Job {
    id: SegmentId,
    path: PathBuf,
    keys: Option<Keys>,
    what: What,
}

#[derive(Debug)]
enum What {
    /// A directory: from the footer, or else by reading records up to that end of the file.
    Directory { end: u64 },
    /// Messages, the first of which is that of the sequence; None if its record is lost.
    Messages { extract: Option<Extract>, sequence: u64 },
    /// Nothing: what was asked takes long, and others have their turn before it goes on.
    Pause,
}

/// What was read.
#[derive(Debug)]
pub struct Warm {
    number: u64,
    found: Read,
}

#[derive(Debug)]
pub(super) enum Read {
    Directory {
        directory: Box<Directory>,
        is_damaged: bool,
    },
    Messages(Vec<Message>),
    Nothing,
}

/// What could not be read.
#[derive(Debug, thiserror::Error)]
#[error("segment {segment}: {source}")]
pub struct ReadError {
    /// The number of the segment.
    pub segment: u64,
    /// The sequence that was asked for, if it was one.
    pub sequence: Option<u64>,
    /// Why.
    pub source: SegmentError,
}

impl Cold {
    pub(super) fn directory(place: &Place, part: &Part) -> Self {
        Self(Box::new(Job {
            id: place.id(part),
            path: place.segment(part.number),
            keys: place.keys.clone(),
            what: What::Directory { end: part.file_end },
        }))
    }

    fn messages(place: &Place, part: &Part, extract: Option<Extract>, sequence: u64) -> Self {
        Self(Box::new(Job {
            id: place.id(part),
            path: place.segment(part.number),
            keys: place.keys.clone(),
            what: What::Messages { extract, sequence },
        }))
    }

    /// For who asks for much: to be asked again, after all others that wait.
    pub(super) fn pause() -> Self {
        Self(Box::new(Job {
            id: SegmentId::default(),
            path: PathBuf::new(),
            keys: None,
            what: What::Pause,
        }))
    }

    /// Whether nothing has to be read: the question took long, and goes on when it is asked again. So nobody else waits for
    /// longer than for a part of it.
    #[must_use]
    pub fn is_pause(&self) -> bool {
        matches!(self.0.what, What::Pause)
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// What is damaged, and what the disk cannot read.
    pub fn run(&self, disk: &dyn Disk) -> Result<Warm, ReadError> {
        let Job { id, path, keys, what } = &*self.0;
        let open = || SegmentFile::open(disk, path, keys.as_ref(), *id);
        let read = || match what {
            What::Pause => Ok(Read::Nothing),
            What::Directory { end } => open()?.directory_or_scan(*end),
            What::Messages { extract, .. } => {
                let extract = extract.as_ref().ok_or(SegmentError::Damaged)?;
                open()?.messages(extract).map(Read::Messages)
            }
        };
        match read() {
            Ok(found) => Ok(Warm {
                number: id.number,
                found,
            }),
            Err(source) => Err(ReadError {
                segment: id.number,
                sequence: match what {
                    What::Directory { .. } | What::Pause => None,
                    What::Messages { sequence, .. } => Some(*sequence),
                },
                source,
            }),
        }
    }
}

impl SegmentFile {
    pub(super) fn directory_or_scan(&self, end: u64) -> Result<Read, SegmentError> {
        match self.directory() {
            Ok(directory) => Ok(Read::Directory {
                directory: Box::new(directory),
                is_damaged: false,
            }),
            // What the footer says is told by the records, too.
            Err(SegmentError::Damaged) => {
                let scanned = self.scan(end)?;
                Ok(Read::Directory {
                    directory: Box::new(scanned.directory.into_sealed()),
                    is_damaged: true,
                })
            }
            Err(error) => Err(error),
        }
    }
}

impl Read {
    /// The directory that was read, and whether something was found to be damaged.
    pub(super) fn into_directory(self) -> Option<(Directory, bool)> {
        match self {
            Self::Directory {
                directory,
                is_damaged,
            } => Some((*directory, is_damaged)),
            Self::Messages(_) | Self::Nothing => None,
        }
    }
}

impl Warm {
    /// The messages that were read, if it was some.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        match &self.found {
            Read::Messages(messages) => messages,
            Read::Directory { .. } | Read::Nothing => &[],
        }
    }

    /// Whether something of the segment was found to be damaged.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        matches!(self.found, Read::Directory { is_damaged: true, .. })
    }
}

impl Messages {
    /// The message with a sequence; None if there is none, or none any more.
    ///
    /// # Errors
    ///
    /// What has to be read first.
    pub fn get(&mut self, sequence: u64) -> Result<Option<Message>, Cold> {
        self.read(sequence, None)
    }

    /// The next message, from where the cursor is, that its filters match. The cursor stays there. What has to be read first
    /// is read for several messages that match, and for no others.
    ///
    /// # Errors
    ///
    /// What has to be read first; the cursor keeps what it has come through.
    pub fn next_message(&mut self, cursor: &mut Cursor) -> Result<Option<Message>, Cold> {
        match self.next(cursor)? {
            Some(sequence) => self.read(sequence, cursor.mask()),
            None => Ok(None),
        }
    }

    fn read(&mut self, sequence: u64, mask: Option<&Mask>) -> Result<Option<Message>, Cold> {
        if sequence < self.first {
            return Ok(None);
        }
        let Some(place) = self.part_of(sequence) else {
            return Ok(None);
        };
        let distance = self.parts[place].distance(sequence);
        if self.parts[place].is_deleted(distance) {
            return Ok(None);
        }
        if let Some(message) = self.recently_read(sequence) {
            return Ok(Some(message));
        }
        if let Some(cold) = self.found_at(place, sequence) {
            return Err(cold);
        }
        self.touch(place)?;
        let part = &self.parts[place];
        let Some(directory) = &part.directory else {
            return Ok(None);
        };
        let extract = match directory.find(distance) {
            Ok(position) => match part.held(position) {
                Some(message) => return Ok(Some(message.clone())),
                None => {
                    let mask = mask.filter(|mask| mask.is_of(part));
                    let end = part.let_go_of(directory);
                    if let Some(positions) = mask.and_then(|mask| mask.positions_from(position + 1)) {
                        let wanted = positions.iter().map(|other| *other as usize);
                        let wanted = wanted.take_while(|other| *other < end);
                        let wanted = std::iter::once(position).chain(wanted);
                        directory.extract(wanted, READ)
                    } else {
                        let is_wanted = |other: &usize| {
                            let has = |mask: &Mask| mask.has(directory.subject_number(*other));
                            *other == position || mask.is_none_or(has)
                        };
                        directory.extract((position..end).filter(is_wanted), READ)
                    }
                }
            },
            Err(_) if part.is_damaged => None,
            Err(_) => return Ok(None),
        };
        match &self.place {
            Some(files) => Err(Cold::messages(files, part, extract, sequence)),
            None => Ok(None),
        }
    }

    /// What has to be read for a message of which it was found where it is.
    fn found_at(&self, place: usize, sequence: u64) -> Option<Cold> {
        let part = &self.parts[place];
        let extract = self.found.of(sequence, part.number)?;
        let files = self.place.as_ref()?;
        Some(Cold::messages(files, part, Some(extract.clone()), sequence))
    }

    /// The same by its sequence: None if nothing has to be read, or that is not known.
    #[must_use]
    pub fn found_job(&self, sequence: u64) -> Option<Cold> {
        let place = self.part_of(sequence).filter(|_| sequence >= self.first)?;
        let part = &self.parts[place];
        let is_there = !part.is_deleted(part.distance(sequence)) && self.recently_read(sequence).is_none();
        is_there.then(|| self.found_at(place, sequence)).flatten()
    }

    fn recently_read(&self, sequence: u64) -> Option<Message> {
        self.recent.iter().rev().find_map(|messages| {
            let place = messages.binary_search_by_key(&sequence, |message| message.sequence);
            place.ok().map(|place| messages[place].clone())
        })
    }

    /// Takes what was read.
    pub fn warm(&mut self, warm: Warm) {
        match warm.found {
            Read::Nothing => {}
            Read::Messages(messages) => {
                self.recent.push_back(messages);
                if self.recent.len() > RECENT {
                    self.recent.pop_front();
                }
            }
            Read::Directory {
                mut directory,
                is_damaged,
            } => {
                let Some(place) = self.parts.iter().position(|part| part.number == warm.number) else {
                    return;
                };
                let part = &mut self.parts[place];
                if part.directory.is_some() {
                    return;
                }
                directory.delete_all(&part.deleted);
                part.is_damaged |= is_damaged;
                part.directory = Some(*directory);
                // It is in use, whatever else has to go for it.
                self.uses += 1;
                part.used = self.uses;
                self.directories += part.directory_memory();
                self.drop_directories(place);
            }
        }
    }

    /// Drops those directories that were not used for longest, but none of `place`.
    pub(super) fn drop_directories(&mut self, place: usize) {
        while self.directories > self.options.directories_at_most {
            let loaded = self.parts.iter().enumerate();
            let oldest = loaded
                .filter(|(other, part)| {
                    *other != place && part.directory_memory() > 0 && part.held.is_empty()
                })
                .min_by_key(|(_, part)| part.used)
                .map(|(other, _)| other);
            let Some(oldest) = oldest else {
                break;
            };
            self.directories -= self.parts[oldest].drop_directory();
        }
    }

    /// Lets go of what can be read again: worth it for a stream that rests.
    pub fn cool(&mut self) {
        self.recent = VecDeque::new();
        self.found.clear();
        for part in &mut self.parts {
            self.directories -= part.drop_directory();
        }
    }

    /// The directory of a part is in use.
    ///
    /// # Errors
    ///
    /// It has to be read first.
    pub(super) fn touch(&mut self, place: usize) -> Result<(), Cold> {
        self.uses += 1;
        let part = &mut self.parts[place];
        part.used = self.uses;
        match (&part.directory, &self.place) {
            (None, Some(files)) => Err(Cold::directory(files, part)),
            _ => Ok(()),
        }
    }
}
