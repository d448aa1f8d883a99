//! A disk in memory that fails as a seed says: it loses what was not synced, tears, fills up, reports errors, and does
//! otherwise than it says.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile, Listed, Lock, Opening, lengthen};

mod content;
mod names;

use content::{Change, Content};
use names::{NameChange, Names};

/// How much of a write is written at once, whatever happens.
const SECTOR: usize = 512;

/// What goes wrong, and how often: shares of all calls, from 0 to 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Reads that return an error.
    pub reads: f64,
    /// Reads in which whoever reads panics.
    pub panics: f64,
    /// Writes that return an error, after having written some of it.
    pub writes: f64,
    /// Syncs that return an error, after which it is open what of the writes before is durable.
    pub syncs: f64,
    /// Writes that go to another place, of this file or of another, and return no error.
    pub misdirected: f64,
    /// Syncs that return no error, but make nothing durable: the next one of that file does.
    pub delayed: f64,
    /// How many bytes all files together may have.
    pub capacity: Option<u64>,
    /// After how many calls that change something the power is cut.
    pub power_cut_after: Option<u64>,
}

/// A disk whose files are in memory.
#[derive(Clone, Debug)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    random: fastrand::Rng,
    faults: Faults,
    /// What processes see, by path; None is a folder.
    names: Names,
    /// What would be left of the names after a power cut.
    durable_names: Names,
    /// Changes of names since, in order.
    name_changes: Vec<NameChange>,
    files: Vec<Content>,
    calls: u64,
    has_power: bool,
    locks: BTreeMap<PathBuf, Arc<AtomicBool>>,
}

#[derive(Debug)]
struct SimulatedFile {
    number: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct SimulatedLock {
    held: Arc<AtomicBool>,
}

impl Lock for SimulatedLock {}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        self.held.store(false, Ordering::Relaxed);
    }
}

impl SimulatedDisk {
    /// An empty disk on which nothing goes wrong yet.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            state: Arc::new(Mutex::new(State::empty(fastrand::Rng::with_seed(seed)))),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the disk: all reads and writes wait until what is returned is dropped.
    #[must_use]
    pub fn stop(&self) -> impl Sized + '_ {
        self.state()
    }

    /// What goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        let mut state = self.state();
        state.faults = faults;
        state.calls = 0;
    }

    /// Whether the power is on.
    #[must_use]
    pub fn has_power(&self) -> bool {
        self.state().has_power
    }

    /// Cuts the power, if it is on, and has it come back: what was not synced is there, lost, or there in part, and
    /// nothing goes wrong any more.
    pub fn restart(&self) {
        let mut state = self.state();
        if state.has_power {
            state.cut_power();
        }
        state.has_power = true;
        state.faults = Faults::default();
        state.locks.clear();
    }

    /// Another disk with all that is on this one, which has no power from then on: what a process finds that is started while
    /// the one before it is still ending.
    #[must_use]
    pub fn take(&self) -> Self {
        let mut state = self.state();
        let mut left = State::empty(state.random.clone());
        left.has_power = false;
        let mut taken = std::mem::replace(&mut *state, left);
        taken.locks.clear();
        Self {
            state: Arc::new(Mutex::new(taken)),
        }
    }

    /// Kills the process: what it wrote is there, synced or not.
    pub fn kill_process(&self) {
        self.state().locks.clear();
    }

    /// The files there are, with their lengths.
    #[must_use]
    pub fn files(&self) -> Vec<(PathBuf, usize)> {
        let state = self.state();
        let named = |(path, file): (&PathBuf, &Option<usize>)| {
            file.map(|file| (path.clone(), state.files[file].current.len()))
        };
        state.names.iter().filter_map(named).collect()
    }

    /// Changes the bytes of a file behind the back of who wrote them.
    pub fn tamper(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        if let Some(Some(number)) = state.names.get(path).copied() {
            let content = &mut state.files[number];
            change(&mut content.current);
            content.durable.clone_from(&content.current);
            content.changes.clear();
        }
    }
}

impl State {
    fn empty(random: fastrand::Rng) -> Self {
        Self {
            random,
            faults: Faults::default(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            name_changes: Vec::new(),
            files: Vec::new(),
            calls: 0,
            has_power: true,
            locks: BTreeMap::new(),
        }
    }

    /// Counts a call that changes something.
    fn called(&mut self) -> io::Result<()> {
        self.calls += 1;
        if self
            .faults
            .power_cut_after
            .is_some_and(|calls| self.calls > calls)
            && self.has_power
        {
            self.cut_power();
        }
        self.powered()
    }

    fn powered(&self) -> io::Result<()> {
        if self.has_power {
            Ok(())
        } else {
            Err(io::Error::other("the power is off"))
        }
    }

    fn fails(&mut self, share: f64) -> bool {
        share > 0.0 && self.random.f64() < share
    }

    fn cut_power(&mut self) {
        self.has_power = false;
        let kept = self.random.usize(..=self.name_changes.len());
        for change in self.name_changes.drain(..).take(kept) {
            change.apply(&mut self.durable_names);
        }
        self.names = self.durable_names.clone();
        for content in &mut self.files {
            content.keep_some(&mut self.random);
            content.current.clone_from(&content.durable);
        }
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }

    /// Writes what is meant for a file somewhere else.
    fn misdirect(&mut self, file: usize, bytes: &[u8]) {
        let named: Vec<usize> = self.names.values().copied().flatten().collect();
        let target = match self.random.bool() {
            true => file,
            false => self.random.choice(named).unwrap_or(file),
        };
        let room = self.files[target].current.len().saturating_sub(bytes.len());
        let offset = self.random.usize(..=room / SECTOR) * SECTOR;
        self.files[target].change(Change::Write(offset, bytes.to_vec()));
    }

    fn number(&self, path: &Path) -> io::Result<usize> {
        self.names
            .get(path)
            .copied()
            .flatten()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn used(&self) -> u64 {
        let lengths = self.names.values().flatten();
        lengths.map(|file| self.files[*file].current.len() as u64).sum()
    }
}

impl Disk for SimulatedDisk {
    fn open(&self, path: &Path, opening: Opening) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.powered()?;
        let number = match (state.number(path), opening) {
            (Ok(number), Opening::Emptied) => {
                state.called()?;
                state.files[number].change(Change::Length(0));
                number
            }
            (Ok(number), _) => number,
            (Err(error), Opening::Existing) => return Err(error),
            (Err(_), _) => {
                state.called()?;
                let is_in_folder = path
                    .parent()
                    .is_some_and(|folder| state.names.get(folder) == Some(&None));
                if !is_in_folder {
                    return Err(io::ErrorKind::NotFound.into());
                }
                let number = state.files.len();
                state.files.push(Content::default());
                state.change_name(NameChange::Set(path.to_owned(), Some(number)));
                number
            }
        };
        Ok(Arc::new(SimulatedFile {
            number,
            state: Arc::clone(&self.state),
        }))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<Listed>> {
        let state = self.state();
        state.powered()?;
        if state.names.get(folder) != Some(&None) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = state
            .names
            .iter()
            .filter(|(path, _)| path.parent() == Some(folder));
        let listed = inside.map(|(path, file)| Listed {
            name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            is_folder: file.is_none(),
        });
        Ok(listed.collect())
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.called()?;
        let mut ancestors: Vec<&Path> = folder.ancestors().collect();
        ancestors.reverse();
        for ancestor in ancestors {
            if !state.names.contains_key(ancestor) {
                state.change_name(NameChange::Set(ancestor.to_owned(), None));
            }
        }
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.called()?;
        let share = state.faults.syncs;
        if state.fails(share) {
            return Err(io::Error::other("a sync that fails"));
        }
        for change in std::mem::take(&mut state.name_changes) {
            if change.is_in(folder) {
                change.apply(&mut state.durable_names);
                // What is in a folder goes with it, durable or not.
                let pending = std::mem::take(&mut state.name_changes).into_iter();
                state.name_changes = pending.filter_map(|earlier| earlier.behind(&change)).collect();
            } else {
                state.name_changes.push(change);
            }
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.called()?;
        if !state.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_name(NameChange::Renamed(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.called()?;
        state.number(path)?;
        state.change_name(NameChange::Removed(path.to_owned()));
        Ok(())
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.called()?;
        if !state.names.contains_key(folder) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_name(NameChange::Removed(folder.to_owned()));
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        let mut state = self.state();
        state.powered()?;
        let held = state.locks.entry(path.to_owned()).or_default();
        if held.swap(true, Ordering::Relaxed) {
            return Ok(None);
        }
        Ok(Some(Box::new(SimulatedLock {
            held: Arc::clone(held),
        })))
    }

    fn available(&self, _folder: &Path) -> io::Result<u64> {
        let state = self.state();
        state.powered()?;
        let capacity = state.faults.capacity.unwrap_or(u64::MAX);
        Ok(capacity.saturating_sub(state.used()))
    }
}

impl SimulatedFile {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DiskFile for SimulatedFile {
    fn length(&self) -> io::Result<u64> {
        let state = self.state();
        state.powered()?;
        Ok(state.files[self.number].current.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        state.powered()?;
        let share = state.faults.panics;
        assert!(!state.fails(share), "a read that panics");
        let share = state.faults.reads;
        if state.fails(share) {
            return Err(io::Error::other("a read that fails"));
        }
        let current = &state.files[self.number].current;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(current.len());
        let read = buffer.len().min(current.len() - start);
        buffer[..read].copy_from_slice(&current[start..start + read]);
        Ok(read)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        state.called()?;
        let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let share = state.faults.writes;
        if state.fails(share) {
            let some = state.random.usize(..=bytes.len());
            state.files[self.number].change(Change::Write(offset, bytes[..some].to_vec()));
            return Err(io::Error::other("a write that fails"));
        }
        let share = state.faults.misdirected;
        if state.fails(share) {
            state.misdirect(self.number, bytes);
            return Ok(());
        }
        let grows = (offset + bytes.len()).saturating_sub(state.files[self.number].current.len()) as u64;
        if state
            .faults
            .capacity
            .is_some_and(|capacity| grows > 0 && state.used() + grows > capacity)
        {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.files[self.number].change(Change::Write(offset, bytes.to_vec()));
        Ok(())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let mut state = self.state();
        state.called()?;
        let length = usize::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
        state.files[self.number].change(Change::Length(length));
        Ok(())
    }

    fn reserve(&self, length: u64) -> io::Result<()> {
        lengthen(self, length)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state();
        state.called()?;
        let state = &mut *state;
        let share = state.faults.syncs;
        if state.fails(share) {
            // The system believes them written: who syncs again is told that all is well.
            state.files[self.number].keep_some(&mut state.random);
            return Err(io::Error::other("a sync that fails"));
        }
        let share = state.faults.delayed;
        if !state.fails(share) {
            state.files[self.number].sync();
        }
        Ok(())
    }
}
