//! Opening a stream: what its checkpoint says, and what is to be looked up in its segments.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::disk::Disk;
use crate::encryption::{Keys, is_current};
use crate::envelope;
use crate::segment::{SegmentError, SegmentFile};
use crate::subjects::{SubjectState, Subjects};

use super::checkpoint::{CHECKPOINT, CHECKPOINTS, SUBJECTS, SUBJECTS_FILES, Said, decode, decode_subjects};
use super::flushing::is_as_configured;
use super::part::{Part, Stage, Writing};
use super::{Messages, MessagesOptions, Place, Position, ReadError};

/// How many folders above that of a stream may have been made for it.
const ABOVE: usize = 3;

/// What a stream cannot be opened for. Its files stay as they are.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct OpenError {
    /// What could not be read.
    pub path: PathBuf,
    /// Why.
    pub source: SegmentError,
}

/// A stream as its files say, up to its last checkpoint.
#[derive(Debug)]
pub struct Found {
    /// Its messages.
    pub messages: Messages,
    /// Up to where entries of the log are in them: those behind have to be applied.
    pub position: Position,
    /// What it is besides its messages; None if there was no checkpoint yet.
    pub state: Option<Bytes>,
    /// What could not be read, and is lost, or told by something else.
    pub damage: Vec<ReadError>,
    /// Whether some of it is sealed by the previous key, and has to be written anew.
    pub is_key_old: bool,
}

impl Messages {
    /// Opens the messages in a folder.
    ///
    /// # Errors
    ///
    /// What cannot be read though nothing works without it.
    pub fn open(
        disk: &dyn Disk,
        folder: &Path,
        options: MessagesOptions,
        keys: Option<Keys>,
        incarnation: u64,
    ) -> Result<Found, OpenError> {
        let place = Place::new(folder, incarnation, keys);
        Opening::new(disk, place, options, false).found()
    }

    /// As [`Messages::open`], in a folder of which is known that it is there for good, with all those above.
    ///
    /// # Errors
    ///
    /// What cannot be read though nothing works without it.
    pub(crate) fn open_durable(
        disk: &dyn Disk,
        folder: &Path,
        options: MessagesOptions,
        keys: Option<Keys>,
        incarnation: u64,
    ) -> Result<Found, OpenError> {
        let place = Place::new(folder, incarnation, keys);
        Opening::new(disk, place, options, true).found()
    }

    /// The messages in a folder that was just made, and is there for good: nothing need be synced.
    ///
    /// # Errors
    ///
    /// What cannot be read though nothing works without it.
    pub(crate) fn open_new(
        disk: &dyn Disk,
        folder: &Path,
        options: MessagesOptions,
        keys: Option<Keys>,
        incarnation: u64,
    ) -> Result<Self, OpenError> {
        let place = Place::new(folder, incarnation, keys);
        Opening::new(disk, place, options, true).messages(None)
    }
}

struct Opening<'a> {
    disk: &'a dyn Disk,
    place: Place,
    options: MessagesOptions,
    /// Whether the folder is known to be there for good.
    is_folder_durable: bool,
    damage: Vec<ReadError>,
    is_key_old: bool,
}

impl<'a> Opening<'a> {
    fn new(disk: &'a dyn Disk, place: Place, options: MessagesOptions, is_folder_durable: bool) -> Self {
        Self {
            disk,
            place,
            options,
            is_folder_durable,
            damage: Vec::new(),
            is_key_old: false,
        }
    }

    fn found(mut self) -> Result<Found, OpenError> {
        let said = self.checkpoint()?;
        let (position, state) = match &said {
            Some(said) => (said.position, Some(said.state.clone())),
            None => (Position::default(), None),
        };
        let messages = self.messages(said)?;
        let keys = self.place.keys.as_ref();
        let is_key_old = self.is_key_old
            || messages
                .parts
                .iter()
                .any(|part| part.file_end > 0 && !is_current(keys, part.key));
        Ok(Found {
            messages,
            position,
            state,
            damage: self.damage,
            is_key_old,
        })
    }

    /// The newest checkpoint that can be read.
    fn checkpoint(&mut self) -> Result<Option<Said>, OpenError> {
        let (mut newest, mut unreadable): (Option<Said>, _) = (None, None);
        let mut positions = Vec::new();
        for name in CHECKPOINTS {
            let path = self.place.folder.join(name);
            match envelope::read(self.disk, &path, CHECKPOINT, self.place.keys.as_ref()) {
                Ok(None) => {}
                Ok(Some((plain, key))) => {
                    self.is_key_old |= !is_current(self.place.keys.as_ref(), key);
                    let said = decode(&plain, self.place.incarnation);
                    positions.extend(said.as_ref().map(|said| said.position));
                    match said {
                        Some(said)
                            if newest
                                .as_ref()
                                .is_none_or(|newest| newest.position < said.position) =>
                        {
                            newest = Some(said);
                        }
                        Some(_) => {}
                        None => unreadable = Some((path, SegmentError::Damaged)),
                    }
                }
                Err(source) => unreadable = Some((path, source)),
            }
        }
        let is_durable = match *positions {
            // The second one is written when the first is durable, with its name.
            [one, other] => one == other,
            [] => self.is_folder_durable,
            _ => false,
        };
        if !is_durable {
            let above = if positions.is_empty() { ABOVE } else { 0 };
            let folders = self.place.folder.ancestors().take(1 + above);
            for folder in folders {
                self.disk.sync_folder(folder).map_err(|error| OpenError {
                    path: folder.to_owned(),
                    source: error.into(),
                })?;
            }
        }
        match (newest, unreadable) {
            (None, Some((path, source))) => Err(OpenError { path, source }),
            (newest, None) => Ok(newest),
            (newest, Some((_, source))) => {
                self.damage.push(ReadError {
                    segment: 0,
                    sequence: None,
                    source,
                });
                Ok(newest)
            }
        }
    }

    fn messages(&mut self, said: Option<Said>) -> Result<Messages, OpenError> {
        let mut messages = Messages::new(self.options, Some(self.place.clone()));
        let named: HashSet<u64> = said
            .iter()
            .flat_map(|said| &said.parts)
            .map(|part| part.number)
            .collect();
        self.remove_leftovers(&named)?;
        let Some(said) = said else {
            return Ok(messages);
        };
        (messages.first, messages.last, messages.last_time) = (said.first, said.last, said.last_time);
        messages.next_number = said.next_number;
        messages.parts = said.parts.into();
        // What had no footer then is read from its records below.
        let growing = messages.parts.iter().find(|part| part.stage != Stage::Sealed);
        let growing = growing.map(|part| part.number);
        messages.erasures.checkpointed(0, messages.next_number, growing);
        let parts = messages.parts.len();
        for (place, part) in messages.parts.iter_mut().enumerate() {
            if part.stage != Stage::Sealed && part.file_end > 0 {
                self.scan(part, place + 1 == parts)?;
            } else if part.stage != Stage::Sealed {
                part.directory = Some(crate::segment::Directory::growing());
            }
            messages.messages += u64::from(part.live);
            messages.bytes += part.live_bytes;
        }
        let found =
            (0..SUBJECTS_FILES.len()).find_map(|file| Some((file, self.subjects(file, said.position)?)));
        messages.subjects = match found {
            Some((file, subjects)) => {
                messages.next_subjects_file = 1 - file;
                subjects
            }
            None => self.rebuild_subjects(&mut messages)?,
        };
        Ok(messages)
    }

    /// What the checkpoint does not name was written after it, and is in the log, or was needed before it.
    fn remove_leftovers(&self, named: &HashSet<u64>) -> Result<(), OpenError> {
        let failed = |source: io::Error| OpenError {
            path: self.place.folder.clone(),
            source: source.into(),
        };
        for listed in self.disk.list(&self.place.folder).map_err(failed)? {
            let number = listed
                .name
                .strip_suffix(".seg")
                .and_then(|number| number.parse().ok());
            let is_leftover = number.is_some_and(|number: u64| !named.contains(&number));
            if is_leftover || listed.name.ends_with(".new") {
                self.disk
                    .remove_file(&self.place.folder.join(&listed.name))
                    .map_err(failed)?;
            }
        }
        Ok(())
    }

    fn open_segment(&mut self, part: &Part) -> Result<Option<SegmentFile>, OpenError> {
        let number = part.number;
        let path = self.place.segment(number);
        match SegmentFile::open(self.disk, &path, self.place.keys.as_ref(), self.place.id(part)) {
            Ok(file) => Ok(Some(file)),
            Err(SegmentError::Damaged) => {
                self.damaged(number, SegmentError::Damaged);
                Ok(None)
            }
            Err(SegmentError::Disk(error)) if error.kind() == io::ErrorKind::NotFound => {
                self.damaged(number, SegmentError::Disk(error));
                Ok(None)
            }
            Err(source) => Err(OpenError { path, source }),
        }
    }

    fn damaged(&mut self, segment: u64, source: SegmentError) {
        self.damage.push(ReadError {
            segment,
            sequence: None,
            source,
        });
    }

    /// Reads the records of a segment that has no footer.
    fn scan(&mut self, part: &mut Part, is_last: bool) -> Result<(), OpenError> {
        let Some(file) = self.open_segment(part)? else {
            part.is_damaged = true;
            part.stage = Stage::Complete;
            part.directory = Some(crate::segment::Directory::growing());
            return Ok(());
        };
        let failed = |source| OpenError {
            path: self.place.segment(part.number),
            source,
        };
        let scanned = file.scan(part.file_end).map_err(failed)?;
        // What was written since is in the log. A footer is looked for at the end of the file.
        let cut = || match file.file.length()? > part.file_end {
            true => file.file.set_length(part.file_end),
            false => Ok(()),
        };
        cut().map_err(|error: io::Error| failed(error.into()))?;
        let mut directory = scanned.directory;
        part.deleted.extend(scanned.erased);
        directory.delete_all(&part.deleted);
        if scanned.is_damaged && !part.is_damaged {
            self.damaged(part.number, SegmentError::Damaged);
        }
        part.is_damaged |= scanned.is_damaged;
        part.records = directory.len() as u32;
        part.held_from = directory.len();
        part.length = u64::from(directory.written());
        part.directory = Some(directory);
        if !is_last || part.is_damaged || !is_as_configured(part, &self.options, self.place.keys.as_ref()) {
            part.stage = Stage::Complete;
        }
        part.writing = Some(Writing {
            seed: file.seed,
            packing: file.packing,
            header: file.header,
        });
        Ok(())
    }

    /// The index of subjects, if it was written with this checkpoint.
    fn subjects(&self, file: usize, position: Position) -> Option<Subjects> {
        let path = self.place.folder.join(SUBJECTS_FILES[file]);
        let read = envelope::read(self.disk, &path, SUBJECTS, self.place.keys.as_ref());
        decode_subjects(&read.ok()??.0, self.place.incarnation, position)
    }

    /// The index of subjects, by what the segments say.
    fn rebuild_subjects(&mut self, messages: &mut Messages) -> Result<Subjects, OpenError> {
        let mut subjects = Subjects::default();
        for part in &mut messages.parts {
            let was_there = part.directory.is_some();
            if !was_there && let Some(file) = self.open_segment(part)? {
                let found = file
                    .directory_or_scan(part.file_end)
                    .map_err(|source| OpenError {
                        path: self.place.segment(part.number),
                        source,
                    })?;
                if let Some((mut directory, is_damaged)) = found.into_directory() {
                    if is_damaged {
                        self.damaged(part.number, SegmentError::Damaged);
                    }
                    part.is_damaged |= is_damaged;
                    directory.delete_all(&part.deleted);
                    part.directory = Some(directory);
                }
            }
            add_subjects(&mut subjects, part);
            if !was_there {
                part.directory = None;
            }
        }
        Ok(subjects)
    }
}

/// Adds the subjects of a segment, which comes behind those before.
fn add_subjects(subjects: &mut Subjects, part: &Part) {
    let Some(directory) = &part.directory else {
        return;
    };
    let mut states = vec![SubjectState::default(); directory.subject_count()];
    directory.for_each_subject(0, |position, number| {
        let distance = directory.sequence(position);
        if !part.is_deleted(distance) {
            let state = &mut states[number as usize];
            state.last = part.base + u64::from(distance);
            if state.count == 0 {
                state.first = state.last;
            }
            state.count += 1;
        }
    });
    directory.for_each_name(|number, name| {
        let state = states[number as usize];
        if state.count > 0 {
            subjects.merge(name, state);
        }
    });
}
