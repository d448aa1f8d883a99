//! Which servers are in the cluster, as far as this one knows: decided from what servers say, without sockets.

use super::pooling::{Pooling, Seat};
use hashbrown::HashMap;
use std::sync::Arc;
use thiserror::Error;
use vagus_configs::LARGEST_POOL;
use vagus_protocol::route::GossipMode;
use vagus_routing::ConnectionId;

/// The servers that this one has routes to. Each has so many connections as the two agree on, and one for each account that
/// has its own, however often one of the two has dialled the other.
///
/// `K` is what a dialler keeps while there is no place for its route: it dials no other until one has ended.
#[derive(Debug)]
pub(super) struct Membership<K> {
    server: Identity,
    name: ClusterName,
    pooling: Arc<Pooling>,
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
    /// The connections of its pool, of which some may be yet to come; one where there is no pool.
    pool: Vec<Option<ConnectionId>>,
    is_pooled: bool,
    /// The connections of accounts that have their own.
    pinned: HashMap<Box<str>, ConnectionId, foldhash::fast::RandomState>,
    places: Places,
    kept: Vec<K>,
}

impl<K> Member<K> {
    fn is_connected(&self) -> bool {
        self.pool.iter().any(Option::is_some)
    }

    fn has_room(&self) -> bool {
        self.pool.iter().any(Option::is_none)
    }
}

/// Where those connect to a server that are no servers of its cluster, as `host:port`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Its clients.
    pub clients: Vec<String>,
    /// Clients and leaf nodes that speak WebSocket.
    pub websocket: Vec<String>,
    /// Its leaf nodes.
    pub leaf_nodes: Vec<String>,
}

/// A connection that would be a route to a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidate {
    /// Who the server is.
    pub server: Identity,
    /// The connection with it.
    pub connection: ConnectionId,
    /// Whether this server has dialled it.
    pub is_dialled: bool,
    /// Where others connect to it.
    pub places: Places,
    /// The account that the route is to carry alone.
    pub account: Option<Box<str>>,
    /// How many connections the server would have; not above 0 if it knows of no pool.
    pub pool_size: i64,
    /// Which of them it is, as it says.
    pub pool_index: i64,
}

/// A connection that is a route from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Joined {
    /// What it carries.
    pub(super) seat: Seat,
    /// There was none to that server before, but for those of single accounts.
    pub(super) is_first: bool,
    /// There are to be so many in the pool, and not all are there.
    pub(super) wants_more: Option<usize>,
}

/// Why a connection is no route.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoRoute {
    /// It leads to this server.
    #[error("it leads to itself")]
    Itself,
    /// All the connections that there are to be are there.
    #[error("it is one too many")]
    Duplicate,
    /// The other server has the name of this one.
    #[error("both servers have the same name")]
    SameName,
    /// One of the two servers knows no routes of accounts.
    #[error("Not possible to have a dedicated route for account {0:?} between those servers")]
    NoneOfItsOwn(Box<str>),
    /// The account has no routes of its own here.
    #[error("No route for account {0:?}")]
    NotPinned(Box<str>),
    /// Who is dialled has chosen a place in the pool.
    #[error("Route pool index should not be set but is set to {0}")]
    IndexIsSet(i64),
    /// There is no such place in the pool.
    #[error("Invalid route pool index: {index} - pool size is {size}")]
    NoSuchIndex {
        /// The place.
        index: i64,
        /// How many the other server would have.
        size: i64,
    },
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
    pub(super) fn new(server: Identity, name: ClusterName, pooling: Pooling) -> Self {
        Self {
            server,
            name,
            pooling: Arc::new(pooling),
            members: HashMap::default(),
            to_itself: Vec::new(),
        }
    }

    /// How this server would have its routes.
    pub(super) fn pooling(&self) -> &Arc<Pooling> {
        &self.pooling
    }

    /// How it would have them from now on; gives how it had them before, if that is something else.
    pub(super) fn set_pooling(&mut self, pooling: Pooling) -> Option<Arc<Pooling>> {
        let is_new = *self.pooling != pooling;
        is_new.then(|| std::mem::replace(&mut self.pooling, Arc::new(pooling)))
    }

    /// What the cluster is called.
    pub(super) fn name(&self) -> &ClusterName {
        &self.name
    }

    /// The operator calls the cluster so from now on. Who is a member stays one, by whatever name it calls the cluster.
    pub(super) fn rename(&mut self, name: &str) {
        self.name = ClusterName {
            text: name.to_owned(),
            is_dynamic: false,
        };
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
    pub(super) fn join(&mut self, candidate: &Candidate) -> Result<Joined, NoRoute> {
        let server = &candidate.server;
        if server.id == self.server.id {
            return Err(NoRoute::Itself);
        }
        if !candidate.is_dialled && server.name == self.server.name {
            return Err(NoRoute::SameName);
        }
        let is_pooled = self.pooling.size > 0 && candidate.pool_size > 0;
        let size = match is_pooled {
            true => {
                let theirs = usize::try_from(candidate.pool_size).unwrap_or(usize::MAX);
                self.pooling.size.max(theirs.min(LARGEST_POOL))
            }
            false => 1,
        };
        let index = self.index(candidate, is_pooled, size)?;
        let member = self
            .members
            .entry(server.id.as_str().into())
            .or_insert_with(|| Member {
                name: server.name.clone(),
                pool: Vec::new(),
                is_pooled,
                pinned: HashMap::default(),
                places: Places::default(),
                kept: Vec::new(),
            });
        if let Some(account) = &candidate.account {
            return match member.pinned.try_insert(account.clone(), candidate.connection) {
                Ok(_) => Ok(Joined {
                    seat: Seat::Pinned(account.clone()),
                    is_first: false,
                    wants_more: None,
                }),
                Err(_) => Err(NoRoute::Duplicate),
            };
        }
        let is_first = !member.is_connected();
        if is_first {
            member.is_pooled = is_pooled;
            member.places.clone_from(&candidate.places);
        } else if !(is_pooled && member.is_pooled) {
            return Err(NoRoute::Duplicate);
        }
        if member.pool.len() < size {
            member.pool.resize(size, None);
        }
        let index = index.or_else(|| member.pool.iter().position(Option::is_none));
        let place = index.and_then(|index| Some((index, member.pool.get_mut(index)?)));
        let Some((index, place @ None)) = place else {
            return Err(NoRoute::Duplicate);
        };
        *place = Some(candidate.connection);
        Ok(Joined {
            seat: match is_pooled {
                true => Seat::Pooled(index),
                false => Seat::Only,
            },
            is_first,
            wants_more: member.has_room().then_some(member.pool.len()),
        })
    }

    /// The place in a pool of this size that the other server has chosen; none if that is for this one to choose, which has
    /// dialled it.
    fn index(&self, candidate: &Candidate, is_pooled: bool, size: usize) -> Result<Option<usize>, NoRoute> {
        let (index, size_said) = (candidate.pool_index, candidate.pool_size);
        match &candidate.account {
            Some(account) if !is_pooled => return Err(NoRoute::NoneOfItsOwn(account.clone())),
            None if !is_pooled => return Ok(None),
            _ if candidate.is_dialled && index != 0 => return Err(NoRoute::IndexIsSet(index)),
            Some(account) if !self.pooling.is_pinned(account) => {
                return Err(NoRoute::NotPinned(account.clone()));
            }
            _ if candidate.is_dialled => return Ok(None),
            _ => {}
        }
        let index_in_pool = usize::try_from(index).ok().filter(|index| *index < size);
        let no_such_index = NoRoute::NoSuchIndex {
            index,
            size: size_said,
        };
        index_in_pool.map(Some).ok_or(no_such_index)
    }

    /// Keeps this until a route to a server ends, or for ever if it is this one.
    pub(super) fn keep(&mut self, server: &str, kept: K) {
        if server == self.server.id {
            self.to_itself.push(kept);
        } else if let Some(member) = self.members.get_mut(server) {
            member.kept.push(kept);
        }
    }

    /// Others are to connect to a member elsewhere from now on. True if that is something new.
    pub(super) fn relocate(&mut self, server: &str, places: Places) -> bool {
        let member = self.members.get_mut(server);
        member.is_some_and(|member| {
            let is_new = member.places != places;
            member.places = places;
            is_new
        })
    }

    /// A route to a server has ended; gives what was kept for so long. Nothing happens if the connection is none.
    pub(super) fn leave(&mut self, server: &str, connection: ConnectionId) -> Vec<K> {
        let Some(member) = self.members.get_mut(server) else {
            return Vec::new();
        };
        let place = member.pool.iter_mut().find(|place| **place == Some(connection));
        let was_pinned = member.pinned.extract_if(|_, pinned| *pinned == connection);
        if place.map(Option::take).is_none() && was_pinned.count() == 0 {
            return Vec::new();
        }
        let kept = std::mem::take(&mut member.kept);
        if !member.is_connected() {
            // What comes next may agree on something else.
            member.pool.clear();
            member.places = Places::default();
        }
        if !member.is_connected() && member.pinned.is_empty() {
            self.members.remove(server);
        }
        kept
    }

    /// Whether it is this server, or one that there is such a route to: that of an account, or any other.
    pub(super) fn knows(&self, server: &str, account: Option<&str>) -> bool {
        server == self.server.id
            || self.members.get(server).is_some_and(|member| match account {
                Some(account) => member.pinned.contains_key(account),
                None => member.is_connected(),
            })
    }

    /// The names of the members, in order.
    pub(super) fn members(&self) -> Vec<String> {
        let members = self.members.values().filter(|member| member.is_connected());
        let mut names: Vec<String> = members.map(|member| member.name.clone()).collect();
        names.sort();
        names
    }

    /// Where others can connect to members, in order, each once.
    pub(super) fn places(&self) -> Places {
        let all = |of: fn(&Places) -> &Vec<String>| {
            each_once(self.members.values().flat_map(|member| of(&member.places)))
        };
        Places {
            clients: all(|places| &places.clients),
            websocket: all(|places| &places.websocket),
            leaf_nodes: all(|places| &places.leaf_nodes),
        }
    }
}

/// In order.
fn each_once<'u>(urls: impl Iterator<Item = &'u String>) -> Vec<String> {
    let mut urls: Vec<String> = urls.cloned().collect();
    urls.sort();
    urls.dedup();
    urls
}

#[cfg(test)]
mod tests;
