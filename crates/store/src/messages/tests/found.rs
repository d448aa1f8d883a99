//! What is found here and there is read without the directories that it was found in.

use super::*;

/// Segments of which each has one message of a rare subject.
fn rare() -> World {
    let mut world = World::on_disk(1);
    // There is room for one directory.
    world.options.directories_at_most = 1;
    world.reopen();
    for sequence in 1..=400 {
        let subject = match sequence % 20 {
            7 => "rare.a".to_owned(),
            13 => "rare.b".to_owned(),
            other => format!("often.{other}"),
        };
        let message = message(sequence, &subject, &[sequence as u8; 50]);
        world.messages.append(message).unwrap();
    }
    world.checkpoint(1);
    world.reopen();
    world
}

/// The sequences that filters match, and how many directories had to be read.
fn find(world: &mut World, filters: &[&'static str]) -> (Vec<u64>, usize) {
    let filters = filters.iter().map(|filter| Bytes::from_static(filter.as_bytes()));
    let mut cursor = Cursor::new(filters.collect(), 1);
    let (mut found, mut directories) = (Vec::new(), 0);
    loop {
        match world.messages.next(&mut cursor) {
            Ok(Some(sequence)) => {
                found.push(sequence);
                cursor.seek(sequence + 1);
            }
            Ok(None) => return (found, directories),
            Err(cold) => {
                directories += usize::from(!cold.is_pause());
                let warm = cold.run(&world.disk).unwrap();
                world.messages.warm(warm);
            }
        }
    }
}

#[test]
fn each_segment_is_looked_through_once_for_all_filters() {
    let mut world = rare();
    let segments = world.messages.parts.len();
    let (found, directories) = find(&mut world, &["rare.a", "rare.b"]);
    let expected: Vec<u64> = (1..=400)
        .filter(|sequence| [7, 13].contains(&(sequence % 20)))
        .collect();
    assert_eq!(found, expected);
    assert!(directories <= segments, "{directories} of {segments}");
}

#[test]
fn what_was_found_is_read_without_a_directory() {
    let mut world = rare();
    let (found, _) = find(&mut world, &["rare.a"]);
    for sequence in found {
        assert!(world.messages.has(sequence).unwrap());
        let cold = world.messages.found_job(sequence).unwrap();
        let warm = cold.run(&world.disk).unwrap();
        assert_eq!(warm.messages()[0].sequence, sequence);
        world.messages.warm(warm);
        assert!(world.messages.found_job(sequence).is_none());
        let read = world.messages.get(sequence).unwrap().unwrap();
        assert_eq!(read, message(sequence, "rare.a", &[sequence as u8; 50]));
    }
}

#[test]
fn what_is_deleted_or_written_anew_is_not_where_it_was_found() {
    let mut world = rare();
    let (found, _) = find(&mut world, &["rare.a"]);
    world.ask(|messages| messages.remove(found[0]));
    assert!(!world.messages.has(found[0]).unwrap());
    assert!(world.messages.found_job(found[0]).is_none());
    let (found, _) = find(&mut world, &["rare.a"]);
    for sequence in 1..=400 {
        if sequence % 20 != 7 {
            world.ask(|messages| messages.remove(sequence));
        }
    }
    assert!(world.compact());
    while world.compact() {}
    for sequence in found {
        assert!(world.ask(|messages| messages.get(sequence)).is_some());
    }
}
