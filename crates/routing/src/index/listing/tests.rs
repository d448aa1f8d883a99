use super::*;
use crate::testing::{Peer, Shared, member, plain};
use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};

/// An index and all that is in it, by subject.
#[derive(Default)]
struct World {
    index: Index<Peer>,
    subscribers: BTreeMap<String, Vec<Shared>>,
    /// Subjects that have had subscriptions since they were noted.
    throughout: BTreeSet<String>,
}

impl World {
    fn subscribe(&mut self, subject: String) {
        let subscription = plain(&subject, "1", 1);
        assert!(self.index.insert(Arc::clone(&subscription)));
        self.subscribers.entry(subject).or_default().push(subscription);
    }

    /// One of them leaves, of the first subject from here on.
    fn unsubscribe(&mut self, from: String) {
        let Some((subject, subscribers)) = self.subscribers.range_mut(from..).next() else {
            return;
        };
        assert!(self.index.remove(&subscribers.pop().unwrap()));
        if subscribers.is_empty() {
            let subject = subject.clone();
            self.subscribers.remove(&subject);
            self.throughout.remove(&subject);
        }
    }

    fn note(&mut self) {
        self.throughout = self.subscribers.keys().cloned().collect();
    }
}

/// Whatever their order.
fn are_the_same(some: &[Shared], others: &[Shared]) -> bool {
    some.len() == others.len()
        && some
            .iter()
            .all(|it| others.iter().any(|other| Arc::ptr_eq(other, it)))
}

/// Many of them once, some often; some begin with others.
fn random_subject(random: &mut Rng) -> String {
    let numbers = [9, 5_000][random.usize(..2)];
    let number = random.usize(..numbers);
    match random.usize(..5) {
        0 => format!("a.{number}.b"),
        1 => format!("a.{number}.*"),
        2 => format!("a.*.{number}.>"),
        3 => format!("{number}.>"),
        _ => format!("a-token-that-is-no-short-label.{number}.*.b"),
    }
}

#[test]
fn what_is_there_throughout_is_listed_once() {
    let mut random = Rng::with_seed(3);
    let mut world = World::default();
    for (size, tendency) in [(0, 4), (2_000, 1), (6_000, 3), (3_000, 0)] {
        while world.subscribers.len() < size {
            world.subscribe(random_subject(&mut random));
        }
        for number in 0..500 {
            // Subjects of which groups are all that there is.
            let subject = format!("group.{number}");
            let members = [member(&subject, "q", "1", 1)].into();
            world.index.set_group(subject.as_bytes(), b"q", members);
        }
        world.note();
        let (mut listing, mut listed) = (Listing::default(), Vec::new());
        loop {
            let (before, wanted) = (listed.len(), 1 + random.usize(..300));
            let mut looks = 1 + random.usize(..300);
            let at_most = wanted.min(looks);
            let is_all = world.index.list(&mut listing, &mut looks, |subject, plain| {
                let subject = String::from_utf8(subject.to_vec()).unwrap();
                let subscribers = &world.subscribers[&subject];
                assert!(are_the_same(plain, subscribers), "{subject}");
                listed.push(subject);
                if listed.len() - before == wanted {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            assert!(listed.len() - before <= at_most);
            if is_all {
                break;
            }
            for _ in 0..random.usize(..100) {
                let subject = random_subject(&mut random);
                if random.usize(..4) < tendency {
                    world.subscribe(subject);
                } else {
                    world.unsubscribe(subject);
                }
            }
        }
        // What went and came again may have been listed before and after.
        listed.retain(|subject| world.throughout.contains(subject));
        listed.sort_unstable();
        assert!(listed.iter().eq(&world.throughout), "{:?}", world.throughout);
    }
}

#[test]
fn subscribers_are_those_of_exactly_that_subject() {
    let mut random = Rng::with_seed(5);
    let mut world = World::default();
    for step in 0..20_000 {
        let subject = random_subject(&mut random);
        if random.usize(..20_000) > step {
            world.subscribe(subject);
        } else {
            world.unsubscribe(subject);
        }
        let subject = random_subject(&mut random);
        let expected = world.subscribers.get(&subject).map_or(&[][..], |all| all);
        let found = world.index.subscribers(subject.as_bytes());
        assert!(are_the_same(found, expected), "{subject}");
    }
    world
        .index
        .set_group(b"a.0.b", b"q", [member("a.0.b", "q", "1", 1)].into());
    while let Some((subject, _)) = world.subscribers.first_key_value() {
        world.unsubscribe(subject.clone());
    }
    assert!(
        world.index.subscribers(b"a.0.b").is_empty(),
        "members of groups are none"
    );
    assert!(world.index.subscribers(b"a..b").is_empty());
    assert!(world.index.subscribers(b"").is_empty());
}
