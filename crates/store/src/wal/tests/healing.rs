//! A log that has failed, and is opened again by the process that has it.

use super::*;

/// Nobody was told of what was not durable, and so it does not come back; nothing else is lost.
#[test]
fn what_was_not_durable_is_gone_and_all_else_there() {
    let mut failures = 0;
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let world = World::new(seed);
        let mut opened = world.open();
        let mut durable: Vec<u64> = Vec::new();
        let mut next = 1;
        for _ in 0..12 {
            let faults = random.f64() * 0.1;
            world.disk.set_faults(Faults {
                syncs: faults,
                writes: faults,
                ..Faults::default()
            });
            let mut waiting = Vec::new();
            for _ in 0..random.usize(1..6) {
                let body = vec![random.u8(..); random.usize(..2000)];
                let appended = opened.wal.append(&entry(1, next, &body), Importance::Message);
                if let Ok(end) = appended {
                    waiting.push((end, next));
                }
                next += 1;
            }
            let failed = opened.files.carry_out_all(&mut opened.wal).is_err();
            let up_to = opened.wal.durable();
            durable.extend(
                waiting
                    .iter()
                    .filter(|(end, _)| *end <= up_to)
                    .map(|(_, index)| index),
            );
            if failed {
                assert!(opened.wal.undurable_groups().any(|group| group == GroupId(1)));
                failures += 1;
                while !reopened(&mut opened) {
                    let less = random.f64() * 0.02;
                    world.disk.set_faults(Faults {
                        syncs: less,
                        ..Faults::default()
                    });
                }
                assert!(opened.wal.durable() >= up_to, "seed {seed}");
            }
            let excerpt = opened.wal.excerpt(&opened.files, GroupId(1));
            world.disk.set_faults(Faults::default());
            let (mut read, half) = (Vec::new(), durable.len() / 2);
            let above = durable.get(half).copied().unwrap_or_default();
            let damage = excerpt.read(above, &mut |entry| read.push(entry.index)).unwrap();
            let expected: Vec<u64> = durable.iter().copied().filter(|index| *index > above).collect();
            assert_eq!((read, damage), (expected, vec![]), "seed {seed}");
        }
        world.disk.restart();
        let again = world.open();
        let there: Vec<u64> = again.entries.iter().map(|entry| entry.1).collect();
        assert_eq!((there, again.damage), (durable, vec![]), "seed {seed}");
    }
    assert!(failures > 300, "{failures}");
}

/// Whether it could be opened, and be written again.
fn reopened(opened: &mut Opened) -> bool {
    let Ok(recovered) = opened.files.reopen(&opened.wal) else {
        return false;
    };
    assert_eq!(recovered.damage, []);
    (opened.wal, opened.files) = (recovered.wal, recovered.files);
    opened.wal.begin_file().unwrap();
    opened.files.carry_out_all(&mut opened.wal).is_ok()
}
