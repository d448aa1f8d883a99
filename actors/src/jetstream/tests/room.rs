//! A disk that fills up.

use super::*;

/// How much it holds.
const CAPACITY: u64 = 64 << 20;

/// The stream that grows most takes in no more before the disk is full, all else goes on; and it comes back by itself when
/// there is room.
#[test]
fn a_stream_becomes_read_only_and_comes_back() {
    let disk = SimulatedDisk::new(1);
    let faults = Faults {
        capacity: Some(CAPACITY),
        ..Faults::default()
    };
    disk.set_faults(faults);
    check(disk, async |mut world: World| {
        let large = world.create("large", "").await;
        world.create("small", "").await;
        let payload = Bytes::from(vec![b'x'; 500_000]);
        let mut taken = 0;
        let refused = loop {
            let answer = world.publish("large.a", payload.clone()).await;
            assert!(!world.publish("small.a", "x").await.contains("error"));
            if answer.contains("error") {
                break answer;
            }
            taken += 1;
        };
        assert!(
            refused.contains(r#""err_code":10023"#) || refused.contains(r#""err_code":10047"#),
            "{refused}"
        );
        assert!(taken > 20, "{taken}");
        let log = world.jetstream.log();
        assert_eq!((log.read_only, log.has_failed), (1, false));
        // It is read and purged all the same.
        assert_eq!(state(&large).await.0, taken);
        assert_eq!(large.purge(Default::default()).await, Ok(taken));
        world.disk.set_faults(Faults {
            capacity: Some(4 * CAPACITY),
            ..Faults::default()
        });
        world.publish_until_taken("large.a", &payload).await;
        assert_eq!(world.jetstream.log().read_only, 0);
        assert_eq!(state(&large).await, (1, taken + 1, taken + 1));
    });
}

/// Somebody else fills the disk at once: what is kept back lets deletions go on, nothing acknowledged is lost.
#[test]
fn a_disk_that_is_full_at_once_refuses_and_loses_nothing() {
    let disk = SimulatedDisk::new(2);
    disk.set_faults(Faults {
        capacity: Some(CAPACITY),
        ..Faults::default()
    });
    check(disk, async |mut world: World| {
        let stream = world.create("one", "").await;
        let payload = Bytes::from(vec![b'x'; 100_000]);
        for _ in 0..5 {
            world.publish_until_taken("one.a", &payload).await;
        }
        let used: usize = world.disk.files().iter().map(|(_, length)| *length).sum();
        world.fail(Faults {
            capacity: Some(used as u64),
            ..Faults::default()
        });
        let mut taken = 5;
        while !world.publish("one.a", payload.clone()).await.contains("error") {
            taken += 1;
        }
        assert_eq!(state(&stream).await.0, taken);
        world.mend();
        world.publish_until_taken("one.a", &payload).await;
        assert_eq!(state(&stream).await, (taken + 1, 1, taken + 1));
        world.disk.restart();
        let world = World::open(world.disk.clone()).await;
        let stream = world.account.stream("one").unwrap();
        assert_eq!(state(&stream).await, (taken + 1, 1, taken + 1));
    });
}
