//! Where that comes from which a server is brought.

use super::Means;
use super::consuming::Consuming;
use crate::in_process::{InProcessSubject, InProcessSubscription, SubscribeInProcess};
use bytes::Bytes;
use std::future::poll_fn;
use vagus_configs::OutwardSettings;
use vagus_delivery::mailbox::{Delivered, Messages};
use vagus_delivery::outbox::WhenFull;
use vagus_protocol::neutral::NeutralMessage;

/// Where it comes from.
pub(super) enum Supply {
    /// It is published. What is too much for a server is lost.
    Published {
        subscription: InProcessSubscription,
        /// How many messages had to make room, as far as that was told.
        lost: u64,
    },
    /// A stream keeps it until the server has it.
    Kept(Consuming),
}

impl Supply {
    pub(super) async fn begin(means: &Means, settings: &OutwardSettings) -> Result<Self, String> {
        if let Some(name) = &settings.consumer {
            return Consuming::begin(means, settings, name).await.map(Self::Kept);
        }
        let subscribe = SubscribeInProcess {
            subjects: vec![InProcessSubject {
                subject: settings.subject.clone().into(),
                queue: settings.queue.clone().map(Into::into),
            }],
            max_pending: settings.max_pending,
            when_full: WhenFull::DropOldest,
        };
        let subscription = means.in_process.subscribe(subscribe).await;
        Ok(Self::Published {
            subscription: subscription.ok_or("the server is at its end")?,
            lost: 0,
        })
    }

    /// What comes next. It may be broken off at any time.
    pub(super) async fn next(&mut self) -> Result<Messages, String> {
        match self {
            Self::Published { subscription, .. } => {
                match poll_fn(|task| subscription.poll_next(task)).await {
                    Delivered::Messages(messages) => Ok(messages),
                    Delivered::Ended(reason) => Err(reason.text().to_owned()),
                }
            }
            Self::Kept(consuming) => consuming.next().await,
        }
    }

    /// Whether what has come is to be brought; if it is to be acknowledged, notes that.
    ///
    /// # Errors
    /// Why nothing more will come.
    pub(super) fn is_message(
        &mut self,
        come: &NeutralMessage<'_>,
        acknowledged_on: &mut Vec<Bytes>,
    ) -> Result<bool, String> {
        let Self::Kept(consuming) = self else {
            return Ok(true);
        };
        let is_message = consuming.is_message(come)?;
        if is_message && let Some(reply) = come.reply {
            // Not a part of all that has come with it, which would be kept for it.
            acknowledged_on.push(Bytes::copy_from_slice(reply));
        }
        Ok(is_message)
    }

    /// Messages are where they belong.
    pub(super) async fn acknowledge(&self, on: Vec<Bytes>) {
        if let Self::Kept(consuming) = self {
            consuming.acknowledge(on).await;
        }
    }

    /// How many messages a stream has beyond those that have come.
    pub(super) fn lag(&self) -> u64 {
        match self {
            Self::Published { .. } => 0,
            Self::Kept(consuming) => consuming.lag(),
        }
    }

    /// What waits to be taken, in bytes.
    pub(super) fn pending(&self) -> usize {
        match self {
            Self::Published { subscription, .. } => subscription.pending(),
            Self::Kept(consuming) => consuming.pending(),
        }
    }

    /// How many messages had to make room since this was asked last.
    pub(super) fn newly_lost(&mut self) -> u64 {
        match self {
            Self::Published { subscription, lost } => {
                let before = std::mem::replace(lost, subscription.lost());
                *lost - before
            }
            Self::Kept(_) => 0,
        }
    }
}
