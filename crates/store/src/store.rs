//! A store: the streams that are in a folder, and the log that they share.
//!
//! [`Store::open`] takes the folder for this process alone. [`Store::streams`] is what there was at the last checkpoints,
//! [`Store::recover_log`] what was logged since. After an error of the disk both are done again, and nothing else: what was
//! durable is there.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::disk::{Disk, Lock};
use crate::encryption::Keys;
use crate::envelope::{self, Magic};
use crate::fields::{Fields, PutFields};
use crate::layout::Layout;
use crate::messages::{Found, Messages, MessagesOptions};
use crate::segment::SegmentError;
use crate::wal::{Entry, GroupId, Recovered, WalError, WalOptions, recover};

mod place;
mod quarantine;
mod reserve;
mod space;
#[cfg(test)]
mod tests;

pub use place::StreamPlace;
pub use quarantine::{Quarantined, Reason};
pub use reserve::Reserve;
pub use space::{Space, SpaceChange, SpaceLimits};

use quarantine::Unknown;

const IDS: &Magic = b"VagusIDS";
const ID_FILES: [&str; 2] = [".ids.a", ".ids.b"];
const META: &Magic = b"VagusMET";
const META_FILES: [&str; 2] = ["meta.a", "meta.b"];
/// So many ids are taken at once, so that few streams wait for the disk for theirs.
const IDS_AT_ONCE: u64 = 1024;

/// How a store works.
#[derive(Clone, Debug, Default)]
pub struct StoreOptions {
    /// The log.
    pub wal: WalOptions,
    /// How files are encrypted; None if they are not.
    pub keys: Option<Keys>,
    /// How many bytes are kept back, to be freed when nothing else is left on the disk.
    pub reserve: u64,
}

/// What a store cannot do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the folder: stop that, or give this one another `store_dir`.
    #[error("{} is in use by another server", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// There is something in its folder already.
    #[error("{} exists", folder.display())]
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// A file that nothing works without.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: SegmentError,
    },
    /// The log.
    #[error("write-ahead log: {0}")]
    Log(#[from] WalError),
}

/// Which stream it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamIdentity {
    /// The account that it belongs to.
    pub account: String,
    /// How it is called there.
    pub name: String,
    /// Its log, and its life: never that of another, also not of one of the same name.
    pub group: GroupId,
    /// What it was created as, for as long as there is no checkpoint of it.
    pub definition: Bytes,
}

/// A stream as it was at its last checkpoint.
#[derive(Debug)]
pub struct FoundStream {
    /// Which it is.
    pub identity: StreamIdentity,
    /// What there is of it.
    pub found: Found,
}

/// What is in a folder.
#[derive(Debug, Default)]
pub struct Streams {
    /// Streams that can be used.
    pub found: Vec<FoundStream>,
    /// What cannot be used, and is left or set aside.
    pub quarantined: Vec<Quarantined>,
}

/// A store that is open.
#[derive(Debug)]
pub struct Store {
    disk: Arc<dyn Disk>,
    layout: Layout,
    options: StoreOptions,
    next_id: u64,
    /// Ids below were taken from the file.
    ids_taken: u64,
    /// Accounts of which the folder is known to be there for good.
    accounts: HashSet<String>,
    lock: Option<Box<dyn Lock>>,
}

/// Adds to an error in which file it was.
pub(crate) fn in_file<E: Into<SegmentError>>(path: &Path) -> impl Fn(E) -> StoreError {
    move |source| StoreError::File {
        path: path.to_owned(),
        source: source.into(),
    }
}

impl Store {
    /// Opens the store below a folder, for this process alone.
    ///
    /// # Errors
    ///
    /// `InUse`, and what cannot be read.
    pub fn open(disk: Arc<dyn Disk>, store_dir: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        let layout = Layout::new(store_dir);
        let root = layout.root();
        let create = || {
            disk.create_folder(root)?;
            disk.create_folder(&layout.log())?;
            disk.sync_folder(root)?;
            store_dir
                .ancestors()
                .try_for_each(|folder| match disk.sync_folder(folder) {
                    // Not all of them are ours to be looked into.
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
                    synced if folder.as_os_str().is_empty() => synced.or(Ok(())),
                    synced => synced,
                })
        };
        create().map_err(in_file(root))?;
        let lock = disk.lock(&layout.lock()).map_err(in_file(&layout.lock()))?;
        let lock = lock.ok_or_else(|| StoreError::InUse {
            folder: root.to_owned(),
        })?;
        let mut store = Self {
            next_id: 1,
            ids_taken: 1,
            accounts: HashSet::new(),
            disk,
            layout,
            options,
            lock: Some(lock),
        };
        store.read_ids()?;
        store.finish_removals()?;
        store.reserve().restore()?;
        Ok(store)
    }

    /// Leaves the folder to others, which may open it from here on; this one is not to be used any more.
    pub fn leave(&mut self) {
        self.lock = None;
    }

    /// The disk that it is on.
    #[must_use]
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    fn read_ids(&mut self) -> Result<(), StoreError> {
        for name in ID_FILES {
            let path = self.layout.root().join(name);
            match envelope::read(&*self.disk, &path, IDS, None) {
                Ok(read) => {
                    let taken = read.and_then(|(plain, _)| Fields::new(&plain).u64());
                    self.ids_taken = self.ids_taken.max(taken.unwrap_or_default());
                }
                // The other says the same; if not, streams do.
                Err(SegmentError::Damaged) => {}
                Err(error) => return Err(in_file(&path)(error)),
            }
        }
        self.next_id = self.ids_taken;
        Ok(())
    }

    /// No stream of this store has been given an id that is larger.
    #[must_use]
    pub fn last_id(&self) -> u64 {
        self.next_id.saturating_sub(1)
    }

    /// An id that nothing has had.
    fn take_id(&mut self) -> Result<u64, StoreError> {
        if self.next_id >= self.ids_taken {
            let taken = self.next_id + IDS_AT_ONCE;
            for name in ID_FILES {
                let path = self.layout.root().join(name);
                envelope::write(&*self.disk, &path, IDS, None, &taken.to_le_bytes())
                    .map_err(in_file(&path))?;
            }
            self.ids_taken = taken;
        }
        self.next_id += 1;
        Ok(self.next_id - 1)
    }

    /// The streams there are, each as it was at its last checkpoint. `options` says how messages of a stream are kept, by its
    /// identity and its state.
    ///
    /// # Errors
    ///
    /// If the disk fails, or something is sealed by another key: what is damaged is set aside, and no error.
    pub fn streams(
        &mut self,
        options: &dyn Fn(&StreamIdentity) -> MessagesOptions,
    ) -> Result<Streams, StoreError> {
        let mut streams = Streams::default();
        let root = self.layout.root().to_owned();
        for account in self.disk.list(&root).map_err(in_file(&root))? {
            let folder = root.join(&account.name).join("streams");
            if !account.is_folder || account.name.starts_with('.') {
                continue;
            }
            let listed = match self.disk.list(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                listed => listed.map_err(in_file(&folder))?,
            };
            for stream in listed.into_iter().filter(|listed| listed.is_folder) {
                self.stream(&folder.join(&stream.name), options, &mut streams)?;
            }
        }
        let ids = streams.found.iter().map(|stream| stream.identity.group.0);
        self.next_id = self.next_id.max(ids.max().unwrap_or_default() + 1);
        Ok(streams)
    }

    fn stream(
        &mut self,
        folder: &Path,
        options: &dyn Fn(&StreamIdentity) -> MessagesOptions,
        streams: &mut Streams,
    ) -> Result<(), StoreError> {
        let (identity, is_whole) = match self.read_identity(folder)? {
            Ok((identity, is_whole)) => {
                if !is_whole {
                    // There is one copy. If the disk takes no other now it will at another start.
                    let _ = self.rewrite(&identity);
                }
                (identity, is_whole)
            }
            Err(Reason::Empty) => return Ok(()),
            Err(reason) => {
                streams.quarantined.push(self.set_aside(folder, reason)?);
                return Ok(());
            }
        };
        // The second copy is written when the first is durable, and so is all that it is in.
        let open = match is_whole {
            true => Messages::open_durable,
            false => Messages::open,
        };
        let found = open(
            &*self.disk,
            folder,
            options(&identity),
            self.options.keys.clone(),
            identity.group.0,
        );
        match found {
            Ok(found) => streams.found.push(FoundStream { identity, found }),
            Err(error) if matches!(error.source, SegmentError::Damaged) => {
                streams.quarantined.push(self.set_aside(folder, Reason::Damaged)?);
            }
            Err(error) if matches!(error.source, SegmentError::Unknown) => {
                streams
                    .quarantined
                    .push(self.set_aside(folder, Reason::LaterVersion)?);
            }
            Err(error) => return Err(in_file(&error.path)(error.source)),
        }
        Ok(())
    }

    /// Which stream a folder is of, and whether all copies say so; or why that is not known.
    fn read_identity(&self, folder: &Path) -> Result<Result<(StreamIdentity, bool), Reason>, StoreError> {
        let mut reason = None;
        let mut said: Vec<StreamIdentity> = Vec::new();
        for name in META_FILES {
            let path = folder.join(name);
            match envelope::read(&*self.disk, &path, META, self.options.keys.as_ref()) {
                Ok(Some((plain, _))) => match decode_identity(&plain) {
                    Some(identity) => said.push(identity),
                    None => reason = Some(Reason::Damaged),
                },
                Ok(None) => {}
                Err(SegmentError::Damaged) => reason = Some(Reason::Damaged),
                Err(SegmentError::Unknown) => reason = Some(Reason::LaterVersion),
                Err(error) => return Err(in_file(&path)(error)),
            }
        }
        // If they do not say the same, one of them was written for another folder.
        let is_here = |said: &StreamIdentity| self.layout.stream(&said.account, &said.name) == folder;
        let place = said.iter().position(is_here).unwrap_or_default();
        let is_whole = said.len() == META_FILES.len();
        if let Some(identity) = said.into_iter().nth(place) {
            return Ok(Ok((identity, is_whole)));
        }
        match reason {
            Some(reason) => Ok(Err(reason)),
            None => self.why_unknown(folder).map(Err),
        }
    }

    /// Opens the log. `read` is told each entry of these streams that is behind their checkpoints, in the order of the log.
    /// Entries of streams that were set aside are set aside, too. Streams that the log says were forgotten are removed, and
    /// are not to be used: [`Recovered::forgotten`].
    ///
    /// # Errors
    ///
    /// Those of the log.
    pub fn recover_log(
        &self,
        streams: &Streams,
        read: &mut dyn FnMut(&Entry<'_>),
    ) -> Result<Recovered, StoreError> {
        let positions: HashMap<GroupId, u64> = streams
            .found
            .iter()
            .map(|stream| (stream.identity.group, stream.found.position.index))
            .collect();
        let mut unknown = Unknown::default();
        let mut recovered = recover(
            &self.disk,
            &self.layout.log(),
            self.options.wal,
            self.options.keys.clone(),
            &|group| positions.get(&group).copied(),
            &mut |entry| match positions.contains_key(&entry.group) {
                true => read(entry),
                false => unknown.keep(entry),
            },
        )?;
        let is_forgotten = |stream: &&FoundStream| recovered.forgotten.contains(&stream.identity.group);
        for stream in streams.found.iter().filter(is_forgotten) {
            self.remove(&stream.identity)?;
        }
        for group in recovered.unknown.clone() {
            self.set_entries_aside(&unknown, group)?;
            recovered.wal.forget(group)?;
        }
        Ok(recovered)
    }

    /// Makes a stream, durably.
    ///
    /// # Errors
    ///
    /// `Exists`, and those of the disk: there may be some of it then, which nobody sees.
    pub fn create(
        &mut self,
        account: &str,
        name: &str,
        definition: Bytes,
        options: MessagesOptions,
    ) -> Result<(StreamIdentity, Messages), StoreError> {
        let identity = StreamIdentity {
            account: account.to_owned(),
            name: name.to_owned(),
            group: GroupId(self.take_id()?),
            definition,
        };
        let folder = self.layout.stream(account, name);
        let create = || {
            self.disk.create_folder(&folder)?;
            // That of the account, and what is above it, is new with its first stream alone.
            let count = if self.accounts.contains(account) { 1 } else { 3 };
            let above = folder.ancestors().skip(1).take(count);
            above
                .into_iter()
                .try_for_each(|folder| self.disk.sync_folder(folder))
        };
        create().map_err(in_file(&folder))?;
        if !matches!(self.read_identity(&folder)?, Err(Reason::Empty)) {
            return Err(StoreError::Exists { folder });
        }
        self.accounts.insert(account.to_owned());
        let keys = &self.options.keys;
        let plain = encode_identity(&identity);
        let [first, second] = META_FILES.map(|name| folder.join(name));
        // One has to be on disk before anybody hears of the stream. The other is for when that one is damaged: it is written when the
        // system likes, and anew at the next start if it was not.
        let write = || envelope::write(&*self.disk, &first, META, keys.as_ref(), &plain);
        write().map_err(in_file(&first))?;
        let _ = envelope::write_soon(&*self.disk, &second, META, keys.as_ref(), &plain);
        let messages = Messages::open_new(&*self.disk, &folder, options, keys.clone(), identity.group.0);
        let messages = messages.map_err(|error| in_file(&error.path)(error.source))?;
        Ok((identity, messages))
    }

    /// Writes anew what says which stream it is, by the key that is configured now.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    pub fn rewrite(&self, identity: &StreamIdentity) -> Result<(), StoreError> {
        let folder = self.layout.stream(&identity.account, &identity.name);
        let plain = encode_identity(identity);
        for name in META_FILES {
            let path = folder.join(name);
            envelope::write(&*self.disk, &path, META, self.options.keys.as_ref(), &plain)
                .map_err(in_file(&path))?;
        }
        Ok(())
    }

    /// Removes a stream, durably. The log has to [forget](crate::wal::Wal::forget) its group before.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    pub fn remove(&self, identity: &StreamIdentity) -> Result<(), StoreError> {
        let folder = self.layout.stream(&identity.account, &identity.name);
        let removed = self.layout.removed();
        let target = removed.join(identity.group.0.to_string());
        let remove = || {
            self.disk.create_folder(&removed)?;
            self.disk.sync_folder(self.layout.root())?;
            // At once it is not there any more; what is in it takes longer.
            self.disk.rename(&folder, &target)?;
            self.disk.sync_folder(&self.layout.streams(&identity.account))?;
            self.disk.sync_folder(&removed)?;
            self.disk.remove_folder(&target)
        };
        remove().map_err(in_file(&folder))
    }

    /// Removes what was being removed when the process ended.
    fn finish_removals(&self) -> Result<(), StoreError> {
        let removed = self.layout.removed();
        let listed = match self.disk.list(&removed) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            listed => listed.map_err(in_file(&removed))?,
        };
        for left in listed.iter().filter(|listed| listed.is_folder) {
            let folder = removed.join(&left.name);
            self.disk.remove_folder(&folder).map_err(in_file(&folder))?;
        }
        Ok(())
    }

    /// What is kept back of the disk, and what it has left: to be asked while the store is in use.
    #[must_use]
    pub fn reserve(&self) -> Reserve {
        Reserve {
            disk: Arc::clone(&self.disk),
            root: self.layout.root().to_owned(),
            path: self.layout.reserve(),
            bytes: self.options.reserve,
        }
    }
}

fn encode_identity(identity: &StreamIdentity) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_u64(identity.group.0);
    out.put_sized(identity.account.as_bytes());
    out.put_sized(identity.name.as_bytes());
    out.put_sized(&identity.definition);
    out
}

fn decode_identity(plain: &Bytes) -> Option<StreamIdentity> {
    let mut fields = Fields::new(plain);
    let group = GroupId(fields.u64()?);
    let mut text = || String::from_utf8(fields.sized()?.to_vec()).ok();
    let (account, name) = (text()?, text()?);
    let definition = plain.slice_ref(fields.sized()?);
    fields.is_at_end().then_some(StreamIdentity {
        account,
        name,
        group,
        definition,
    })
}
