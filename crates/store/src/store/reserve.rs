//! Room on the disk that is kept back, so that what is full can be checkpointed and purged.

use std::path::PathBuf;
use std::sync::Arc;

use crate::disk::{Disk, Opening, is_full};

use super::{StoreError, in_file};

/// What is kept back of the disk of a store.
#[derive(Clone, Debug)]
pub struct Reserve {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) root: PathBuf,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

impl Reserve {
    /// How many bytes can still be written, the reserve not counted.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    pub fn available(&self) -> Result<u64, StoreError> {
        self.disk.available(&self.root).map_err(in_file(&self.root))
    }

    /// Gives it free.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    pub fn free(&self) -> Result<(), StoreError> {
        let free = || self.disk.open(&self.path, Opening::Any)?.set_length(0);
        free().map_err(in_file(&self.path))
    }

    /// Keeps it back again. Returns whether there was room for it.
    ///
    /// # Errors
    ///
    /// Those of the disk, except that it is full.
    pub fn restore(&self) -> Result<bool, StoreError> {
        let restore = || {
            let file = self.disk.open(&self.path, Opening::Any)?;
            match self.bytes {
                0 => Ok(()),
                bytes => file.reserve(bytes),
            }
        };
        match restore() {
            Ok(()) => Ok(true),
            Err(error) if is_full(&error) => Ok(false),
            Err(error) => Err(in_file(&self.path)(error)),
        }
    }
}
