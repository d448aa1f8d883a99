//! When the disk reports errors, is full, or returns what was not written.

use super::*;
use crate::turns::CheckpointTurns;

/// Nothing is acknowledged that a failed write or sync has lost, and the store goes on when it is opened anew, which needs no
/// new process.
#[test]
fn after_a_write_error_streams_recover() {
    for seed in 0..100 {
        let mut world = World::new(seed);
        let mut server = world.open().unwrap();
        let mut recovered = 0;
        for _ in 0..6 {
            world.live(&mut server, 20).unwrap();
            let share = world.random.f64() * 0.1;
            world.disk.set_faults(Faults {
                reads: share / 4.0,
                writes: share,
                syncs: share,
                ..Faults::default()
            });
            let ended = world.live(&mut server, 60).is_err();
            world.disk.set_faults(Faults::default());
            if ended {
                let (wal, files, streams) = world.open_streams(&mut server.store).unwrap();
                (server.wal, server.files, server.streams) = (wal, files, streams);
                world.check(&mut server);
                recovered += 1;
                // What is there after errors is so after a power cut, whatever syncs have said.
                if world.random.bool() {
                    drop(server);
                    world.disk.restart();
                    server = world.open().unwrap();
                    world.check(&mut server);
                }
            }
        }
        assert!(seed > 10 || recovered > 0);
        world.live(&mut server, 20).unwrap();
        world.commit(&mut server).unwrap();
        world.check(&mut server);
        assert_eq!(world.damage, [] as [String; 0], "seed {seed}");
    }
}

/// A full disk refuses, loses nothing, and takes more when there is room.
#[test]
fn a_full_disk_refuses_until_there_is_room() {
    for seed in 0..60 {
        let mut world = World::new(seed);
        world.options.reserve = 50_000;
        let mut server = world.open().unwrap();
        world.live(&mut server, 30).unwrap();
        let used: usize = world.disk.files().iter().map(|(_, length)| *length).sum();
        world.disk.set_faults(Faults {
            capacity: Some(used as u64 + world.random.u64(..30_000)),
            ..Faults::default()
        });
        let mut ended = false;
        for _ in 0..40 {
            if world.live(&mut server, 20).is_err() {
                ended = true;
                break;
            }
        }
        if !ended {
            continue;
        }
        // What is full can be opened, and checkpointed, with what was kept back.
        server.store.reserve().free().unwrap();
        let (wal, files, streams) = world.open_streams(&mut server.store).unwrap();
        (server.wal, server.files, server.streams) = (wal, files, streams);
        world.check(&mut server);
        for _ in 0..2 * server.streams.len() {
            world.checkpoint(&mut server).unwrap();
            world.commit(&mut server).unwrap();
        }
        world.disk.set_faults(Faults::default());
        assert!(server.store.reserve().restore().unwrap());
        world.live(&mut server, 50).unwrap();
        world.commit(&mut server).unwrap();
        world.check(&mut server);
        assert_eq!(world.damage, [] as [String; 0], "seed {seed}");
    }
}

/// The one that grows most becomes read-only before the disk is full; others go on, and so does what makes room. It comes
/// back by itself.
#[test]
fn streams_become_read_only_before_the_disk_is_full() {
    for seed in 0..10 {
        let mut world = World::new(seed);
        world.messages.is_compressed = false;
        let mut server = world.open().unwrap();
        while server.streams.len() < 3 {
            world.create(&mut server).unwrap();
        }
        let groups: Vec<GroupId> = server
            .streams
            .iter()
            .map(|stream| stream.identity.group)
            .collect();
        let used: usize = world.disk.files().iter().map(|(_, length)| *length).sum();
        world.disk.set_faults(Faults {
            capacity: Some(used as u64 + 700_000),
            ..Faults::default()
        });
        let mut space = Space::new(SpaceLimits {
            low: 200_000,
            enough: 350_000,
        });
        let mut turns = CheckpointTurns::default();
        let mut changes = Vec::new();
        for round in 0..500 {
            for (place, group) in groups.iter().enumerate() {
                let length = if place == 0 { 3000 } else { 10 };
                let is_due = place == 0 || round % 8 == 0;
                if is_due && space.is_writable(*group) && world.put(&mut server, place, length) {
                    space.took(*group, u64::from(length));
                }
            }
            if round == 400 {
                assert_eq!(changes, [SpaceChange::ReadOnly(groups[0])], "seed {seed}");
                assert!(world.purge(&mut server, 0));
            }
            world.commit(&mut server).unwrap();
            while let Some(group) = turns.next(&server.wal) {
                world.checkpoint_of(&mut server, group).unwrap();
                turns.ended(group);
            }
            // A purge gives its room back with the next checkpoint of its stream.
            if round > 400 {
                world.checkpoint_of(&mut server, groups[0]).unwrap();
            }
            let unwritten = server.streams.iter().map(|stream| stream.messages.unwritten());
            let spoken_for = server.wal.may_still_take() + unwritten.sum::<u64>();
            let available = server.store.reserve().available().unwrap();
            changes.extend(space.left(available.saturating_sub(spoken_for)));
        }
        let expected = [SpaceChange::ReadOnly(groups[0]), SpaceChange::Writable(groups[0])];
        assert_eq!(changes[..2], expected, "seed {seed}");
        world.commit(&mut server).unwrap();
        world.check(&mut server);
    }
}

/// A flipped bit anywhere is reported or has cost nothing, and no stream vanishes.
#[test]
fn a_flipped_bit_anywhere_makes_no_stream_vanish() {
    for seed in 0..200 {
        let mut world = World::new(seed);
        let mut server = world.open().unwrap();
        world.live(&mut server, 120).unwrap();
        world.commit(&mut server).unwrap();
        server.wal.settle().unwrap();
        world.commit(&mut server).unwrap();
        let mut names: Vec<String> = server
            .streams
            .iter()
            .map(|stream| stream.identity.name.clone())
            .collect();
        names.sort_unstable();
        drop(server);
        world.disk.kill_process();
        let files: Vec<(PathBuf, usize)> = world
            .disk
            .files()
            .into_iter()
            .filter(|(_, length)| *length > 0)
            .collect();
        if files.is_empty() {
            continue;
        }
        let (path, length) = &files[world.random.usize(..files.len())];
        let bit = world.random.usize(..length * 8);
        world.disk.tamper(path, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        let mut store = Store::open(
            Arc::new(world.disk.clone()),
            Path::new("/data"),
            world.options.clone(),
        )
        .unwrap();
        let options = world.messages;
        let streams = store.streams(&|_| options).unwrap();
        store.recover_log(&streams, &mut |_| {}).unwrap();
        assert_eq!(streams.quarantined, [], "seed {seed}: {}", path.display());
        let mut found: Vec<String> = streams
            .found
            .iter()
            .map(|stream| stream.identity.name.clone())
            .collect();
        found.sort_unstable();
        assert_eq!(found, names, "seed {seed}: {}", path.display());
    }
}
