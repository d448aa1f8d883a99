//! Many lives of a store: each ends by a power cut at any write, sync or change of a name, or by a kill; or by one after the
//! other.
//!
//! `STORE_SEEDS=10000 cargo test -p vagus-store power_cuts` tries more of them, for some minutes.

use super::*;

/// Lives of a store until it has been seen by so many power cuts.
const LIVES: usize = 5;

/// And what was deleted stays so, also when it was compacted.
#[test]
fn an_acknowledged_message_is_there_after_power_cuts() {
    for seed in seeds(200) {
        lives(seed);
    }
}

fn lives(seed: u64) {
    let _context = Context(seed);
    let mut world = World::new(seed);
    for _ in 0..LIVES {
        // The power may be cut while the store is being opened.
        let power_cut_after = Some(world.random.u64(1..250));
        world.disk.set_faults(Faults {
            power_cut_after,
            ..Faults::default()
        });
        if let Ok(mut server) = world.open() {
            if world.disk.has_power() {
                world.check(&mut server);
            }
            let _ = world.live(&mut server, 150);
        }
        // What a kill leaves need not be durable yet.
        match world.disk.has_power() && world.random.bool() {
            true => {
                world.disk.kill_process();
                world.disk.set_faults(Faults::default());
            }
            false => world.disk.restart(),
        }
        assert_eq!(world.damage, [] as [String; 0]);
    }
    let mut server = world.open().unwrap();
    world.check(&mut server);
    assert_eq!(world.damage, [] as [String; 0]);
    world.live(&mut server, 50).unwrap();
    world.commit(&mut server).unwrap();
    world.check(&mut server);
}

/// All is there that was written, acknowledged or not.
#[test]
fn an_acknowledged_message_is_there_after_a_kill() {
    for seed in 0..50 {
        let _context = Context(seed);
        let mut world = World::new(seed);
        for _ in 0..3 {
            let mut server = world.open().unwrap();
            world.check(&mut server);
            world.live(&mut server, 100).unwrap();
            drop(server);
            world.disk.kill_process();
        }
        assert_eq!(world.damage, [] as [String; 0]);
    }
}

/// It is written while entries go on being applied, and ends before or after them.
#[test]
fn a_checkpoint_under_load_equals_the_replay_of_the_log() {
    for seed in 0..60 {
        let _context = Context(seed);
        let mut world = World::new(seed);
        let mut server = world.open().unwrap();
        while server.streams.is_empty() {
            world.create(&mut server).unwrap();
        }
        for _ in 0..6 {
            // The first begins it, the second ends it.
            for _ in 0..2 {
                for _ in 0..world.random.usize(..20) {
                    world.propose(&mut server);
                }
                world.commit(&mut server).unwrap();
                world.checkpoint(&mut server).unwrap();
            }
        }
        let applied: Vec<u64> = server.streams.iter().map(|stream| stream.applied).collect();
        drop(server);
        world.disk.restart();
        let mut server = world.open().unwrap();
        assert_eq!(
            server
                .streams
                .iter()
                .map(|stream| stream.applied)
                .collect::<Vec<_>>(),
            applied
        );
        world.check(&mut server);
    }
}

#[test]
fn deletes_and_purges_survive_restart_compaction_and_another_key() {
    for seed in 0..40 {
        let _context = Context(seed);
        let mut world = World::new(seed);
        let mut server = world.open().unwrap();
        for key in ["one", "two", "three"] {
            world.live(&mut server, 100).unwrap();
            world.commit(&mut server).unwrap();
            world.check(&mut server);
            drop(server);
            world.disk.restart();
            let before = world.last_key.replace(key);
            let before = before.map(|key| (Cipher::Aes, key.as_bytes()));
            world.options.keys = Some(Keys::new(Cipher::Aes, key.as_bytes(), before).unwrap());
            server = world.open().unwrap();
            world.check(&mut server);
            world.rewrite(&mut server);
            world.check(&mut server);
        }
        assert_eq!(world.damage, [] as [String; 0]);
    }
}
