//! Streams are checkpointed in turn, so that the log never runs out of files, and none is more often than it has to be.

use super::*;
use crate::turns::{BEHIND_AT_MOST, CheckpointTurns};

#[test]
fn a_stream_is_checkpointed_once_while_the_log_goes_on_by_some_files() {
    for seed in 0..10 {
        let _context = Context(seed);
        let mut world = World::new(seed);
        let mut server = world.open().unwrap();
        while server.streams.len() < 4 {
            world.create(&mut server).unwrap();
        }
        let mut turns = CheckpointTurns::default();
        let mut written = BTreeMap::new();
        // A file has a header, and room for what the log says of itself.
        let file = world.options.wal.file_size - 2 * 4096;
        while server.wal.end().0 < 40 * file {
            for _ in 0..world.random.usize(..20) {
                world.propose(&mut server);
            }
            // All that it proposes is taken, or the model would be ahead of the log.
            world.commit(&mut server).unwrap();
            let (used, at_most) = server.wal.files_in_use();
            assert!(used < at_most, "{used} files of {at_most} are in use");
            let mut begun = Vec::new();
            while let Some(group) = turns.next(&server.wal) {
                begun.push(group);
            }
            assert!(begun.len() <= 2);
            for group in begun {
                let at = server.wal.end().0;
                if let Some(before) = written.insert(group, at) {
                    assert!(
                        at - before >= file,
                        "{group:?} was checkpointed at {before}, and again at {at}"
                    );
                }
                world.checkpoint_of(&mut server, group).unwrap();
                turns.ended(group);
            }
            world.commit(&mut server).unwrap();
        }
        assert_eq!(written.len(), 4);
        drop(server);
        world.disk.restart();
        let mut server = world.open().unwrap();
        world.check(&mut server);
    }
}

/// However few files of the log are in use: what has to be applied after a kill is no more of any stream.
#[test]
fn a_stream_of_which_much_is_in_the_log_alone_is_checkpointed() {
    let mut world = World::new(1);
    let mut server = world.open().unwrap();
    while server.streams.len() < 3 {
        world.create(&mut server).unwrap();
    }
    let groups: Vec<GroupId> = server
        .streams
        .iter()
        .map(|stream| stream.identity.group)
        .collect();
    let mut turns = CheckpointTurns::default();
    for (group, bytes) in [
        (0, BEHIND_AT_MOST / 2),
        (1, BEHIND_AT_MOST),
        (2, BEHIND_AT_MOST),
        (0, BEHIND_AT_MOST / 2 - 1),
    ] {
        turns.appended(groups[group], bytes);
    }
    turns.forget(groups[2]);
    assert_eq!(turns.next(&server.wal), Some(groups[1]));
    // What is appended meanwhile counts for the next.
    turns.appended(groups[1], BEHIND_AT_MOST);
    assert_eq!(turns.next(&server.wal), None);
    turns.appended(groups[0], 1);
    assert_eq!(turns.next(&server.wal), Some(groups[0]));
    turns.ended(groups[1]);
    assert_eq!(turns.next(&server.wal), Some(groups[1]));
}
