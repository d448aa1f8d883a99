//! Who is told what the account is interested in: the actors that speak for peers, which are routes, gateways, leaf nodes.
//!
//! **What counts for a peer**: a subscription that a message from this peer would reach, by [`Origin::reaches`]. So one rule
//! says both which way messages go and how far interest is announced, and a peer is told of no interest that its messages
//! cannot serve. For a route that leaves out the interest of other routes, gateways and the hub; a gateway is also told of
//! what routes want, as a message from a gateway goes on to the cluster; nobody is told of its own. Interest of leaf nodes
//! is told to routes as the account's own, without the name of their cluster: a message names the cluster it is from, and
//! that is enough to keep it from going back there.
//!
//! **What is a change**: the first and the last plain subscription to a subject that count for the peer, and each change of
//! a queue group's weight.
//!
//! **What is told** is read from the index when it is told, whether it has changed or is part of the snapshot for a new
//! watcher. So the two need no order between them: after each change the subject is read once more, and what is read last
//! is true. And what waits for a watcher is names alone.
//!
//! A watcher has one batch at a time; the next is made when it has taken that one.

mod batch;
mod untold;

pub use batch::{InterestChange, InterestChanged};

use super::Router;
use super::changes::Announcer;
use super::groups::{Groups, looks_of_group};
use crate::mailbox::tell_recipient;
use crate::queue_group::{GroupMembers, GroupName};
use actix::prelude::*;
use batch::{Changes, End};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
pub(super) use untold::Topic;
use untold::Untold;
use vagus_accounts::RESPONSE_PREFIX;
use vagus_delivery::Account;
use vagus_delivery::outbox::{ConnectionSubscription, Outbox};
use vagus_protocol::leaf::LOOP_DETECTION_PREFIX;
use vagus_routing::table::Cursor;
use vagus_routing::{Destination, Index, Listing, Members, Origin, Outlet, Tally};

/// How many subjects and queue groups are looked at for watchers before other tasks of the thread get their turn.
const LOOKED_AT_PER_VISIT: usize = 1024;

/// Making a batch takes as long as so many looks, beside those that it takes.
const LOOKS_OF_A_BATCH: usize = 32;

/// So many watchers make each change take as long as one step more, see [`Schedule`](super::schedule::Schedule).
const WATCHERS_PER_STEP: usize = 16;

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
    watchers: HashMap<u64, Watcher, RandomState>,
    /// Those that have no batch, and may have something to be told.
    ready: VecDeque<u64>,
    /// What had not been told to those that are gone: it may be much, and is forgotten part by part.
    left_behind: Vec<Untold>,
    numbered: u64,
    /// In the order in which they came.
    held: VecDeque<Held>,
    /// What is to be told once more, whatever has become of it.
    to_tell_again: Vec<Topic>,
}

#[derive(Debug)]
struct Watcher {
    peer: Origin,
    recipient: Recipient<InterestChanged>,
    untold: Untold,
    /// None when everything there was is told.
    snapshot: Option<Snapshot>,
    state: State,
    /// Everything that was noted before this has been told, and taken.
    knows: u64,
    /// It has not taken its batch for a while, and is not waited for.
    is_behind: bool,
    /// Whatever there is, it is told that it is there no more.
    is_ending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There is nothing to tell.
    Idle,
    /// Among those that are ready.
    Ready,
    /// A batch is with it.
    Taking,
}

/// How far telling what is there has come.
#[derive(Debug, Default)]
struct Snapshot {
    subjects: Listing,
    are_subjects_told: bool,
    groups: Cursor,
}

impl Watchers {
    pub(super) fn len(&self) -> usize {
        self.watchers.len()
    }

    /// How many have not taken everything there is.
    pub(super) fn to_tell(&self) -> usize {
        let waits = |watcher: &&Watcher| watcher.state != State::Idle;
        self.watchers.values().filter(waits).count()
    }

    /// How many changes wait, those of all watchers.
    pub(super) fn untold(&self) -> usize {
        let untold = self.watchers.values().map(|watcher| &watcher.untold);
        untold.chain(&self.left_behind).map(Untold::len).sum()
    }

    /// What a change takes for their sake, in steps.
    pub(super) fn steps_of_a_change(&self) -> usize {
        self.len().div_ceil(WATCHERS_PER_STEP)
    }

    /// Whether there is something to [tell](Self::tell) at once, or to forget.
    pub(super) fn are_ready(&self) -> bool {
        !self.ready.is_empty() || !self.left_behind.is_empty() || !self.to_tell_again.is_empty()
    }

    /// One that watches already is told of everything once more.
    pub(super) fn add(&mut self, watch: WatchInterest) {
        let mut watchers = self.watchers.iter_mut();
        if let Some((number, watcher)) = watchers.find(|(_, it)| it.recipient == watch.watcher) {
            watcher.snapshot = Some(Snapshot::default());
            if watcher.state == State::Idle {
                watcher.state = State::Ready;
                self.ready.push_back(*number);
            }
            return;
        }
        let gone = self
            .watchers
            .extract_if(|_, watcher| !watcher.recipient.connected());
        self.left_behind.extend(gone.map(|(_, watcher)| watcher.untold));
        let watcher = Watcher {
            peer: watch.peer,
            recipient: watch.watcher,
            untold: Untold::default(),
            snapshot: Some(Snapshot::default()),
            state: State::Ready,
            knows: 0,
            is_behind: false,
            is_ending: false,
        };
        self.watchers.insert(self.numbered, watcher);
        self.ready.push_back(self.numbered);
        self.numbered += 1;
    }

    /// Begins anew: whoever watches is told all there is once more.
    pub(super) fn begin_anew(&mut self) -> Self {
        let new = Self {
            numbered: self.numbered,
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

    /// Has those who watch be told of these topics as they are now, as they may know them as they were.
    pub(super) fn tell_again(&mut self, topics: Vec<Topic>) {
        if !self.watchers.is_empty() {
            self.to_tell_again.extend(topics);
        }
    }

    /// All that one has been told, and what there is, it is told once more, as what there is not.
    pub(super) fn end(&mut self, EndWatch { peer }: &EndWatch) {
        for (number, watcher) in &mut self.watchers {
            if watcher.peer.left_out() == peer.left_out() {
                watcher.is_ending = true;
                watcher.snapshot = Some(Snapshot::default());
                if watcher.state == State::Idle {
                    watcher.state = State::Ready;
                    self.ready.push_back(*number);
                }
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
        let awaited = self.watchers.iter();
        let awaited = awaited.filter(|(_, watcher)| watcher.state != State::Idle);
        let awaited = awaited
            .map(|(number, watcher)| (*number, watcher.untold.next()))
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
        if self.watchers.is_empty() {
            return;
        }
        let now = index.subscribers(changed.subject());
        let mut topic = None;
        self.note_for(|peer, untold| {
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
    }

    /// A queue group has other members.
    pub(super) fn group_changed(
        &mut self,
        name: &Arc<GroupName>,
        before: Option<&GroupMembers>,
        now: &GroupMembers,
    ) {
        if self.watchers.is_empty() {
            return;
        }
        let topic = Topic::Group(name.clone());
        let (before, now) = (before.map(Members::tally), now.tally());
        self.note_for(|peer, untold| {
            let was = before.as_ref().map_or(0, |tally| weight_of_group(peer, tally));
            let is = weight_of_group(peer, &now);
            if was != is {
                untold.note(&topic, was > 0, is > 0);
            }
            was != is
        });
    }

    /// Those for which `note` says so have something to be told.
    fn note_for(&mut self, mut note: impl FnMut(&Origin, &mut Untold) -> bool) {
        for (number, watcher) in &mut self.watchers {
            if note(&watcher.peer, &mut watcher.untold) && watcher.state == State::Idle {
                watcher.state = State::Ready;
                self.ready.push_back(*number);
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
            self.note_for(|_, untold| {
                untold.note(&topic, true, false);
                true
            });
        }
        while looks > 0
            && let Some(number) = self.ready.pop_front()
        {
            let Some(watcher) = self.watchers.get_mut(&number) else {
                continue;
            };
            looks = looks.saturating_sub(LOOKS_OF_A_BATCH);
            let mut changes = Changes::default();
            watcher.tell_changes(&mut changes, &mut looks, index, groups);
            let is_snapshot_told = watcher.tell_snapshot(&mut changes, &mut looks, index, groups);
            if changes.is_empty() && !is_snapshot_told {
                // What waited has come to nothing, or nothing of what was looked at counts.
                if watcher.has_more() {
                    self.ready.push_back(number);
                } else {
                    watcher.state = State::Idle;
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
        let gone = self.watchers.remove(&number);
        self.left_behind.extend(gone.map(|watcher| watcher.untold));
    }
}

impl Watcher {
    fn has_more(&self) -> bool {
        self.snapshot.is_some() || !self.untold.is_empty()
    }

    /// What has changed, as it is now. While there is a snapshot to tell, half of a batch is for that.
    fn tell_changes(
        &mut self,
        changes: &mut Changes,
        looks: &mut usize,
        index: &Index<Arc<Outbox>>,
        groups: &Groups,
    ) {
        let is_full = match self.snapshot {
            Some(_) => Changes::is_half_full,
            None => Changes::is_full,
        };
        while *looks > 0
            && !is_full(changes)
            && let Some(topic) = self.untold.pop()
        {
            *looks -= 1;
            let weight = match &topic {
                _ if self.is_ending => 0,
                Topic::Subject(subject) => weight_of_plain(&self.peer, index.subscribers(subject)),
                Topic::Group(name) => groups.members(name).map_or(0, |members| {
                    *looks = looks.saturating_sub(looks_of_group(members));
                    weight_of_group(&self.peer, &members.tally())
                }),
            };
            changes.push(topic.subject(), topic.queue(), weight);
        }
    }

    /// More of what is there. True if that was all.
    fn tell_snapshot(
        &mut self,
        changes: &mut Changes,
        looks: &mut usize,
        index: &Index<Arc<Outbox>>,
        groups: &Groups,
    ) -> bool {
        let Self {
            peer,
            untold,
            snapshot: unfinished,
            is_ending,
            ..
        } = self;
        let Some(snapshot) = unfinished.as_mut().filter(|_| *looks > 0 && !changes.is_full()) else {
            return false;
        };
        let mut tell = |subject: &[u8], queue: Option<&[u8]>, weight: u32| {
            if weight > 0 {
                changes.push(subject, queue, if *is_ending { 0 } else { weight });
                untold.told(subject, queue);
            }
            if changes.is_full() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        if !snapshot.are_subjects_told {
            let listing = &mut snapshot.subjects;
            snapshot.are_subjects_told = index.list(listing, looks, |subject, subscribers| {
                tell(subject, None, weight_of_plain(peer, subscribers))
            });
        }
        let is_told = snapshot.are_subjects_told
            && groups.list(&mut snapshot.groups, looks, |name, members| {
                tell(
                    &name.subject,
                    Some(&name.queue),
                    weight_of_group(peer, &members.tally()),
                )
            });
        if is_told {
            *unfinished = None;
        }
        is_told
    }
}

/// 1 if somebody counts, else 0.
fn weight_of_plain(peer: &Origin, subscribers: &[Arc<ConnectionSubscription>]) -> u32 {
    // Those that do not count are other servers, of which each has one subscription to a subject: this does not go far.
    subscribers
        .iter()
        .any(|subscription| counts(peer, subscription))
        .into()
}

/// Whether a peer is told of a subscription. Requests go into other accounts where they come into the cluster, so what stands
/// for that concerns no peer; answers come from anywhere.
fn counts(peer: &Origin, subscription: &ConnectionSubscription) -> bool {
    let destination = subscription.destination();
    let is_of_requests =
        destination.outlet() == Outlet::Account && !subscription.subject().starts_with(RESPONSE_PREFIX);
    if peer.kind().is_leaf_link() {
        return counts_for_leaf(peer, subscription);
    }
    !is_of_requests && peer.reaches(destination)
}

/// The same, for one end of a link between a leaf node and its hub. It is told of what is asked in other accounts, too: its
/// messages come into the account here alone. What servers find loops by is told to all.
fn counts_for_leaf(peer: &Origin, subscription: &ConnectionSubscription) -> bool {
    let destination = subscription.destination();
    if subscription
        .subject()
        .starts_with(LOOP_DETECTION_PREFIX.as_bytes())
    {
        let is_itself = peer.left_out() == Some(destination.connection_id());
        return !is_itself && !peer.is_of_cluster_of(destination);
    }
    peer.reaches(destination) && !(peer.is_isolated() && destination.kind().is_leaf_link())
}

fn weight_of_group(peer: &Origin, members: &Tally<'_, Arc<Outbox>>) -> u32 {
    let weight = members.weight(|server| peer.reaches(server));
    u32::try_from(weight).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
