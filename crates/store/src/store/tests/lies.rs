//! A disk that does otherwise than it says. What it loses cannot be had back; but nothing is made up, nothing passes for what
//! it is not, and what can be known to be lost is reported.

use super::*;

/// Some writes of a server's life go where they do not belong.
#[test]
fn what_is_written_elsewhere_passes_for_nothing_else() {
    let mut reported = 0;
    for seed in seeds(150) {
        let world = life(
            seed,
            Faults {
                misdirected: 0.02,
                ..Faults::default()
            },
        );
        reported += usize::from(!world.damage.is_empty());
    }
    assert!(reported > 0);
}

/// It says that something is durable when it is not, and then the power is cut.
#[test]
fn what_is_durable_too_late_makes_nothing_up() {
    let mut lost = 0;
    for seed in seeds(150) {
        let world = life(
            seed,
            Faults {
                delayed: 0.3,
                ..Faults::default()
            },
        );
        lost += world.lost;
    }
    assert!(lost > 0);
}

/// A server lives on a disk that has faults, loses its power, and is looked at.
fn life(seed: u64, faults: Faults) -> World {
    let _context = Context(seed);
    let mut world = World::new(seed);
    let mut server = world.open().unwrap();
    world.live(&mut server, 40).unwrap();
    world.disk.set_faults(faults);
    // A life may well end by what it reads.
    let _ = world.live(&mut server, 100);
    drop(server);
    world.disk.restart();
    // What says which streams there are may be hit, in both of its places.
    if let Ok(mut server) = world.open_damaged() {
        world.check_damaged(&mut server);
    }
    world
}

/// Nothing is set aside, cut off or taken to be lost because it cannot be read at the moment.
#[test]
fn reads_that_fail_cost_nothing() {
    let (mut failed, mut opened) = (0, 0);
    for seed in seeds(150) {
        let _context = Context(seed);
        let mut world = World::new(seed);
        let mut server = world.open().unwrap();
        world.live(&mut server, 100).unwrap();
        world.commit(&mut server).unwrap();
        drop(server);
        world.disk.kill_process();
        for _ in 0..3 {
            let reads = world.random.f64() * 0.2;
            world.disk.set_faults(Faults {
                reads,
                ..Faults::default()
            });
            match world.open() {
                Ok(_) => opened += 1,
                Err(_) => failed += 1,
            }
            world.disk.kill_process();
        }
        world.disk.set_faults(Faults::default());
        world.damage.clear();
        let mut server = world.open().unwrap();
        world.check(&mut server);
        assert_eq!(world.damage, [] as [String; 0]);
    }
    assert!(failed > 0 && opened > 0, "{failed} failed, {opened} did not");
}
