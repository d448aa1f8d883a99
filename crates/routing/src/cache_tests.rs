use std::collections::HashMap;

use super::*;
use crate::index::Index;
use crate::testing::{Peer, Random, plain};

type Cache = RouteCache<Peer>;

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
    cache.drain_traffic(|fanout, messages, bytes| {
        let sum: &mut (u64, u64) = drained
            .entry(String::from_utf8_lossy(fanout.subject()).into_owned())
            .or_default();
        sum.0 += messages;
        sum.1 += bytes;
    });
    drained
}

#[test]
fn an_entry_holds_for_its_version_alone() {
    let [old, new] = two_versions();
    let mut cache = cache(10);
    assert!(cache.get(b"a", old).is_none());
    let first = fanout("a");
    cache.insert(Arc::clone(&first), old);
    assert!(Arc::ptr_eq(cache.get(b"a", old).unwrap().1, &first));
    assert!(cache.get(b"a", new).is_none());
    assert!(cache.get(b"b", old).is_none());
    let second = fanout("a");
    cache.insert(Arc::clone(&second), new);
    assert!(Arc::ptr_eq(cache.get(b"a", new).unwrap().1, &second));
    assert!(cache.get(b"a", old).is_none());
    assert_eq!(Arc::strong_count(&first), 1, "the older one is let go");
    let stats = cache.stats();
    assert_eq!(
        (stats.entries, stats.hits, stats.misses, stats.evictions),
        (1, 2, 4, 0)
    );
}

#[test]
fn it_keeps_no_more_than_its_limits() {
    let [version, _] = two_versions();
    let mut few = cache(100);
    for number in 0..1_000 {
        few.insert(fanout(&format!("s.{number}")), version);
        assert!(
            few.get(format!("s.{number}").as_bytes(), version).is_some(),
            "the newest is there"
        );
    }
    assert_eq!((few.stats().entries, few.stats().evictions), (100, 900));
    assert!(few.entries.len() <= 100, "places are used again");

    let bytes = 50_000;
    let mut small = Cache::new(CacheLimits {
        bytes,
        ..CacheLimits::default()
    });
    let mut index = Index::new();
    for id in 0..50 {
        index.insert(plain(">", &id.to_string(), id));
    }
    for number in 0..100 {
        small.insert(Arc::new(index.resolve(format!("s.{number}").as_bytes())), version);
        assert!(small.stats().bytes <= bytes);
    }
    assert!(small.stats().entries > 5, "{:?}", small.stats());
    // The same subjects once more, grown: replacing counts too.
    for id in 50..100 {
        index.insert(plain(">", &id.to_string(), id));
    }
    for number in 0..100 {
        small.insert(Arc::new(index.resolve(format!("s.{number}").as_bytes())), version);
        assert!(small.stats().bytes <= bytes);
    }
}

#[test]
fn what_is_larger_than_the_limit_is_kept_until_the_next() {
    let [version, _] = two_versions();
    let mut cache = Cache::new(CacheLimits {
        bytes: 10,
        ..CacheLimits::default()
    });
    for subject in ["a", "b", "b", "a"] {
        let slot = cache.insert(fanout(subject), version);
        cache.count(slot, 1, 1);
        assert!(cache.stats().entries <= 1);
    }
    assert!(cache.get(b"b", version).is_none());
}

#[test]
fn what_is_used_stays() {
    let [version, _] = two_versions();
    let mut cache = cache(100);
    cache.insert(fanout("hot"), version);
    for number in 0..10_000 {
        cache.insert(fanout(&number.to_string()), version);
        assert!(cache.get(b"hot", version).is_some(), "after {number} others");
    }
}

#[test]
fn traffic_is_reported_once() {
    let [version, _] = two_versions();
    let mut cache = cache(10);
    let a = cache.insert(fanout("a"), version);
    let b = cache.insert(fanout("b"), version);
    cache.insert(fanout("idle"), version);
    cache.count(a, 2, 20);
    cache.count(a, 1, 10);
    cache.count(b, 1, 5);
    cache.insert(fanout("a"), version);
    assert_eq!(
        drained(&mut cache),
        HashMap::from([("a".into(), (3, 30)), ("b".into(), (1, 5))])
    );
    assert!(drained(&mut cache).is_empty());
    let (slot, _) = cache.get(b"b", version).unwrap();
    cache.count(slot, 7, 70);
    assert_eq!(drained(&mut cache), HashMap::from([("b".into(), (7, 70))]));
}

#[test]
fn traffic_of_what_had_to_go_is_reported_too() {
    let [version, _] = two_versions();
    let mut cache = cache(2);
    for subject in ["a", "b", "c", "d", "a"] {
        let slot = cache.insert(fanout(subject), version);
        cache.count(slot, 1, 10);
    }
    let expected = [("a", (2, 20)), ("b", (1, 10)), ("c", (1, 10)), ("d", (1, 10))];
    assert_eq!(
        drained(&mut cache),
        expected.map(|(subject, sum)| (subject.to_string(), sum)).into()
    );
    assert!(drained(&mut cache).is_empty());
}

#[test]
fn what_is_past_the_bound_of_a_report_comes_with_a_later_one() {
    let [version, _] = two_versions();
    let mut cache = Cache::new(CacheLimits {
        reported_subjects: 2,
        ..CacheLimits::default()
    });
    let slots: Vec<_> = ["a", "b", "c"]
        .iter()
        .map(|subject| cache.insert(fanout(subject), version))
        .collect();
    for slot in &slots {
        cache.count(*slot, 1, 1);
    }
    assert_eq!(
        drained(&mut cache),
        HashMap::from([("a".into(), (1, 1)), ("b".into(), (1, 1))])
    );
    cache.count(slots[2], 1, 1);
    assert_eq!(drained(&mut cache), HashMap::from([("c".into(), (2, 2))]));
}

#[test]
fn a_sweep_drops_what_holds_no_more() {
    let versions = Versions::new();
    let mut cache = cache(1_000);
    let stale = fanout("s");
    cache.insert(Arc::clone(&stale), versions.current(b"s"));
    versions.bump(b"s");
    let mut kept = 0;
    for number in 0..99 {
        let subject = format!("t{number}");
        cache.insert(fanout(&subject), versions.current(subject.as_bytes()));
        kept += 1;
    }
    cache.sweep(&versions, 100);
    assert_eq!(cache.stats().entries, kept);
    assert_eq!(Arc::strong_count(&stale), 1);
    versions.bump_all();
    for _ in 0..10 {
        cache.sweep(&versions, 10);
    }
    assert_eq!((cache.stats().entries, cache.stats().bytes), (0, 0));
    cache.sweep(&versions, 10);
}

#[test]
fn it_answers_what_was_last_kept_or_nothing() {
    let [old, new] = two_versions();
    let mut random = Random::new(5);
    let mut cache = cache(40);
    let mut model: HashMap<String, (Arc<Fanout<Peer>>, Version)> = HashMap::new();
    let mut found = 0;
    for _ in 0..20_000 {
        let subject = format!("s.{}", random.below(80));
        let version = if random.below(4) == 0 { new } else { old };
        if random.below(3) == 0 {
            let fanout = fanout(&subject);
            cache.insert(Arc::clone(&fanout), version);
            model.insert(subject, (fanout, version));
        } else if let Some((slot, fanout)) = cache.get(subject.as_bytes(), version) {
            found += 1;
            let (expected, under) = &model[&subject];
            assert!(Arc::ptr_eq(fanout, expected) && *under == version);
            cache.count(slot, 1, 0);
        }
    }
    assert!(found > 1_000, "{found}");
    let reported: u64 = drained(&mut cache).values().map(|sum| sum.0).sum();
    assert_eq!(reported, found);
}
