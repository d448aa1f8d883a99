//! Requests that wait to be answered, and how many may. Beyond that the requests of the client with most of them are dropped:
//! that client has given up, or asks again. nats-server drops the requests of all.
//!
//! Who only asks does not wait for those who want something be done, and who asks once not for who asks ten thousand times: those
//! have their turns one after the other who are answered at the same place, which is one for each client of nats.io.

use crate::topic::{OfConsumer, OfStream, Topic};
use std::collections::{HashMap, VecDeque};
use std::time::Instant;
use vagus_delivery::mailbox::Message;

/// What may wait to be answered, in bytes.
const WAITING_AT_MOST: usize = 16 << 20;

/// If no client has more than one in so many of all requests, all are dropped: to look for the largest again and again costs as
/// much as there are clients.
const FEW: usize = 64;

/// How many requests of an account may wait.
#[derive(Debug, Clone, Copy)]
pub struct QueueLimits {
    requests: usize,
    info: usize,
}

impl QueueLimits {
    /// That want something be done, and that only ask.
    pub fn new(requests: usize, info: usize) -> Self {
        Self { requests, info }
    }
}

/// A request that has come.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) message: Message,
    /// When. What was published before is seen in its answer.
    pub(crate) at: Instant,
}

impl Arrived {
    fn size(&self) -> usize {
        self.message.size()
    }
}

/// Requests that are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// What they waited in, as nats-server calls it.
    pub(crate) queue: &'static str,
    /// How many.
    pub(crate) requests: usize,
}

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Something is to be done.
    Work,
    /// Something is to be told.
    Info,
    /// The same, with details that may be many megabytes.
    Details,
}

/// How many are answered at once, of each kind.
#[derive(Debug, Default)]
pub(crate) struct Answering {
    work: usize,
    info: usize,
    details: usize,
}

impl Answering {
    /// How many may be.
    const WORK: usize = 16;
    const INFO: usize = 4;
    const DETAILS: usize = 1;

    fn of(&mut self, kind: Kind) -> (&mut usize, usize) {
        match kind {
            Kind::Work => (&mut self.work, Self::WORK),
            Kind::Info => (&mut self.info, Self::INFO),
            Kind::Details => (&mut self.details, Self::DETAILS),
        }
    }

    /// One has been answered.
    pub(crate) fn is_over(&mut self, kind: Kind) {
        *self.of(kind).0 -= 1;
    }
}

/// Requests that wait.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    work: Turns,
    info: Turns,
    details: Turns,
    bytes: usize,
}

/// Requests in the order in which they are answered: one of each who asks.
#[derive(Debug, Default)]
struct Turns {
    /// By where they are answered, but for what tells one answer from the next.
    waiting: HashMap<Box<[u8]>, VecDeque<Arrived>>,
    /// Whose turn it is, and then is.
    next: VecDeque<Box<[u8]>>,
    count: usize,
}

impl Turns {
    fn push(&mut self, arrived: Arrived) {
        let asking = asking(arrived.message.parts().reply.unwrap_or_default());
        self.count += 1;
        if let Some(others) = self.waiting.get_mut(asking) {
            others.push_back(arrived);
            return;
        }
        let asking: Box<[u8]> = asking.into();
        self.next.push_back(asking.clone());
        self.waiting.insert(asking, VecDeque::from([arrived]));
    }

    fn pop(&mut self) -> Option<Arrived> {
        let asking = self.next.pop_front()?;
        let others = self.waiting.get_mut(&asking)?;
        let arrived = others.pop_front()?;
        self.count -= 1;
        match others.is_empty() {
            true => drop(self.waiting.remove(&asking)),
            false => self.next.push_back(asking),
        }
        Some(arrived)
    }

    /// Takes out the requests of the client with most of them, or all requests if that is few ([`FEW`]).
    fn drop_most(&mut self) -> VecDeque<Arrived> {
        let most = self.waiting.iter().max_by_key(|(_, waiting)| waiting.len());
        let Some((asking, waiting)) = most else {
            return VecDeque::new();
        };
        if waiting.len() * FEW < self.count {
            return std::mem::take(self).waiting.into_values().flatten().collect();
        }
        let asking = asking.clone();
        self.next.retain(|other| *other != asking);
        let dropped = self.waiting.remove(&asking).unwrap_or_default();
        self.count -= dropped.len();
        dropped
    }
}

/// Who asks, by where the answer goes: what stands before the last token of it.
fn asking(reply: &[u8]) -> &[u8] {
    let last = reply.iter().rposition(|byte| *byte == b'.');
    reply.get(..last.unwrap_or(reply.len())).unwrap_or_default()
}

impl Waiting {
    fn of(&mut self, kind: Kind) -> &mut Turns {
        match kind {
            Kind::Work => &mut self.work,
            Kind::Info => &mut self.info,
            Kind::Details => &mut self.details,
        }
    }

    /// One has come. What is dropped, as it is one too many.
    pub(crate) fn push(&mut self, limits: &QueueLimits, arrived: Arrived, kind: Kind) -> Option<Dropped> {
        let Arrived { message, at } = arrived;
        self.bytes += message.size();
        // Its size is all that it may keep in memory.
        let message = message.detached();
        self.of(kind).push(Arrived { message, at });
        let (queue, limit, waiting) = match kind {
            Kind::Work => ("JetStream API queue", limits.requests, self.work.count),
            Kind::Info | Kind::Details => (
                "JetStream API info queue",
                limits.info,
                self.info.count + self.details.count,
            ),
        };
        if waiting < limit && self.bytes < WAITING_AT_MOST {
            return None;
        }
        let dropped = match kind {
            Kind::Work => self.work.drop_most(),
            _ if self.info.count >= self.details.count => self.info.drop_most(),
            _ => self.details.drop_most(),
        };
        self.bytes -= dropped.iter().map(Arrived::size).sum::<usize>();
        Some(Dropped {
            queue,
            requests: dropped.len(),
        })
    }

    /// The one that is answered next, beside those that are being answered.
    pub(crate) fn pop(&mut self, answering: &mut Answering) -> Option<(Arrived, Kind)> {
        for kind in [Kind::Work, Kind::Info, Kind::Details] {
            let (under_way, most) = answering.of(kind);
            if *under_way < most
                && let Some(arrived) = self.of(kind).pop()
            {
                *under_way += 1;
                self.bytes -= arrived.size();
                return Some((arrived, kind));
            }
        }
        None
    }
}

/// What is wanted.
pub(crate) fn kind(topic: &Topic<'_>, body: &[u8]) -> Kind {
    match topic {
        Topic::Stream(OfStream::Info, _) if !body.is_empty() => Kind::Details,
        topic if only_asks(topic) => Kind::Info,
        _ => Kind::Work,
    }
}

/// Whether nothing is to be done but to tell.
fn only_asks(topic: &Topic<'_>) -> bool {
    match topic {
        Topic::AccountInfo | Topic::StreamNames | Topic::StreamList => true,
        Topic::Stream(of, _) => matches!(
            of,
            OfStream::Info | OfStream::ConsumerNames | OfStream::ConsumerList
        ),
        Topic::Consumer(of, ..) => *of == OfConsumer::Info,
        Topic::Snapshot(_) | Topic::Restore(_) | Topic::CreateConsumer(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Answering, Arrived, Kind, QueueLimits, Turns, Waiting, asking};
    use std::time::Instant;
    use vagus_delivery::mailbox::Message;
    use vagus_protocol::neutral::NeutralMessage;

    fn message(reply: &str, payload: &str) -> Arrived {
        let message = Message::new(&NeutralMessage {
            subscription: 1,
            subject: b"a",
            reply: Some(reply.as_bytes()),
            header: b"",
            payload: payload.as_bytes(),
        });
        let at = Instant::now();
        Arrived { message, at }
    }

    fn payload(arrived: &Arrived) -> String {
        String::from_utf8_lossy(arrived.message.parts().payload).into_owned()
    }

    #[test]
    fn who_asks_once_does_not_wait_for_who_asks_often() {
        let mut turns = Turns::default();
        for number in 0..100 {
            turns.push(message(&format!("_INBOX.flood.{number}"), "flood"));
        }
        turns.push(message("_INBOX.other.1", "once"));
        turns.push(message("inbox", "plain"));
        let order: Vec<String> = (0..4).map(|_| payload(&turns.pop().unwrap())).collect();
        assert_eq!(order, ["flood", "once", "plain", "flood"]);
        assert_eq!(turns.drop_most().len(), 98);
        assert!(turns.pop().is_none());
        assert_eq!((turns.count, turns.waiting.len(), turns.next.len()), (0, 0, 0));
    }

    #[test]
    fn who_asks_is_known_by_where_the_answer_goes() {
        assert_eq!(asking(b"_INBOX.one.22"), b"_INBOX.one");
        assert_eq!(asking(b"inbox"), b"inbox");
        assert_eq!(asking(b""), b"");
    }

    #[test]
    fn what_is_asked_does_not_wait_for_what_is_to_be_done_and_details_are_found_one_by_one() {
        let limits = QueueLimits::new(1000, 1000);
        let (mut waiting, mut answering) = (Waiting::default(), Answering::default());
        for number in 0..100 {
            for kind in [Kind::Work, Kind::Info, Kind::Details] {
                let reply = format!("_INBOX.one.{number}");
                assert!(waiting.push(&limits, message(&reply, ""), kind).is_none());
            }
        }
        let mut begun = Vec::new();
        while let Some((_, kind)) = waiting.pop(&mut answering) {
            begun.push(kind);
        }
        let of = |wanted| begun.iter().filter(|kind| **kind == wanted).count();
        assert_eq!((of(Kind::Work), of(Kind::Info), of(Kind::Details)), (16, 4, 1));
        answering.is_over(Kind::Details);
        assert_eq!(
            waiting.pop(&mut answering).map(|(_, kind)| kind),
            Some(Kind::Details)
        );
        assert!(waiting.pop(&mut answering).is_none());
    }

    #[test]
    fn a_crowd_that_asks_once_each_is_not_looked_through_for_each() {
        let limits = QueueLimits::new(1000, 1000);
        let mut waiting = Waiting::default();
        let dropped = (0..2500).filter_map(|number| {
            let asking = message(&format!("_INBOX.{number}.1"), "");
            waiting.push(&limits, asking, Kind::Work)
        });
        let dropped: Vec<usize> = dropped.map(|dropped| dropped.requests).collect();
        assert_eq!(dropped, [1000, 1000]);
        assert_eq!((waiting.work.count, waiting.work.next.len()), (500, 500));
    }

    #[test]
    fn those_are_dropped_of_whom_most_wait() {
        let limits = QueueLimits::new(10, 10);
        let mut waiting = Waiting::default();
        assert!(
            waiting
                .push(&limits, message("_INBOX.other.1", "other"), Kind::Work)
                .is_none()
        );
        let dropped = (0..9).filter_map(|number| {
            let flood = message(&format!("_INBOX.flood.{number}"), "flood");
            waiting.push(&limits, flood, Kind::Work)
        });
        assert_eq!(dropped.map(|dropped| dropped.requests).collect::<Vec<_>>(), [9]);
        let (left, _) = waiting.pop(&mut Answering::default()).unwrap();
        assert_eq!(payload(&left), "other");
        assert_eq!(waiting.bytes, 0);
    }
}
