//! What the authorities of servers say of their certificates, where they are to be asked (`ocsp_peer`).

use std::time::Instant;
use vagus_actors::connection_events::ConnectionEvents;
use vagus_ocsp::{ChecksUntil, PeerChecks};
use vagus_tls::{OcspCache, Settings};

/// Asks about servers, if anybody is to be asked.
#[derive(Debug)]
pub(crate) struct Authorities {
    checks: Option<PeerChecks>,
    /// Nobody is told: in nats-server such events are of clients.
    pub(crate) events: ConnectionEvents,
}

impl Authorities {
    /// As the settings say. With another `before`, it goes on knowing what that knows.
    pub(crate) fn new(settings: &Settings, before: Option<&Self>) -> Self {
        let asked = settings.ocsp_peer.as_ref().filter(|peer| peer.verify);
        let checks = asked.map(|peer| {
            let before = before.and_then(|before| before.checks.as_ref());
            PeerChecks::new(peer.clone(), &cache(settings), before).of_servers()
        });
        Self {
            checks,
            events: ConnectionEvents::default(),
        }
    }

    /// Asks about a server in the middle of its handshake, which is to end by then.
    pub(crate) fn until(&self, until: Instant) -> Option<ChecksUntil<'_>> {
        let left = until.saturating_duration_since(Instant::now());
        // So that there is time left to end the handshake where nobody answers and that is tolerated.
        let answered_by = Instant::now() + left.mul_f64(0.9);
        let checks = self.checks.as_ref();
        checks.map(|checks| checks.until(answered_by, &self.events))
    }
}

/// Servers are few: what is kept over a restart is about clients.
pub(crate) fn cache(settings: &Settings) -> OcspCache {
    OcspCache {
        local_store: None,
        ..settings.ocsp_cache.clone()
    }
}
