//! What is in the folder of a server's streams when it starts.

use super::shown::AilingStream;
use super::stored::Stored;
use super::stream::Found;
use super::{identity, server::Zones};
use bytes::Bytes;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use vagus_configs::Encryption;
use vagus_jetstream::stream::Stream as Machine;
use vagus_jetstream::stream::entry::{self, NoEntries};
use vagus_store::messages::{Messages, MessagesOptions};
use vagus_store::wal::{Entry, GroupId, Recovered, WalOptions};
use vagus_store::{
    Cipher, Disk, EncryptionError, FoundStream, Keys, Store, StoreError, StoreOptions, StreamIdentity,
};

/// How long a file of the log is, and how many there are: many, so that few streams have to be checkpointed for the next.
const LOG_FILE: u64 = 16 << 20;
const LOG_FILES: usize = 32;

/// So many bytes are kept back for what frees room when the disk is full.
const RESERVE: u64 = 0;

/// What is not written of a stream while the log is read, until it is.
const UNWRITTEN_AT_MOST: u64 = 4 << 20;

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
    /// The system has no threads left.
    #[error(transparent)]
    System(#[from] std::io::Error),
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

/// A stream, while the log is read.
struct Reading {
    found: Found,
    /// Why it cannot be used, if that is so.
    failure: Option<String>,
}

/// Opens the folder, for this process alone.
pub(super) fn open(
    (disk, folder): (&Arc<dyn Disk>, &Path),
    keys: Option<Keys>,
    domain: &str,
    zones: &Zones,
) -> Result<Opened, OpenError> {
    let options = StoreOptions {
        wal: WalOptions {
            file_size: LOG_FILE,
            files_at_most: LOG_FILES,
            ..WalOptions::default()
        },
        keys,
        reserve: RESERVE,
    };
    let mut store = Store::open(disk.clone(), folder, options)?;
    let mut streams = store.streams(&options_of)?;
    let mut unusable = Vec::new();
    for quarantined in &streams.quarantined {
        log::error!("JetStream: {quarantined:?} cannot be used and is set aside");
        unusable.extend(set_aside(&quarantined.folder));
    }
    let mut reading: HashMap<GroupId, Reading> = HashMap::new();
    for found in &mut streams.found {
        for damage in &found.found.damage {
            let StreamIdentity { account, name, .. } = &found.identity;
            log::error!("JetStream: stream '{account} > {name}' is damaged: {damage}");
        }
        match restore(disk, found, domain) {
            Ok(found) => {
                let group = found.identity.group;
                let failure = None;
                reading.insert(group, Reading { found, failure });
            }
            Err(NoEntries) => {
                let StreamIdentity { account, name, .. } = &found.identity;
                log::error!("JetStream: stream '{account} > {name}' cannot be read, and is left as it is");
                unusable.push(could_not_be_opened(&found.identity));
            }
        }
    }
    let recovered = store.recover_log(&streams, &mut |entry| {
        if let Some(reading) = reading.get_mut(&entry.group)
            && reading.failure.is_none()
            && let Err(error) = replay(disk, &mut reading.found, entry, zones)
        {
            reading.failure = Some(error);
        }
    })?;
    for damage in &recovered.damage {
        log::error!("JetStream: the log of streams is damaged: {damage:?}");
    }
    for group in &recovered.forgotten {
        reading.remove(group);
    }
    let mut found = Vec::new();
    for Reading {
        found: stream,
        failure,
    } in reading.into_values()
    {
        match failure {
            None => found.push(stream),
            Some(failure) => {
                let StreamIdentity { account, name, .. } = &stream.identity;
                log::error!("JetStream: stream '{account} > {name}' cannot be used: {failure}");
                unusable.push(could_not_be_opened(&stream.identity));
            }
        }
    }
    Ok(Opened {
        store,
        recovered,
        streams: found,
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

/// How the messages of a stream are kept, by what it was when it was made.
fn options_of(stream: &StreamIdentity) -> MessagesOptions {
    let held = Stored::nothing();
    match Machine::restore(stream.definition.clone(), "", held) {
        Ok(machine) => identity::options(machine.config()),
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
    Ok(Found {
        machine,
        identity: found.identity.clone(),
        index: found.found.position.index,
        is_new: false,
    })
}

/// Applies an entry of the log.
fn replay(disk: &Arc<dyn Disk>, found: &mut Found, entry: &Entry<'_>, zones: &Zones) -> Result<(), String> {
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
    // What was erased is deleted; its bytes are written over when the next compaction comes by.
    drop(held.take_erasures());
    if held.with(|messages| messages.unwritten()) >= UNWRITTEN_AT_MOST {
        let flushed = held.with(|messages| {
            let Some(flush) = messages.flush()? else {
                return Ok(());
            };
            flush.run(&**disk)?;
            messages.flushed(&flush);
            Ok(())
        });
        flushed.map_err(|error: vagus_store::messages::WriteError| error.to_string())?;
    }
    Ok(())
}
