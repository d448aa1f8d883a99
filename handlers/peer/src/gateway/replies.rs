//! Messages on replies that lead back through gateways: they go to the server where was asked, and from there to where the
//! answer is waited for.

use crate::receiving::{self, Passed};
use std::sync::Arc;
use vagus_actors::connection::Turn;
use vagus_actors::gateways::Clusters;
use vagus_protocol::gateway::{ReplyHash, ReplyPrefix, RoutedReply};
use vagus_protocol::operation::{Groups, Publish};

/// The server in its cluster, beside which there are others.
#[derive(Debug, Clone)]
pub struct OwnCluster {
    /// By which the cluster is known in replies.
    pub cluster: ReplyHash,
    /// By which the server is.
    pub server: ReplyHash,
    /// The other clusters.
    pub clusters: Arc<Clusters>,
}

impl OwnCluster {
    /// Of a server with this id, in the cluster of this name.
    pub fn new(cluster: &str, server_id: &str, clusters: Arc<Clusters>) -> Self {
        Self {
            cluster: reply_hash(cluster),
            server: reply_hash(server_id),
            clusters,
        }
    }

    /// What replies begin with that lead back to it.
    pub fn reply_prefix(&self) -> ReplyPrefix {
        ReplyPrefix::new(self.cluster, self.server)
    }
}

/// What stands in replies for a cluster by its name, or for a server by its id.
pub(crate) fn reply_hash(name: &str) -> ReplyHash {
    ReplyHash::of_digest(&openssl::sha::sha256(name.as_bytes()))
}

/// Where such a message comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// Another cluster.
    Gateway,
    /// Another server of the cluster, which knows that it is for this one.
    Route,
}

/// Passes such a message on. One that is not for this cluster, or leads nowhere, ends here.
pub(crate) fn lead_home(
    own: &OwnCluster,
    from: From,
    account: &[u8],
    message: &Publish<'_>,
    turn: &mut impl Turn,
) -> Passed {
    let routed = RoutedReply::read(message.subject).filter(|routed| routed.cluster == own.cluster);
    let Some(routed) = routed.filter(|_| turn.enter(account)) else {
        turn.withhold(message.body.len());
        return Passed::Withheld;
    };
    if from == From::Gateway
        && routed.server != own.server
        && let Ok(account_name) = std::str::from_utf8(account)
        && let Some(server) = own.clusters.route_to(routed.server, account_name)
    {
        if !turn.goes_on(None, false) {
            return Passed::Yielded;
        }
        turn.pass_to(&server, account, message);
        return Passed::Apart;
    }
    let message = Publish {
        subject: routed.reply,
        groups: Groups::All,
        ..*message
    };
    turn.comes_home(true);
    // What streams deliver shows the subject that it was published on, also to who has just asked for it.
    let passed = receiving::publish_shown(&message, turn).unwrap_or_else(|| {
        if !turn.goes_on(Some(&message), false) {
            return Passed::Yielded;
        }
        turn.publish(&message, false);
        Passed::Apart
    });
    turn.comes_home(false);
    passed
}

#[cfg(test)]
mod tests {
    use super::reply_hash;

    /// As nats-server has them.
    #[test]
    fn clusters_and_servers_are_known_by_their_hashes() {
        assert_eq!(reply_hash("A").as_bytes().len(), 6);
        assert_ne!(reply_hash("A"), reply_hash("B"));
    }
}
