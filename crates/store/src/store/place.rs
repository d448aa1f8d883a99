//! One stream of a store that is in use, to be opened once more.

use std::path::PathBuf;
use std::sync::Arc;

use crate::disk::Disk;
use crate::encryption::Keys;
use crate::messages::{Messages, MessagesOptions};

use super::{FoundStream, Store, StoreError, StreamIdentity, in_file};

/// Where a stream is.
#[derive(Debug)]
pub struct StreamPlace {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    keys: Option<Keys>,
}

impl StreamPlace {
    /// Opens the stream as it was at its last checkpoint. Nobody else may have it open, or write to it.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or another stream is there.
    pub fn open(
        &self,
        identity: &StreamIdentity,
        options: MessagesOptions,
    ) -> Result<FoundStream, StoreError> {
        let Self { disk, folder, keys } = self;
        let found = Messages::open(&**disk, folder, options, keys.clone(), identity.group.0);
        let found = found.map_err(|error| in_file(&error.path)(error.source))?;
        let identity = identity.clone();
        Ok(FoundStream { identity, found })
    }
}

impl Store {
    /// Where a stream is, to open it once more while the store is in use.
    #[must_use]
    pub fn place_of(&self, identity: &StreamIdentity) -> StreamPlace {
        StreamPlace {
            disk: Arc::clone(&self.disk),
            folder: self.layout.stream(&identity.account, &identity.name),
            keys: self.options.keys.clone(),
        }
    }
}
