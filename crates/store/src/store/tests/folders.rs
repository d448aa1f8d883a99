//! What is found in the folder of a store.

use super::*;
use crate::disk::Opening;

fn open(disk: &SimulatedDisk) -> Result<Store, StoreError> {
    Store::open(
        Arc::new(disk.clone()),
        Path::new("/data"),
        StoreOptions::default(),
    )
}

fn streams(store: &mut Store) -> Streams {
    store.streams(&|_| MessagesOptions::default()).unwrap()
}

fn put_file(disk: &SimulatedDisk, path: &str, bytes: &[u8]) {
    let path = Path::new(path);
    disk.create_folder(path.parent().unwrap()).unwrap();
    disk.open(path, Opening::Any).unwrap().write_at(0, bytes).unwrap();
}

#[test]
fn a_folder_is_for_one_server() {
    let disk = SimulatedDisk::new(1);
    let store = open(&disk).unwrap();
    assert!(matches!(open(&disk), Err(StoreError::InUse { .. })));
    drop(store);
    open(&disk).unwrap();
}

#[test]
fn a_folder_is_left_before_its_store_is_gone() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk).unwrap();
    store.leave();
    open(&disk).unwrap();
}

#[test]
fn streams_are_found_where_they_were_made() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk).unwrap();
    for (account, name) in [("$G", "ORDERS"), ("$G", "events"), ("a/b", "ORDERS"), (".x", "ü")] {
        let definition = Bytes::from(format!("{account} {name}"));
        let (identity, _) = store
            .create(account, name, definition, MessagesOptions::default())
            .unwrap();
        assert_eq!((&*identity.account, &*identity.name), (account, name));
        let again = store.create(account, name, Bytes::new(), MessagesOptions::default());
        assert!(matches!(again, Err(StoreError::Exists { .. })));
    }
    drop(store);
    disk.restart();
    let paths: Vec<PathBuf> = disk.files().into_iter().map(|(path, _)| path).collect();
    assert!(paths.contains(&PathBuf::from("/data/jetstream/$G/streams/ORDERS/meta.a")));
    let mut store = open(&disk).unwrap();
    let found = streams(&mut store).found;
    let mut names: Vec<_> = found
        .iter()
        .map(|stream| (&*stream.identity.account, &*stream.identity.name))
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [("$G", "ORDERS"), ("$G", "events"), (".x", "ü"), ("a/b", "ORDERS")]
    );
    assert!(found.iter().all(|stream| stream.found.state.is_none()));
    let orders = found
        .iter()
        .find(|stream| stream.identity.name == "ORDERS")
        .unwrap();
    assert_eq!(
        orders.identity.definition,
        format!("{} ORDERS", orders.identity.account)
    );
}

/// However many there are, a start waits for the disk only where something may not be on it.
#[test]
fn streams_that_are_whole_are_found_without_a_sync() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk).unwrap();
    for name in ["first", "second"] {
        store
            .create("a", name, Bytes::new(), MessagesOptions::default())
            .unwrap();
    }
    drop(store);
    disk.kill_process();
    let mut store = open(&disk).unwrap();
    let no_sync = Faults {
        syncs: 1.0,
        ..Faults::default()
    };
    disk.set_faults(no_sync);
    assert_eq!(streams(&mut store).found.len(), 2);
    // Of which there is one copy, the folder may be new.
    disk.remove_file(Path::new("/data/jetstream/a/streams/first/meta.b"))
        .unwrap();
    let found = store.streams(&|_| MessagesOptions::default());
    assert!(matches!(found, Err(StoreError::File { .. })), "{found:?}");
}

#[test]
fn a_stream_of_the_same_name_is_another() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk).unwrap();
    let (first, _) = store
        .create("a", "s", Bytes::new(), MessagesOptions::default())
        .unwrap();
    store.remove(&first).unwrap();
    assert!(streams(&mut store).found.is_empty());
    drop(store);
    disk.restart();
    let mut store = open(&disk).unwrap();
    let (second, _) = store
        .create("a", "s", Bytes::new(), MessagesOptions::default())
        .unwrap();
    assert!(second.group > first.group);
}

/// Nobody waits for the second copy of what says which stream it is: a power cut may take it, and the next start brings it back.
#[test]
fn a_stream_is_known_by_the_copy_that_was_on_disk() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk).unwrap();
    let (identity, _) = store
        .create("a", "s", Bytes::new(), MessagesOptions::default())
        .unwrap();
    drop(store);
    let second = PathBuf::from("/data/jetstream/a/streams/s/meta.b");
    disk.tamper(&second, |bytes| bytes.truncate(7));
    disk.restart();
    let mut store = open(&disk).unwrap();
    assert_eq!(streams(&mut store).found.len(), 1);
    let folder = store.layout.stream("a", "s");
    assert_eq!(store.read_identity(&folder).unwrap(), Ok((identity, true)));
}

/// As if what one stream writes had come to another's files.
#[test]
fn what_is_said_of_one_stream_is_not_taken_for_another() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk).unwrap();
    for (name, count) in [("one", 3), ("two", 5)] {
        let (identity, mut messages) = store
            .create("a", name, Bytes::new(), MessagesOptions::default())
            .unwrap();
        for sequence in 1..=count {
            let message = Message {
                sequence,
                subject: Bytes::copy_from_slice(name.as_bytes()),
                ..Message::default()
            };
            messages.append(message).unwrap();
        }
        let position = Position {
            index: count,
            term: 1,
        };
        let checkpoint = messages.checkpoint(position, b"").unwrap().unwrap();
        checkpoint.run(&disk).unwrap();
        assert_eq!(
            store.read_identity(&store.layout.stream("a", name)).unwrap(),
            Ok((identity, true))
        );
    }
    drop(store);
    for file in ["meta.a", "checkpoint.a", "subjects.a"] {
        let path = |stream: &str| PathBuf::from(format!("/data/jetstream/a/streams/{stream}/{file}"));
        let other = disk.open(&path("two"), Opening::Existing).unwrap();
        let other = crate::disk::read_all(&*other).unwrap();
        disk.tamper(&path("one"), |bytes| *bytes = other);
    }
    let mut store = open(&disk).unwrap();
    let found = streams(&mut store).found;
    let told: Vec<_> = found
        .iter()
        .map(|stream| (&*stream.identity.name, stream.found.messages.state().messages))
        .collect();
    assert_eq!(told, [("one", 3), ("two", 5)]);
    assert_eq!(found[0].found.messages.totals(b"one").messages, 3);
    assert_eq!(
        found[0].found.damage.len(),
        1,
        "the checkpoint that is not its own"
    );
}

#[test]
fn what_nobody_knows_is_set_aside() {
    let disk = SimulatedDisk::new(1);
    let mut store = open(&disk).unwrap();
    put_file(&disk, "/data/jetstream/a/streams/odd/file", b"something");
    put_file(&disk, "/data/jetstream/a/streams/theirs/meta.inf", b"{}");
    disk.create_folder(Path::new("/data/jetstream/a/streams/begun"))
        .unwrap();
    let quarantined = streams(&mut store).quarantined;
    let reasons: Vec<Reason> = quarantined.iter().map(|quarantined| quarantined.reason).collect();
    assert_eq!(reasons, [Reason::Unknown, Reason::NatsServer]);
    assert_eq!(
        quarantined[0].now,
        Path::new("/data/jetstream/.quarantine/a.odd.0")
    );
    let paths: Vec<PathBuf> = disk.files().into_iter().map(|(path, _)| path).collect();
    assert!(paths.contains(&quarantined[0].now.join("file")));
    assert!(paths.contains(&PathBuf::from("/data/jetstream/a/streams/theirs/meta.inf")));
    // Whose place is free is made, and whose place is taken is not.
    store
        .create("a", "odd", Bytes::new(), MessagesOptions::default())
        .unwrap();
    store
        .create("a", "begun", Bytes::new(), MessagesOptions::default())
        .unwrap();
    let theirs = store.create("a", "theirs", Bytes::new(), MessagesOptions::default());
    assert!(matches!(theirs, Err(StoreError::Exists { .. })));
}

#[test]
fn a_stream_that_cannot_be_read_is_set_aside_with_its_entries() {
    let mut world = World::new(1);
    world.options.keys = None;
    let mut server = world.open().unwrap();
    while server.streams.is_empty() {
        world.create(&mut server).unwrap();
    }
    for _ in 0..30 {
        world.propose(&mut server);
    }
    world.commit(&mut server).unwrap();
    drop(server);
    world.disk.kill_process();
    for path in world.files("a").into_iter().chain(world.files("b")) {
        if path.to_str().unwrap().contains("meta.") {
            world.disk.tamper(&path, |bytes| bytes.truncate(20));
        }
    }
    let mut store = Store::open(
        Arc::new(world.disk.clone()),
        Path::new("/data"),
        world.options.clone(),
    )
    .unwrap();
    let found = streams(&mut store);
    assert!(found.found.is_empty());
    assert_eq!(found.quarantined[0].reason, Reason::Damaged);
    store
        .recover_log(&found, &mut |_| panic!("an entry of nobody"))
        .unwrap();
    assert_eq!(world.files("entries").len(), 1);
}

#[test]
fn another_key_is_refused_and_touches_nothing() {
    let disk = SimulatedDisk::new(1);
    let with_key = |key: &str| StoreOptions {
        keys: Some(Keys::new(Cipher::Aes, key.as_bytes(), None).unwrap()),
        ..StoreOptions::default()
    };
    let open = |options| Store::open(Arc::new(disk.clone()), Path::new("/data"), options).unwrap();
    let mut store = open(with_key("right"));
    store
        .create("a", "s", Bytes::new(), MessagesOptions::default())
        .unwrap();
    drop(store);
    let before = disk.files();
    for options in [with_key("wrong"), StoreOptions::default()] {
        let mut store = open(options);
        let error = store.streams(&|_| MessagesOptions::default()).unwrap_err();
        assert!(
            error.to_string().ends_with("encrypted with another key"),
            "{error}"
        );
    }
    assert_eq!(disk.files(), before);
    assert_eq!(streams(&mut open(with_key("right"))).found.len(), 1);
}
