//! A folder for tokens.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use vagus_auth::nkey::{KeyPair, Kind};
use vagus_claims::DirectoryStore;
use vagus_configs::{DirectoryKind, DirectoryResolver};

/// A folder that is gone when it is dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let name = KeyPair::generate(Kind::Account).unwrap();
        Self(std::env::temp_dir().join(format!("vagus-jwt-{}", name.public())))
    }

    pub(crate) fn store(&self, kind: DirectoryKind, limit: Option<usize>) -> DirectoryStore {
        let settings = DirectoryResolver {
            path: self.0.clone(),
            kind,
            limit,
            timeout: Duration::from_secs(1),
        };
        DirectoryStore::open(&settings).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
