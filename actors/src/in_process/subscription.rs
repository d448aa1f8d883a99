//! What the one who subscribed within the process holds.

use crate::accounts::RoutedAccount;
use crate::mailbox::tell;
use crate::router::Announce;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};
use vagus_delivery::mailbox::{Delivered, Mailbox};
use vagus_delivery::outbox::ConnectionSubscription;
use vagus_delivery::subscriptions::Change;
use vagus_protocol::error::CloseReason;
use vagus_routing::{ConnectionId, Destination};

/// Subscriptions in force. They end when this is dropped.
#[derive(Debug)]
pub struct InProcessSubscription {
    mailbox: Mailbox,
    subscriptions: Vec<Arc<ConnectionSubscription>>,
    account: RoutedAccount,
    since: Instant,
}

impl InProcessSubscription {
    pub(super) fn new(
        mailbox: Mailbox,
        subscriptions: Vec<Arc<ConnectionSubscription>>,
        account: RoutedAccount,
        since: Instant,
    ) -> Self {
        Self {
            mailbox,
            subscriptions,
            account,
            since,
        }
    }

    /// The number by which it is told from other subscribers.
    pub fn number(&self) -> ConnectionId {
        self.mailbox.outbox().connection_id()
    }

    /// What has come, see [`Mailbox::poll_next`].
    pub fn poll_next(&mut self, task: &mut TaskContext<'_>) -> Poll<Delivered> {
        self.mailbox.poll_next(task)
    }

    /// Why it is over. Pending: it is not, and the task is woken when it is, or something has come.
    pub fn poll_ended(&mut self, task: &mut TaskContext<'_>) -> Poll<CloseReason> {
        self.mailbox.poll_ended(task)
    }

    /// How many messages had to make room, or were refused, as too much waited.
    pub fn lost(&self) -> u64 {
        self.mailbox.outbox().lost()
    }

    /// What waits to be taken, in bytes.
    pub fn pending(&self) -> usize {
        self.mailbox.outbox().traffic().pending
    }

    /// How long there have been these subscriptions.
    pub fn age(&self) -> Duration {
        self.since.elapsed()
    }
}

impl Drop for InProcessSubscription {
    fn drop(&mut self) {
        let ended = std::mem::take(&mut self.subscriptions);
        let announce = Announce {
            account: self.account.account.id(),
            changes: ended.into_iter().map(Change::Remove).collect(),
            announcer: None,
        };
        tell(&self.account.router, announce);
    }
}
