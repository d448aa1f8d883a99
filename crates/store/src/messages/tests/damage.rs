//! Invariant 2: what is damaged loses what it hits, and is reported.

use super::*;
use std::path::PathBuf;

fn segments(world: &World) -> Vec<(PathBuf, usize)> {
    let mut files = world.disk.files();
    files.retain(|(path, _)| path.extension().is_some_and(|extension| extension == "seg"));
    files
}

/// A stream of 100 messages that was written and opened anew.
fn written(seed: u64, is_compressed: bool) -> World {
    let mut world = World::on_disk(seed);
    world.options.is_compressed = is_compressed;
    world.reopen();
    world.fill(100);
    world.checkpoint(1);
    world.reopen();
    world
}

/// The sequences that can be read, those of which it is said that they are damaged, and those that are said to be gone.
fn readable(world: &mut World) -> (Vec<u64>, Vec<u64>, Vec<u64>) {
    let (mut there, mut damaged, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for sequence in 1..=100 {
        match world.try_ask(|messages| messages.get(sequence)) {
            Ok(Some(message)) => {
                assert_eq!(message.payload, vec![sequence as u8; 50]);
                there.push(sequence);
            }
            Ok(None) => missing.push(sequence),
            Err(_) => damaged.push(sequence),
        }
    }
    (there, damaged, missing)
}

#[test]
fn a_flipped_bit_costs_one_message() {
    for seed in 0..400 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = written(seed, false);
        let files = segments(&world);
        let (path, length) = &files[random.usize(..files.len())];
        let bit = random.usize(128 * 8..length * 8);
        world.disk.tamper(path, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        let found = world.reopen();
        let (there, damaged, missing) = readable(&mut world);
        assert_eq!(missing, [] as [u64; 0], "seed {seed}");
        assert!(damaged.len() <= 1, "seed {seed}: {damaged:?}");
        assert_eq!(there.len() + damaged.len(), 100);
        let scrubbed = scrub(&world);
        assert!(
            !scrubbed.is_empty() || !found.damage.is_empty(),
            "seed {seed}: nothing is reported"
        );
        assert_eq!(world.messages.state().last_sequence, 100);
    }
}

fn scrub(world: &World) -> Vec<ReadError> {
    let mut after = 0;
    let mut errors = Vec::new();
    while let Some((number, scrub)) = world.messages.scrub(after) {
        after = number;
        errors.extend(scrub.run(&world.disk).err());
    }
    errors
}

#[test]
fn scrubbing_finds_nothing_where_nothing_is() {
    for is_compressed in [false, true] {
        let mut world = written(1, is_compressed);
        assert!(world.messages.scrub(0).is_some());
        assert!(scrub(&world).is_empty());
        for sequence in 1..40 {
            world.ask(|messages| messages.remove(sequence * 2));
        }
        while world.compact() {}
        assert!(scrub(&world).is_empty());
    }
}

#[test]
fn a_flipped_bit_in_a_block_costs_the_block() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = written(seed, true);
        let files = segments(&world);
        let (path, length) = &files[random.usize(..files.len())];
        let bit = random.usize(128 * 8..length * 8);
        world.disk.tamper(path, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        let found = world.reopen();
        let (there, damaged, missing) = readable(&mut world);
        assert_eq!(missing, [] as [u64; 0], "seed {seed}");
        assert!(there.len() >= 60, "seed {seed}");
        assert!(damaged.is_empty() || !scrub(&world).is_empty() || !found.damage.is_empty());
    }
}

#[test]
fn a_file_that_is_cut_short_or_gone_costs_what_was_in_it() {
    for seed in 0..100 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = written(seed, seed % 2 == 0);
        let files = segments(&world);
        let (path, length) = files[random.usize(..files.len())].clone();
        if seed % 5 == 0 {
            world.disk.remove_file(&path).unwrap();
        } else {
            world
                .disk
                .tamper(&path, |bytes| bytes.truncate(random.usize(..length)));
        }
        world.reopen();
        let (there, _, missing) = readable(&mut world);
        assert_eq!(missing, [] as [u64; 0], "seed {seed}");
        assert!(there.len() >= 60, "seed {seed}: {}", there.len());
        // It goes on.
        world.messages.append(message(101, "s", b"more")).unwrap();
        world.checkpoint(2);
        world.reopen();
        assert!(world.ask(|messages| messages.get(101)).is_some());
    }
}

#[test]
fn one_of_two_checkpoints_is_enough() {
    for name in ["checkpoint.a", "checkpoint.b"] {
        let mut world = written(1, false);
        world
            .disk
            .tamper(&Path::new(FOLDER).join(name), |bytes| bytes[70] ^= 1);
        assert_eq!(world.reopen().damage.len(), 1);
        assert_eq!(world.sequences(), (1..=100).collect::<Vec<_>>());
    }
}

#[test]
fn without_a_checkpoint_nothing_is_touched() {
    let world = written(1, false);
    let before = world.disk.files();
    for name in ["checkpoint.a", "checkpoint.b"] {
        world
            .disk
            .tamper(&Path::new(FOLDER).join(name), |bytes| bytes[70] ^= 1);
    }
    assert!(world.try_open().is_err());
    assert_eq!(world.disk.files(), before);
}

/// As if what is written to one segment had come to another's file: nothing of it passes for what that should say.
#[test]
fn a_segment_in_the_place_of_another_is_damaged() {
    for is_compressed in [false, true] {
        let mut world = written(1, is_compressed);
        let files = segments(&world);
        let first = world
            .disk
            .open(&files[0].0, crate::disk::Opening::Existing)
            .unwrap();
        let first = crate::disk::read_all(&*first).unwrap();
        world.disk.tamper(&files[2].0, |bytes| *bytes = first);
        world.reopen();
        let (there, damaged, missing) = readable(&mut world);
        assert!(there.len() > 50 && damaged.len() > 10, "{there:?}, {damaged:?}");
        assert_eq!((there.len() + damaged.len(), missing), (100, vec![]));
    }
}

/// What is lost cannot be deleted, but it is gone when all before it is.
#[test]
fn what_is_lost_is_purged_like_all_else() {
    for (seed, up_to) in (0..40).map(|seed| (seed, seed * 5 % 100 + 1)) {
        let mut world = written(seed, seed % 2 == 0);
        for (path, length) in segments(&world) {
            world.disk.tamper(&path, |bytes| bytes[length / 2..].fill(0xAA));
        }
        world.reopen();
        let lost = 100 - readable(&mut world).0.len();
        assert!(lost > 20);
        let before = world.messages.state();
        let mut purged = Purged::default();
        while !purged.is_done {
            let more = world.ask(|messages| messages.purge_to(up_to));
            purged.messages += more.messages;
            purged.bytes += more.bytes;
            purged.is_done = more.is_done;
        }
        let state = world.messages.state();
        assert_eq!(state.messages, before.messages - purged.messages);
        assert_eq!(state.bytes, before.bytes - purged.bytes);
        assert_eq!((state.messages, state.first_sequence), (101 - up_to, up_to));
        while !world.ask(|messages| messages.purge_to(101)).is_done {}
        let state = world.messages.state();
        assert_eq!((state.messages, state.bytes, state.subjects), (0, 0, 0));
    }
}

/// The file of the index that belongs to the last checkpoint.
fn index_of_subjects(world: &World) -> PathBuf {
    let files = world.disk.files().into_iter().map(|(path, _)| path);
    let mut files = files.filter(|path| path.to_string_lossy().contains("subjects."));
    files.nth(1 - world.messages.next_subjects_file).unwrap()
}

#[test]
fn the_index_of_subjects_is_no_evidence() {
    let mut world = written(1, false);
    world.checkpoint(2);
    world.reopen();
    let path = index_of_subjects(&world);
    world.disk.tamper(&path, |bytes| bytes[70] ^= 1);
    assert!(world.reopen().damage.is_empty());
    assert_eq!(world.messages.totals(b"s.3").messages, 14);
    world.disk.remove_file(&path).unwrap();
    world.reopen();
    assert_eq!(world.messages.totals(b"s.*").subjects, 7);
}

/// Of however many subjects, and also if the process was killed: no segment is looked into.
#[test]
fn the_index_of_subjects_is_read_and_not_made_anew() {
    let mut world = World::on_disk(1);
    world.options.segment_size = 100_000;
    world.reopen();
    for sequence in 1..=20_000 {
        let subject = format!("s.{}.{}", sequence % 100, sequence / 2);
        world.messages.append(message(sequence, &subject, b"")).unwrap();
        if sequence % 5000 == 0 {
            world.checkpoint(sequence);
        }
    }
    for (path, length) in segments(&world) {
        if length > 100_000 {
            world.disk.tamper(&path, |bytes| bytes.fill(0));
        }
    }
    let found = world.reopen();
    assert!(found.damage.is_empty(), "{:?}", found.damage);
    assert_eq!(
        world.messages.totals(b"s.>"),
        Totals {
            messages: 20_000,
            subjects: 20_000
        }
    );
    assert_eq!(world.messages.totals(b"s.7.*").messages, 200);
    assert_eq!(world.messages.subject(b"s.7.3").map(|state| state.last), Some(7));
}

#[test]
fn a_read_that_fails_may_be_tried_again() {
    let mut world = written(1, false);
    world.disk.set_faults(crate::disk::Faults {
        reads: 1.0,
        ..crate::disk::Faults::default()
    });
    assert!(world.try_ask(|messages| messages.get(1)).is_err());
    world.disk.set_faults(crate::disk::Faults::default());
    assert_eq!(world.sequences(), (1..=100).collect::<Vec<_>>());
}
