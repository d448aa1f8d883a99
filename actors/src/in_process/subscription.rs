//! What a subscriber within the process holds.

use crate::accounts::RoutedAccount;
use crate::mailbox::tell;
use crate::router::Announce;
use bytes::Bytes;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};
use vagus_delivery::outbox::{ConnectionSubscription, Flushed, Outbox};
use vagus_delivery::subscriptions::Change;
use vagus_protocol::error::CloseReason;

/// How much is taken at once, in bytes: the subscriber holds that beside what waits.
const TAKEN_AT_ONCE: usize = 256 * 1024;

/// A subscription in force. It ends when this is dropped.
pub struct InProcessSubscription {
    outbox: Arc<Outbox>,
    subscription: Arc<ConnectionSubscription>,
    account: RoutedAccount,
    since: Instant,
}

/// What has come of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// Encoded messages, MSG and HMSG, cut anywhere.
    Chunks(Vec<Bytes>),
    /// It is over: too much waited, or the server ends.
    Ended(CloseReason),
}

impl InProcessSubscription {
    pub(super) fn new(
        outbox: Arc<Outbox>,
        subscription: Arc<ConnectionSubscription>,
        account: RoutedAccount,
        since: Instant,
    ) -> Self {
        Self {
            outbox,
            subscription,
            account,
            since,
        }
    }

    /// Takes of what waits 256 KiB, and up to one chunk beyond: what is not taken counts, and may be too much. Pending:
    /// nothing waits, and the task is woken when something has come.
    pub fn poll_next(&mut self, task: &mut TaskContext<'_>) -> Poll<Delivered> {
        let attention = self.outbox.attend(task.waker());
        if let Some(reason) = attention.closed {
            return Poll::Ready(Delivered::Ended(reason));
        }
        let mut chunks = Vec::new();
        let flushed = self
            .outbox
            .flush_with(|batch| batch.take_chunks(TAKEN_AT_ONCE, &mut chunks));
        if !chunks.is_empty() {
            return Poll::Ready(Delivered::Chunks(chunks));
        }
        match flushed {
            Flushed::Closed => {
                let reason = self.outbox.close_reason();
                Poll::Ready(Delivered::Ended(reason.unwrap_or(CloseReason::ServerShutdown)))
            }
            Flushed::Interrupted => {
                task.waker().wake_by_ref();
                Poll::Pending
            }
            Flushed::Done | Flushed::Blocked | Flushed::LeftToOwner => Poll::Pending,
        }
    }

    /// Why it is over. Pending: it is not, and the task is woken when it is, or something has come.
    pub fn poll_ended(&mut self, task: &mut TaskContext<'_>) -> Poll<CloseReason> {
        match self.outbox.attend(task.waker()).closed {
            Some(reason) => Poll::Ready(reason),
            None => Poll::Pending,
        }
    }

    /// How long there has been this subscription.
    pub fn age(&self) -> Duration {
        self.since.elapsed()
    }
}

impl Drop for InProcessSubscription {
    fn drop(&mut self) {
        self.outbox.retire();
        tell(
            &self.account.router,
            Announce {
                account: self.account.account.id(),
                changes: vec![Change::Remove(self.subscription.clone())],
                settled: None,
            },
        );
    }
}

impl std::fmt::Debug for InProcessSubscription {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("InProcessSubscription")
            .field("outbox", &self.outbox)
            .finish_non_exhaustive()
    }
}
