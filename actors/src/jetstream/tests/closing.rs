//! When the server ends.

use super::*;
use std::path::Path;

const STREAMS: usize = 20;

/// More entries than are left to the log.
const MANY: u64 = 100;

/// The files of a stream, and how long they are.
fn files_of(world: &World, stream: &str) -> Vec<(PathBuf, usize)> {
    let mut files = world.disk.files();
    files.retain(|(path, _)| {
        path.parent()
            .is_some_and(|folder| folder.ends_with(Path::new("streams").join(stream)))
    });
    assert!(!files.is_empty());
    files
}

/// What little a stream has beyond its checkpoint need not be written once more: the log has it.
#[test]
fn what_is_little_is_left_to_the_log() {
    check(SimulatedDisk::new(1), async |mut world: World| {
        let names: Vec<String> = (0..STREAMS).map(|number| format!("small{number}")).collect();
        for (number, name) in names.iter().enumerate() {
            let level = ["", r#","persist_mode":"async""#][number % 2];
            world.create(name, level).await;
            world
                .publish_until_taken(&format!("{name}.a"), &Bytes::from("x"))
                .await;
        }
        world.create("large", "").await;
        for _ in 0..MANY {
            world.publish_until_taken("large.a", &Bytes::from("x")).await;
        }
        let files = |world: &World| {
            let small = names.iter().map(|name| files_of(world, name));
            (small.collect::<Vec<_>>(), files_of(world, "large"))
        };
        let before = files(&world);
        world.jetstream.close().await;
        let after = files(&world);
        assert_eq!(before.0, after.0);
        assert_ne!(before.1, after.1);
        // All of it is there, also if the power is cut right then.
        world.disk.restart();
        let world = World::open(world.disk.clone()).await;
        for name in &names {
            let stream = world.account.stream(name).unwrap();
            assert_eq!(state(&stream).await, (1, 1, 1));
        }
        let large = world.account.stream("large").unwrap();
        assert_eq!(state(&large).await.0, MANY);
    });
}

/// A stream of an account that may have none any more has all of it in its checkpoint: the log need not wait for it.
#[test]
fn who_rests_leaves_nothing_to_the_log() {
    check(SimulatedDisk::new(2), async |mut world: World| {
        world.create("one", "").await;
        world.publish_until_taken("one.a", &Bytes::from("x")).await;
        let before = files_of(&world, "one");
        let account = world.account.routed.account.name().to_owned();
        world.jetstream.disable(&account).await;
        assert_ne!(files_of(&world, "one"), before);
    });
}
