//! The connections that ended, as long as they are remembered.

use crate::observed::ClosedConnection;
use std::collections::VecDeque;
use std::sync::Arc;
use vagus_delivery::subscriptions::SubscriptionState;
use vagus_delivery::wire::TlsPeerCertificate;

/// No more bytes are kept, whatever peers call themselves and subscribe to.
const BYTES_AT_MOST: usize = 8 << 20;

/// The newest of the connections that ended: so many, and no more than so many bytes.
#[derive(Debug)]
pub(super) struct ClosedConnections {
    newest: VecDeque<Arc<ClosedConnection>>,
    at_most: usize,
    bytes: usize,
    bytes_at_most: usize,
}

impl ClosedConnections {
    pub(super) fn new(at_most: usize) -> Self {
        Self {
            newest: VecDeque::new(),
            at_most,
            bytes: 0,
            bytes_at_most: BYTES_AT_MOST,
        }
    }

    /// Remembers one more, and forgets the oldest that there is no room for.
    pub(super) fn add(&mut self, connection: Arc<ClosedConnection>) {
        self.bytes += bytes(&connection);
        self.newest.push_back(connection);
        while self.newest.len() > self.at_most || self.bytes > self.bytes_at_most {
            let Some(oldest) = self.newest.pop_front() else {
                break;
            };
            self.bytes -= bytes(&oldest);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.newest.len()
    }

    /// All of them, the oldest first.
    pub(super) fn all(&self) -> Vec<Arc<ClosedConnection>> {
        self.newest.iter().cloned().collect()
    }
}

/// What it takes to remember one.
fn bytes(connection: &ClosedConnection) -> usize {
    let client = &connection.state.client;
    let texts = [
        &client.name,
        &client.lang,
        &client.version,
        &client.user,
        &client.proxy,
        &client.issuer,
    ];
    let subscription = |subscription: &SubscriptionState| {
        size_of::<SubscriptionState>()
            + subscription.subject.len()
            + subscription.sid.len()
            + subscription.queue.as_ref().map_or(0, |queue| queue.len())
    };
    let certificates = connection.state.tls.iter().flat_map(|tls| &tls.peer_certificates);
    let certificate =
        |certificate: &TlsPeerCertificate| size_of::<TlsPeerCertificate>() + certificate.subject.len() + 128;
    size_of::<ClosedConnection>()
        + certificates.map(certificate).sum::<usize>()
        + texts.iter().map(|text| text.len()).sum::<usize>()
        + client
            .tags
            .iter()
            .map(|tag| size_of::<String>() + tag.len())
            .sum::<usize>()
        + connection.state.account_tag.as_ref().map_or(0, |tag| tag.len())
        + connection.state.account.as_ref().map_or(0, |name| name.len())
        + connection.subscriptions.iter().map(subscription).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::{ClosedConnection, ClosedConnections, bytes};
    use crate::observed::ConnectionState;
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::Arc;
    use std::time::{Instant, SystemTime};

    fn closed(id: u64, name: &str) -> Arc<ClosedConnection> {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let mut state = ConnectionState::opening(id, peer, Instant::now());
        state.client.name = name.to_owned();
        Arc::new(ClosedConnection {
            state,
            subscriptions: Vec::new(),
            stopped: SystemTime::UNIX_EPOCH,
            reason: "Client Closed",
        })
    }

    fn ids(connections: &ClosedConnections) -> Vec<u64> {
        connections.all().iter().map(|closed| closed.state.id).collect()
    }

    #[test]
    fn the_oldest_is_forgotten() {
        let mut connections = ClosedConnections::new(2);
        for id in 1..=3 {
            connections.add(closed(id, ""));
        }
        assert_eq!(ids(&connections), [2, 3]);
        assert_eq!(connections.bytes, 2 * bytes(&closed(1, "")));
    }

    #[test]
    fn long_names_leave_room_for_fewer() {
        let mut connections = ClosedConnections::new(100);
        connections.bytes_at_most = 3 * bytes(&closed(1, ""));
        for id in 1..=3 {
            connections.add(closed(id, ""));
        }
        connections.add(closed(4, "x"));
        assert_eq!(ids(&connections), [3, 4]);
    }
}
