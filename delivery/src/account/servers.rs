//! What an account's messages are to other servers: how many came from there, and how many went.
//!
//! A connection to another server serves many accounts, so it cannot be asked what it has carried of one. Each turn adds what
//! it has done, once.

use super::Account;
use super::membership::{AccountTraffic, Exchanged, Passed};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use vagus_routing::{AccountId, ConnectionKind};

/// What passed between an account here and the same account elsewhere.
#[derive(Debug, Default)]
pub(crate) struct ServerTraffic {
    routes: Both,
    gateways: Both,
}

#[derive(Debug, Default)]
struct Both {
    received: Counter,
    sent: Counter,
}

#[derive(Debug, Default)]
struct Counter {
    messages: AtomicU64,
    payload: AtomicU64,
}

impl Counter {
    fn add(&self, passed: Passed) {
        self.messages.fetch_add(passed.messages, Ordering::Relaxed);
        self.payload.fetch_add(passed.payload, Ordering::Relaxed);
    }

    fn passed(&self) -> Passed {
        let (messages, payload) = (&self.messages, &self.payload);
        Passed::new(messages.load(Ordering::Relaxed), payload.load(Ordering::Relaxed))
    }
}

impl Both {
    fn exchanged(&self) -> Exchanged {
        Exchanged {
            received: self.received.passed(),
            sent: self.sent.passed(),
        }
    }
}

impl ServerTraffic {
    /// None for links, which are members of their account.
    fn of(&self, kind: ConnectionKind) -> Option<&Both> {
        match kind {
            ConnectionKind::Route => Some(&self.routes),
            ConnectionKind::Gateway => Some(&self.gateways),
            _ => None,
        }
    }

    pub(super) fn count_received(&self, kind: ConnectionKind, passed: Passed) {
        if let Some(both) = self.of(kind) {
            both.received.add(passed);
        }
    }

    pub(super) fn add_to(&self, traffic: &mut AccountTraffic) {
        (traffic.routes, traffic.gateways) = (self.routes.exchanged(), self.gateways.exchanged());
        for exchanged in [traffic.routes, traffic.gateways] {
            traffic.received.add(exchanged.received);
            traffic.sent.add(exchanged.sent);
        }
    }
}

/// What has been sent to other servers of one account, and is not counted yet. Dropped, it is.
#[derive(Debug, Default)]
pub(crate) struct SentToServers {
    account: Option<(AccountId, Arc<ServerTraffic>)>,
    to_routes: Passed,
    to_gateways: Passed,
}

impl SentToServers {
    /// From now on it is of this account.
    pub(crate) fn begin(&mut self, account: &Account) {
        if self.account.as_ref().is_none_or(|(id, _)| *id != account.id()) {
            self.settle();
            self.account = Some((account.id(), account.servers().clone()));
        }
    }

    /// Of the same account, where nothing is sent so far.
    pub(crate) fn other(&self) -> Self {
        Self {
            account: self.account.clone(),
            ..Self::default()
        }
    }

    /// So many messages of so many bytes each go to a server.
    #[inline]
    pub(crate) fn count(&mut self, kind: ConnectionKind, messages: usize, payload: usize) {
        let passed = Passed::new(messages as u64, (messages * payload) as u64);
        match kind {
            ConnectionKind::Route => self.to_routes.add(passed),
            ConnectionKind::Gateway => self.to_gateways.add(passed),
            _ => {}
        }
    }

    /// Counts all that was sent until now.
    pub(crate) fn settle(&mut self) {
        let Some((_, traffic)) = &self.account else {
            return;
        };
        let sent = [
            (&mut self.to_routes, &traffic.routes),
            (&mut self.to_gateways, &traffic.gateways),
        ];
        for (passed, both) in sent {
            if *passed != Passed::default() {
                both.sent.add(std::mem::take(passed));
            }
        }
    }
}

impl Drop for SentToServers {
    fn drop(&mut self) {
        self.settle();
    }
}
