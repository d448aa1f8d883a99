//! What cannot be read is set aside, and never removed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::disk::replace;
use crate::encryption::new_file_key;
use crate::fields::PutFields;
use crate::segment::{Packing, put_block};
use crate::wal::{Entry, GroupId};

use super::{Store, StoreError, in_file};

/// Something that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Where it was found.
    pub folder: PathBuf,
    /// Where it is now.
    pub now: PathBuf,
    /// Why it cannot be used.
    pub reason: Reason,
}

/// Why a folder is no stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// What says which stream it is, or all its checkpoints, are damaged.
    Damaged,
    /// It was written by a version of the store that came later.
    LaterVersion,
    /// It is a stream of nats-server, whose files are not read here. It is left where it is.
    NatsServer,
    /// Nobody knows what it is.
    Unknown,
    /// There is nothing in it: a stream was about to be created there.
    Empty,
}

/// Entries of groups that are not known.
#[derive(Debug, Default)]
pub(super) struct Unknown {
    groups: HashMap<GroupId, Vec<u8>>,
}

impl Unknown {
    pub(super) fn keep(&mut self, entry: &Entry<'_>) {
        let entries = self.groups.entry(entry.group).or_default();
        for value in [entry.incarnation, entry.term, entry.index, entry.timestamp] {
            entries.put_u64(value);
        }
        entries.put_u8(entry.kind);
        entries.put_sized(entry.body);
    }
}

impl Store {
    /// Why a folder does not say which stream it is.
    pub(super) fn why_unknown(&self, folder: &Path) -> Result<Reason, StoreError> {
        let listed = self.disk.list(folder).map_err(in_file(folder))?;
        let has = |name: &str| listed.iter().any(|listed| listed.name == name);
        Ok(if has("meta.inf") || has("msgs") {
            Reason::NatsServer
        } else if listed.iter().all(|listed| listed.name.ends_with(".new")) {
            Reason::Empty
        } else {
            Reason::Unknown
        })
    }

    /// Moves a folder to where it is in nobody's way.
    pub(super) fn set_aside(&self, folder: &Path, reason: Reason) -> Result<Quarantined, StoreError> {
        let mut quarantined = Quarantined {
            folder: folder.to_owned(),
            now: folder.to_owned(),
            reason,
        };
        if reason == Reason::NatsServer {
            return Ok(quarantined);
        }
        let quarantine = self.layout.quarantine();
        let parts = folder.strip_prefix(self.layout.root()).unwrap_or(folder).iter();
        let name: Vec<_> = parts
            .map(|part| part.to_string_lossy())
            .filter(|part| part != "streams")
            .collect();
        let move_it = || {
            self.disk.create_folder(&quarantine)?;
            let taken = self.disk.list(&quarantine)?;
            let names = (0..).map(|number| format!("{}.{number}", name.join(".")));
            let mut free = names.filter(|name| !taken.iter().any(|taken| taken.name == *name));
            let target = quarantine.join(free.next().unwrap_or_default());
            self.disk.rename(folder, &target)?;
            self.disk.sync_folder(self.layout.root())?;
            self.disk.sync_folder(&quarantine)?;
            folder
                .parent()
                .map_or(Ok(()), |above| self.disk.sync_folder(above))?;
            Ok(target)
        };
        quarantined.now = move_it().map_err(in_file::<std::io::Error>(folder))?;
        Ok(quarantined)
    }

    /// Writes the entries of a group into a file, as the log will not keep them.
    pub(super) fn set_entries_aside(&self, unknown: &Unknown, group: GroupId) -> Result<(), StoreError> {
        let Some(entries) = unknown.groups.get(&group) else {
            return Ok(());
        };
        let quarantine = self.layout.quarantine();
        let path = quarantine.join(format!("{}.entries", group.0));
        let (key, id, salt) = new_file_key(self.options.keys.as_ref()).map_err(in_file(&path))?;
        let mut bytes = Vec::new();
        bytes.put(&id);
        bytes.put(&salt);
        let packing = Packing {
            is_compressed: true,
            key,
        };
        put_block(&mut bytes, 0, 0, entries, &packing).map_err(in_file(&path))?;
        let write = || {
            self.disk.create_folder(&quarantine)?;
            self.disk.sync_folder(self.layout.root())?;
            replace(&*self.disk, &path, &bytes)
        };
        write().map_err(in_file(&path))
    }
}
