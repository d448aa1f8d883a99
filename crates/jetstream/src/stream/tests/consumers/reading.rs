//! Messages that are not in memory: they are read, and nobody else waits for that.

use super::{ConsumerBounds, CreateConsumerRequest, all_sent};
use crate::held::{Cold, InMemory, Messages, OfSubject, Removed, SubjectCursor};
use crate::message::Message;
use crate::stream::tests::{START, around, config, message, zone};
use crate::stream::{DirectRequest, Effect, Stream};
use crate::time::Time;
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::{ControlFlow, RangeInclusive};
use std::rc::Rc;

/// Messages of which some are not in memory, and some are damaged.
#[derive(Debug)]
struct OnDisk {
    held: InMemory,
    cold: Rc<RefCell<BTreeSet<u64>>>,
    damaged: BTreeSet<u64>,
}

impl Messages for OnDisk {
    fn count(&self) -> u64 {
        self.held.count()
    }
    fn bytes(&self) -> u64 {
        self.held.bytes()
    }
    fn subjects(&self) -> u64 {
        self.held.subjects()
    }
    fn insert(&mut self, message: Message) {
        self.held.insert(message);
    }
    fn remove(&mut self, sequence: u64, erased: bool) -> Option<Removed> {
        self.held.remove(sequence, erased)
    }
    fn remove_beginning(&mut self, up_to: u64, may_go: &dyn Fn(u64, u64) -> bool) -> Option<(u64, u64)> {
        self.held.remove_beginning(up_to, may_go)
    }
    fn clear(&mut self) {
        self.held.clear();
    }
    fn get(&self, sequence: u64) -> Result<Option<Message>, Cold> {
        match self.cold.borrow().contains(&sequence) {
            true => Err(Cold { sequence }),
            false if self.damaged.contains(&sequence) => Ok(None),
            false => self.held.get(sequence),
        }
    }
    fn subject_of(&self, sequence: u64) -> Option<Bytes> {
        self.held.subject_of(sequence)
    }
    fn time_of(&self, sequence: u64) -> Option<Time> {
        self.held.time_of(sequence)
    }
    fn next(&self, pattern: &[u8], from: u64) -> Option<u64> {
        self.held.next(pattern, from)
    }
    fn last(&self, pattern: &[u8], up_to: u64) -> Option<u64> {
        self.held.last(pattern, up_to)
    }
    fn at_or_after(&self, time: Time) -> Option<u64> {
        self.held.at_or_after(time)
    }
    fn of_subject(&self, subject: &[u8]) -> Option<OfSubject> {
        self.held.of_subject(subject)
    }
    fn count_matching(&self, pattern: &[u8], from: u64) -> u64 {
        self.held.count_matching(pattern, from)
    }
    fn count_of(&self, patterns: &[Bytes], from: u64) -> u64 {
        self.held.count_of(patterns, from)
    }
    fn count_subjects(&self, pattern: &[u8]) -> u64 {
        self.held.count_subjects(pattern)
    }
    fn walk_counts(
        &self,
        pattern: &[u8],
        cursor: &mut SubjectCursor,
        work: &mut usize,
        visit: &mut dyn FnMut(&[u8], u64) -> ControlFlow<()>,
    ) {
        self.held.walk_counts(pattern, cursor, work, visit);
    }
    fn walk_lasts(
        &self,
        pattern: &[u8],
        cursor: &mut SubjectCursor,
        work: &mut usize,
        visit: &mut dyn FnMut(&[u8], u64),
    ) {
        self.held.walk_lasts(pattern, cursor, work, visit);
    }
    fn for_each_subject(&self, pattern: &[u8], visit: &mut dyn FnMut(&[u8], OfSubject) -> ControlFlow<()>) {
        self.held.for_each_subject(pattern, visit);
    }
    fn sequences(&self, pattern: &[u8], sequences: RangeInclusive<u64>, at_most: usize) -> Vec<u64> {
        self.held.sequences(pattern, sequences, at_most)
    }
    fn sequences_of(&self, patterns: &[Bytes], sequences: RangeInclusive<u64>, at_most: usize) -> Vec<u64> {
        self.held.sequences_of(patterns, sequences, at_most)
    }

    fn gaps(&self, first: u64, last: u64) -> Vec<u64> {
        self.held.gaps(first, last)
    }
}

/// A stream with messages of which those are cold and damaged, and consumers that somebody pulls from.
struct Scene {
    stream: Stream<OnDisk>,
    cold: Rc<RefCell<BTreeSet<u64>>>,
}

fn scene(cold: &[u64], damaged: &[u64], filters: &[&str]) -> Scene {
    let config = config("");
    let cold = Rc::new(RefCell::new(cold.iter().copied().collect()));
    let held = OnDisk {
        held: InMemory::new(config.storage),
        cold: Rc::clone(&cold),
        damaged: damaged.iter().copied().collect(),
    };
    let stream = Stream::new(config, 1, START, "", held);
    let mut scene = Scene { stream, cold };
    for number in 1..=6 {
        let subject = format!("p.{}", number % 2);
        let limits = Default::default();
        let around = around(START, Default::default(), &limits);
        scene.stream.publish(&around, message(&subject, "", ""));
        scene.commit();
    }
    for (at, filter) in filters.iter().enumerate() {
        let body = format!(
            r#"{{"stream_name":"P","config":{{"durable_name":"C{at}","ack_policy":"explicit","filter_subject":"{filter}"}}}}"#
        );
        let wanted = CreateConsumerRequest::from_json(body.as_bytes(), true).unwrap();
        let limits = Default::default();
        let around = around(START, Default::default(), &limits);
        let bounds = ConsumerBounds::default();
        scene
            .stream
            .request_consumer(&around, wanted, &bounds, 1)
            .unwrap();
        scene.commit();
        let reply = Bytes::from(format!("r{at}"));
        scene.stream.pull(&around, &format!("C{at}"), &reply, b"", b"9");
    }
    scene.stream.take_effects();
    scene
}

impl Scene {
    fn commit(&mut self) {
        if let Some(number) = self.stream.propose().map(|proposal| proposal.number) {
            self.stream.committed(number, &zone);
        }
    }

    /// What is delivered, and which messages are to be read.
    fn deliver(&mut self) -> (Vec<String>, Vec<u64>) {
        let limits = Default::default();
        let around = around(START, Default::default(), &limits);
        while self.stream.deliver(&around) {}
        self.commit();
        let effects = self.stream.take_effects().list;
        let read = effects.iter().filter_map(|effect| match effect {
            Effect::Read { sequence } => Some(*sequence),
            _ => None,
        });
        (all_sent(&effects), read.collect())
    }

    fn read(&mut self, sequence: u64) {
        self.cold.borrow_mut().remove(&sequence);
        self.stream.has_read(sequence);
    }
}

#[test]
fn who_waits_for_a_message_to_be_read_has_nobody_else_wait() {
    let mut scene = scene(&[3, 5], &[], &["p.1", "p.0", "p.1"]);
    let (sent, read) = scene.deliver();
    assert_eq!(
        sent,
        [
            "r0 p.1 1.1.1.2",
            "r1 p.0 1.2.1.2",
            "r1 p.0 1.4.2.1",
            "r1 p.0 1.6.3.0",
            "r2 p.1 1.1.1.2"
        ]
    );
    // It is read once for both.
    assert_eq!(read, [3]);
    assert_eq!(scene.deliver(), (vec![], vec![]));
    scene.read(3);
    assert_eq!(
        scene.deliver(),
        (
            vec!["r0 p.1 1.3.2.1".to_owned(), "r2 p.1 1.3.2.1".to_owned()],
            vec![5]
        )
    );
    scene.read(5);
    assert_eq!(scene.deliver().0.len(), 2);
}

#[test]
fn a_damaged_message_is_passed_over() {
    let mut scene = scene(&[], &[1, 3], &["p.1"]);
    assert_eq!(scene.deliver().0, ["r0 p.1 1.5.1.0"]);
}

/// Also where no more than one message fits into memory: what was sent is not read again.
#[test]
fn a_batch_goes_on_from_where_it_had_to_read() {
    let scene = scene(&[1, 2, 3, 4, 5, 6], &[4], &[]);
    let body = br#"{"seq":1,"batch":10}"#;
    let mut request = DirectRequest::of(b"", body, 1 << 20);
    let (mut sent, mut read) = (Vec::new(), Vec::new());
    while let Err(Cold { sequence }) = scene.stream.send_directly(&mut request, &mut sent) {
        read.push(sequence);
        *scene.cold.borrow_mut() = (1..=6).filter(|other| *other != sequence).collect();
    }
    assert_eq!((read, sent.len()), (vec![1, 2, 3, 4, 5, 6], 6));
}
