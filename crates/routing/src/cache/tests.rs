use fastrand::Rng;
use std::collections::HashMap;

use super::*;
use crate::index::Index;
use crate::testing::{Lines, Peer, plain};
use crate::versions::Versions;

type Cache = FanoutCache<Peer>;

/// That of all but the tests of several.
const G: AccountId = AccountId(0);

fn fanout(subject: &str) -> Arc<Fanout<Peer>> {
    Arc::new(Index::new().resolve(subject.as_bytes()))
}

fn cache(entries: usize) -> Cache {
    Cache::new(CacheLimits {
        entries,
        ..CacheLimits::default()
    })
}

/// Versions of a subject, the older first.
fn two_versions() -> [Version; 2] {
    let versions = Versions::new();
    let before = versions.current(b"a");
    versions.bump_all();
    [before, versions.current(b"a")]
}

fn drained(cache: &mut Cache) -> HashMap<String, (u64, u64)> {
    let mut drained = HashMap::new();
    cache.drain_traffic(|_, subject, messages, bytes| {
        let sum: &mut (u64, u64) = drained
            .entry(String::from_utf8_lossy(subject).into_owned())
            .or_default();
        sum.0 += messages;
        sum.1 += bytes;
    });
    drained
}

/// Keeps a fan-out as a publisher does that comes back to the subject.
fn keep(cache: &mut Cache, fanout: &Arc<Fanout<Peer>>, version: Version) -> Kept {
    let missing = cache
        .get(G, fanout.subject(), version)
        .expect_err("there is nothing to keep");
    cache
        .insert(missing, fanout, version)
        .or_else(|| cache.insert(missing, fanout, version))
        .expect("the second time it is kept")
}

fn holds(cache: &mut Cache, subject: &str, version: Version) -> Option<Arc<Fanout<Peer>>> {
    let kept = cache.get(G, subject.as_bytes(), version).ok()?;
    cache.fanout(kept).cloned()
}

#[test]
fn an_entry_holds_for_its_version_alone() {
    let [old, new] = two_versions();
    let mut cache = cache(10);
    let first = fanout("a");
    keep(&mut cache, &first, old);
    assert!(Arc::ptr_eq(&holds(&mut cache, "a", old).unwrap(), &first));
    assert!(holds(&mut cache, "a", new).is_none());
    assert!(holds(&mut cache, "b", old).is_none());
    let second = fanout("a");
    keep(&mut cache, &second, new);
    assert!(Arc::ptr_eq(&holds(&mut cache, "a", new).unwrap(), &second));
    assert!(holds(&mut cache, "a", old).is_none());
    assert_eq!(Arc::strong_count(&first), 1, "the older one is let go");
    assert_eq!((cache.stats().entries, cache.stats().evictions), (1, 0));
}

#[test]
fn what_is_asked_for_once_is_not_kept() {
    let [version, newer] = two_versions();
    let mut cache = cache(1000);
    for number in 0..1000 {
        let fanout = fanout(&format!("_INBOX.{number}"));
        let missing = cache.get(G, fanout.subject(), version).unwrap_err();
        cache.insert(missing, &fanout, version);
    }
    assert!(
        cache.stats().entries < 50,
        "now and then one is mistaken for another: {:?}",
        cache.stats()
    );

    // What is kept is replaced at once.
    let fanout = fanout("known");
    keep(&mut cache, &fanout, version);
    let missing = cache.get(G, b"known", newer).unwrap_err();
    assert!(cache.insert(missing, &fanout, newer).is_some());
}

#[test]
fn it_keeps_no_more_than_its_limits() {
    let [version, _] = two_versions();
    let mut few = cache(128);
    for number in 0..1_000 {
        let subject = format!("s.{number}");
        keep(&mut few, &fanout(&subject), version);
        assert!(
            holds(&mut few, &subject, version).is_some(),
            "the newest is there"
        );
    }
    let stats = few.stats();
    assert!((64..=128).contains(&stats.entries), "{stats:?}");
    assert_eq!(stats.entries + stats.evictions as usize, 1_000);

    let bytes = 50_000;
    let mut small = Cache::new(CacheLimits {
        bytes,
        ..CacheLimits::default()
    });
    let mut index = Index::new();
    for round in 0..2 {
        for id in round * 50..round * 50 + 50 {
            index.insert(plain(">", &id.to_string(), id));
        }
        // The second time the same subjects, grown.
        for number in 0..100 {
            let fanout = Arc::new(index.resolve(format!("s.{number}").as_bytes()));
            if let Err(missing) = small.get(G, fanout.subject(), version) {
                small.insert(missing, &fanout, version);
                small.insert(missing, &fanout, version);
            }
            assert!(small.stats().bytes <= bytes);
        }
        assert!(small.stats().entries > 5, "{:?}", small.stats());
    }
}

#[test]
fn it_grows_with_what_is_used() {
    let [version, _] = two_versions();
    let mut cache = cache(1 << 16);
    for _ in 0..4 {
        for number in 0..20_000 {
            let fanout = fanout(&format!("s.{number}"));
            if let Err(missing) = cache.get(G, fanout.subject(), version) {
                cache.insert(missing, &fanout, version);
                cache.insert(missing, &fanout, version);
            }
        }
    }
    assert!(cache.stats().entries > 18_000, "{:?}", cache.stats());
}

#[test]
fn what_is_larger_than_the_limit_is_not_kept() {
    let [version, _] = two_versions();
    let mut cache = Cache::new(CacheLimits {
        bytes: 10,
        ..CacheLimits::default()
    });
    let fanout = fanout("a");
    let missing = cache.get(G, b"a", version).unwrap_err();
    for _ in 0..3 {
        assert!(cache.insert(missing, &fanout, version).is_none());
    }
    assert_eq!((cache.stats().entries, cache.stats().bytes), (0, 0));
}

#[test]
fn what_is_used_stays() {
    let [version, _] = two_versions();
    let mut cache = cache(128);
    keep(&mut cache, &fanout("hot"), version);
    for number in 0..10_000 {
        keep(&mut cache, &fanout(&number.to_string()), version);
        assert!(
            holds(&mut cache, "hot", version).is_some(),
            "after {number} others"
        );
    }
}

#[test]
fn growing_keeps_what_there_is_and_its_traffic() {
    let [version, _] = two_versions();
    let mut cache = cache(1 << 16);
    let first: Vec<String> = (0..20).map(|number| format!("first.{number}")).collect();
    for subject in &first {
        let kept = keep(&mut cache, &fanout(subject), version);
        cache.count(kept, 1, 10);
    }
    let sets = cache.sets.len();
    let mut number = 0;
    while cache.sets.len() == sets {
        keep(&mut cache, &fanout(&format!("other.{number}")), version);
        for subject in &first {
            assert!(
                holds(&mut cache, subject, version).is_some(),
                "{subject} after {number}"
            );
        }
        number += 1;
    }
    let drained = drained(&mut cache);
    assert_eq!(drained.len(), first.len());
    assert!(first.iter().all(|subject| drained[subject] == (1, 10)));
}

#[test]
fn to_anticipate_changes_nothing() {
    let [version, _] = two_versions();
    let mut cache = cache(1000);
    let mut index = Index::new();
    index.insert(plain("a.*", "1", 1));
    let subjects: Vec<String> = (0..2 * ANTICIPATED).map(|number| format!("a.{number}")).collect();
    for subject in subjects.iter().step_by(2) {
        keep(&mut cache, &Arc::new(index.resolve(subject.as_bytes())), version);
    }
    let held = |cache: &mut Cache| -> Vec<_> {
        subjects
            .iter()
            .map(|subject| holds(cache, subject, version))
            .map(|held| held.map(|fanout| Arc::as_ptr(&fanout)))
            .collect()
    };
    let before = held(&mut cache);
    assert!(before.iter().any(Option::is_some) && before.iter().any(Option::is_none));
    let stats = cache.stats();
    let all: Vec<&[u8]> = subjects.iter().map(|subject| subject.as_bytes()).collect();
    for subjects in [&all[..], &all[..3], &[]] {
        cache.anticipate(G, subjects);
    }
    assert_eq!(cache.stats(), stats);
    assert_eq!(held(&mut cache), before);
}

#[test]
fn a_place_is_in_one_line_of_a_processors_cache() {
    assert_eq!(size_of::<Place<Peer>>(), 32);
    assert_eq!(std::mem::offset_of!(Set<Peer>, places), 64);
    assert_eq!(align_of::<Set<Peer>>(), 64);
}

#[test]
fn traffic_is_reported_once() {
    let [version, newer] = two_versions();
    let mut cache = cache(10);
    let a = keep(&mut cache, &fanout("a"), version);
    let b = keep(&mut cache, &fanout("b"), version);
    cache.count(a, 2, 20);
    cache.count(a, 1, 10);
    cache.count(b, 1, 5);
    keep(&mut cache, &fanout("a"), newer);
    assert_eq!(
        drained(&mut cache),
        HashMap::from([("a".into(), (3, 30)), ("b".into(), (1, 5))])
    );
    assert!(drained(&mut cache).is_empty());
    let kept = cache.get(G, b"b", version).unwrap();
    cache.count(kept, 7, 70);
    assert_eq!(drained(&mut cache), HashMap::from([("b".into(), (7, 70))]));
}

#[test]
fn traffic_of_what_had_to_go_is_reported_too() {
    let [version, _] = two_versions();
    let mut cache = cache(4);
    let mut counted = 0;
    for number in 0..100 {
        let kept = keep(&mut cache, &fanout(&number.to_string()), version);
        cache.count(kept, 1, 10);
        counted += 1;
    }
    let drained = drained(&mut cache);
    assert_eq!(drained.values().map(|sum| sum.0).sum::<u64>(), counted);
    assert_eq!(drained.len(), 100);
}

#[test]
fn what_is_past_the_bound_of_a_report_comes_with_a_later_one() {
    let [version, _] = two_versions();
    let mut cache = Cache::new(CacheLimits {
        reported_subjects: 2,
        ..CacheLimits::default()
    });
    let kept = ["a", "b", "c"].map(|subject| keep(&mut cache, &fanout(subject), version));
    for kept in &kept {
        cache.count(*kept, 1, 1);
    }
    assert_eq!(
        drained(&mut cache),
        HashMap::from([("a".into(), (1, 1)), ("b".into(), (1, 1))])
    );
    cache.count(kept[2], 1, 1);
    assert_eq!(drained(&mut cache), HashMap::from([("c".into(), (2, 2))]));
}

#[test]
fn a_sweep_drops_what_holds_no_more() {
    let versions = Versions::new();
    let mut cache = cache(1_000);
    let stale = fanout("s");
    keep(&mut cache, &stale, versions.current(b"s"));
    versions.bump(b"s");
    // No more than one set has places for: nothing has to go for another.
    for number in 1..WAYS {
        let subject = format!("t{number}");
        keep(
            &mut cache,
            &fanout(&subject),
            versions.current(subject.as_bytes()),
        );
    }
    let before = cache.stats().entries;
    cache.sweep(usize::MAX, |_, subject| Some(versions.current(subject)));
    assert_eq!(cache.stats().entries, before - 1);
    assert_eq!(Arc::strong_count(&stale), 1);
    versions.bump_all();
    for _ in 0..200 {
        cache.sweep(10, |_, subject| Some(versions.current(subject)));
    }
    assert_eq!((cache.stats().entries, cache.stats().bytes), (0, 0));
    cache.sweep(10, |_, subject| Some(versions.current(subject)));
}

/// Accounts have the same subjects, and versions that mean the same to look at.
#[test]
fn an_account_is_never_answered_by_what_is_kept_for_another() {
    let [version, newer] = two_versions();
    let mut cache = Cache::default();
    let of = |account| {
        let matches = Index::new().matches(b"a");
        Arc::new(matches.into_fanout(AccountId(account), b"a", &Lines))
    };
    let accounts: Vec<u32> = (0..200).collect();
    for account in &accounts {
        let id = AccountId(*account);
        let missing = cache.get(id, b"a", version).expect_err("it is another's");
        let fanout = of(*account);
        let kept = cache
            .insert(missing, &fanout, version)
            .or_else(|| cache.insert(missing, &fanout, version));
        cache.count(kept.unwrap(), 1, u64::from(*account));
    }
    for account in &accounts {
        let id = AccountId(*account);
        let kept = cache.get(id, b"a", version).unwrap();
        assert_eq!(cache.fanout(kept).unwrap().account(), id);
        assert!(cache.get(id, b"a", newer).is_err());
    }
    assert!(cache.get(AccountId(200), b"a", version).is_err());
    // Some are gone, and the subject of others has changed.
    cache.sweep(usize::MAX, |account, _| match account.0 % 4 {
        0 => None,
        1 => Some(newer),
        _ => Some(version),
    });
    assert_eq!(cache.stats().entries, 100);
    let mut reported = Vec::new();
    cache.drain_traffic(|account, subject, messages, bytes| {
        assert_eq!((subject, messages), (&b"a"[..], 1));
        assert_eq!(u64::from(account.0), bytes);
        reported.push(account.0);
    });
    reported.sort_unstable();
    assert_eq!(reported, accounts);
}

#[test]
fn it_answers_what_was_last_kept_or_nothing() {
    let [old, new] = two_versions();
    let mut random = Rng::with_seed(5);
    let mut cache = cache(64);
    let mut model: HashMap<String, (Arc<Fanout<Peer>>, Version)> = HashMap::new();
    let mut found = 0;
    for _ in 0..20_000 {
        let subject = format!("s.{}", random.usize(..80));
        let version = if random.usize(..4) == 0 { new } else { old };
        match cache.get(G, subject.as_bytes(), version) {
            Ok(kept) => {
                found += 1;
                let (expected, under) = &model[&subject];
                let fanout = cache.fanout(kept).unwrap();
                assert!(Arc::ptr_eq(fanout, expected) && *under == version);
                cache.count(kept, 1, 0);
            }
            Err(missing) => {
                let fanout = fanout(&subject);
                if cache.insert(missing, &fanout, version).is_some() {
                    model.insert(subject, (fanout, version));
                }
            }
        }
    }
    assert!(found > 1_000, "{found}");
    let reported: u64 = drained(&mut cache).values().map(|sum| sum.0).sum();
    assert_eq!(reported, found);
}

#[test]
fn what_had_to_go_is_not_kept_for_its_statistics() {
    let versions = Versions::new();
    let mut cache = Cache::default();
    let mut index = Index::new();
    for sid in 0..100 {
        assert!(index.insert(plain("wide.*", &sid.to_string(), sid)));
    }
    let fanout = Arc::new(index.resolve(b"wide.a"));
    let subscription = Arc::clone(&fanout.singles()[0].subscription);
    let kept = keep(&mut cache, &fanout, versions.current(b"wide.a"));
    cache.count(kept, 3, 30);
    drop(fanout);
    drop(index);
    versions.bump(b"wide.*");
    cache.sweep(usize::MAX, |_, subject| Some(versions.current(subject)));
    assert_eq!(Arc::strong_count(&subscription), 1, "the fan-out is gone");
    assert_eq!(drained(&mut cache)["wide.a"], (3, 30));
    assert!(drained(&mut cache).is_empty());
}

#[test]
fn the_subjects_of_what_had_to_go_are_bounded_in_bytes() {
    let versions = Versions::new();
    let mut cache = Cache::default();
    let mut carried = 0;
    for number in 0..1_000 {
        let subject = format!("s.{number}.{}", "x".repeat(4_000));
        let version = versions.current(subject.as_bytes());
        let kept = keep(&mut cache, &fanout(&subject), version);
        cache.count(kept, 1, 1);
        versions.bump_all();
        cache.sweep(usize::MAX, |_, subject| Some(versions.current(subject)));
    }
    cache.drain_traffic(|_, subject, _, _| carried += subject.len());
    assert!((900_000..=1 << 20).contains(&carried), "{carried}");
}
