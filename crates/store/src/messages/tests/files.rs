//! What becomes of files: what is held in memory, and what goes when.

use super::*;
use crate::disk::DiskFile;

fn names(world: &World) -> Vec<String> {
    let files = world.disk.files().into_iter();
    files
        .map(|(path, _)| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

fn segments(world: &World) -> usize {
    names(world).iter().filter(|name| name.ends_with(".seg")).count()
}

#[test]
fn what_is_written_is_let_go_of() {
    let mut world = World::on_disk(1);
    world.fill(200);
    assert!(world.messages.held > 10_000);
    assert_eq!(
        world.messages.unwritten(),
        world.messages.parts.iter().map(|part| part.length).sum::<u64>()
    );
    world.flush();
    assert!(world.messages.held <= 1000);
    assert_eq!(world.messages.unwritten(), 0);
    assert!(world.messages.directories <= 4000);
    assert_eq!(world.sequences(), (1..=200).collect::<Vec<_>>());
}

#[test]
fn a_file_goes_when_the_next_checkpoint_is_durable() {
    let mut world = World::on_disk(1);
    world.fill(200);
    world.checkpoint(1);
    let before = segments(&world);
    assert!(before > 5);
    while !world.ask(|messages| messages.purge_to(150)).is_done {}
    assert_eq!(segments(&world), before);
    world.checkpoint(2);
    assert!(segments(&world) < before / 2);
    assert_eq!(world.reopen().position.index, 2);
    assert_eq!(world.sequences(), (150..=200).collect::<Vec<_>>());
}

#[test]
fn what_no_checkpoint_names_goes_when_it_is_opened() {
    let mut world = World::on_disk(1);
    world.fill(20);
    world.checkpoint(1);
    let before = names(&world);
    for sequence in 21..200 {
        world.messages.append(message(sequence, "s", &[0; 50])).unwrap();
    }
    world.flush();
    assert!(names(&world).len() > before.len());
    world.reopen();
    assert_eq!(names(&world), before);
    assert_eq!(world.sequences(), (1..=20).collect::<Vec<_>>());
}

#[test]
fn compaction_gives_back_what_was_deleted() {
    let mut world = World::on_disk(1);
    world.fill(400);
    world.checkpoint(1);
    let size = |world: &World| {
        world
            .disk
            .files()
            .iter()
            .map(|(_, length)| *length)
            .sum::<usize>()
    };
    let before = size(&world);
    for sequence in 1..=400 {
        if sequence % 5 != 0 {
            world.ask(|messages| messages.remove(sequence));
        }
    }
    while world.compact() {}
    world.checkpoint(2);
    assert!(size(&world) < before / 2, "{} of {before}", size(&world));
    world.reopen();
    assert_eq!(
        world.sequences(),
        (1..=400).filter(|sequence| sequence % 5 == 0).collect::<Vec<_>>()
    );
}

#[test]
fn what_is_deleted_during_a_compaction_stays_deleted() {
    let mut world = World::on_disk(1);
    world.fill(100);
    world.checkpoint(1);
    for sequence in (1..=100).filter(|sequence| sequence % 3 != 0) {
        world.ask(|messages| messages.remove(sequence));
    }
    let compaction = world.messages.compaction().unwrap();
    let compacted = compaction.run(&world.disk).unwrap();
    for sequence in [3, 9, 12, 33] {
        assert!(world.ask(|messages| messages.remove(sequence)).is_some());
    }
    world.messages.compacted(compacted);
    let left: Vec<u64> = (1..=100)
        .filter(|sequence| sequence % 3 == 0 && ![3, 9, 12, 33].contains(sequence))
        .collect();
    assert_eq!(world.sequences(), left);
    world.checkpoint(2);
    world.reopen();
    assert_eq!(world.sequences(), left);
}

#[test]
fn what_was_read_before_a_compaction_stays_deleted() {
    let mut world = World::on_disk(1);
    world.fill(100);
    world.checkpoint(1);
    assert!(world.ask(|messages| messages.get(1)).is_some());
    for sequence in 2..16 {
        world.ask(|messages| messages.remove(sequence));
    }
    assert!(world.compact());
    let left: Vec<u64> = (1..=100).filter(|sequence| !(2..16).contains(sequence)).collect();
    assert_eq!(world.sequences(), left);
}

#[test]
fn a_purge_during_a_compaction_purges() {
    let mut world = World::on_disk(1);
    world.fill(100);
    world.checkpoint(1);
    for sequence in (1..=60).filter(|sequence| sequence % 3 != 0) {
        world.ask(|messages| messages.remove(sequence));
    }
    let compaction = world.messages.compaction().unwrap();
    let compacted = compaction.run(&world.disk).unwrap();
    world.messages.purge();
    world.messages.compacted(compacted);
    assert_eq!(world.messages.state().messages, 0);
    world.checkpoint(2);
    assert_eq!(segments(&world), 0);
}

#[test]
fn what_is_erased_is_in_no_file() {
    for is_compressed in [false, true] {
        let mut world = World::on_disk(1);
        world.options.is_compressed = is_compressed;
        world.reopen();
        for sequence in 1..=60 {
            let payload =
                format!("payload {sequence:02}, and more that is unlike that of others").into_bytes();
            world.messages.append(message(sequence, "s", &payload)).unwrap();
        }
        world.checkpoint(1);
        let is_there = |world: &World| {
            let found = world.disk.files().into_iter().any(|(path, length)| {
                let file = world.disk.open(&path, crate::disk::Opening::Existing).unwrap();
                let mut bytes = vec![0; length];
                DiskFile::read_at(&*file, 0, &mut bytes).unwrap();
                bytes.windows(10).any(|part| part == b"payload 07")
            });
            found || is_compressed
        };
        assert!(is_there(&world));
        let (_, erasure) = world.ask(|messages| messages.erase(7)).unwrap();
        assert_eq!(erasure.is_some(), !is_compressed);
        if let Some(erasure) = erasure {
            erasure.run(&world.disk).unwrap();
            assert!(!is_there(&world));
        }
        assert_eq!(world.messages.take_erasures().len(), 0);
        if is_compressed {
            assert!(world.compact(), "its segment is written anew");
        }
        world.checkpoint(2);
        world.reopen();
        assert_eq!(
            world.sequences(),
            (1..=60).filter(|sequence| *sequence != 7).collect::<Vec<_>>()
        );
    }
}

/// The segment has no footer yet: it is read from its records, of which each has to be there until a checkpoint says that it is
/// deleted.
#[test]
fn what_is_erased_before_a_checkpoint_is_deleted_once_after_a_crash() {
    for is_checkpointed in [false, true] {
        let mut world = World::on_disk(2);
        world.fill(10);
        world.checkpoint(1);
        let before = world.messages.state();
        let (size, erasure) = world.ask(|messages| messages.erase(7)).unwrap();
        let mut erasures = Vec::from_iter(erasure);
        erasures.extend(world.messages.take_erasures());
        assert!(erasures.is_empty(), "it is not yet in a checkpoint");
        if is_checkpointed {
            world.checkpoint(2);
            erasures = world.messages.take_erasures();
            assert_eq!(erasures.len(), 1);
        }
        for erasure in erasures {
            erasure.run(&world.disk).unwrap();
        }
        let after = world.messages.state();
        world.disk.kill_process();
        let found = world.reopen();
        assert!(found.damage.is_empty(), "{:?}", found.damage);
        if !is_checkpointed {
            // The log says it again.
            assert_eq!(world.messages.state(), before);
            assert_eq!(world.ask(|messages| messages.remove(7)), Some(size));
        }
        assert_eq!(world.messages.state(), after);
        assert_eq!(
            world.ask(|messages| messages.count(&mut Count::new(Vec::new(), 2))),
            8
        );
        assert_eq!(world.sequences(), [1, 2, 3, 4, 5, 6, 8, 9, 10]);
    }
}

#[test]
fn of_many_that_are_erased_before_a_checkpoint_nothing_is_left() {
    let mut world = World::on_disk(3);
    for sequence in 1..=3000 {
        let payload = format!("payload {sequence:04} of many").into_bytes();
        world.messages.append(message(sequence, "s", &payload)).unwrap();
    }
    world.flush();
    for sequence in 1..3000 {
        let (_, erasure) = world.ask(|messages| messages.erase(sequence)).unwrap();
        assert!(erasure.is_none());
    }
    while world.compact() {}
    world.checkpoint(1);
    let erasures = world.messages.take_erasures();
    assert!(erasures.len() <= 1024);
    for erasure in erasures {
        erasure.run(&world.disk).unwrap();
    }
    // The one that grows is written anew when it is complete.
    world.fill_from(3001, 3100);
    world.flush();
    while world.compact() {}
    world.checkpoint(2);
    world.checkpoint(3);
    let left = world.disk.files().into_iter().filter(|(path, length)| {
        let file = world.disk.open(path, crate::disk::Opening::Existing).unwrap();
        let mut bytes = vec![0; *length];
        DiskFile::read_at(&*file, 0, &mut bytes).unwrap();
        let mut payloads = bytes.windows(12).filter(|part| part.starts_with(b"payload "));
        payloads.any(|payload| payload != b"payload 3000")
    });
    assert_eq!(left.count(), 0);
    assert_eq!(world.sequences(), (3000..=3100).collect::<Vec<_>>());
}

#[test]
fn what_is_erased_while_it_is_written_is_in_no_file() {
    let mut world = World::on_disk(1);
    world.fill(60);
    let flush = world.messages.flush().unwrap().unwrap();
    let erased = world.ask(|messages| messages.erase(7));
    assert!(matches!(erased, Some((_, None))));
    flush.run(&world.disk).unwrap();
    world.messages.flushed(&flush);
    assert!(world.compact(), "its segment is written anew");
    world.checkpoint(1);
    let is_there = world.disk.files().into_iter().any(|(path, length)| {
        let file = world.disk.open(&path, crate::disk::Opening::Existing).unwrap();
        let mut bytes = vec![0; length];
        DiskFile::read_at(&*file, 0, &mut bytes).unwrap();
        bytes.windows(20).any(|part| part == [7; 20])
    });
    assert!(!is_there);
}

#[test]
fn a_key_is_changed_by_writing_anew() {
    let mut world = World::on_disk(1);
    world.keys = Some(Keys::new(Cipher::Aes, b"old", None).unwrap());
    world.reopen();
    world.fill(100);
    world.ask(|messages| messages.remove(50));
    world.checkpoint(1);
    world.keys = Some(Keys::new(Cipher::Aes, b"other", None).unwrap());
    assert!(world.try_open().is_err());
    world.keys = Some(Keys::new(Cipher::ChaCha, b"new", Some((Cipher::Aes, b"old"))).unwrap());
    assert!(world.reopen().is_key_old);
    world.fill_from(101, 150);
    world.checkpoint(2);
    while world.compact() {}
    world.checkpoint(3);
    // What is deleted does not come back.
    world.keys = Some(Keys::new(Cipher::ChaCha, b"new", None).unwrap());
    assert!(!world.reopen().is_key_old);
    assert_eq!(
        world.sequences(),
        (1..=150).filter(|sequence| *sequence != 50).collect::<Vec<_>>()
    );
}

/// A hundred thousand subjects of a segment are held against a filter in pieces, in whatever state the segment is.
#[test]
fn what_takes_long_is_asked_for_again() {
    let mut world = World::on_disk(1);
    world.options = MessagesOptions::default();
    world.reopen();
    let subject = |sequence: u64| format!("s.{sequence}.{}", sequence % 7);
    for sequence in 1..=50_000 {
        world
            .messages
            .append(message(sequence, &subject(sequence), b""))
            .unwrap();
    }
    let filters = || vec![Bytes::from_static(b"*.*.3"), Bytes::from_static(b"s.77.*")];
    for is_written in [false, true] {
        if is_written {
            world.messages.start_part(50_001);
            world.flush();
            assert_eq!(world.messages.parts[0].stage, Stage::Sealed);
        }
        let (mut pauses, mut cursor) = (0, Cursor::new(filters(), 10));
        let mut found = Vec::new();
        while found.len() < 12 {
            match world.messages.next(&mut cursor) {
                Ok(Some(sequence)) => {
                    found.push(sequence);
                    cursor.seek(sequence + 1);
                }
                Ok(None) => panic!("there are more"),
                Err(cold) => {
                    pauses += u32::from(cold.is_pause());
                    world.messages.warm(cold.run(&world.disk).unwrap());
                }
            }
        }
        assert_eq!(found, [10, 17, 24, 31, 38, 45, 52, 59, 66, 73, 77, 80]);
        assert!(pauses >= 3, "{pauses}");
        let mut count = Count::new(filters(), 40_001);
        let expected = (40_001..=50_000).filter(|sequence| sequence % 7 == 3).count();
        assert_eq!(world.ask(|messages| messages.count(&mut count)), expected as u64);
    }
}

#[test]
fn small_segments_are_put_together() {
    let mut world = World::on_disk(1);
    world.options.segment_size = 20_000;
    for round in 0..10 {
        world.options.is_compressed = round % 2 == 0;
        world.reopen();
        world.fill_from(round * 10 + 1, round * 10 + 10);
        world.checkpoint(round + 1);
    }
    assert!(world.messages.parts.len() >= 9);
    while world.compact() {}
    assert!(world.messages.parts.len() <= 2);
    assert_eq!(world.sequences(), (1..=100).collect::<Vec<_>>());
}

#[test]
fn a_message_on_disk_takes_little() {
    let mut world = World::on_disk(1);
    world.options.segment_size = 1 << 20;
    world.reopen();
    for sequence in 1..=20_000 {
        let mut message = message(sequence, "bench.a", &[b'x'; 128]);
        message.headers = Bytes::new();
        world.messages.append(message).unwrap();
    }
    world.checkpoint(1);
    let bytes: usize = world.disk.files().iter().map(|(_, length)| *length).sum();
    assert!(bytes <= 165 * 20_000, "{} a message", bytes as f64 / 20_000.0);
}
