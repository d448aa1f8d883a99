//! Entries that are waited for among entries that are not, and the power cut at any write or sync.

use super::*;

#[test]
fn what_was_durable_survives_power_cuts() {
    for seed in 0..400 {
        power_cuts(seed);
    }
}

/// Several lives of a log, each ended by a cut somewhere.
fn power_cuts(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut world = World::new(seed);
    if random.bool() {
        world.keys = Some(Keys::new(Cipher::Aes, b"key", None).unwrap());
    }
    let mut acknowledged = [0_u64; 4];
    for _ in 0..4 {
        let Ok(mut opened) = world.try_open() else {
            // The power was cut while it was opened.
            world.disk.restart();
            continue;
        };
        assert_eq!(opened.damage, [], "seed {seed}");
        let mut next = [0; 4];
        for group in 1..4 {
            let there: Vec<u64> = opened
                .entries
                .iter()
                .filter(|entry| entry.0 == group)
                .map(|entry| entry.1)
                .collect();
            let first = world.released[&GroupId(group)];
            let last = first + there.len() as u64;
            assert_eq!(there, (first + 1..=last).collect::<Vec<_>>(), "seed {seed}");
            assert!(
                last >= acknowledged[group as usize],
                "seed {seed}: {last} of {acknowledged:?}"
            );
            next[group as usize] = last + 1;
        }
        world.disk.set_faults(Faults {
            power_cut_after: Some(random.u64(1..60)),
            ..Faults::default()
        });
        life(&mut world, &mut opened, &mut random, next, &mut acknowledged);
        world.disk.restart();
    }
}

fn life(
    world: &mut World,
    opened: &mut Opened,
    random: &mut fastrand::Rng,
    mut next: [u64; 4],
    acknowledged: &mut [u64; 4],
) {
    while world.disk.has_power() {
        // Entries that nobody waits for, and between them or behind them some for which somebody does.
        let mut waited_for = *acknowledged;
        for _ in 0..random.usize(1..20) {
            let group = random.u64(1..4);
            let body = vec![random.u8(..); random.usize(..700)];
            let index = next[group as usize];
            let entry = entry(group, index, &body);
            let is_waited_for = random.bool();
            let appended = match is_waited_for {
                true => opened.wal.append(&entry, Importance::Message),
                false => opened.wal.append_unsynced(&entry, Importance::Message),
            };
            match appended {
                Ok(_) => next[group as usize] += 1,
                Err(WalError::Full) => break,
                Err(error) => panic!("{error}"),
            }
            if is_waited_for {
                waited_for = next.map(|next| next.saturating_sub(1));
            }
        }
        if random.u8(..4) == 0 {
            opened.wal.sync();
            waited_for = next.map(|next| next.saturating_sub(1));
        }
        let end = opened.wal.end();
        match opened.files.carry_out_all(&mut opened.wal) {
            Ok(durable) if durable == end => waited_for = next.map(|next| next.saturating_sub(1)),
            Ok(_) => {}
            Err(_) => return,
        }
        assert_eq!(opened.wal.written(), end);
        *acknowledged = waited_for;
        if random.u8(..3) == 0 {
            let group = random.u64(1..4);
            // What is checkpointed is durable in the log before.
            let index = acknowledged[group as usize];
            world.released.insert(GroupId(group), index);
            opened.wal.release(GroupId(group), index).unwrap();
        }
    }
}

/// What a log shows when it is opened has been acknowledged to nobody else than who opens it, and is durable from then on:
/// also what was written and not synced before a kill, or in vain.
#[test]
fn what_was_read_once_survives_power_cuts() {
    for seed in 0..400 {
        let mut random = fastrand::Rng::with_seed(seed);
        let world = World::new(seed);
        let mut known = 0;
        for _ in 0..4 {
            let mut opened = world.open();
            let there = opened.entries.len() as u64;
            let indexes: Vec<u64> = opened.entries.iter().map(|entry| entry.1).collect();
            assert_eq!(indexes, (1..=there).collect::<Vec<_>>(), "seed {seed}");
            assert!(there >= known, "seed {seed}: {there} of {known}");
            assert_eq!(opened.damage, [], "seed {seed}");
            known = there;
            let mut next = there + 1;
            world.disk.set_faults(Faults {
                syncs: if random.bool() { 0.2 } else { 0.0 },
                ..Faults::default()
            });
            for _ in 0..random.usize(1..6) {
                for _ in 0..random.usize(1..6) {
                    let body = vec![random.u8(..); random.usize(..700)];
                    let entry = entry(1, next, &body);
                    let appended = match random.bool() {
                        true => opened.wal.append(&entry, Importance::Message),
                        false => opened.wal.append_unsynced(&entry, Importance::Message),
                    };
                    next += u64::from(appended.is_ok());
                }
                let end = opened.wal.end();
                match opened.files.carry_out_all(&mut opened.wal) {
                    Ok(durable) if durable == end => known = next - 1,
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
            world.disk.set_faults(Faults::default());
            match random.u8(..3) {
                0 => world.disk.restart(),
                1 => world.disk.kill_process(),
                // The same process opens it again, and what it is shown is durable.
                _ => {
                    known = world.open().entries.len() as u64;
                    world.disk.restart();
                }
            }
        }
    }
}
