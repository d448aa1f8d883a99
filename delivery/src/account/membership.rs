//! Who is in an account, and what passes through it.
//!
//! Nothing is counted for an account while messages pass: connections count what they publish and what is delivered to
//! them anyway, and are asked when somebody wants to know.

use super::Account;
use crate::outbox::{OutboundTraffic, Outbox};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use vagus_accounts::AccountLimits;
use vagus_routing::{ConnectionId, Destination};

/// What passed through an account since the server's start, and who is in it now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountTraffic {
    /// Connections that are in it.
    pub connections: usize,
    /// Those of them that are links to leaf nodes and hubs.
    pub leaf_nodes: usize,
    /// Connections that have been in it, those that are among them.
    pub total_connections: u64,
    /// What its connections have published, and other servers have passed on.
    pub received: Passed,
    /// What was delivered to its connections and to other servers.
    pub sent: Passed,
    /// What of that came and went over links to leaf nodes and hubs.
    pub links: Exchanged,
    /// Over routes.
    pub routes: Exchanged,
    /// To other clusters, and from there.
    pub gateways: Exchanged,
    /// Its connections that were closed because too much waited for them, or for too long.
    pub slow_consumers: u64,
}

/// Messages, and the bytes of their headers and payloads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// How many.
    pub messages: u64,
    /// Their bytes.
    pub payload: u64,
}

/// What passed in both directions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exchanged {
    /// What came.
    pub received: Passed,
    /// What went.
    pub sent: Passed,
}

impl Exchanged {
    fn add(&mut self, received: Passed, sent: Passed) {
        self.received.add(received);
        self.sent.add(sent);
    }
}

impl Passed {
    /// So many messages with so many bytes.
    pub fn new(messages: u64, payload: u64) -> Self {
        Self { messages, payload }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.payload += other.payload;
    }

    /// What has passed since it was so much.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            messages: self.messages.wrapping_sub(before.messages),
            payload: self.payload.wrapping_sub(before.payload),
        }
    }
}

impl From<OutboundTraffic> for Passed {
    fn from(outbound: OutboundTraffic) -> Self {
        Self::new(outbound.messages, outbound.payload)
    }
}

/// Those who are in an account.
#[derive(Debug, Default)]
pub(super) struct Members(Mutex<Roll>);

#[derive(Debug, Default)]
struct Roll {
    /// By their numbers.
    present: HashTable<Arc<Member>>,
    hasher: RandomState,
    /// Of those the last that came, where there are more than may be there by now.
    surplus: BTreeSet<ConnectionId>,
    /// In one word, as few accounts have any.
    links: Option<Box<Links>>,
    total: u64,
    /// Of those who have left.
    received: Passed,
    sent: Passed,
    slow_consumers: u64,
}

/// Those who are links to leaf nodes and hubs.
#[derive(Debug, Default)]
struct Links {
    present: usize,
    /// Of those that have left.
    exchanged: Exchanged,
}

/// There is one for each connection, so few words matter.
struct Member {
    outbox: Arc<Outbox>,
    /// None for most, which join before anything has passed.
    before: Option<Box<Before>>,
    /// What the connection has published, in this account and before. Written by its owner alone.
    messages: AtomicU64,
    payload: AtomicU64,
}

/// What a connection had published, and been delivered, when it joined: it may have been in another account before.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Before {
    received: Passed,
    sent: Passed,
}

impl fmt::Debug for Member {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Member").finish_non_exhaustive()
    }
}

impl Member {
    fn id(&self) -> ConnectionId {
        self.outbox.connection_id()
    }

    fn is_leaf_link(&self) -> bool {
        self.outbox.kind().is_leaf_link()
    }

    fn before(&self) -> Before {
        self.before.as_deref().copied().unwrap_or_default()
    }

    fn received(&self) -> Passed {
        let published = Passed {
            messages: self.messages.load(Ordering::Relaxed),
            payload: self.payload.load(Ordering::Relaxed),
        };
        published.since(self.before().received)
    }

    fn sent(&self) -> Passed {
        Passed::from(self.outbox.traffic()).since(self.before().sent)
    }
}

/// A connection's place in an account, for as long as this is held.
#[derive(Debug)]
pub struct Membership {
    account: Arc<Account>,
    member: Arc<Member>,
    was_too_slow: bool,
}

impl Membership {
    /// A place in an account for a connection that has published so much until now; None if the account has as many
    /// connections as it may, or as many links if it is one. As in nats-server, links are connections that take the place of
    /// others, and their own limit is the only one that they are held to.
    pub fn join(account: &Arc<Account>, outbox: &Arc<Outbox>, published: Passed) -> Option<Self> {
        let before = Before {
            received: published,
            sent: outbox.traffic().into(),
        };
        let member = Arc::new(Member {
            outbox: outbox.clone(),
            before: (before != Before::default()).then(|| Box::new(before)),
            messages: AtomicU64::new(published.messages),
            payload: AtomicU64::new(published.payload),
        });
        let mut roll = account.members.0.lock();
        // Asked with the roll locked: who defines it otherwise locks it then.
        let limits = account.limits();
        let (count, limit) = match member.is_leaf_link() {
            true => (roll.leaf_nodes(), limits.leaf_nodes),
            false => (roll.present.len(), limits.connections),
        };
        if limit.is_some_and(|limit| count >= limit as usize) {
            return None;
        }
        roll.total += 1;
        roll.enter(member.clone());
        drop(roll);
        Some(Self {
            account: account.clone(),
            member,
            was_too_slow: false,
        })
    }

    /// So much has the connection published by now. For its owner alone.
    #[inline]
    pub fn set_published(&self, published: Passed) {
        self.member.messages.store(published.messages, Ordering::Relaxed);
        self.member.payload.store(published.payload, Ordering::Relaxed);
    }

    /// Whether the account may not have as many connections as it has any more, and this one is among the last that came.
    pub fn is_surplus(&self) -> bool {
        let roll = self.account.members.0.lock();
        roll.surplus.contains(&self.member.id())
    }

    /// The connection leaves because too much waits for it, or for too long.
    pub fn is_too_slow(&mut self) {
        self.was_too_slow = true;
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let (received, sent) = (self.member.received(), self.member.sent());
        let mut roll = self.account.members.0.lock();
        let roll = &mut *roll;
        roll.leave(&self.member);
        roll.received.add(received);
        roll.sent.add(sent);
        if self.member.is_leaf_link() {
            let links = roll.links.get_or_insert_default();
            links.exchanged.add(received, sent);
        }
        roll.slow_consumers += u64::from(self.was_too_slow);
    }
}

impl Roll {
    fn enter(&mut self, member: Arc<Member>) {
        if member.is_leaf_link() {
            self.links.get_or_insert_default().present += 1;
        }
        let Self { present, hasher, .. } = self;
        present.insert_unique(hasher.hash_one(member.id()), member, |other| {
            hasher.hash_one(other.id())
        });
    }

    fn leave(&mut self, member: &Arc<Member>) {
        let Self {
            present,
            hasher,
            surplus,
            links,
            ..
        } = self;
        surplus.remove(&member.id());
        let hash = hasher.hash_one(member.id());
        if let Ok(entry) = present.find_entry(hash, |other| Arc::ptr_eq(other, member)) {
            entry.remove();
            if let Some(links) = links.as_mut().filter(|_| member.is_leaf_link()) {
                links.present -= 1;
            }
        }
        if present.len() < present.capacity() / 8 {
            let few = present.len() * 2;
            present.shrink_to(few, |other| hasher.hash_one(other.id()));
        }
    }

    fn leaf_nodes(&self) -> usize {
        self.links.as_ref().map_or(0, |links| links.present)
    }
}

impl Members {
    pub(super) fn count(&self) -> usize {
        self.0.lock().present.len()
    }

    pub(super) fn leaf_nodes(&self) -> usize {
        self.0.lock().leaf_nodes()
    }

    /// From now on there may be so many. As in nats-server, those stay who came first; the others have to be told.
    pub(super) fn hold_to(&self, limits: &AccountLimits) {
        let mut roll = self.0.lock();
        let roll = &mut *roll;
        let excess =
            |count: usize, limit: Option<u32>| limit.map_or(0, |most| count.saturating_sub(most as usize));
        for (are_links, excess) in [
            (false, excess(roll.present.len(), limits.connections)),
            (true, excess(roll.leaf_nodes(), limits.leaf_nodes)),
        ] {
            if excess == 0 {
                continue;
            }
            let of_kind = roll
                .present
                .iter()
                .filter(|member| member.is_leaf_link() == are_links);
            let mut ids: Vec<ConnectionId> = of_kind.map(|member| member.id()).collect();
            let stay = ids.len().saturating_sub(excess);
            if stay < ids.len() {
                ids.select_nth_unstable(stay);
                roll.surplus.extend(&ids[stay..]);
            }
        }
    }

    /// Those who are present.
    pub(super) fn outboxes(&self) -> Vec<Arc<Outbox>> {
        let roll = self.0.lock();
        roll.present.iter().map(|member| member.outbox.clone()).collect()
    }

    /// In the order of their numbers.
    pub(super) fn ids(&self) -> Vec<ConnectionId> {
        let mut ids: Vec<ConnectionId> = self.0.lock().present.iter().map(|member| member.id()).collect();
        ids.sort_unstable();
        ids
    }

    /// Nobody waits while those who are present are asked.
    pub(super) fn traffic(&self) -> AccountTraffic {
        let (mut traffic, present) = {
            let roll = self.0.lock();
            let traffic = AccountTraffic {
                connections: roll.present.len(),
                leaf_nodes: roll.leaf_nodes(),
                total_connections: roll.total,
                received: roll.received,
                sent: roll.sent,
                links: roll
                    .links
                    .as_ref()
                    .map(|links| links.exchanged)
                    .unwrap_or_default(),
                routes: Exchanged::default(),
                gateways: Exchanged::default(),
                slow_consumers: roll.slow_consumers,
            };
            let present: Vec<_> = roll.present.iter().cloned().collect();
            (traffic, present)
        };
        for member in present {
            let (received, sent) = (member.received(), member.sent());
            traffic.received.add(received);
            traffic.sent.add(sent);
            if member.is_leaf_link() {
                traffic.links.add(received, sent);
            }
        }
        traffic
    }
}

#[cfg(test)]
mod tests;
