//! Messages that tell where they belong, so that a receiver of some can say what is missing, twice there,
//! damaged or out of order.

use crate::beside::Beside;
use std::collections::HashMap;
use vagus_test_support::{Client, Frame, Message, Reader, Rng, random_bytes};

/// Where a publisher says that it has sent everything.
pub(crate) const END: &str = "end";

/// How a publisher hands its messages to the system.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace<'a> {
    /// As fast as they are taken.
    Flood,
    /// The same, in small parts: the server gets them in many turns.
    Drops,
    /// A few at a time, with a round trip each, and no faster than others change something in between.
    Beside(&'a Beside),
}

/// So many steps of a publisher to one round of what goes on beside it.
const STEPS_A_ROUND: usize = 4;

impl Pace<'_> {
    fn written_at_once(self) -> usize {
        match self {
            Self::Flood => 48 * 1024,
            Self::Drops => 2 * 1024,
            Self::Beside(_) => 1024,
        }
    }
}

/// What one publisher sends, from the first message to the last.
#[derive(Debug)]
pub(crate) struct Plan {
    publisher: usize,
    /// Subject and length of the filling of each message.
    messages: Vec<(&'static str, usize)>,
}

impl Plan {
    /// Messages on random subjects, of which some follow each other on the same, with up to `longest` bytes.
    pub(crate) fn random(publisher: usize, count: usize, subjects: &[&'static str], longest: usize) -> Self {
        let mut random = Rng::with_seed(publisher as u64 + 1);
        let mut messages = Vec::with_capacity(count);
        while messages.len() < count {
            let subject = *random.choice(subjects).unwrap();
            let run = 1 + random.usize(..6);
            for _ in 0..run.min(count - messages.len()) {
                // Most are short, a few as long as may be.
                let bound = longest >> (random.usize(..4) * 3);
                messages.push((subject, random.usize(..bound + 1)));
            }
        }
        Self { publisher, messages }
    }

    /// Messages on one subject with fillings of these lengths.
    pub(crate) fn with_lengths(publisher: usize, subject: &'static str, lengths: &[usize]) -> Self {
        let messages = lengths.iter().map(|length| (subject, *length)).collect();
        Self { publisher, messages }
    }

    fn payload(&self, number: usize) -> Vec<u8> {
        let filling = self.messages[number].1;
        let mut payload = format!("{number} {} ", self.publisher).into_bytes();
        let mut random = Rng::with_seed((number + 1) as u64);
        payload.append(&mut random_bytes(&mut random, filling));
        payload
    }

    /// Publishes everything, and a last message on [`END`]; returns when the server has taken it.
    pub(crate) fn publish(&self, mut publisher: Client, pace: Pace<'_>) {
        let (mut batch, mut steps) = (Vec::new(), 0);
        for (number, (subject, _)) in self.messages.iter().enumerate() {
            let payload = self.payload(number);
            batch.extend_from_slice(format!("PUB {subject} {}\r\n", payload.len()).as_bytes());
            batch.extend_from_slice(&payload);
            batch.extend_from_slice(b"\r\n");
            if batch.len() >= pace.written_at_once() {
                publisher.send_bytes(&batch);
                batch.clear();
                if let Pace::Beside(beside) = pace {
                    publisher.sync_silent();
                    steps += 1;
                    beside.wait_for(steps / STEPS_A_ROUND);
                }
            }
        }
        publisher.send_bytes(&batch);
        publisher.publish(END, b"");
        publisher.sync_silent();
    }

    /// The numbers of the messages that a subscription is to get.
    fn wanted(&self, subscribed: &str) -> Vec<usize> {
        let messages = self.messages.iter().enumerate();
        messages
            .filter(|(_, (subject, _))| matches(subscribed, subject))
            .map(|(number, _)| number)
            .collect()
    }

    /// How many bytes the payloads of all messages have, about.
    pub(crate) fn size(&self) -> usize {
        self.messages.iter().map(|(_, filling)| filling + 16).sum()
    }
}

fn matches(subscribed: &str, subject: &str) -> bool {
    let (mut wanted, mut is) = (subscribed.split('.'), subject.split('.'));
    loop {
        match (wanted.next(), is.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some(wanted), Some(is)) if wanted == "*" || wanted == is => {}
            _ => return false,
        }
    }
}

/// What one subscriber has received: by publisher and sid the numbers, in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Received {
    numbers: HashMap<(usize, String), Vec<usize>>,
    last: HashMap<usize, usize>,
    ends: usize,
}

impl Received {
    /// Reads until every publisher has ended. The subscriber needs a subscription to [`END`].
    pub(crate) fn read(reader: &mut Reader, plans: &[Plan]) -> Self {
        let mut received = Self::default();
        while received.ends < plans.len() {
            received.take(reader.message(), plans);
        }
        received
    }

    /// Whether every publisher has ended.
    pub(crate) fn is_complete(&self, plans: &[Plan]) -> bool {
        self.ends == plans.len()
    }

    /// Takes a frame of a subscriber that also changes its subscriptions.
    pub(crate) fn take_frame(&mut self, frame: Frame, plans: &[Plan]) {
        match frame {
            Frame::Message(message) => self.take(message, plans),
            Frame::Pong => {}
            other => panic!("the subscriber is told {other:?}"),
        }
    }

    /// Takes one message: it is whole, and none of its publisher's later ones came before.
    pub(crate) fn take(&mut self, message: Message, plans: &[Plan]) {
        if message.subject == END {
            self.ends += 1;
            return;
        }
        let number = message.number() as usize;
        let publisher = message
            .payload
            .split(|byte| *byte == b' ')
            .nth(1)
            .unwrap_or_default();
        let publisher: usize = std::str::from_utf8(publisher).unwrap().parse().unwrap();
        let plan = &plans[publisher];
        assert_eq!(
            plan.messages[number].0, message.subject,
            "message {number} of {publisher}"
        );
        assert!(
            plan.payload(number) == message.payload,
            "message {number} of publisher {publisher} is damaged: {message:?}"
        );
        let last = self.last.insert(publisher, number).unwrap_or(0);
        assert!(
            last <= number,
            "of publisher {publisher}, message {number} came after message {last}"
        );
        self.numbers
            .entry((publisher, message.sid))
            .or_default()
            .push(number);
    }

    /// Every message that these subscriptions, by sid, are to get came once, and no other.
    #[track_caller]
    pub(crate) fn assert_complete(&self, subscriptions: &[(&str, &str)], plans: &[Plan]) {
        for plan in plans {
            for (sid, subject) in subscriptions {
                let numbers = self.numbers.get(&(plan.publisher, (*sid).to_owned()));
                let numbers = numbers.map_or(&[] as &[usize], Vec::as_slice);
                let wanted = plan.wanted(subject);
                let wrong = numbers.iter().zip(&wanted).position(|(is, wanted)| is != wanted);
                assert!(
                    numbers == wanted,
                    "sid {sid} ({subject}) got {} messages of publisher {} instead of {}, the first wrong at {wrong:?}",
                    numbers.len(),
                    plan.publisher,
                    wanted.len(),
                );
            }
        }
    }

    /// How many messages came.
    pub(crate) fn count(&self) -> usize {
        self.numbers.values().map(Vec::len).sum()
    }
}
