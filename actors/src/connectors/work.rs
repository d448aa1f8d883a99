//! What a connector does, as the actor knows it.

use super::Counters;
use super::wire::Secure;
use crate::in_process::InProcessAddress;
use futures_util::future::LocalBoxFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use vagus_auth::permission::Matcher;

/// What a connector does while it is not paused.
pub trait Work: Send + Sync {
    /// Does it, until that is dropped or it cannot go on: then it says why, and is begun again after a while.
    fn run(self: Arc<Self>, means: Means) -> LocalBoxFuture<'static, String>;

    /// Speaks TLS like this from now on, in connections that come.
    fn secure(&self, secure: Option<Arc<dyn Secure>>);

    /// How TLS is spoken.
    fn secured(&self) -> Option<Arc<dyn Secure>>;

    /// Where peers connect, if they do.
    fn address(&self) -> Option<SocketAddr> {
        None
    }
}

/// What a connector works with.
#[derive(Clone)]
pub struct Means {
    /// What the connector is called.
    pub(super) id: Arc<str>,
    /// The way into its account.
    pub(super) in_process: InProcessAddress,
    /// What it may do there.
    pub(super) rights: Arc<Matcher>,
    pub(super) counters: Arc<Counters>,
    pub(super) max_payload: Arc<AtomicUsize>,
}

impl Means {
    /// So many messages were published, with this payload in bytes, which took so long.
    pub fn published(&self, messages: u64, bytes: u64, time: Duration) {
        Counters::add(&self.counters.messages_in, messages);
        Counters::add(&self.counters.bytes_in, bytes);
        self.counters.took(time);
    }

    /// So many messages were given to others, with this payload in bytes.
    pub fn brought(&self, messages: u64, bytes: u64) {
        Counters::add(&self.counters.messages_out, messages);
        Counters::add(&self.counters.bytes_out, bytes);
    }

    /// Something has gone wrong, with somebody.
    pub fn failed(&self, error: &str) {
        self.counters.fail(error);
    }

    /// How large messages may be, headers included, in bytes.
    pub(super) fn max_payload(&self) -> usize {
        self.max_payload.load(Ordering::Relaxed)
    }
}
