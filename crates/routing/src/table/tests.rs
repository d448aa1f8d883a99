use super::*;
use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};

/// What is looked for by a number.
struct Numbered {
    hash: u64,
    number: u64,
}

impl Hashed for Numbered {
    fn hash(&self) -> u64 {
        self.hash
    }
}

fn numbered(number: u64) -> Numbered {
    let hash = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let hash = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    Numbered {
        hash: hash ^ (hash >> 32),
        number,
    }
}

fn insert(table: &mut Table<Numbered>, number: u64) {
    table.insert(numbered(number));
}

fn remove(table: &mut Table<Numbered>, number: u64) -> bool {
    let hash = numbered(number).hash;
    table.remove(hash, |entry| entry.number == number).is_some()
}

fn contains(table: &Table<Numbered>, number: u64) -> bool {
    let hash = numbered(number).hash;
    table.find(hash, |entry| entry.number == number).is_some()
}

/// Each entry is in the part of its share, parts are of about the same size, and each is one stretch of the order.
fn check_shape(table: &Table<Numbered>) {
    let parts = table.parts.len();
    assert_eq!(
        table.parts.iter().map(HashTable::len).sum::<usize>(),
        table.length
    );
    assert_eq!(parts == 0, table.is_empty());
    for (number, entries) in table.parts.iter().enumerate() {
        assert!(entries.len() < 3 * PART, "{} in a part", entries.len());
        let stretch = END >> bits_in_common(number, parts);
        let begin = u64::from((number as u32).reverse_bits());
        assert_eq!(begin % stretch, 0);
        for entry in entries {
            assert_eq!(part(share(entry.hash), parts), number);
            assert!((begin..begin + stretch).contains(&u64::from(order(entry.hash))));
        }
    }
}

#[test]
fn parts_are_all_of_the_order() {
    for parts in 1..300 {
        let stretches = (0..parts).map(|number| {
            let begin = u64::from((number as u32).reverse_bits());
            (begin, begin + (END >> bits_in_common(number, parts)))
        });
        let end = stretches
            .collect::<BTreeSet<_>>()
            .into_iter()
            .fold(0, |end, (begin, next)| {
                assert_eq!(begin, end, "{parts} parts");
                next
            });
        assert_eq!(end, END);
    }
}

#[test]
fn what_is_in_it_is_found_while_it_grows_and_shrinks() {
    let mut random = Rng::with_seed(7);
    let mut table = Table::default();
    let mut model = BTreeMap::new();
    for target in [20_000, 300, 9_000, 0] {
        while model.len() != target {
            let number = random.u64(..) >> 48;
            let hash = numbered(number).hash;
            if model.len() < target {
                let known = model.insert(number, ()).is_some();
                assert_eq!(contains(&table, number), known);
                let mut made = false;
                let entry = table.find_or_insert_with(
                    hash,
                    |entry| entry.number == number,
                    || {
                        made = true;
                        numbered(number)
                    },
                );
                assert_eq!((entry.number, made), (number, !known));
            } else {
                assert_eq!(remove(&mut table, number), model.remove(&number).is_some());
            }
            assert_eq!(table.len(), model.len());
        }
        check_shape(&table);
        let mut numbers: Vec<_> = table.iter().map(|entry| entry.number).collect();
        numbers.sort_unstable();
        assert!(numbers.iter().eq(model.keys()));
        assert!(model.keys().all(|number| contains(&table, *number)));
    }
    assert_eq!(table.parts.capacity(), 0, "no memory for nothing");
}

#[test]
fn going_through_it_finds_what_is_there_throughout_once() {
    let mut random = Rng::with_seed(11);
    let mut table = Table::default();
    let mut present = BTreeSet::new();
    for (size, tendency) in [(3_000, 3), (9_000, 1), (1_500, 1), (20, 2), (0, 2)] {
        while present.len() < size {
            let number = random.u64(..);
            insert(&mut table, number);
            present.insert(number);
        }
        let mut throughout = present.clone();
        let (mut cursor, mut found) = (Cursor::default(), Vec::new());
        loop {
            let (before, wanted) = (found.len(), 1 + random.usize(..200));
            let mut looks = 1 + random.usize(..200);
            let expected = wanted.min(looks);
            let is_all = table.visit(&mut cursor, &mut looks, |entry| {
                found.push(entry.number);
                if found.len() - before == wanted {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            assert!(found.len() - before <= expected);
            if is_all {
                break;
            }
            assert_eq!(found.len() - before, expected);
            for _ in 0..random.usize(..100) {
                if random.usize(..4) < tendency {
                    let number = random.u64(..);
                    insert(&mut table, number);
                    present.insert(number);
                } else if let Some(number) = present.range(random.u64(..)..).next().copied() {
                    assert!(remove(&mut table, number));
                    present.remove(&number);
                    throughout.remove(&number);
                }
            }
        }
        check_shape(&table);
        let once: BTreeSet<_> = found.iter().copied().collect();
        assert_eq!(once.len(), found.len());
        assert!(once.is_superset(&throughout));
        // What is left over for the next round grows from few.
        for number in std::mem::take(&mut present) {
            assert!(remove(&mut table, number));
        }
    }
}

#[test]
fn entries_of_the_same_order_are_visited_together() {
    let mut table = Table::default();
    for number in 0..5 {
        table.insert(Numbered {
            hash: 1 << 60,
            number,
        });
    }
    let (mut cursor, mut found) = (Cursor::default(), 0);
    let mut looks = 3;
    let is_all = table.visit(&mut cursor, &mut looks, |_| {
        found += 1;
        ControlFlow::Break(())
    });
    assert_eq!((is_all, found, looks), (false, 5, 0));
    assert!(
        table.visit(&mut cursor, &mut 1, |_| ControlFlow::Break(())),
        "nothing is left"
    );
}
