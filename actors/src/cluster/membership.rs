//! Which servers are in the cluster, as far as this one knows: decided from what servers say, without sockets.

use hashbrown::HashMap;
use vagus_protocol::route::GossipMode;
use vagus_routing::ConnectionId;

/// The servers that this one has routes to. Each is in it once, however often one of the two has dialled the other.
///
/// `K` is what somebody holds to whom it matters that there is a route: who dialled one that turned out to be the second has
/// no use for another until the first has ended.
#[derive(Debug)]
pub(super) struct Membership<K> {
    server: Identity,
    name: ClusterName,
    members: HashMap<Box<str>, Member<K>, foldhash::fast::RandomState>,
    /// Of those who dialled this server itself. There is nothing for them to do again.
    to_itself: Vec<K>,
}

/// Who a server is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// By which it is told from all others.
    pub id: String,
    /// How it is called; its own in the cluster.
    pub name: String,
}

/// What a cluster is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterName {
    /// The name.
    pub text: String,
    /// Whether it was made up: then that of another may be taken.
    pub is_dynamic: bool,
}

#[derive(Debug)]
struct Member<K> {
    name: String,
    connection: ConnectionId,
    /// `host:port` for its clients.
    connect_urls: Vec<String>,
    kept: Vec<K>,
}

/// A server that would be a member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidate {
    /// Who it is.
    pub server: Identity,
    /// The connection with it.
    pub connection: ConnectionId,
    /// Whether this server has dialled it.
    pub is_dialled: bool,
    /// `host:port` for its clients.
    pub connect_urls: Vec<String>,
}

/// What becomes of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is a member.
    Joined,
    /// It is this server.
    Itself,
    /// There is a route to it.
    Duplicate,
    /// It has the name of this server.
    SameName,
}

/// What comes of the name of a peer's cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// It is the same.
    Same,
    /// It is that of this server from now on: members by the other name have to go.
    Adopted,
    /// They are of different clusters.
    Conflict,
}

/// A route, as far as it matters for who is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteKind {
    /// Whether this server has dialled it.
    pub is_dialled: bool,
    /// Whether it was dialled as the configuration says, not as another server has told of it.
    pub is_configured: bool,
    /// How the server that told of it did that.
    pub gossip: GossipMode,
}

impl RouteKind {
    /// Whether others are told of a server that there is this route to. `theirs` is how it wants itself to be told of.
    pub fn is_told(&self, theirs: GossipMode) -> bool {
        let is_hearsay = self.is_dialled && !self.is_configured;
        theirs != GossipMode::Disabled && (!is_hearsay || self.gossip == GossipMode::Override)
    }

    /// How another is told, to which there is this route.
    pub fn told_to(&self, receiver: &Self) -> GossipMode {
        let is_configured = match self.is_dialled {
            true => self.is_configured,
            false => receiver.is_configured,
        };
        match (is_configured, self.is_dialled) {
            (true, _) => GossipMode::Override,
            (false, false) => GossipMode::Disabled,
            (false, true) => GossipMode::Default,
        }
    }
}

impl<K> Membership<K> {
    /// Of a server that is alone in its cluster.
    pub(super) fn new(server: Identity, name: ClusterName) -> Self {
        Self {
            server,
            name,
            members: HashMap::default(),
            to_itself: Vec::new(),
        }
    }

    /// What the cluster is called.
    pub(super) fn name(&self) -> &ClusterName {
        &self.name
    }

    /// A peer is in a cluster of this name. As in nats-server, who has made its name up takes one that was not, and of two
    /// that were the larger.
    pub(super) fn agree(&mut self, theirs: &ClusterName) -> Agreement {
        if self.name.text == theirs.text {
            return Agreement::Same;
        }
        if !self.name.is_dynamic || (theirs.is_dynamic && self.name.text >= theirs.text) {
            return Agreement::Conflict;
        }
        self.name = theirs.clone();
        Agreement::Adopted
    }

    /// A server has said who it is.
    pub(super) fn join(&mut self, candidate: &Candidate) -> Verdict {
        let server = &candidate.server;
        if server.id == self.server.id {
            return Verdict::Itself;
        }
        if !candidate.is_dialled && server.name == self.server.name {
            return Verdict::SameName;
        }
        if self.members.contains_key(&*server.id) {
            return Verdict::Duplicate;
        }
        let member = Member {
            name: server.name.clone(),
            connection: candidate.connection,
            connect_urls: candidate.connect_urls.clone(),
            kept: Vec::new(),
        };
        self.members.insert(server.id.as_str().into(), member);
        Verdict::Joined
    }

    /// Keeps this for as long as there is a route to a server, or for ever if it is this one.
    pub(super) fn keep(&mut self, server: &str, kept: K) {
        if server == self.server.id {
            self.to_itself.push(kept);
        } else if let Some(member) = self.members.get_mut(server) {
            member.kept.push(kept);
        }
    }

    /// A member's clients are to connect elsewhere from now on. True if that is something new.
    pub(super) fn relocate(&mut self, server: &str, connect_urls: &[String]) -> bool {
        let member = self.members.get_mut(server);
        member.is_some_and(|member| {
            let is_new = member.connect_urls != connect_urls;
            member.connect_urls = connect_urls.to_vec();
            is_new
        })
    }

    /// The route to a server has ended; gives what was kept for so long. Nothing happens if another connection is the route.
    pub(super) fn leave(&mut self, server: &str, connection: ConnectionId) -> Vec<K> {
        let is_it = |member: &Member<K>| member.connection == connection;
        match self.members.get(server).is_some_and(is_it) {
            true => self
                .members
                .remove(server)
                .map_or(Vec::new(), |member| member.kept),
            false => Vec::new(),
        }
    }

    /// Whether it is this server, or one that there is a route to.
    pub(super) fn knows(&self, server: &str) -> bool {
        server == self.server.id || self.members.contains_key(server)
    }

    /// The names of the members, in order.
    pub(super) fn members(&self) -> Vec<String> {
        let mut names: Vec<String> = self.members.values().map(|member| member.name.clone()).collect();
        names.sort();
        names
    }

    /// Where clients can connect to members, in order, each once.
    pub(super) fn connect_urls(&self) -> Vec<String> {
        let urls = self.members.values().flat_map(|member| &member.connect_urls);
        let mut urls: Vec<String> = urls.cloned().collect();
        urls.sort();
        urls.dedup();
        urls
    }
}

#[cfg(test)]
mod tests;
