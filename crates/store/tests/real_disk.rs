//! On the disk of the machine: what the simulated one shows, in short.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use vagus_store::messages::{Messages, MessagesOptions, Position};
use vagus_store::wal::{Entry, Importance};
use vagus_store::{Cipher, Keys, Message, RealDisk, Store, StoreError, StoreOptions, StreamIdentity};

/// A folder that goes when it is not needed any more.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn open(&self, options: StoreOptions) -> Result<Store, StoreError> {
        Store::open(Arc::new(RealDisk), &self.0, options)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn message(sequence: u64) -> Message {
    Message {
        sequence,
        timestamp: sequence,
        subject: Bytes::from(format!("subject.{}", sequence % 10)),
        headers: Bytes::new(),
        payload: Bytes::from(vec![sequence as u8; 100]),
    }
}

fn get(messages: &mut Messages, sequence: u64) -> Option<Message> {
    loop {
        match messages.get(sequence) {
            Ok(message) => return message,
            Err(cold) => messages.warm(cold.run(&RealDisk).unwrap()),
        }
    }
}

fn options() -> StoreOptions {
    let mut options = StoreOptions {
        keys: Some(Keys::new(Cipher::Aes, b"a key", None).unwrap()),
        reserve: 100_000,
        ..StoreOptions::default()
    };
    options.wal.file_size = 1 << 20;
    options
}

fn kept(_: &StreamIdentity) -> MessagesOptions {
    MessagesOptions {
        segment_size: 100_000,
        held_at_most: 50_000,
        is_compressed: true,
        ..MessagesOptions::default()
    }
}

/// Entries of one message each are logged; those up to 3,000 are checkpointed, those behind are in the log alone.
#[test]
fn what_was_logged_and_checkpointed_is_there() {
    let folder = Folder::new("logged");
    let mut store = folder.open(options()).unwrap();
    let streams = store.streams(&kept).unwrap();
    let mut log = store.recover_log(&streams, &mut |_| {}).unwrap();
    let identity = StreamIdentity {
        account: String::new(),
        name: String::new(),
        group: vagus_store::wal::GroupId(0),
        definition: Bytes::new(),
    };
    let (identity, mut messages) = store
        .create("$G", "ORDERS", Bytes::new(), kept(&identity))
        .unwrap();
    for index in 1..=5000 {
        let entry = Entry {
            group: identity.group,
            incarnation: 1,
            term: 1,
            index,
            timestamp: index,
            kind: 1,
            body: &index.to_le_bytes(),
        };
        log.wal.append(&entry, Importance::Message).unwrap();
        if index % 100 == 0 {
            assert_eq!(log.files.carry_out_all(&mut log.wal).unwrap(), log.wal.end());
        }
        messages.append(message(index)).unwrap();
        if index == 3000 {
            let position = Position { index, term: 1 };
            let checkpoint = messages.checkpoint(position, b"state").unwrap().unwrap();
            checkpoint.run(&RealDisk).unwrap();
            log.wal
                .release(identity.group, messages.checkpointed(&checkpoint).index)
                .unwrap();
        }
    }
    assert!(folder.0.join("jetstream/$G/streams/ORDERS/checkpoint.a").exists());
    drop((store, messages, log));

    let mut store = folder.open(options()).unwrap();
    let mut streams = store.streams(&kept).unwrap();
    let mut indexes = Vec::new();
    let log = store
        .recover_log(&streams, &mut |entry| indexes.push(entry.index))
        .unwrap();
    assert_eq!(indexes, (3001..=5000).collect::<Vec<_>>());
    assert!(log.damage.is_empty());
    let found = &mut streams.found[0].found;
    assert_eq!(found.state.as_deref(), Some(&b"state"[..]));
    for sequence in (1..=3000).step_by(97) {
        assert_eq!(get(&mut found.messages, sequence), Some(message(sequence)));
    }
    assert_eq!(found.messages.totals(b"subject.3").messages, 300);
    store.remove(&streams.found[0].identity).unwrap();
    assert!(store.streams(&kept).unwrap().found.is_empty());
}

#[test]
fn a_folder_is_for_one_server() {
    let folder = Folder::new("lock");
    let store = folder.open(StoreOptions::default()).unwrap();
    assert!(matches!(
        folder.open(StoreOptions::default()),
        Err(StoreError::InUse { .. })
    ));
    assert!(store.reserve().available().unwrap() > 0);
    drop(store);
    folder.open(StoreOptions::default()).unwrap();
}
