//! Carries out what the log decides.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile, Opening, PIECE, write_durably};

use super::{Lsn, Preparation, Recovered, Step, Wal, WalError};

/// The files of the log. Whoever has this and the [`Wal`] is its one writer.
#[derive(Debug)]
pub struct WalFiles {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) folder: PathBuf,
    open: HashMap<u32, Arc<dyn DiskFile>>,
}

impl WalFiles {
    pub(super) fn new(disk: Arc<dyn Disk>, folder: &Path) -> Self {
        Self {
            disk,
            folder: folder.to_owned(),
            open: HashMap::new(),
        }
    }

    /// Opens a log again that has failed, as far as it was durable.
    ///
    /// # Errors
    ///
    /// Those of the disk; the log is as it was then.
    pub fn reopen(&self, failed: &Wal) -> Result<Recovered, WalError> {
        super::recovery::reopen(&self.disk, &self.folder, failed)
    }

    /// Carries out one step, which may take as long as the disk does.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    pub fn carry_out(&mut self, step: &Step<'_>) -> io::Result<()> {
        match *step {
            Step::Prepare { file, length } => {
                let made = make(&*self.disk, &self.folder, file, length)?;
                self.open.insert(file, made);
                Ok(())
            }
            Step::Write { file, offset, bytes } => self.file(file)?.write_at(offset, bytes),
            Step::Sync { file } => self.file(file)?.sync(),
        }
    }

    /// Carries out all there is to do, and tells the log. Returns up to where everything is durable.
    ///
    /// # Errors
    ///
    /// Those of the disk; the log has failed then.
    pub fn carry_out_all(&mut self, wal: &mut Wal) -> Result<Lsn, WalError> {
        if wal.has_failed() {
            return Err(WalError::Failed);
        }
        while let Some(step) = wal.step() {
            if let Err(error) = self.carry_out(&step) {
                wal.failed();
                return Err(error.into());
            }
            wal.done();
        }
        Ok(wal.durable())
    }

    /// What makes files ahead of time, on another thread.
    #[must_use]
    pub fn maker(&self) -> WalMaker {
        WalMaker {
            disk: Arc::clone(&self.disk),
            folder: self.folder.clone(),
        }
    }

    fn file(&mut self, number: u32) -> io::Result<&dyn DiskFile> {
        let file = match self.open.remove(&number) {
            Some(file) => file,
            None => self
                .disk
                .open(&path_of(&self.folder, number), Opening::Existing)?,
        };
        Ok(&**self.open.entry(number).or_insert(file))
    }
}

/// Makes files of the log.
#[derive(Clone, Debug)]
pub struct WalMaker {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
}

impl WalMaker {
    /// Makes a file, which takes as long as the disk does.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    pub fn make(&self, preparation: Preparation) -> io::Result<()> {
        make(&*self.disk, &self.folder, preparation.file, preparation.length).map(|_| ())
    }
}

/// A file of zeros, durable with its name: what is written into it later needs no more room and no change of the folder.
/// What cannot be made takes no room.
fn make(disk: &dyn Disk, folder: &Path, number: u32, length: u64) -> io::Result<Arc<dyn DiskFile>> {
    let path = path_of(folder, number);
    let made = disk
        .open(&path, Opening::Emptied)
        .and_then(|file| fill(disk, folder, file, length));
    if made.is_err() {
        // It may not be there, or the disk has failed for good.
        let _ = disk.remove_file(&path);
    }
    made
}

fn fill(
    disk: &dyn Disk,
    folder: &Path,
    file: Arc<dyn DiskFile>,
    length: u64,
) -> io::Result<Arc<dyn DiskFile>> {
    let zeros = vec![0; PIECE.min(usize::try_from(length).unwrap_or(PIECE))];
    let mut offset = 0;
    while offset < length {
        let piece = zeros.len().min(usize::try_from(length - offset).unwrap_or(PIECE));
        write_durably(&*file, offset, &zeros[..piece])?;
        offset += piece as u64;
    }
    disk.sync_folder(folder)?;
    Ok(file)
}

/// Where a file of the log is.
pub(super) fn path_of(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:08}.wal"))
}

/// The number of a file of the log, if it is called like one.
pub(super) fn number_of(name: &str) -> Option<u32> {
    let number = name.strip_suffix(".wal")?;
    (number.len() == 8).then(|| number.parse().ok()).flatten()
}
