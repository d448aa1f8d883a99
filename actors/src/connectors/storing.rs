//! Publishing into streams: what was handed in is where it belongs once a stream says that it has it.

use super::publisher::PublishError;
use crate::in_process::{
    InProcessAddress, InProcessMessage, InProcessSubject, InProcessSubscription, SubscribeInProcess,
};
use hashbrown::HashSet;
use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use vagus_delivery::mailbox::Delivered;
use vagus_delivery::outbox::WhenFull;
use vagus_protocol::publish_acknowledgement::PublishAcknowledgement;

/// What may wait of answers, in bytes: those to what is published at once are a small part of it.
const ANSWERS_AT_MOST: usize = 4 << 20;

/// Publishes, and hears the answers of streams.
pub(super) struct Storing {
    in_process: InProcessAddress,
    answers: InProcessSubscription,
    /// What the subjects of answers begin with; their number follows.
    inbox: String,
    published: u64,
    patience: Duration,
    /// What was published at once and is not answered, the oldest first.
    under_way: VecDeque<UnderWay>,
}

/// What was published at once.
struct UnderWay {
    /// How many messages were published before.
    before: u64,
    /// The number of the last message.
    last: u64,
    awaited: HashSet<u64>,
    /// The payload of all, in bytes.
    bytes: u64,
    /// Until when all have to be answered.
    deadline: Instant,
}

impl Storing {
    /// Begins; all answers to what is published at once have to come in this time. None: the server ends.
    pub(super) async fn begin(in_process: InProcessAddress, patience: Duration) -> Option<Self> {
        let inbox = format!("_INBOX.{:032x}.", fastrand::u128(..));
        let subscribe = SubscribeInProcess {
            subjects: vec![InProcessSubject {
                subject: format!("{inbox}*").into(),
                queue: None,
            }],
            max_pending: ANSWERS_AT_MOST,
            when_full: WhenFull::CutOff,
        };
        let answers = in_process.subscribe(subscribe).await?;
        Some(Self {
            in_process,
            answers,
            inbox,
            published: 0,
            patience,
            under_way: VecDeque::new(),
        })
    }

    /// Publishes messages, behind all that was published before.
    pub(super) async fn publish(&mut self, mut messages: Vec<InProcessMessage>) -> Result<(), PublishError> {
        let before = self.published;
        let bytes = messages.iter().map(|message| message.payload.len() as u64).sum();
        let mut awaited = HashSet::with_capacity(messages.len());
        for message in &mut messages {
            self.published += 1;
            awaited.insert(self.published);
            message.reply = Some(format!("{}{}", self.inbox, self.published).into());
        }
        let count = messages.len();
        let taken = self.in_process.publish_all(messages).await;
        if taken.ok_or(PublishError::Ending)? < count {
            let reason = "there is no stream for what is published".to_owned();
            return Err(PublishError::NotStored(reason));
        }
        self.under_way.push_back(UnderWay {
            before,
            last: self.published,
            awaited,
            bytes,
            deadline: Instant::now() + self.patience,
        });
        Ok(())
    }

    /// How much was published at once and is not answered.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// How many messages have been published.
    pub(super) fn published(&self) -> u64 {
        self.published
    }

    /// Up to which message all are stored.
    pub(super) fn stored(&self) -> u64 {
        self.under_way
            .front()
            .map_or(self.published, |oldest| oldest.before)
    }

    /// Waits until something more is answered; for ever if nothing is under way. It may be broken off. Gives how many messages
    /// are stored by that, and their payload in bytes.
    pub(super) async fn hear(&mut self) -> Result<(u64, u64), PublishError> {
        let Some(oldest) = self.under_way.front() else {
            return pending().await;
        };
        let delivered = timeout_at(oldest.deadline, poll_fn(|task| self.answers.poll_next(task))).await;
        let Ok(delivered) = delivered else {
            let reason = format!("no stream has answered in {:?}", self.patience);
            return Err(PublishError::NotStored(reason));
        };
        let Delivered::Messages(messages) = delivered else {
            return Err(PublishError::Ending);
        };
        for message in messages {
            let parts = message.parts();
            let number = parts
                .subject
                .strip_prefix(self.inbox.as_bytes())
                .and_then(|number| str::from_utf8(number).ok()?.parse().ok());
            // An answer that nobody waits for is passed over.
            if !number.is_some_and(|number| self.is_awaited(number)) {
                continue;
            }
            if let PublishAcknowledgement::Refused(reason) = PublishAcknowledgement::read(parts.payload) {
                return Err(PublishError::NotStored(reason));
            }
        }
        let (mut count, mut bytes) = (0, 0);
        while let Some(oldest) = self.under_way.front()
            && oldest.awaited.is_empty()
        {
            count += oldest.last - oldest.before;
            bytes += oldest.bytes;
            self.under_way.pop_front();
        }
        Ok((count, bytes))
    }

    /// Whether this answer was waited for; it is not any more.
    fn is_awaited(&mut self, number: u64) -> bool {
        let place = self.under_way.partition_point(|batch| batch.last < number);
        let batch = self.under_way.get_mut(place);
        batch.is_some_and(|batch| batch.awaited.remove(&number))
    }
}
