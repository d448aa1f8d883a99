//! Who is told what the account is interested in: the actors that speak for peers, which are routes, gateways, leaf nodes.
//!
//! **What counts for a peer**: a subscription that a message from this peer would reach, by [`Origin::reaches`]. So one rule
//! says both which way messages go and how far interest is announced, and a peer is told of no interest that its messages
//! cannot serve. For a route that leaves out the interest of other routes, gateways and the hub; a gateway is also told of
//! what routes want, as a message from a gateway goes on to the cluster; nobody is told of its own. Interest of leaf nodes
//! is told to routes apart, with the name of their cluster, where the other server understands that: so it need not tell it
//! to leaf nodes of that cluster, nor to those that are isolated. To others it is told as the account's own.
//!
//! **What is a change**: the first and the last plain subscription to a subject that count for the peer, and each change of
//! a queue group's weight.
//!
//! **What is told** is read from the index when it is told, whether it has changed or is part of the snapshot for a new
//! watcher. So the two need no order between them: after each change the subject is read once more, and what is read last
//! is true. And what waits for a watcher is names alone.
//!
//! A watcher has one batch at a time; the next is made when it has taken that one.

mod audience;
mod batch;
mod of_leaf_nodes;
mod untold;
mod watcher;

pub use batch::{InterestChange, InterestChanged};

use super::Router;
use super::changes::Announcer;
use super::groups::Groups;
use crate::mailbox::tell_recipient;
use crate::queue_group::{GroupMembers, GroupName};
use actix::prelude::*;
use audience::Audience;
use batch::{Changes, End};
use of_leaf_nodes::{LeafTopic, OfLeafNodes, is_of_leaf_node};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
pub(super) use untold::Topic;
use untold::Untold;
use vagus_delivery::Account;
use vagus_delivery::outbox::{ConnectionSubscription, Outbox};
use vagus_routing::{Index, Origin};
use watcher::{Snapshot, Sources, State, Watcher, counts, weight_of_group};

/// How many subjects and queue groups are looked at for watchers before other tasks of the thread get their turn.
const LOOKED_AT_PER_VISIT: usize = 1024;

/// Making a batch takes as long as so many looks, beside those that it takes.
const LOOKS_OF_A_BATCH: usize = 32;

/// So many watchers that are concerned make a change take as long as one step more, see [`Schedule`](super::schedule::Schedule).
const CONCERNED_PER_STEP: usize = 16;

/// As many as would be concerned if a change were news for all, however few were of late, are a step all the same.
const WATCHERS_PER_STEP: usize = 256;

/// For each that comes so many are looked at whether they are gone.
const LOOKED_THROUGH: usize = 4;

/// Asks the Router to tell of the account's interest: of all there is, and from now on of what changes.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct WatchInterest {
    /// Who publishes what comes from the peer, which is a server.
    pub peer: Origin,
    /// Who is told. It is forgotten when it is gone.
    pub watcher: Recipient<InterestChanged>,
}

/// Asks the Router to have one know that nobody is interested in anything any more, and to forget it then.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct EndWatch {
    /// Who publishes what comes from the peer.
    pub peer: Origin,
}

/// A watcher has taken its batch, or is gone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct BatchTaken {
    watcher: u64,
}

/// A watcher cannot take its batch: its peer does not take what is said to it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct FallenBehind {
    watcher: u64,
}

/// One whose announcement is in force here, and who waits until the watchers know of it: what it publishes next may have an
/// answer from another server, which has to find the way back.
#[derive(Debug)]
struct Held {
    announcer: Announcer,
    /// How far each watcher has to come; those that are gone or behind are not waited for.
    awaited: Vec<(u64, u64)>,
}

#[derive(Debug, Default)]
pub(super) struct Watchers {
    watchers: BTreeMap<u64, Watcher>,
    audience: Audience,
    /// Kept where there are other servers of the cluster, to be told.
    of_leaf_nodes: OfLeafNodes,
    are_in_cluster: bool,
    /// Those that have something to be told, or have not taken it.
    busy: BTreeSet<u64>,
    /// Those that have no batch, and may have something to be told.
    ready: VecDeque<u64>,
    /// What had not been told to those that are gone: it may be much, and is forgotten part by part.
    left_behind: Vec<Untold>,
    numbered: u64,
    /// In the order in which they came.
    held: VecDeque<Held>,
    /// What is to be told once more, whatever has become of it.
    to_tell_again: Vec<Topic>,
    /// Changes since it was last asked what one takes, and how many watchers they concerned.
    changes: usize,
    noted: usize,
    /// What one has taken of late.
    noted_of_late: usize,
    /// Those before were looked at whether they are gone.
    looked_through_to: u64,
    /// Kept from one change to the next.
    concerned: Vec<u64>,
}

impl Watchers {
    pub(super) fn len(&self) -> usize {
        self.watchers.len()
    }

    /// How many have not taken everything there is.
    pub(super) fn to_tell(&self) -> usize {
        self.busy.len()
    }

    /// How many changes wait, those of all watchers.
    pub(super) fn untold(&self) -> usize {
        let untold = self.watchers.values().map(|watcher| &watcher.untold);
        untold.chain(&self.left_behind).map(Untold::len).sum()
    }

    /// What a change takes for their sake, in steps: as much as the last ones took.
    pub(super) fn steps_of_a_change(&mut self) -> usize {
        if self.changes > 0 {
            self.noted_of_late = self.noted.div_ceil(self.changes);
            (self.changes, self.noted) = (0, 0);
        }
        let least = self.len().div_ceil(WATCHERS_PER_STEP);
        self.noted_of_late.div_ceil(CONCERNED_PER_STEP).max(least)
    }

    /// Whether there is something to [tell](Self::tell) at once, or to forget.
    pub(super) fn are_ready(&self) -> bool {
        !self.ready.is_empty() || !self.left_behind.is_empty() || !self.to_tell_again.is_empty()
    }

    /// One that watches already is told of everything once more.
    pub(super) fn add(&mut self, watch: WatchInterest) {
        let is_it = |number: &u64| {
            let known = self.watchers.get(number);
            known.is_some_and(|it| it.recipient == watch.watcher)
        };
        let known = self.audience.beside(&watch.peer).find(is_it);
        if let Some(number) = known {
            if let Some(watcher) = self.watchers.get_mut(&number) {
                watcher.snapshot = Some(Snapshot::default());
            }
            return self.rouse(number);
        }
        self.look_through();
        let number = self.numbered;
        self.numbered += 1;
        self.audience.add(&watch.peer, number);
        let watcher = Watcher {
            peer: watch.peer,
            recipient: watch.watcher,
            untold: Untold::default(),
            snapshot: Some(Snapshot::default()),
            state: State::Idle,
            knows: 0,
            is_behind: false,
            is_ending: false,
        };
        self.watchers.insert(number, watcher);
        self.rouse(number);
    }

    /// It has something to be told.
    fn rouse(&mut self, number: u64) {
        if let Some(watcher) = self.watchers.get_mut(&number)
            && watcher.state == State::Idle
        {
            watcher.state = State::Ready;
            self.busy.insert(number);
            self.ready.push_back(number);
        }
    }

    /// Forgets those that are gone, of the next few: all that come look at all others in turn.
    fn look_through(&mut self) {
        let from = self.looked_through_to;
        let next = self.watchers.range(from..).chain(self.watchers.range(..from));
        let mut gone = Vec::new();
        for (number, watcher) in next.take(LOOKED_THROUGH) {
            self.looked_through_to = number + 1;
            if !watcher.recipient.connected() {
                gone.push(*number);
            }
        }
        for number in gone {
            self.forget(number);
        }
    }

    /// Begins anew: whoever watches is told all there is once more.
    pub(super) fn begin_anew(&mut self) -> Self {
        let new = Self {
            numbered: self.numbered,
            are_in_cluster: self.are_in_cluster,
            ..Self::default()
        };
        let before = std::mem::replace(self, new);
        for watcher in before.watchers.values() {
            self.add(WatchInterest {
                peer: watcher.peer,
                watcher: watcher.recipient.clone(),
            });
            if watcher.is_ending {
                self.end(&EndWatch { peer: watcher.peer });
            }
        }
        before
    }

    /// Those who wait until watchers know what they have announced.
    pub(super) fn take_held(&mut self) -> impl Iterator<Item = Announcer> {
        std::mem::take(&mut self.held)
            .into_iter()
            .map(|held| held.announcer)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.watchers.is_empty()
    }

    /// The server is in a cluster, so that others may be told of what its leaf nodes want.
    pub(super) fn set_in_cluster(&mut self, are_in_cluster: bool) {
        self.are_in_cluster = are_in_cluster;
    }

    /// What other servers of the cluster may have been told that leaf nodes want.
    pub(super) fn topics_of_leaf_nodes(&self) -> impl Iterator<Item = Topic> {
        let topics = self.of_leaf_nodes.topics();
        topics.map(|topic| Topic::OfLeafNodes(Arc::new(topic)))
    }

    /// Has those who watch be told of these topics as they are now, as they may know them as they were.
    pub(super) fn tell_again(&mut self, topics: Vec<Topic>) {
        if !self.watchers.is_empty() {
            self.to_tell_again.extend(topics);
        }
    }

    /// All that one has been told, and what there is, it is told once more, as what there is not.
    pub(super) fn end(&mut self, EndWatch { peer }: &EndWatch) {
        let beside: Vec<u64> = self.audience.beside(peer).collect();
        for number in beside {
            if let Some(watcher) = self.watchers.get_mut(&number)
                && watcher.peer.left_out() == peer.left_out()
            {
                watcher.is_ending = true;
                watcher.snapshot = Some(Snapshot::default());
                self.rouse(number);
            }
        }
    }

    pub(super) fn taken(&mut self, BatchTaken { watcher: number }: BatchTaken) {
        let Some(watcher) = self.watchers.get_mut(&number) else {
            return;
        };
        watcher.knows = watcher.untold.first();
        watcher.is_behind = false;
        if !watcher.recipient.connected() {
            self.forget(number);
        } else if watcher.has_more() {
            watcher.state = State::Ready;
            self.ready.push_back(number);
        } else {
            watcher.state = State::Idle;
            self.busy.remove(&number);
        }
    }

    pub(super) fn fallen_behind(&mut self, FallenBehind { watcher }: FallenBehind) {
        if let Some(watcher) = self.watchers.get_mut(&watcher) {
            watcher.is_behind = true;
        }
    }

    /// How many wait until the watchers know.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// An announcement is in force here: whoever made it waits until the watchers know of it.
    pub(super) fn hold(&mut self, announcer: Announcer) {
        let busy = self.busy.iter();
        let awaited = busy
            .filter_map(|number| Some((*number, self.watchers.get(number)?.untold.next())))
            .collect();
        self.held.push_back(Held { announcer, awaited });
    }

    /// The next of those who waited and need not any more.
    pub(super) fn release(&mut self) -> Option<Announcer> {
        let held = self.held.front()?;
        let is_waited_for = held.awaited.iter().any(|(number, until)| {
            let watcher = self.watchers.get(number);
            watcher.is_some_and(|it| {
                let knows = it.state == State::Idle || it.knows >= *until;
                !knows && !it.is_behind && it.recipient.connected()
            })
        });
        match is_waited_for {
            true => None,
            false => Some(self.held.pop_front()?.announcer),
        }
    }

    /// A plain subscription has come into the index, or gone.
    pub(super) fn plain_changed(
        &mut self,
        changed: &Arc<ConnectionSubscription>,
        has_come: bool,
        index: &Index<Arc<Outbox>>,
    ) {
        let now = index.subscribers(changed.subject());
        if self.are_in_cluster && is_of_leaf_node(changed) {
            let topic = match has_come {
                true => self.of_leaf_nodes.come(changed),
                false => self.of_leaf_nodes.go(changed, now),
            };
            if let Some(topic) = topic {
                self.note_apart(topic, !has_come, has_come);
            }
        }
        if self.watchers.is_empty() {
            return;
        }
        let mut concerned = std::mem::take(&mut self.concerned);
        self.audience.concerned_by(changed, now, &mut concerned);
        let mut topic = None;
        self.note_for(&mut concerned, |peer, untold| {
            let is_first_or_last = counts(peer, changed)
                && !now
                    .iter()
                    .any(|other| !Arc::ptr_eq(other, changed) && counts(peer, other));
            if is_first_or_last {
                let topic = topic.get_or_insert_with(|| Topic::Subject(changed.subject().into()));
                untold.note(topic, !has_come, has_come);
            }
            is_first_or_last
        });
        self.concerned = concerned;
    }

    /// A queue group has other members.
    pub(super) fn group_changed(
        &mut self,
        name: &Arc<GroupName>,
        before: Option<&GroupMembers>,
        now: &GroupMembers,
    ) {
        if self.watchers.is_empty() && !self.are_in_cluster {
            return;
        }
        let topic = Topic::Group(name.clone());
        let nobody = GroupMembers::from([]);
        let before = before.unwrap_or(&nobody).tally();
        let now = now.tally();
        if self.are_in_cluster {
            for (topic, was, is) in self.of_leaf_nodes.group_changed(name, &before, &now) {
                self.note_apart(topic, was > 0, is > 0);
            }
        }
        let weights = |peer: &Origin| (weight_of_group(peer, &before), weight_of_group(peer, &now));
        let mut concerned = std::mem::take(&mut self.concerned);
        let weighs = |peer: &Origin| weights(peer) != (0, 0);
        self.audience.concerned_by_group(weighs, &mut concerned);
        self.note_for(&mut concerned, |peer, untold| {
            let (was, is) = weights(peer);
            if was != is {
                untold.note(&topic, was > 0, is > 0);
            }
            was != is
        });
        self.concerned = concerned;
    }

    /// Leaf nodes want something else, which is told apart.
    fn note_apart(&mut self, topic: LeafTopic, was: bool, is: bool) {
        let mut concerned = std::mem::take(&mut self.concerned);
        self.audience.told_apart_of(topic.cluster, &mut concerned);
        let topic = Topic::OfLeafNodes(Arc::new(topic));
        self.note_for(&mut concerned, |_, untold| {
            untold.note(&topic, was, is);
            true
        });
        self.concerned = concerned;
    }

    /// Those of the concerned for which `note` says so have something to be told.
    fn note_for(&mut self, concerned: &mut Vec<u64>, mut note: impl FnMut(&Origin, &mut Untold) -> bool) {
        self.changes += 1;
        self.noted += concerned.len();
        for number in concerned.drain(..) {
            if let Some(watcher) = self.watchers.get_mut(&number)
                && note(&watcher.peer, &mut watcher.untold)
            {
                self.rouse(number);
            }
        }
    }

    /// Tells those that are ready, up to a visit's worth.
    pub(super) fn tell(&mut self, account: &Arc<Account>, groups: &Groups, router: &Addr<Router>) {
        let index = &account.interest().read();
        let mut looks = LOOKED_AT_PER_VISIT;
        while looks > 0
            && let Some(topic) = self.to_tell_again.pop()
        {
            looks = looks.saturating_sub(self.watchers.len().max(1));
            let mut all = self.watchers.keys().copied().collect();
            self.note_for(&mut all, |peer, untold| {
                let is_told = match &topic {
                    Topic::OfLeafNodes(topic) => peer.tells_apart(topic.cluster),
                    Topic::Subject(_) | Topic::Group(_) => true,
                };
                if is_told {
                    untold.note(&topic, true, false);
                }
                is_told
            });
        }
        while looks > 0
            && let Some(number) = self.ready.pop_front()
        {
            let Some(watcher) = self.watchers.get_mut(&number) else {
                continue;
            };
            looks = looks.saturating_sub(LOOKS_OF_A_BATCH);
            let sources = Sources {
                index,
                groups,
                of_leaf_nodes: &self.of_leaf_nodes,
            };
            let mut changes = Changes::default();
            watcher.tell_changes(&mut changes, &mut looks, &sources);
            let is_snapshot_told = watcher.tell_snapshot(&mut changes, &mut looks, &sources);
            if changes.is_empty() && !is_snapshot_told {
                // What waited has come to nothing, or nothing of what was looked at counts.
                if watcher.has_more() {
                    self.ready.push_back(number);
                } else {
                    watcher.state = State::Idle;
                    self.busy.remove(&number);
                }
                continue;
            }
            watcher.state = State::Taking;
            let end = match (watcher.is_ending, is_snapshot_told) {
                (true, _) if !watcher.has_more() => End::OfWatch,
                (false, true) => End::OfSnapshot,
                _ => End::Not,
            };
            let batch = InterestChanged::new(account.clone(), changes, end, number, router.clone());
            if !tell_recipient(&watcher.recipient, batch) || end == End::OfWatch {
                self.forget(number);
            }
        }
        while looks > 0
            && let Some(untold) = self.left_behind.last_mut()
        {
            looks -= 1;
            if untold.pop().is_none() {
                self.left_behind.pop();
            }
        }
    }

    fn forget(&mut self, number: u64) {
        if let Some(gone) = self.watchers.remove(&number) {
            self.audience.remove(&gone.peer, number);
            self.busy.remove(&number);
            self.left_behind.push(gone.untold);
        }
    }
}

#[cfg(test)]
mod tests;
