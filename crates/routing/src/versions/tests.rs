use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread;

use super::*;
use crate::index::Index;
use crate::testing::plain;

/// Subjects whose first tokens are in different classes.
fn two_subjects(versions: &Versions) -> (String, String) {
    let first = "first.a".to_string();
    let before = versions.current(first.as_bytes());
    let second = (0..)
        .map(|number| format!("t{number}.a"))
        .find(|subject| {
            versions.bump(subject.as_bytes());
            versions.current(first.as_bytes()) == before
        })
        .unwrap();
    (first, second)
}

#[track_caller]
fn check(bumped: impl Fn(&Versions, &str, &str), first_changes: bool, second_changes: bool) {
    let versions = Versions::new();
    let (first, second) = two_subjects(&versions);
    let before = (
        versions.current(first.as_bytes()),
        versions.current(second.as_bytes()),
    );
    bumped(&versions, &first, &second);
    assert_eq!(versions.current(first.as_bytes()) != before.0, first_changes);
    assert_eq!(versions.current(second.as_bytes()) != before.1, second_changes);
}

#[test]
fn a_change_makes_stale_what_it_may_concern() {
    check(|versions, first, _| versions.bump(first.as_bytes()), true, false);
    check(
        |versions, _, second| versions.bump(second.as_bytes()),
        false,
        true,
    );
    check(|versions, _, _| versions.bump(b"first.*.>"), true, false);
    check(|versions, _, _| versions.bump(b"first.>"), true, false);
    check(|versions, _, _| versions.bump(b"first"), true, false);
    check(|versions, _, _| versions.bump(b"*"), true, true);
    check(|versions, _, _| versions.bump(b"*.b"), true, true);
    check(|versions, _, _| versions.bump(b">"), true, true);
    check(|versions, _, _| versions.bump_all(), true, true);
    check(|_, _, _| {}, false, false);
}

#[test]
fn what_is_kept_under_the_current_version_has_every_earlier_change() {
    const CHANGES: usize = 3_000;
    let (index, versions) = (RwLock::new(Index::new()), Versions::new());
    let (done, finished) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let readers = [(); 2].map(|()| {
            scope.spawn(|| {
                let mut kept = None;
                let mut resolved = 0;
                while !finished.load(Ordering::Acquire) {
                    let announced = done.load(Ordering::Acquire);
                    let version = versions.current(b"a.b");
                    let targets = match kept {
                        Some((under, targets)) if under == version => targets,
                        _ => {
                            resolved += 1;
                            index.read().unwrap().resolve(b"a.b").deliveries()
                        }
                    };
                    kept = Some((version, targets));
                    assert!(targets >= announced, "{targets} of {announced}");
                }
                resolved
            })
        });
        for number in 0..CHANGES {
            let subject = ["a.b", "a.*", "*.b", ">"][number % 4];
            index.write().unwrap().insert(plain(subject, "1", number as u64));
            versions.bump(subject.as_bytes());
            done.store(number + 1, Ordering::Release);
        }
        finished.store(true, Ordering::Release);
        for reader in readers {
            assert!(
                reader.join().unwrap() <= CHANGES + 1,
                "resolved more often than anything changed"
            );
        }
    });
}

/// There may be ten thousand accounts without a subscription.
#[test]
fn what_has_never_changed_takes_no_memory() {
    let versions = Versions::new();
    let before = versions.current(b"a.b");
    assert!(size_of::<Versions>() <= 24 && versions.buckets.get().is_none());
    versions.bump_all();
    assert!(versions.buckets.get().is_none() && versions.current(b"a.b") != before);
    let before = versions.current(b"a.b");
    versions.bump(b"a.*");
    assert_ne!(versions.current(b"a.b"), before);
}
