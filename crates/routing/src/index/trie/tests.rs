use std::ops::ControlFlow;

use super::nodes::Node;
use super::*;
use crate::testing::{Peer, plain};
use fastrand::Rng;

#[test]
fn a_node_is_one_line_of_the_cache() {
    assert_eq!(size_of::<Node<Box<u8>>>(), 64);
}

#[test]
fn labels_of_any_length_are_kept_whole() {
    for length in [0, 1, 29, 30, 31, 300] {
        let tokens = vec![b'x'; length];
        assert_eq!(Label::new(&tokens).as_slice(), tokens);
    }
}

#[test]
fn labels_have_whole_tokens_in_common() {
    let check = |label: &str, pattern: &str, common: &str| {
        let found = Label::new(label.as_bytes()).common(pattern.as_bytes());
        assert_eq!(&label[..found], common, "{label} {pattern}");
    };
    check("a", "a", "a");
    check("a", "a.b", "a");
    check("a.b", "a", "a");
    check("a.b", "a.c", "a");
    check("a.bc.d", "a.bd.d", "a");
    check("a.b.d", "a.bd", "a");
    check("a.bd", "a.b.d", "a");
    check("a.b.*", "a.b.>", "a.b");
    check("a.b.c", "a.b.c.d", "a.b.c");
}

const TOKENS: [&str; 5] = ["a", "b", "ab", "*", "a-token-that-is-no-short-label-by-itself"];

fn random_pattern(random: &mut Rng, from: usize) -> String {
    let mut tokens: Vec<_> = (0..=random.usize(..7))
        .map(|_| TOKENS[random.usize(..from)])
        .collect();
    if random.usize(..5) == 0 {
        tokens.push(">");
    }
    tokens.join(".")
}

fn insert(trie: &mut Trie<Peer>, pattern: &str) {
    let slot = trie.slot(pattern.as_bytes()).unwrap();
    assert!(slot.is_none());
    *slot = Some(Leaf::one(plain(pattern, "1", 1)));
}

fn remove(trie: &mut Trie<Peer>, pattern: &str) {
    let mut found = false;
    trie.change(pattern.as_bytes(), |_| {
        found = true;
        true
    });
    assert!(found, "{pattern}");
}

fn matching(trie: &Trie<Peer>, subject: &str) -> Vec<String> {
    let mut found = Vec::new();
    let walked = trie.visit(subject.as_bytes(), &mut Walk::default(), usize::MAX, |leaf| {
        found.push(String::from_utf8_lossy(leaf.subject()).into_owned());
        ControlFlow::Continue(0)
    });
    assert_eq!(walked, Walked::ToTheEnd);
    found.sort();
    found
}

/// What is said of the shape: each node but the root has subscriptions or several children, and all are accounted for.
fn check_shape(trie: &Trie<Peer>, patterns: usize) {
    assert!(trie.len() <= 2 * patterns, "{} nodes for {patterns}", trie.len());
    let mut edges = 0;
    for (number, node) in trie.nodes.iter().enumerate() {
        let children = node.ordinary + u32::from(node.star != NONE) + u32::from(node.rest != NONE);
        let is_free = node.label.as_slice().is_empty();
        assert!(number == 0 || is_free || node.leaf.is_some() || children > 1);
        assert!(!is_free || number == 0 || children == 0);
        edges += node.ordinary as usize;
    }
    assert_eq!(edges, trie.edges.len());
}

/// A pattern of about 4 KB and 2,000 tokens, every other a wildcard.
fn deep(number: usize) -> String {
    format!("d{number}{}", ".*.a".repeat(1000))
}

#[test]
fn a_deep_pattern_costs_its_length() {
    let mut trie = Trie::default();
    let before = trie.memory();
    for number in 0..1000 {
        insert(&mut trie, &deep(number));
    }
    let length = deep(0).len() * 1000;
    let cost = trie.memory() - before;
    assert!(cost < length + length / 10, "{cost} bytes for {length}");
    assert_eq!(trie.len(), 1000);
    assert_eq!(matching(&trie, &deep(7).replace('*', "b")), [deep(7)]);
    // Pairs that differ in their last token alone.
    for number in 0..1000 {
        insert(&mut trie, &(deep(number) + ".b"));
        insert(&mut trie, &(deep(number) + ".>"));
    }
    assert!(trie.memory() - before < length + length / 5);
    for number in 1..1000 {
        remove(&mut trie, &deep(number));
        remove(&mut trie, &(deep(number) + ".>"));
        remove(&mut trie, &(deep(number) + ".b"));
    }
    check_shape(&trie, 3);
    let kept = trie.memory() - before;
    // Two pages of nodes, and a label.
    assert!(kept < 40 * 1024, "{kept} bytes for three patterns");
}

#[test]
fn what_many_patterns_took_is_given_back_though_one_stays() {
    let mut trie = Trie::default();
    for number in 0..100_000 {
        insert(&mut trie, &format!("many.{number}.*"));
        if number == 50_000 {
            insert(&mut trie, "one.*");
        }
    }
    let most = trie.memory();
    for number in 0..100_000 {
        remove(&mut trie, &format!("many.{number}.*"));
    }
    check_shape(&trie, 1);
    assert!(trie.memory() < most / 50, "{} of {most}", trie.memory());
}

/// Splits and unions of labels in any order, against a list.
#[test]
fn it_is_a_list_of_patterns_only_faster() {
    for seed in 1..=30 {
        let mut random = Rng::with_seed(seed);
        let patterns: Vec<_> = (0..400).map(|_| random_pattern(&mut random, 5)).collect();
        let subjects: Vec<_> = (0..20)
            .map(|_| random_pattern(&mut random, 3).replace('>', "b"))
            .collect();
        let mut trie = Trie::default();
        let mut model: Vec<&String> = Vec::new();
        for step in 0..1500 {
            let pattern = &patterns[random.usize(..patterns.len())];
            if let Some(at) = model.iter().position(|known| *known == pattern) {
                // Grows at first, shrinks in the end.
                if random.usize(..1500) < step {
                    model.swap_remove(at);
                    remove(&mut trie, pattern);
                }
            } else if random.usize(..1500) > step {
                model.push(pattern);
                insert(&mut trie, pattern);
            }
            trie.change(b"a.no.such.*", |_| unreachable!("it is not there"));
            check_shape(&trie, model.len());
            let subject = &subjects[step % subjects.len()];
            let mut expected: Vec<_> = model
                .iter()
                .filter(|pattern| crate::subject::matches(pattern.as_bytes(), subject.as_bytes()))
                .map(|pattern| pattern.to_string())
                .collect();
            expected.sort();
            assert_eq!(matching(&trie, subject), expected, "{subject}");
            assert_eq!(trie.leaves().count(), model.len());
        }
        for pattern in model {
            remove(&mut trie, pattern);
        }
        assert_eq!((trie.len(), trie.edges.len()), (0, 0));
    }
}

/// What one more part of a walk comes by, in its order, and whether it was the last.
fn part(trie: &Trie<Peer>, subject: &str, walk: &mut Walk, at_most: usize) -> (Vec<String>, bool) {
    let mut found = Vec::new();
    let walked = trie.visit(subject.as_bytes(), walk, at_most, |leaf| {
        found.push(String::from_utf8_lossy(leaf.subject()).into_owned());
        ControlFlow::Continue(1)
    });
    (found, walked == Walked::ToTheEnd)
}

#[test]
fn a_walk_in_parts_is_the_same_walk() {
    for seed in 1..=40 {
        let mut random = Rng::with_seed(seed);
        let mut patterns: Vec<_> = (0..300).map(|_| random_pattern(&mut random, 5)).collect();
        patterns.sort();
        patterns.dedup();
        let mut trie = Trie::default();
        for pattern in &patterns {
            insert(&mut trie, pattern);
        }
        for _ in 0..50 {
            let subject = random_pattern(&mut random, 4).replace('>', "b");
            let mut whole = Walk::default();
            let (expected, _) = part(&trie, &subject, &mut whole, usize::MAX);
            for at_most in 1..6 {
                let mut walk = Walk::default();
                let (mut all, mut parts) = (Vec::new(), 0);
                loop {
                    let (found, done) = part(&trie, &subject, &mut walk, at_most);
                    // A node, its children and a leaf, and then one leaf beyond.
                    assert!(found.len() <= at_most + 1);
                    all.extend(found);
                    parts += 1;
                    if done {
                        break;
                    }
                }
                assert_eq!(
                    (&all, walk.steps),
                    (&expected, whole.steps),
                    "{subject} {at_most}"
                );
                let work = whole.steps + expected.len();
                assert!(
                    parts <= work + 1 && parts * (at_most + 4) >= work,
                    "{parts} {work}"
                );
            }
        }
    }
}

#[test]
fn what_is_there_throughout_is_visited_once_whatever_changes_between_two_parts() {
    let mut parts = 0;
    for seed in 1..=60 {
        let mut random = Rng::with_seed(seed);
        let mut patterns: Vec<_> = (0..200).map(|_| random_pattern(&mut random, 4)).collect();
        patterns.sort();
        patterns.dedup();
        let mut trie = Trie::default();
        let mut present = vec![false; patterns.len()];
        for _ in 0..60 {
            let subject = random_pattern(&mut random, 4).replace('>', "b");
            let mut throughout = present.clone();
            let mut ever = present.clone();
            let mut walk = Walk::default();
            let mut all = Vec::new();
            loop {
                let at_most = 1 + random.usize(..4);
                let (found, done) = part(&trie, &subject, &mut walk, at_most);
                all.extend(found);
                parts += 1;
                if done {
                    break;
                }
                for _ in 0..random.usize(..20) {
                    let at = random.usize(..patterns.len());
                    if present[at] {
                        remove(&mut trie, &patterns[at]);
                    } else {
                        insert(&mut trie, &patterns[at]);
                    }
                    present[at] = !present[at];
                    throughout[at] &= present[at];
                    ever[at] |= present[at];
                }
            }
            let found = all.len();
            all.sort();
            all.dedup();
            assert_eq!(all.len(), found, "one is visited twice");
            for (at, pattern) in patterns.iter().enumerate() {
                let matches = crate::subject::matches(pattern.as_bytes(), subject.as_bytes());
                let is_found = all.binary_search(pattern).is_ok();
                assert!(!is_found || (matches && ever[at]), "{subject} {pattern}");
                assert!(is_found || !matches || !throughout[at], "{subject} {pattern}");
            }
            // Some changes even if no walk had several parts.
            for at in 0..patterns.len() {
                if random.usize(..8) == 0 {
                    if present[at] {
                        remove(&mut trie, &patterns[at]);
                    } else {
                        insert(&mut trie, &patterns[at]);
                    }
                    present[at] = !present[at];
                }
            }
            check_shape(&trie, present.iter().filter(|is_present| **is_present).count());
        }
    }
    assert!(parts > 10_000, "{parts}");
}

/// What is left of two patterns when a walk has stopped before one of them, and that is gone: one label, of which the walk
/// has seen what comes before that place, and not what comes after.
#[test]
fn labels_that_become_one_between_two_parts_are_visited_from_where_the_walk_was() {
    for (stays, expected) in [("a.>", 1), ("a.*.c", 1), ("a.*.>", 1), ("a.*", 0)] {
        for stop in 1..6 {
            let mut trie = Trie::default();
            insert(&mut trie, stays);
            insert(&mut trie, "a.b.*");
            let mut walk = Walk::default();
            let mut all = Vec::new();
            let mut parts = 0;
            let mut done = false;
            while !done {
                let found;
                (found, done) = part(&trie, "a.b.c", &mut walk, 1);
                all.extend(found);
                parts += 1;
                if parts == stop && !done {
                    remove(&mut trie, "a.b.*");
                }
            }
            all.retain(|pattern| pattern == stays);
            assert_eq!(all.len(), expected, "{stays} {stop}");
        }
    }
}

/// Two to the power of this many patterns, none of which matches `a.a…n`.
#[test]
fn a_part_is_bounded_where_the_whole_is_not() {
    let mut trie = Trie::default();
    for number in 0..1 << 12 {
        let token = |at| if number >> at & 1 == 0 { "a." } else { "*." };
        let open: String = (0..12).map(token).collect();
        insert(&mut trie, &(open + "z"));
    }
    let subject = "a.".repeat(12) + "n";
    let mut walk = Walk::default();
    let mut parts = 0;
    loop {
        let before = walk.steps;
        let (found, done) = part(&trie, &subject, &mut walk, 100);
        assert!(found.is_empty());
        assert!(walk.steps - before <= 101);
        parts += 1;
        if done {
            break;
        }
    }
    assert!((40..200).contains(&parts), "{parts} {}", walk.steps);
}
