//! Streams are checkpointed in turn, so that the log never runs out of files, and none is more often than it has to be.

use super::*;
use crate::turns::CheckpointTurns;

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
