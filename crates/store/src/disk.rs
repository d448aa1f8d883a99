//! The only way to files. What is written may be lost until it is synced, and so may the name of a file.

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

mod real;
#[cfg(any(test, feature = "testing"))]
mod simulated;

pub use real::RealDisk;
#[cfg(any(test, feature = "testing"))]
pub use simulated::{Faults, SimulatedDisk};

/// What a folder holds by one name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its name in the folder.
    pub name: String,
    /// Whether it is a folder itself.
    pub is_folder: bool,
}

/// Which files are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// One that is there, to be read and written.
    Existing,
    /// One that is there or not; in the latter case it is made.
    Any,
    /// An empty one: what was there by that name is cut to nothing.
    Emptied,
}

/// Held for as long as nobody else may use a folder.
pub trait Lock: Send + Sync + Debug {}

/// Where files are. All calls may block; none is made on a thread that carries connections.
pub trait Disk: Send + Sync + Debug {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// Those of the disk; `NotFound` if it has to be there and is not.
    fn open(&self, path: &Path, opening: Opening) -> io::Result<Arc<dyn DiskFile>>;

    /// What is in a folder, in order of names.
    ///
    /// # Errors
    ///
    /// Those of the disk; `NotFound` if there is no such folder.
    fn list(&self, folder: &Path) -> io::Result<Vec<Listed>>;

    /// Makes a folder, and those that it is in.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Makes durable which names a folder has.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Gives a file or a folder another name, in place of a file that has it.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// Those of the disk; `NotFound` if there is none.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a folder with all that is in it.
    ///
    /// # Errors
    ///
    /// Those of the disk; `NotFound` if there is none.
    fn remove_folder(&self, folder: &Path) -> io::Result<()>;

    /// Takes the lock that a file stands for; None if it is held already.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>>;

    /// How many bytes can still be written there.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    fn available(&self, folder: &Path) -> io::Result<u64>;
}

/// An open file. Its places are read and written independently.
pub trait DiskFile: Send + Sync + Debug {
    /// How long it is.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    fn length(&self) -> io::Result<u64>;

    /// Reads from `offset` on, and returns how much of `buffer` it filled: less than all only at the end of the file.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes`, which may be lost until the next sync.
    ///
    /// # Errors
    ///
    /// Those of the disk. Anything of `bytes` may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file, or has it end in zeros.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// Has the disk keep room for so many bytes; the file is that long then.
    ///
    /// # Errors
    ///
    /// Those of the disk, which may have no room.
    fn reserve(&self, length: u64) -> io::Result<()>;

    /// Makes durable what was written before.
    ///
    /// # Errors
    ///
    /// Those of the disk. Nothing that was written since the last sync can be trusted then, whatever a later one says. Not
    /// that it is full: that is an error of writes alone.
    fn sync(&self) -> io::Result<()>;
}

/// Whether it is the room that is missing.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Reads a range of a file.
///
/// # Errors
///
/// Those of the disk; `UnexpectedEof` if the file ends before.
pub(crate) fn read_range(file: &dyn DiskFile, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; length];
    if file.read_at(offset, &mut buffer)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(buffer)
}

/// All that is in a file.
///
/// # Errors
///
/// Those of the disk.
pub(crate) fn read_all(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let length = usize::try_from(file.length()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut buffer = vec![0; length];
    let read = file.read_at(0, &mut buffer)?;
    buffer.truncate(read);
    Ok(buffer)
}

/// So much is written at once where much is written, and then made durable: who writes little waits for no more than that.
pub(crate) const PIECE: usize = 1 << 20;

/// Writes `bytes` and makes them durable, piece by piece.
///
/// # Errors
///
/// Those of the disk. Anything of `bytes` may have been written.
pub(crate) fn write_durably(file: &dyn DiskFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
    for (number, piece) in bytes.chunks(PIECE).enumerate() {
        file.write_at(offset + (number * PIECE) as u64, piece)?;
        file.sync()?;
    }
    Ok(())
}

/// Has a file be so long, by zeros behind what it holds.
///
/// # Errors
///
/// Those of the disk.
pub(crate) fn lengthen(file: &dyn DiskFile, length: u64) -> io::Result<()> {
    let zeros = vec![0; PIECE];
    let mut there = file.length()?;
    while there < length {
        let piece = usize::try_from(length - there).map_or(PIECE, |left| left.min(PIECE));
        file.write_at(there, &zeros[..piece])?;
        there += piece as u64;
    }
    Ok(())
}

/// Puts `bytes` in place of what a file has held: after a power cut it holds either.
///
/// # Errors
///
/// Those of the disk. The file holds what it held before, unless the name was changed already.
pub(crate) fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let file = disk.open(&beside, Opening::Emptied)?;
    write_durably(&*file, 0, bytes)?;
    disk.rename(&beside, path)?;
    sync_folder_of(disk, path)
}

/// Makes durable that a file is there, or no longer is.
///
/// # Errors
///
/// Those of the disk.
pub(crate) fn sync_folder_of(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| disk.sync_folder(folder))
}
