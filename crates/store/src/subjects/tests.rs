use std::collections::BTreeSet;
use vagus_routing::subject;

use super::*;

const NAMES: [&str; 12] = [
    "a", "a.b", "a.b.c", "a.c", "b", "b.b", "b.c.d", "c.a.a.a", "a-b", "a-b.c", "d.d.d.d", "d",
];
const FILTERS: [&str; 14] = [
    ">", "a.>", "a.*", "*", "*.b", "*.*", "*.>", "b.c.d", "x", "a.b.c.d", "*.*.*.*", "d.*.d.>", "a-b",
    "*.b.*",
];

fn deep(last: &str) -> String {
    format!("{}{last}", "x.".repeat(40))
}

/// Against a plain list of messages.
#[test]
fn answers_as_a_list_would() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut names: Vec<String> = NAMES.map(str::to_owned).to_vec();
    names.extend(["a", "b.c", "b"].map(deep));
    let mut filters: Vec<String> = FILTERS.map(str::to_owned).to_vec();
    filters.extend(["*", ">", "b.*", "b", "c"].map(deep));
    let (mut subjects, mut list) = (Subjects::default(), Vec::<(u64, &str)>::new());
    for sequence in 1..2500 {
        if random.u16(..500) == 0 {
            list.clear();
            subjects.clear();
        }
        if random.u8(..5) < 2 && !list.is_empty() {
            let (sequence, name) = list.remove(random.usize(..list.len()));
            let is_last = !list.iter().any(|other| other.1 == name);
            assert_eq!(subjects.remove(name.as_bytes(), sequence), is_last);
        } else {
            let name = &names[random.usize(..names.len())];
            subjects.add(name.as_bytes(), sequence);
            list.push((sequence, name));
        }
        if sequence % 16 != 0 {
            continue;
        }
        for name in &names {
            let of_name = list.iter().filter(|other| other.1 == name).map(|other| other.0);
            let state = subjects.get(name.as_bytes());
            assert_eq!(
                state.map_or(0, |state| state.count as usize),
                of_name.clone().count()
            );
            if let Some(state) = state {
                let (first, last) = (of_name.clone().min().unwrap(), of_name.max().unwrap());
                assert!(if state.is_first_stale {
                    state.first < first
                } else {
                    state.first == first
                });
                assert!(if state.is_last_stale {
                    state.last > last
                } else {
                    state.last == last
                });
            }
        }
        for filter in &filters {
            check(&subjects, &list, filter, random.u64(..5));
        }
        let count = random.usize(..5);
        let some = random.choose_multiple(&filters, count);
        check_union(&subjects, &list, &some);
    }
}

fn check(subjects: &Subjects, list: &[(u64, &str)], filter: &str, skip: u64) {
    let matching: Vec<&str> = list
        .iter()
        .map(|other| other.1)
        .filter(|name| subject::matches(filter.as_bytes(), name.as_bytes()))
        .collect();
    let mut names = matching.clone();
    names.sort_by_key(|name| name.split('.').map(str::to_owned).collect::<Vec<_>>());
    names.dedup();
    let expected = Totals {
        messages: matching.len() as u64,
        subjects: names.len() as u64,
    };
    assert_eq!(subjects.count(filter.as_bytes()), expected, "{filter}");
    let mut walked = Vec::new();
    subjects.walk(filter.as_bytes(), skip, &mut |name, state| {
        assert!(state.count > 0);
        walked.push(String::from_utf8(name.to_vec()).unwrap());
        ControlFlow::Continue(())
    });
    assert_eq!(
        walked,
        names.into_iter().skip(skip as usize).collect::<Vec<_>>(),
        "{filter}"
    );
    for share in [1, 2, 7, usize::MAX] {
        assert_eq!(walked_in_parts(subjects, filter, skip, share), walked, "{filter}");
    }
}

fn check_union(subjects: &Subjects, list: &[(u64, &str)], filters: &[&String]) {
    let is_match = |name: &&str| {
        let mut filters = filters.iter();
        filters.any(|filter| subject::matches(filter.as_bytes(), name.as_bytes()))
    };
    let matching: Vec<&str> = list.iter().map(|other| other.1).filter(is_match).collect();
    let expected = Totals {
        messages: matching.len() as u64,
        subjects: BTreeSet::from_iter(&matching).len() as u64,
    };
    let bytes: Vec<Bytes> = filters
        .iter()
        .map(|filter| Bytes::copy_from_slice(filter.as_bytes()))
        .collect();
    assert_eq!(subjects.count_union(&bytes), expected, "{filters:?}");
}

fn walked_in_parts(subjects: &Subjects, filter: &str, skip: u64, share: usize) -> Vec<String> {
    let mut cursor = SubjectCursor {
        skip,
        ..SubjectCursor::default()
    };
    let mut walked = Vec::new();
    while !cursor.is_at_end {
        let mut work = share;
        subjects.walk_on(filter.as_bytes(), &mut cursor, &mut work, &mut |name, state| {
            assert!(state.count > 0);
            walked.push(String::from_utf8(name.to_vec()).unwrap());
            // Who has enough goes on behind it.
            match walked.len() % 5 {
                0 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
    }
    walked
}

/// What comes behind where a walk is, is met; what stays is met once, whatever else comes and goes.
#[test]
fn what_stays_is_met_once_by_a_walk_in_parts_whatever_comes_and_goes() {
    let mut random = fastrand::Rng::with_seed(3);
    for round in 0..200 {
        let mut subjects = Subjects::default();
        let name = |number: u64| match number % 3 {
            0 => format!("k.{number}"),
            1 => format!("k.{}.b.{number}", number % 40),
            _ => format!("k.{}", number * 7),
        };
        let all: BTreeSet<String> = (0..300).map(name).collect();
        let all: Vec<String> = all.into_iter().collect();
        let mut there = vec![true; all.len()];
        all.iter().for_each(|name| subjects.add(name.as_bytes(), 1));
        let (mut cursor, mut met) = (SubjectCursor::default(), Vec::new());
        let mut stayed = there.clone();
        while !cursor.is_at_end {
            let mut work = 1 + round % 9;
            subjects.walk_on(b"k.>", &mut cursor, &mut work, &mut |name, _| {
                met.push(String::from_utf8(name.to_vec()).unwrap());
                ControlFlow::Continue(())
            });
            let changed = random.usize(..all.len());
            match there[changed] {
                true => drop(subjects.remove(all[changed].as_bytes(), 1)),
                false => subjects.add(all[changed].as_bytes(), 1),
            }
            there[changed] = !there[changed];
            stayed[changed] = false;
        }
        for (name, _) in all.iter().zip(&stayed).filter(|(_, stayed)| **stayed) {
            assert_eq!(met.iter().filter(|other| *other == name).count(), 1, "{name}");
        }
    }
}

/// So many that there are chunks of them, which come and go.
#[test]
fn a_clone_is_as_it_was_whatever_becomes_of_the_other() {
    let mut random = fastrand::Rng::with_seed(2);
    let names: Vec<String> = (0..1500)
        .map(|number| format!("k.{}", number * 7919 % 1500))
        .collect();
    let (mut subjects, mut list) = (Subjects::default(), Vec::<(u64, &str)>::new());
    for round in 0..12 {
        let before = (subjects.clone(), list.clone());
        for sequence in round * 1000..(round + 1) * 1000 {
            // It grows at first, and is nearly empty in the end.
            if random.u64(..12) < round && !list.is_empty() {
                let (sequence, name) = list.remove(random.usize(..list.len()));
                subjects.remove(name.as_bytes(), sequence);
            } else {
                let name = &names[random.usize(..names.len())];
                subjects.add(name.as_bytes(), sequence);
                list.push((sequence, name));
            }
        }
        for (subjects, list) in [&before, &(subjects.clone(), list.clone())] {
            check(subjects, list, "k.*", random.u64(..1500));
            check(subjects, list, ">", random.u64(..1500));
            check(subjects, list, "k.7", 0);
        }
    }
}
