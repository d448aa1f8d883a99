use super::*;
use vagus_jetstream::config::Storage;
use vagus_jetstream::held::InMemory;

/// More than any piece of the index holds, at two levels.
const SUBJECTS: u64 = 40 * 40;

/// Three messages of each subject, of which some first and last ones are gone.
fn fill(held: &mut impl Messages) {
    for sequence in 1..=3 * SUBJECTS {
        let number = sequence % SUBJECTS;
        held.insert(Message {
            sequence,
            time: Time(0),
            subject: format!("a.{}.{}", number / 40, number % 40).into(),
            headers: Bytes::new(),
            payload: Bytes::new(),
        });
    }
    for number in (0..SUBJECTS).step_by(3) {
        held.remove(SUBJECTS + number, false);
        held.remove(3 * SUBJECTS - number, false);
    }
}

/// What there is of each subject, in the order of their bytes; counted without the first `skip` it is the same.
fn listed(held: &impl Messages, pattern: &[u8], skip: u64) -> Vec<(Bytes, OfSubject)> {
    let (mut all, mut counts, mut lasts) = (Vec::new(), Vec::new(), Vec::new());
    held.for_each_subject(pattern, &mut |subject, of_it| {
        all.push((Bytes::copy_from_slice(subject), of_it));
        ControlFlow::Continue(())
    });
    let mut cursor = SubjectCursor {
        skip,
        ..SubjectCursor::default()
    };
    while !cursor.is_at_end {
        held.walk_counts(pattern, &mut cursor, &mut 2, &mut |subject, messages| {
            counts.push((Bytes::copy_from_slice(subject), messages));
            ControlFlow::Continue(())
        });
    }
    let mut cursor = SubjectCursor::default();
    while !cursor.is_at_end {
        held.walk_lasts(pattern, &mut cursor, &mut 3, &mut |subject, last| {
            lasts.push((Bytes::copy_from_slice(subject), last));
        });
    }
    lasts.sort();
    assert_eq!(held.count_subjects(pattern), all.len() as u64);
    let counted = all
        .iter()
        .map(|(subject, of_it)| (subject.clone(), of_it.messages));
    assert!(counted.skip(skip as usize).eq(counts));
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    let known = all.iter().map(|(subject, of_it)| (subject.clone(), of_it.last));
    assert!(known.eq(lasts));
    all
}

#[test]
fn subjects_are_those_of_a_stream_that_has_its_messages_in_memory() {
    let mut stored = Stored::new(Arc::new(RealDisk), store::Messages::in_memory());
    let mut simple = InMemory::new(Storage::Memory);
    fill(&mut stored);
    fill(&mut simple);
    for (pattern, skip) in [
        (&b">"[..], 0),
        (b">", 700),
        (b"a.*.*", 1),
        (b"a.*.7", 39),
        (b"a.7.*", 40),
        (b"a.*.>", 2000),
        (b"a.7.7", 0),
        (b"b", 0),
    ] {
        assert_eq!(
            listed(&stored, pattern, skip),
            listed(&simple, pattern, skip),
            "{}",
            String::from_utf8_lossy(pattern)
        );
    }
}

#[test]
fn who_has_enough_is_told_no_more() {
    let mut stored = Stored::new(Arc::new(RealDisk), store::Messages::in_memory());
    fill(&mut stored);
    let mut left = 3;
    let mut cursor = SubjectCursor {
        skip: 5,
        ..SubjectCursor::default()
    };
    stored.walk_counts(b"a.*.*", &mut cursor, &mut { usize::MAX }, &mut |_, _| {
        left -= 1;
        match left {
            0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    });
    assert_eq!(left, 0);
}

#[test]
fn several_patterns_are_asked_for_together() {
    let mut stored = Stored::new(Arc::new(RealDisk), store::Messages::in_memory());
    let mut simple = InMemory::new(Storage::Memory);
    fill(&mut stored);
    fill(&mut simple);
    for patterns in [
        &["a.1.2", "a.3.4", "b"][..],
        &["a.*.7", "a.7.*"],
        &["a.1.2", "a.>"],
        &["a.1.2"],
    ] {
        let patterns: Vec<Bytes> = patterns
            .iter()
            .map(|pattern| Bytes::from_static(pattern.as_bytes()))
            .collect();
        for (from, at_most) in [(1, 5), (900, 1), (900, 10_000)] {
            assert_eq!(
                stored.sequences_of(&patterns, from..=4000, at_most),
                simple.sequences_of(&patterns, from..=4000, at_most),
                "{patterns:?} from {from}"
            );
        }
    }
    for sequence in 1..=2 * SUBJECTS {
        assert_eq!(stored.has(sequence), simple.has(sequence));
    }
}

/// Whatever comes and goes: what was found out of messages before is not taken for what is there now.
#[test]
fn all_that_is_asked_is_answered_as_by_a_stream_that_has_its_messages_in_memory() {
    const SUBJECTS: [&str; 5] = ["a.1", "a.2", "b", "b.1", "c.d.e"];
    const PATTERNS: [&[u8]; 8] = [b">", b"a.*", b"a.>", b"b", b"*.1", b"c.d.e", b"*", b"x"];
    for seed in 0..60 {
        let mut random = fastrand::Rng::with_seed(seed);
        let subjects = &SUBJECTS[..random.usize(2..=SUBJECTS.len())];
        let mut stored = Stored::new(Arc::new(RealDisk), store::Messages::in_memory());
        let mut simple = InMemory::new(Storage::Memory);
        let mut last = 0;
        for _ in 0..300 {
            match random.u8(..20) {
                0 => {
                    stored.clear();
                    simple.clear();
                }
                1..4 => {
                    // Nothing is left of some subjects.
                    let pattern = random.choice(PATTERNS).unwrap();
                    for sequence in simple.sequences(pattern, 1..=last, usize::MAX) {
                        assert_eq!(stored.remove(sequence, false), simple.remove(sequence, false));
                    }
                }
                4..7 => {
                    let (sequence, erased) = (random.u64(..=last + 1), random.bool());
                    assert_eq!(
                        stored.remove(sequence, erased),
                        simple.remove(sequence, erased),
                        "{sequence}"
                    );
                }
                _ => {
                    last += random.u64(1..3);
                    let message = Message {
                        sequence: last,
                        time: Time(i64::try_from(last).unwrap() * 10),
                        subject: (*random.choice(subjects).unwrap()).into(),
                        headers: Bytes::new(),
                        payload: Bytes::from_static(b"payload"),
                    };
                    stored.insert(message.clone());
                    simple.insert(message);
                }
            }
            let (pattern, other) = (random.choice(PATTERNS).unwrap(), random.choice(PATTERNS).unwrap());
            let (from, at_most) = (random.u64(1..=last + 2), random.usize(1..5));
            assert_eq!(
                answers(&stored, pattern, other, from, last, at_most),
                answers(&simple, pattern, other, from, last, at_most),
                "seed {seed}: {} and {} from {from} to {last}",
                String::from_utf8_lossy(pattern),
                String::from_utf8_lossy(other)
            );
        }
    }
}

/// What is answered to all that can be asked of messages.
fn answers(
    held: &impl Messages,
    pattern: &'static [u8],
    other: &'static [u8],
    from: u64,
    last: u64,
    at_most: usize,
) -> String {
    let patterns = [pattern, other].map(Bytes::from_static);
    let answers = (
        (held.count(), held.bytes(), held.subjects()),
        (held.subject_of(from), held.time_of(from), held.get(from).unwrap()),
        (held.next(pattern, from), held.has(from), held.last(pattern, from)),
        held.at_or_after(Time(i64::try_from(from).unwrap() * 10)),
        held.of_subject(pattern),
        (held.count_matching(pattern, from), held.count_of(&patterns, from)),
        held.count_subjects(pattern),
        held.sequences(pattern, from..=last, at_most),
        held.sequences_of(&patterns, from..=last, at_most),
        held.gaps(from, last),
    );
    format!("{answers:?}")
}
