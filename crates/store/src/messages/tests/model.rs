//! Against a plain map of messages, whatever is written, compacted and opened anew meanwhile.

use super::*;

const SUBJECTS: [&str; 9] = ["a", "a.b", "a.b.c", "a.c", "b", "b.x", "c.d.e.f", "d", "d.e"];
const FILTERS: [&str; 10] = [">", "a.>", "a.*", "*", "b.x", "x", "c.d.>", "*.*", "*.b.*", "d"];

struct Model {
    /// Those that messages have.
    subjects: &'static [&'static str],
    messages: BTreeMap<u64, Message>,
    last: u64,
    /// Cursors that are kept, by their filters.
    kept: BTreeMap<Vec<&'static str>, Cursor>,
}

impl Model {
    fn matching<'a>(&'a self, filter: &'a str) -> impl DoubleEndedIterator<Item = u64> + 'a {
        let all = self.messages.values();
        all.filter(move |message| matches(filter.as_bytes(), &message.subject))
            .map(|message| message.sequence)
    }
}

#[test]
fn in_memory() {
    for seed in 0..12 {
        run(World::in_memory(), seed);
    }
}

#[test]
fn on_disk() {
    for seed in 0..16 {
        let mut world = World::on_disk(seed);
        world.options.is_compressed = seed % 4 >= 2;
        if seed % 2 == 1 {
            world.keys = Some(Keys::new(Cipher::ChaCha, b"key", None).unwrap());
        }
        world.reopen();
        run(world, seed);
    }
}

fn run(mut world: World, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut model = Model {
        subjects: &SUBJECTS[random.usize(..SUBJECTS.len())..],
        messages: BTreeMap::new(),
        last: 0,
        kept: BTreeMap::new(),
    };
    let mut cuts: Vec<CutAt> = Vec::new();
    // Some runs keep much, some little.
    let deletes = random.u8(0..60);
    for step in 0..1500 {
        match random.u8(..100) {
            0..40 => append(&mut world, &mut model, &mut random),
            kind if kind < 40 + deletes / 2 => delete(&mut world, &mut model, &mut random),
            69 | 70 => purge(&mut world, &mut model, &mut random),
            71..75 if world.messages.place.is_some() => {
                if write(&mut world, &mut random, step) {
                    cuts.clear();
                    model.kept.clear();
                }
            }
            75..77 => {
                let before = model.messages.clone();
                erase(&mut world, &mut model, &mut random);
                let is_gone =
                    |sequence: &u64| before.contains_key(sequence) && !model.messages.contains_key(sequence);
                // It may be seen, or not.
                cuts.iter_mut()
                    .for_each(|cut| cut.messages.retain(|sequence, _| !is_gone(sequence)));
            }
            90..93 => cuts.push(CutAt {
                cut: world.messages.cut(),
                messages: model.messages.clone(),
            }),
            93..96 if !cuts.is_empty() => cuts.swap_remove(random.usize(..cuts.len())).check(&mut world),
            77..90 => {
                check(&mut world, &model, &mut random);
                follow(&mut world, &mut model, &mut random);
            }
            _ => append(&mut world, &mut model, &mut random),
        }
        if step % 20 == 0 {
            check_state(&world, &model, step);
        }
    }
    while world.messages.place.is_some() && world.compact() {}
    for _ in 0..50 {
        check(&mut world, &model, &mut random);
    }
    check_gone(&world);
}

/// What there was at a moment.
struct CutAt {
    cut: Cut,
    messages: BTreeMap<u64, Message>,
}

impl CutAt {
    /// It is still what it was.
    fn check(mut self, world: &mut World) {
        let mut messages = Vec::new();
        while let Some(read) = self.cut.next(&world.disk).unwrap() {
            messages.extend(read);
        }
        // What has been erased may be gone, or not.
        messages.retain(|message| self.messages.contains_key(&message.sequence));
        assert!(messages.iter().eq(self.messages.values()));
        world.messages.give_back();
    }
}

fn append(world: &mut World, model: &mut Model, random: &mut fastrand::Rng) {
    // Now and then some sequences are never used.
    let sequence = model.last + if random.u8(..20) == 0 { random.u64(1..9) } else { 1 };
    let subject = model.subjects[random.usize(..model.subjects.len())];
    let message = message(sequence, subject, &vec![b'p'; random.usize(..120)]);
    world.messages.append(message.clone()).unwrap();
    model.messages.insert(sequence, message);
    model.last = sequence;
}

fn some_sequence(model: &Model, random: &mut fastrand::Rng) -> u64 {
    match random.u8(..3) {
        0 => model.messages.keys().next().copied().unwrap_or_default(),
        1 => random.u64(..=model.last + 2),
        _ => model.last.saturating_sub(random.u64(..20)),
    }
}

fn delete(world: &mut World, model: &mut Model, random: &mut fastrand::Rng) {
    // Now and then nothing is left of some subjects.
    let sequences = match random.u8(..20) {
        0 => model.matching(FILTERS[random.usize(1..FILTERS.len())]).collect(),
        _ => vec![some_sequence(model, random)],
    };
    for sequence in sequences {
        let size = model
            .messages
            .remove(&sequence)
            .map(|message| world.messages.size(&message));
        assert_eq!(world.ask(|messages| messages.remove(sequence)), size);
    }
}

fn erase(world: &mut World, model: &mut Model, random: &mut fastrand::Rng) {
    let sequence = some_sequence(model, random);
    let size = model
        .messages
        .remove(&sequence)
        .map(|message| world.messages.size(&message));
    let erased = world.ask(|messages| messages.erase(sequence));
    assert_eq!(erased.as_ref().map(|(size, _)| *size), size);
    let now = erased.and_then(|(_, erasure)| erasure);
    for erasure in now.into_iter().chain(world.messages.take_erasures()) {
        erasure.run(&world.disk).unwrap();
    }
}

fn purge(world: &mut World, model: &mut Model, random: &mut fastrand::Rng) {
    if random.u8(..5) == 0 {
        assert_eq!(world.messages.purge().messages, model.messages.len() as u64);
        model.messages.clear();
        return;
    }
    let sequence = random.u64(..=model.last + 1);
    if random.bool() {
        let most = random.u64(..40);
        let gone = world.ask(|messages| messages.purge_beginning(sequence, &|some, _| some <= most));
        let mut bytes = 0;
        let count = gone.map_or(0, |(count, _)| count);
        for _ in 0..count {
            let (first, message) = model.messages.pop_first().unwrap();
            assert!(first <= sequence && count <= most);
            bytes += world.messages.size(&message);
        }
        assert_eq!(bytes, gone.map_or(0, |(_, bytes)| bytes));
        return;
    }
    let kept = model.messages.split_off(&sequence);
    let purged_of_model = std::mem::replace(&mut model.messages, kept);
    let mut purged = (0, 0);
    while {
        let some = world.ask(|messages| messages.purge_to(sequence));
        purged = (purged.0 + some.messages, purged.1 + some.bytes);
        !some.is_done
    } {}
    let bytes = purged_of_model
        .values()
        .map(|message| world.messages.size(message))
        .sum();
    assert_eq!(purged, (purged_of_model.len() as u64, bytes));
}

/// Whether all is opened anew.
fn write(world: &mut World, random: &mut fastrand::Rng, step: u64) -> bool {
    let what = random.u8(..6);
    match what {
        0 | 1 => world.flush(),
        2 => {
            world.compact();
        }
        3 => world.checkpoint(step),
        _ => {
            world.checkpoint(step);
            let found = world.reopen();
            assert_eq!(found.position, Position { index: step, term: 1 });
            assert_eq!(found.state.as_deref(), Some(&b"state"[..]));
            assert!(found.damage.is_empty(), "{:?}", found.damage);
        }
    }
    what > 3
}

fn check_state(world: &World, model: &Model, step: u64) {
    let first = model.messages.keys().next().copied().unwrap_or(model.last + 1);
    let mut subjects: Vec<&Bytes> = model.messages.values().map(|message| &message.subject).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let state = world.messages.state();
    let expected = State {
        messages: model.messages.len() as u64,
        bytes: model
            .messages
            .values()
            .map(|message| world.messages.size(message))
            .sum(),
        first_sequence: first,
        last_sequence: model.last,
        last_time: state.last_time,
        subjects: subjects.len() as u64,
    };
    assert_eq!(state, expected, "step {step}");
}

/// Invariant 8: what is pending is what a recount says, for every filter.
fn check(world: &mut World, model: &Model, random: &mut fastrand::Rng) {
    let sequence = some_sequence(model, random);
    assert_eq!(
        world.ask(|messages| messages.get(sequence)),
        model.messages.get(&sequence).cloned()
    );
    let from = some_sequence(model, random);
    let mut filters = vec![FILTERS[random.usize(..FILTERS.len())]];
    match random.u8(..4) {
        0 | 1 => filters = vec!["a.b", "c.>", "d"],
        2 => filters = vec!["a.*", "*.b", "*.*.>"],
        _ => {}
    }
    let bytes: Vec<Bytes> = filters
        .iter()
        .map(|filter| Bytes::from_static(filter.as_bytes()))
        .collect();
    let mut expected: Vec<u64> = filters.iter().flat_map(|filter| model.matching(filter)).collect();
    expected.retain(|sequence| *sequence >= from);
    expected.sort_unstable();
    expected.dedup();
    let mut count = Count::new(bytes.clone(), from);
    assert_eq!(
        world.ask(|messages| messages.count(&mut count)),
        expected.len() as u64,
        "{filters:?} from {from}"
    );
    let mut cursor = Cursor::new(bytes, from);
    for sequence in expected.iter().take(20) {
        let found = world.ask(|messages| messages.next_message(&mut cursor));
        assert_eq!(found.as_ref(), model.messages.get(sequence));
        assert_eq!(world.ask(|messages| messages.next(&mut cursor)), Some(*sequence));
        cursor.seek(sequence + 1);
    }
    if expected.len() <= 20 {
        assert_eq!(world.ask(|messages| messages.next(&mut cursor)), None);
    }
    let subject = SUBJECTS[random.usize(..SUBJECTS.len())];
    assert_eq!(
        world.ask(|messages| messages.first_of(subject.as_bytes())),
        model.matching(subject).next()
    );
    assert_eq!(
        world.ask(|messages| messages.last_of(subject.as_bytes())),
        model.matching(subject).next_back()
    );
    let filters: Vec<Bytes> = match random.u8(..3) {
        0 => Vec::new(),
        1 => vec![Bytes::from_static(b"a.>")],
        _ => vec![Bytes::from_static(b"d"), Bytes::from_static(b"b.*")],
    };
    let is_match = |message: &Message| {
        let matching = |filter: &Bytes| matches(filter, &message.subject);
        filters.is_empty() || filters.iter().any(matching)
    };
    let up_to = model
        .messages
        .range(..=from)
        .rev()
        .find(|(_, message)| is_match(message));
    let mut reached = from;
    assert_eq!(
        world.ask(|messages| messages.last_up_to(&filters, &mut reached)),
        up_to.map(|(sequence, _)| *sequence)
    );
    let later = model.messages.range(from..).next().map(|(sequence, _)| *sequence);
    assert_eq!(world.ask(|messages| messages.at_or_after(from * 1000)), later);
    if random.u8(..8) == 0 {
        world.messages.cool();
    }
    let up_to = some_sequence(model, random);
    let is_gap = |sequence: &u64| !model.messages.contains_key(sequence);
    let expected: Vec<u64> = (from..=up_to).filter(is_gap).collect();
    let (mut gaps, mut next) = (Vec::new(), from);
    world.ask(|messages| messages.gaps(&mut next, up_to, &mut gaps));
    assert_eq!(gaps, expected, "from {from} to {up_to}");
}

/// Cursors find what there is, whatever came and went since they were asked before.
fn follow(world: &mut World, model: &mut Model, random: &mut fastrand::Rng) {
    let from = some_sequence(model, random);
    let filters = match random.bool() {
        true => vec![FILTERS[random.usize(..FILTERS.len())]],
        false => vec!["a.b", "c.>", "d"],
    };
    let is_match = |message: &Message| {
        let mut filters = filters.iter();
        filters.any(|filter| matches(filter.as_bytes(), &message.subject))
    };
    let mut expected = model
        .messages
        .range(from..)
        .filter(|(_, message)| is_match(message));
    let cursor = model.kept.entry(filters.clone()).or_insert_with(|| {
        let filters = filters.iter().map(|filter| Bytes::from_static(filter.as_bytes()));
        Cursor::new(filters.collect(), from)
    });
    cursor.seek(from);
    for _ in 0..3 {
        let wanted = expected.next().map(|(sequence, _)| *sequence);
        let found = world.ask(|messages| messages.next(cursor));
        assert_eq!(found, wanted, "{filters:?} from {from}");
        let Some(found) = found else {
            break;
        };
        cursor.seek(found + 1);
    }
}

/// What is counted of memory comes to what there is.
fn check_gone(world: &World) {
    let messages = &world.messages;
    let held: u64 = messages
        .parts
        .iter()
        .flat_map(|part| &part.held)
        .filter(|message| !message.subject.is_empty())
        .map(|message| messages.size(message))
        .sum();
    assert_eq!(messages.held, held);
    let directories: usize = messages.parts.iter().map(Part::directory_memory).sum();
    assert_eq!(messages.directories, directories);
}
