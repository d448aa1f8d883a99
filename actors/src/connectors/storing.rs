//! Publishing into streams: what was handed in is where it belongs once a stream says that it has it.

use super::publisher::PublishError;
use crate::in_process::{
    InProcessAddress, InProcessMessage, InProcessSubject, InProcessSubscription, SubscribeInProcess,
};
use hashbrown::HashSet;
use std::future::poll_fn;
use std::time::Duration;
use tokio::time::timeout;
use vagus_delivery::mailbox::Delivered;
use vagus_delivery::outbox::WhenFull;
use vagus_protocol::publish_acknowledgement::PublishAcknowledgement;

/// What may wait of answers, in bytes: those to what is published at once are a small part of it.
const ANSWERS_AT_MOST: usize = 4 << 20;

/// Publishes, and waits for the answers of streams.
pub(super) struct Storing {
    in_process: InProcessAddress,
    answers: InProcessSubscription,
    /// What the subjects of answers begin with; their number follows.
    inbox: String,
    published: u64,
    patience: Duration,
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
        })
    }

    /// Publishes messages, and waits until streams have all of them.
    pub(super) async fn publish(&mut self, mut messages: Vec<InProcessMessage>) -> Result<(), PublishError> {
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
        match timeout(self.patience, self.hear(awaited)).await {
            Ok(heard) => heard,
            Err(_) => {
                let reason = format!("no stream has answered in {:?}", self.patience);
                Err(PublishError::NotStored(reason))
            }
        }
    }

    async fn hear(&mut self, mut awaited: HashSet<u64>) -> Result<(), PublishError> {
        while !awaited.is_empty() {
            let delivered = poll_fn(|task| self.answers.poll_next(task)).await;
            let Delivered::Messages(messages) = delivered else {
                return Err(PublishError::Ending);
            };
            for message in messages {
                let parts = message.parts();
                let number = parts
                    .subject
                    .strip_prefix(self.inbox.as_bytes())
                    .and_then(|number| str::from_utf8(number).ok()?.parse().ok());
                // An answer to what was given up is passed over.
                if !number.is_some_and(|number: u64| awaited.remove(&number)) {
                    continue;
                }
                if let PublishAcknowledgement::Refused(reason) = PublishAcknowledgement::read(parts.payload) {
                    return Err(PublishError::NotStored(reason));
                }
            }
        }
        Ok(())
    }
}
