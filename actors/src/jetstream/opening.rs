//! What is in the folder of a server's streams when it starts.

use super::server::{Server, Zones};
use super::shown::AilingStream;
use super::sizes::Sizes;
use super::stored::Stored;
use super::stream::Found;
use bytes::Bytes;
use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vagus_configs::Encryption;
use vagus_jetstream::stream::Stream as Machine;
use vagus_jetstream::stream::entry::{self, NoEntries};
use vagus_store::messages::{Flush, Messages, MessagesOptions, WriteError};
use vagus_store::wal::{Entry, Excerpt, GroupId, Recovered, WalOptions};
use vagus_store::{
    Cipher, Disk, EncryptionError, FoundStream, Keys, SegmentError, Store, StoreError, StoreOptions,
    StreamIdentity, StreamPlace,
};

/// How much is kept back for what frees room when the disk is full: this share of what the disk has left, and no less and no more
/// than so much.
const RESERVE: (u64, u64, u64) = (64, 0, 32 << 20);

/// Why the streams of a server cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder or the log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The TLS library makes no keys.
    #[error(transparent)]
    Encryption(#[from] EncryptionError),
    /// The folder, or what it is to be in, is a file.
    #[error("storage directory is not a directory: {}", .0.display())]
    NoFolder(PathBuf),
    /// The system has no threads left.
    #[error(transparent)]
    System(#[from] io::Error),
}

impl OpenError {
    /// Whether there is a file in the place of a folder. Systems say so sooner or later.
    fn is_of_file(&self) -> bool {
        let cause = match self {
            Self::System(cause) => cause,
            Self::Store(StoreError::File {
                source: SegmentError::Disk(cause),
                ..
            }) => cause,
            _ => return false,
        };
        cause.kind() == io::ErrorKind::NotADirectory
    }
}

/// The keys of files. Without one of before, files may still be encrypted with this one by the other cipher.
///
/// # Errors
/// If the TLS library cannot make them.
pub(super) fn keys(encryption: &Encryption) -> Result<Keys, OpenError> {
    let (cipher, other) = match encryption.cipher {
        vagus_configs::Cipher::ChaCha => (Cipher::ChaCha, Cipher::Aes),
        vagus_configs::Cipher::Aes => (Cipher::Aes, Cipher::ChaCha),
    };
    let key = encryption.key.as_bytes();
    let previous = match &encryption.previous_key {
        Some(previous) => (cipher, previous.as_bytes()),
        None => (other, key),
    };
    Ok(Keys::new(cipher, key, Some(previous))?)
}

/// What is in the folder.
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) recovered: Recovered,
    pub(super) streams: Vec<Found>,
    /// Those that cannot be used.
    pub(super) unusable: Vec<AilingStream>,
}

/// Opens the folder, for this process alone.
pub(super) fn open(
    (disk, folder): (&Arc<dyn Disk>, &Path),
    keys: Option<Keys>,
    domain: &str,
    zones: &Zones,
    sizes: Sizes,
) -> Result<Opened, OpenError> {
    let told = |error: OpenError| match error.is_of_file() {
        true => OpenError::NoFolder(folder.to_owned()),
        false => error,
    };
    let left = left_on(&**disk, folder).map_err(|error| told(error.into()))?;
    let share = |(share, least, most): (u64, u64, u64)| (left / share).clamp(least, most);
    let options = StoreOptions {
        wal: WalOptions {
            file_size: share(sizes.log_file),
            files_at_most: sizes.log_files,
            ..WalOptions::default()
        },
        keys,
        reserve: share(RESERVE),
    };
    let mut store = Store::open(disk.clone(), folder, options).map_err(|error| told(error.into()))?;
    let mut streams = store.streams(&|stream| options_of(stream, sizes))?;
    let mut unusable = Vec::new();
    for quarantined in &streams.quarantined {
        log::error!("JetStream: {quarantined:?} cannot be used and is set aside");
        unusable.extend(set_aside(&quarantined.folder));
    }
    let mut reading: HashMap<GroupId, Found> = HashMap::new();
    for found in &mut streams.found {
        tell_of_damage(found);
        match restore(disk, found, domain) {
            Ok(found) => drop(reading.insert(found.identity.group, found)),
            Err(NoEntries) => {
                let StreamIdentity { account, name, .. } = &found.identity;
                log::error!("JetStream: stream '{account} > {name}' cannot be read, and is left as it is");
                unusable.push(could_not_be_opened(&found.identity));
            }
        }
    }
    let recovered = store.recover_log(&streams, &mut |entry| {
        if let Some(found) = reading.get_mut(&entry.group)
            && found.failure.is_none()
        {
            found.failure = replay((disk, sizes), found, entry, zones).err();
        }
    })?;
    for damage in &recovered.damage {
        log::error!("JetStream: the log of streams is damaged: {damage:?}");
    }
    for group in &recovered.forgotten {
        reading.remove(group);
    }
    Ok(Opened {
        store,
        recovered,
        streams: reading.into_values().collect(),
        unusable,
    })
}

/// The stream that a folder is of, by what it is called: `<account>/streams/<stream>`.
fn set_aside(folder: &Path) -> Option<AilingStream> {
    let name = |folder: &Path| Some(folder.file_name()?.to_string_lossy().into_owned());
    Some(AilingStream {
        account: name(folder.parent()?.parent()?)?,
        name: name(folder)?,
        failure: None,
    })
}

fn could_not_be_opened(identity: &StreamIdentity) -> AilingStream {
    AilingStream {
        account: identity.account.clone(),
        name: identity.name.clone(),
        failure: None,
    }
}

/// How many bytes the disk has left that a folder is on, or will be.
fn left_on(disk: &dyn Disk, folder: &Path) -> io::Result<u64> {
    let mut left = disk.available(folder);
    for above in folder.ancestors().skip(1) {
        match &left {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let is_here = above.as_os_str().is_empty();
                left = disk.available(if is_here { Path::new(".") } else { above });
            }
            _ => break,
        }
    }
    left
}

/// Opens one stream again, from its checkpoint and what the log has of it.
pub(super) fn open_again(
    server: &Server,
    place: &StreamPlace,
    identity: StreamIdentity,
    excerpt: &Excerpt,
) -> Result<Found, String> {
    let (disk, zones, sizes) = (&server.disk, &server.zones, server.sizes);
    let options = options_of(&identity, sizes);
    let mut found = place
        .open(&identity, options)
        .map_err(|error| error.to_string())?;
    tell_of_damage(&found);
    let mut found = restore(disk, &mut found, &server.domain).map_err(|error| error.to_string())?;
    let mut failure = None;
    let damage = excerpt.read(found.index, &mut |entry| {
        if failure.is_none() {
            failure = replay((disk, sizes), &mut found, entry, zones).err();
        }
    });
    for damage in damage.map_err(|error| error.to_string())? {
        log::error!("JetStream: the log of streams is damaged: {damage:?}");
    }
    match failure {
        None => Ok(found),
        Some(failure) => Err(failure),
    }
}

fn tell_of_damage(FoundStream { identity, found }: &FoundStream) {
    for damage in &found.damage {
        let StreamIdentity { account, name, .. } = identity;
        log::error!("JetStream: stream '{account} > {name}' is damaged: {damage}");
    }
}

/// How the messages of a stream are kept, by what it was when it was made.
fn options_of(stream: &StreamIdentity, sizes: Sizes) -> MessagesOptions {
    let held = Stored::nothing();
    match Machine::restore(stream.definition.clone(), "", held) {
        Ok(machine) => sizes.options(machine.config()),
        Err(NoEntries) => MessagesOptions::default(),
    }
}

/// The stream as it was at its last checkpoint.
fn restore(disk: &Arc<dyn Disk>, found: &mut FoundStream, domain: &str) -> Result<Found, NoEntries> {
    let state = found.found.state.clone();
    let state = state.unwrap_or_else(|| found.identity.definition.clone());
    // What was found is asked for its position still.
    let messages = std::mem::replace(&mut found.found.messages, Messages::in_memory());
    let machine = Machine::restore(state, domain, Stored::new(disk.clone(), messages))?;
    let index = found.found.position.index;
    Ok(Found {
        machine,
        identity: found.identity.clone(),
        index,
        checkpointed: index,
        is_new: false,
        failure: None,
        flush: None,
    })
}

/// Applies an entry of the log. One that panics costs the stream that it is of.
fn replay(
    on: (&Arc<dyn Disk>, Sizes),
    found: &mut Found,
    entry: &Entry<'_>,
    zones: &Zones,
) -> Result<(), String> {
    let applied = catch_unwind(AssertUnwindSafe(|| apply(on, found, entry, zones)));
    applied.unwrap_or_else(|_| Err(format!("entry {} of its log has it panic", entry.index)))
}

fn apply(
    (disk, sizes): (&Arc<dyn Disk>, Sizes),
    found: &mut Found,
    entry: &Entry<'_>,
    zones: &Zones,
) -> Result<(), String> {
    let entries = entry::decode(Bytes::copy_from_slice(entry.body)).map_err(|error| error.to_string())?;
    for entry in entries {
        found.machine.apply(entry, &**zones);
    }
    // Nobody waits for an answer.
    drop(found.machine.take_effects());
    found.index = entry.index;
    let held = found.machine.held();
    if let Some(failure) = held.failure() {
        return Err(failure.to_string());
    }
    drop(held.take_leftovers());
    if found.flush.is_none() && held.with(|messages| messages.unwritten()) >= sizes.unread_at_most {
        found.flush = flush(disk, held).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Writes what is in memory alone; gives it back if there is no room for it.
fn flush(disk: &Arc<dyn Disk>, held: &Stored) -> Result<Option<Flush>, WriteError> {
    let Some(flush) = held.with(|messages| messages.flush())? else {
        return Ok(None);
    };
    match flush.run(&**disk) {
        Ok(()) => {
            held.with(|messages| messages.flushed(&flush));
            Ok(None)
        }
        Err(error) if error.is_for_room() => Ok(Some(flush)),
        Err(error) => Err(error),
    }
}
