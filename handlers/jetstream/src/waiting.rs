//! Requests that wait to be answered, and how many may: where there are more, all that wait are dropped, as in nats-server,
//! as who asked has given up, or is about to ask again.

use crate::topic::{OfConsumer, OfStream, Topic};
use std::collections::VecDeque;
use vagus_delivery::mailbox::Message;

/// What may wait to be answered, in bytes.
const WAITING_AT_MOST: usize = 8 << 20;

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

/// Requests that are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// What they waited in, as nats-server calls it.
    pub(crate) queue: &'static str,
    /// How many.
    pub(crate) requests: usize,
}

/// Requests that wait.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    requests: VecDeque<Message>,
    /// Those that only ask. They are answered when no others wait.
    info: VecDeque<Message>,
    bytes: usize,
}

impl Waiting {
    /// Whether there is room for more.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes < WAITING_AT_MOST
    }

    /// One has come. What is dropped, as it is one too many.
    pub(crate) fn push(&mut self, limits: &QueueLimits, message: Message, is_info: bool) -> Option<Dropped> {
        let (waiting, limit, queue) = match is_info {
            true => (&mut self.info, limits.info, "JetStream API info queue"),
            false => (&mut self.requests, limits.requests, "JetStream API queue"),
        };
        self.bytes += message.size();
        // Its size is all that it may keep in memory.
        waiting.push_back(message.detached());
        if waiting.len() < limit {
            return None;
        }
        let dropped = std::mem::take(waiting);
        self.bytes -= dropped.iter().map(Message::size).sum::<usize>();
        Some(Dropped {
            queue,
            requests: dropped.len(),
        })
    }

    /// The one that is answered next.
    pub(crate) fn pop(&mut self) -> Option<Message> {
        let message = self.requests.pop_front().or_else(|| self.info.pop_front())?;
        self.bytes -= message.size();
        Some(message)
    }
}

/// Whether nothing is to be done but to tell.
pub(crate) fn only_asks(topic: &Topic<'_>) -> bool {
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
