//! Checkpoints: up to where the log is in segments, durably, and everything that no segment says.

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use roaring::RoaringBitmap;

use crate::disk::{Disk, Opening};
use crate::encryption::Keys;
use crate::envelope::{self, Magic};
use crate::fields::{Fields, PutFields};
use crate::subjects::{SubjectState, Subjects};

use super::part::{Part, Stage};
use super::{Flush, Messages, WriteError};

pub(super) const CHECKPOINT: &Magic = b"VagusCHK";
pub(super) const SUBJECTS: &Magic = b"VagusSUB";
/// It is there twice: what hits one of them costs nothing.
pub(super) const CHECKPOINTS: [&str; 2] = ["checkpoint.a", "checkpoint.b"];
/// The index of the last checkpoint is there until the next one is durable.
pub(super) const SUBJECTS_FILES: [&str; 2] = ["subjects.a", "subjects.b"];

const IS_PACKED: u8 = 1;
const IS_DAMAGED: u8 = 2;
const HAS_ERASED: u8 = 4;

/// A place in the log of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The index of an entry; 0 before the first.
    pub index: u64,
    /// Its term.
    pub term: u64,
}

/// What has to be written for the log to be dropped up to a position. Running it may take long; then it goes to
/// [`Messages::checkpointed`].
#[derive(Debug)]
pub struct Checkpoint {
    position: Position,
    incarnation: u64,
    flush: Flush,
    unsynced: Vec<PathBuf>,
    folder: PathBuf,
    keys: Option<Keys>,
    plain: Vec<u8>,
    subjects: SubjectsThen,
    subjects_file: usize,
    retired: Vec<(u64, PathBuf)>,
    /// How many erasures waited for it, which number the next segment was to have, and which segment gets no footer.
    waited: usize,
    next_number: u64,
    growing: Option<u64>,
}

/// The subjects as they were when a checkpoint was begun. As long as they are there what changes has to be copied: they go once
/// they are encoded, before anything is written.
#[derive(Debug)]
struct SubjectsThen {
    subjects: Mutex<Subjects>,
    encoded: OnceLock<Vec<u8>>,
}

impl SubjectsThen {
    fn new(subjects: Subjects) -> Self {
        Self {
            subjects: Mutex::new(subjects),
            encoded: OnceLock::new(),
        }
    }

    fn encoded(&self, incarnation: u64, position: Position) -> &[u8] {
        self.encoded.get_or_init(|| {
            let mut subjects = self.subjects.lock().unwrap_or_else(PoisonError::into_inner);
            encode_subjects(incarnation, position, &std::mem::take(&mut subjects))
        })
    }
}

impl Checkpoint {
    /// Writes what is not written, makes segments durable, then says so durably, and removes what is not needed any more.
    ///
    /// # Errors
    ///
    /// Those of the disk. The stream has to be opened anew then.
    pub fn run(&self, disk: &dyn Disk) -> Result<(), WriteError> {
        let subjects = self.subjects.encoded(self.incarnation, self.position);
        self.flush.run(disk)?;
        let failed_at = |path: &PathBuf| {
            let path = path.clone();
            move |source: io::Error| WriteError {
                path,
                source: source.into(),
            }
        };
        for path in &self.unsynced {
            let sync = || disk.open(path, Opening::Existing)?.sync();
            sync().map_err(failed_at(path))?;
        }
        disk.sync_folder(&self.folder).map_err(failed_at(&self.folder))?;
        let write = |name: &str, magic: &Magic, plain: &[u8]| {
            let path = self.folder.join(name);
            envelope::write(disk, &path, magic, self.keys.as_ref(), plain)
                .map_err(|source| WriteError { path, source })
        };
        write(SUBJECTS_FILES[self.subjects_file], SUBJECTS, subjects)?;
        for name in CHECKPOINTS {
            write(name, CHECKPOINT, &self.plain)?;
        }
        for (_, path) in &self.retired {
            match disk.remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed_at(path)(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Up to where the log is not needed once it has run.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }
}

impl Messages {
    /// Begins a checkpoint: all entries up to `position` are applied, and nothing behind it. `state` is what their stream is
    /// besides its messages. None if something is being written already, or if everything is in memory.
    ///
    /// # Errors
    ///
    /// What the TLS library cannot seal. The stream has to be opened anew then.
    pub fn checkpoint(&mut self, position: Position, state: &[u8]) -> Result<Option<Checkpoint>, WriteError> {
        if self.is_writing || self.place.is_none() {
            return Ok(None);
        }
        let flush = self.plan_flush()?;
        let Some(place) = &self.place else {
            return Ok(None);
        };
        self.is_writing = true;
        let unsynced = self.parts.iter().filter(|part| part.unsynced > 0);
        Ok(Some(Checkpoint {
            position,
            flush,
            unsynced: unsynced.map(|part| place.segment(part.number)).collect(),
            folder: place.folder.clone(),
            keys: place.keys.clone(),
            plain: self.encode(place.incarnation, position, state),
            incarnation: place.incarnation,
            subjects: SubjectsThen::new(self.subjects.clone()),
            subjects_file: self.next_subjects_file,
            waited: self.erasures.waiting(),
            next_number: self.next_number,
            growing: self.growing(),
            retired: self
                .retired
                .iter()
                // What a cut still reads goes later.
                .filter(|_| self.cuts == 0)
                .map(|number| (*number, place.segment(*number)))
                .collect(),
        }))
    }

    /// The checkpoint is durable: the log may be dropped up to its position.
    pub fn checkpointed(&mut self, checkpoint: &Checkpoint) -> Position {
        self.is_writing = false;
        self.written(&checkpoint.flush);
        self.next_subjects_file = 1 - checkpoint.subjects_file;
        for part in &mut self.parts {
            part.unsynced = 0;
        }
        self.erasures
            .checkpointed(checkpoint.waited, checkpoint.next_number, checkpoint.growing);
        self.retired
            .retain(|number| !checkpoint.retired.iter().any(|(removed, _)| removed == number));
        checkpoint.position
    }

    fn encode(&self, incarnation: u64, position: Position, state: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        out.put_u64(incarnation);
        for value in [
            position.index,
            position.term,
            self.first,
            self.last,
            self.last_time,
            self.next_number,
        ] {
            out.put_variable(value);
        }
        out.put_count(self.parts.len());
        for part in &self.parts {
            encode_part(&mut out, part);
        }
        out.put_sized(state);
        out
    }
}

fn encode_part(out: &mut Vec<u8>, part: &Part) {
    for value in [
        part.number,
        part.base,
        part.last - part.base,
        part.first - part.base,
        part.began,
        u64::from(part.records),
        u64::from(part.live),
        part.live_bytes,
        part.length,
        part.file_end,
    ] {
        out.put_variable(value);
    }
    // What is complete and written has its footer by now.
    let is_sealed = part.stage != Stage::Growing && !part.is_damaged;
    out.put_u8(u8::from(is_sealed));
    let flags = [
        (part.is_packed, IS_PACKED),
        (part.is_damaged, IS_DAMAGED),
        (part.has_erased, HAS_ERASED),
    ];
    out.put_u8(
        flags
            .iter()
            .filter(|(is_set, _)| *is_set)
            .map(|(_, flag)| flag)
            .sum(),
    );
    out.put(&part.key);
    out.put_count(part.deleted.serialized_size());
    // Writing into memory does not fail.
    let _ = part.deleted.serialize_into(&mut *out);
}

/// What a checkpoint says.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) position: Position,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) last_time: u64,
    pub(super) next_number: u64,
    pub(super) parts: Vec<Part>,
    pub(super) state: Bytes,
}

/// What the checkpoint of an incarnation says; None also if it is that of another.
pub(super) fn decode(plain: &Bytes, incarnation: u64) -> Option<Said> {
    let mut fields = Fields::new(plain);
    if fields.u64()? != incarnation {
        return None;
    }
    let position = Position {
        index: fields.variable()?,
        term: fields.variable()?,
    };
    let (first, last, last_time) = (fields.variable()?, fields.variable()?, fields.variable()?);
    let next_number = fields.variable()?;
    let count = fields.count()?;
    let parts = (0..count)
        .map(|_| decode_part(&mut fields))
        .collect::<Option<_>>()?;
    let state = plain.slice_ref(fields.sized()?);
    fields.is_at_end().then_some(Said {
        position,
        first,
        last,
        last_time,
        next_number,
        parts,
        state,
    })
}

fn decode_part(fields: &mut Fields<'_>) -> Option<Part> {
    let mut part = Part::growing(fields.variable()?, fields.variable()?);
    part.directory = None;
    part.last = part.base.checked_add(fields.variable()?)?;
    part.first = part.base.checked_add(fields.variable()?)?;
    part.began = fields.variable()?;
    part.records = u32::try_from(fields.variable()?).ok()?;
    part.live = u32::try_from(fields.variable()?).ok()?;
    part.live_bytes = fields.variable()?;
    part.length = fields.variable()?;
    part.file_end = fields.variable()?;
    if fields.u8()? == 1 {
        part.stage = Stage::Sealed;
    }
    let flags = fields.u8()?;
    part.is_packed = flags & IS_PACKED != 0;
    part.is_damaged = flags & IS_DAMAGED != 0;
    part.has_erased = flags & HAS_ERASED != 0;
    part.key = fields.bytes(8)?.try_into().ok()?;
    part.deleted = RoaringBitmap::deserialize_from(fields.sized()?).ok()?;
    Some(part)
}

fn encode_subjects(incarnation: u64, position: Position, subjects: &Subjects) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_u64(incarnation);
    out.put_variable(position.index);
    out.put_variable(subjects.totals().subjects);
    let mut before = Vec::new();
    subjects.walk(b">", 0, &mut |name, state| {
        let shared = before
            .iter()
            .zip(name)
            .take_while(|(one, other)| one == other)
            .count();
        out.put_count(shared);
        out.put_sized(&name[shared..]);
        out.put_variable(state.first);
        out.put_variable(state.last - state.first);
        out.put_variable(u64::from(state.count));
        out.put_u8(u8::from(state.is_first_stale) | u8::from(state.is_last_stale) << 1);
        before.truncate(shared);
        before.extend_from_slice(&name[shared..]);
        ControlFlow::Continue(())
    });
    out
}

/// The subjects that were written with the checkpoint of an incarnation at this position.
pub(super) fn decode_subjects(plain: &[u8], incarnation: u64, position: Position) -> Option<Subjects> {
    let mut fields = Fields::new(plain);
    if fields.u64()? != incarnation || fields.variable()? != position.index {
        return None;
    }
    let mut subjects = Subjects::default();
    let mut name = Vec::new();
    for _ in 0..fields.variable()? {
        let shared = fields.count()?;
        if shared > name.len() {
            return None;
        }
        name.truncate(shared);
        name.extend_from_slice(fields.sized()?);
        let first = fields.variable()?;
        let last = first.checked_add(fields.variable()?)?;
        let count = u32::try_from(fields.variable()?).ok()?;
        let stale = fields.u8()?;
        subjects.merge(
            &name,
            SubjectState {
                first,
                last,
                count,
                is_first_stale: stale & 1 != 0,
                is_last_stale: stale & 2 != 0,
            },
        );
    }
    fields.is_at_end().then_some(subjects)
}
