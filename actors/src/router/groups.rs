//! The queue groups as the Router knows them.

use super::Router;
use super::settling::Settling;
use crate::mailbox::tell;
use crate::queue_group::{Attendance, GroupFailed, GroupMembers, GroupName, QueueGroup, Reports};
use actix::prelude::*;
use foldhash::fast::RandomState;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::ops::ControlFlow;
use std::sync::Arc;
use vagus_delivery::outbox::ConnectionSubscription;
use vagus_delivery::subscriptions::Change;
use vagus_protocol::error::CloseReason;
use vagus_routing::Destination;
use vagus_routing::table::{Cursor, Hashed, Table};

/// With so many changes, or a batch less than as many again, an attendance goes to a group.
const CHANGES_PER_ATTENDANCE: usize = 1024;

/// So many changes of one announcement are answered together.
const CHANGES_PER_BATCH: usize = 256;

/// So many members are looked at in the time of a look for a subject.
const MEMBERS_PER_LOOK: usize = 16;

/// Each group has one attendance under way at most, and answers it. What changes meanwhile waits here.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: Table<Group>,
    hasher: RandomState,
    /// Those with changes and without an attendance under way.
    ready: Vec<Arc<GroupName>>,
    numbered: u64,
}

/// The actor lives as long as this holds its address.
#[derive(Debug)]
struct Group {
    hash: u64,
    name: Arc<GroupName>,
    address: Addr<QueueGroup>,
    /// Tells this actor from an earlier one of that name.
    number: u64,
    under_way: Option<UnderWay>,
    waiting: VecDeque<Batch>,
    /// What it published last.
    members: GroupMembers,
}

impl Hashed for Group {
    fn hash(&self) -> u64 {
        self.hash
    }
}

/// What a group has been told and has not answered.
#[derive(Debug)]
struct UnderWay {
    changes: Arc<Vec<Change>>,
    /// Whose changes these are.
    tickets: Vec<u64>,
    /// It is to go on where another has failed.
    restoring: bool,
}

/// Changes of one announcement.
#[derive(Debug)]
struct Batch {
    ticket: u64,
    changes: Vec<Change>,
}

impl Groups {
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    pub(super) fn addresses(&self) -> Vec<Addr<QueueGroup>> {
        self.groups.iter().map(|group| group.address.clone()).collect()
    }

    /// Begins anew without groups, of which none is taken for one of those before.
    pub(super) fn begin_anew(&mut self) -> Self {
        let new = Self {
            numbered: self.numbered,
            ..Self::default()
        };
        std::mem::replace(self, new)
    }

    /// What its members were, and how many each stands for.
    pub(super) fn for_each_member(&self, each: &mut impl FnMut(&Arc<ConnectionSubscription>, u32)) {
        for group in self.groups.iter() {
            let tally = group.members.tally();
            for member in group.members.iter() {
                let of_it = tally.servers().filter(|(other, _)| Arc::ptr_eq(member, other));
                let weight = match member.destination().kind().is_server() {
                    true => of_it.map(|(_, weight)| weight).sum::<u64>(),
                    false => 1,
                };
                each(member, u32::try_from(weight).unwrap_or(u32::MAX));
            }
        }
    }

    /// The names of those in which somebody is.
    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<GroupName>> {
        let with_members = self.groups.iter().filter(|group| !group.members.is_empty());
        with_members.map(|group| &group.name)
    }

    /// Those who join and leave groups; call [`send`](Self::send) soon.
    pub(super) fn change(
        &mut self,
        changes: impl IntoIterator<Item = Change>,
        ticket: u64,
        settling: &mut Settling,
        router: &Addr<Router>,
    ) {
        for change in changes {
            // Who leaves may have been in a group that is gone.
            if !matches!(change, Change::Add(_)) && !self.is_there(change.subscription()) {
                continue;
            }
            let group = self.group(change.subscription(), router);
            match group.waiting.back_mut() {
                Some(batch) if batch.ticket == ticket && batch.changes.len() < CHANGES_PER_BATCH => {
                    batch.changes.push(change);
                }
                _ => {
                    let (name, is_ready) = (group.name.clone(), group.is_idle());
                    group.waiting.push_back(Batch {
                        ticket,
                        changes: vec![change],
                    });
                    settling.expect_answer(ticket);
                    if is_ready {
                        self.ready.push(name);
                    }
                }
            }
        }
    }

    /// Calls `each` with the members that join, of whom no group has been heard.
    pub(super) fn for_each_joining(&self, each: &mut impl FnMut(&Arc<ConnectionSubscription>)) {
        for change in self.unanswered() {
            if let Change::Add(member) = change {
                each(member);
            }
        }
    }

    /// The changes that groups have not answered.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = &Change> {
        self.groups.iter().flat_map(|group| {
            let under_way = group.under_way.iter().flat_map(|under_way| &*under_way.changes);
            under_way.chain(group.waiting.iter().flat_map(|batch| &batch.changes))
        })
    }

    /// The group of this member, made if need be.
    fn group(&mut self, member: &ConnectionSubscription, router: &Addr<Router>) -> &mut Group {
        let (subject, queue) = (member.subject(), member.queue().unwrap_or_default());
        let hash = self.hasher.hash_one((subject, queue));
        let is_it = |group: &Group| group.name.is(subject, queue);
        let numbered = &mut self.numbered;
        self.groups.find_or_insert_with(hash, is_it, || {
            *numbered += 1;
            let name = Arc::new(GroupName {
                subject: subject.into(),
                queue: queue.into(),
            });
            Group {
                hash,
                address: QueueGroup::new(name.clone(), *numbered, reports(router)).start(),
                name,
                number: *numbered,
                under_way: None,
                waiting: VecDeque::new(),
                members: GroupMembers::from([]),
            }
        })
    }

    fn is_there(&self, member: &ConnectionSubscription) -> bool {
        let (subject, queue) = (member.subject(), member.queue().unwrap_or_default());
        let hash = self.hasher.hash_one((subject, queue));
        let is_it = |group: &Group| group.name.is(subject, queue);
        self.groups.find(hash, is_it).is_some()
    }

    fn hash(&self, name: &GroupName) -> u64 {
        self.hasher.hash_one((&*name.subject, &*name.queue))
    }

    /// The members of a group, as it published them last.
    pub(super) fn members(&self, name: &GroupName) -> Option<&GroupMembers> {
        let group = self
            .groups
            .find(self.hash(name), |group| group.name.is(&name.subject, &name.queue))?;
        Some(&group.members)
    }

    /// Calls `each` with groups and their members, see [`Table::visit`]; each takes its [looks](looks_of_group).
    pub(super) fn list(
        &self,
        cursor: &mut Cursor,
        looks: &mut usize,
        mut each: impl FnMut(&GroupName, &GroupMembers) -> ControlFlow<()>,
    ) -> bool {
        let (at_most, mut taken) = (*looks, 0);
        let is_all = self.groups.visit(cursor, looks, |group| {
            taken += looks_of_group(&group.members);
            match each(&group.name, &group.members) {
                ControlFlow::Continue(()) if taken < at_most => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        });
        *looks = at_most.saturating_sub(taken);
        is_all
    }

    fn find(&mut self, name: &GroupName) -> Option<&mut Group> {
        let hash = self.hash(name);
        self.groups
            .find_mut(hash, |group| group.name.is(&name.subject, &name.queue))
    }

    fn remove(&mut self, name: &GroupName) {
        let hash = self.hash(name);
        self.groups
            .remove(hash, |group| group.name.is(&name.subject, &name.queue));
    }

    /// Tells the groups that have answered everything what has changed.
    pub(super) fn send(&mut self) {
        for name in std::mem::take(&mut self.ready) {
            if let Some(group) = self.find(&name) {
                group.send();
            }
        }
    }

    /// Whether it is this actor that has this name now.
    pub(super) fn is_known(&mut self, name: &GroupName, number: u64) -> bool {
        self.find(name).is_some_and(|group| group.number == number)
    }

    /// A group has answered, and what it says has been published.
    pub(super) fn answered(&mut self, name: &GroupName, members: GroupMembers, settling: &mut Settling) {
        let Some(group) = self.find(name) else { return };
        group.members = members;
        for ticket in group.under_way.take().into_iter().flat_map(|done| done.tickets) {
            settling.answered(ticket);
        }
        group.send();
        if group.is_idle() && group.members.is_empty() {
            self.remove(name);
        }
    }

    /// A group has panicked. A connection that was joining it is closed, as the cause may be there. The others stay:
    /// another actor takes over what the group published last, and what members weigh since then. If that one panics over it
    /// too, the group ends with the connections of all its members; then this is true, and nobody is to pick from it any more.
    pub(super) fn failed(
        &mut self,
        failed: &GroupFailed,
        settling: &mut Settling,
        router: &Addr<Router>,
    ) -> bool {
        self.numbered += 1;
        let number = self.numbered;
        let Some(group) = self
            .find(&failed.name)
            .filter(|group| group.number == failed.number)
        else {
            return false;
        };
        let was_restored = group.under_way.as_ref().is_some_and(|failed| failed.restoring);
        let (mut weighing, mut tickets) = (Vec::new(), Vec::new());
        if let Some(failed) = group.under_way.take() {
            cut_off_joining(&failed.changes);
            let weighs = |change: &&Change| matches!(change, Change::Weigh(..));
            weighing.extend(failed.changes.iter().filter(weighs).cloned());
            tickets = failed.tickets;
        }
        if !was_restored {
            group.number = number;
            group.address = QueueGroup::new(group.name.clone(), number, reports(router)).start();
            group.tell(weighing, tickets, Some(group.members.clone()));
            return false;
        }
        for ticket in tickets {
            settling.answered(ticket);
        }
        group.members.iter().for_each(cut_off);
        for batch in group.waiting.drain(..) {
            cut_off_joining(&batch.changes);
            settling.answered(batch.ticket);
        }
        self.remove(&failed.name);
        true
    }
}

/// Groups report to the Router.
fn reports(router: &Addr<Router>) -> Reports {
    Reports {
        changed: router.clone().recipient(),
        failed: router.clone().recipient(),
    }
}

impl Group {
    fn is_idle(&self) -> bool {
        self.under_way.is_none() && self.waiting.is_empty()
    }

    /// Tells the actor what has changed, if it has answered everything.
    fn send(&mut self) {
        if self.under_way.is_some() || self.waiting.is_empty() {
            return;
        }
        let (mut changes, mut tickets) = (Vec::new(), Vec::new());
        while changes.len() < CHANGES_PER_ATTENDANCE
            && let Some(mut batch) = self.waiting.pop_front()
        {
            tickets.push(batch.ticket);
            if changes.is_empty() {
                changes = batch.changes;
            } else {
                changes.append(&mut batch.changes);
            }
        }
        self.tell(changes, tickets, None);
    }

    fn tell(&mut self, changes: Vec<Change>, tickets: Vec<u64>, restored: Option<GroupMembers>) {
        let changes = Arc::new(changes);
        self.under_way = Some(UnderWay {
            changes: changes.clone(),
            tickets,
            restoring: restored.is_some(),
        });
        // One that is gone has panicked, and its word of that is under way.
        tell(&self.address, Attendance { changes, restored });
    }
}

/// What it takes to weigh a group, in looks.
pub(super) fn looks_of_group(members: &GroupMembers) -> usize {
    1 + members.tallied() / MEMBERS_PER_LOOK
}

fn cut_off_joining(changes: &[Change]) {
    for change in changes {
        if let Change::Add(subscription) = change {
            cut_off(subscription);
        }
    }
}

/// The connection of a member ends.
fn cut_off(member: &Arc<ConnectionSubscription>) {
    member.close();
    member.destination().close(CloseReason::ProtocolViolation);
}
