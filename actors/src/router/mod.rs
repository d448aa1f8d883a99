//! The actor that owns an account's subject index: the only one that writes it.
//!
//! The role of the Router is to put interest in force. It never sees a payload: publishers resolve routes
//! from the index themselves. It answers a connection only once every publisher goes by the new index, so a
//! PONG behind a SUB or UNSUB means what clients take it to mean.

mod changes;
pub(crate) mod hot_subjects;
mod settling;

pub use changes::{Announce, Change, Settled};
pub use hot_subjects::ListHotSubjects;
pub(crate) use hot_subjects::SubjectTraffic;

use crate::arbiter::Arbiters;
use crate::interest::Interest;
use crate::mailbox::{Observe, tell};
use crate::outbox::ConnectionSubscription;
use crate::queue_group::{Attendance, MembersChanged, QueueGroup};
use crate::supervision::end_if_panicking;
use actix::prelude::*;
use changes::Work;
use hashbrown::HashMap;
use hot_subjects::HotSubjects;
use serde::Serialize;
use settling::Settling;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many changes are made under one hold of the index's write lock: publishers get in between.
const CHANGES_PER_LOCK: usize = 256;

/// How many changes are made before other actors of the arbiter get their turn.
const CHANGES_PER_TURN: usize = 2048;

/// The owner of an account's subject index.
#[derive(Debug)]
pub struct Router {
    interest: Arc<Interest>,
    work: VecDeque<Work>,
    groups: HashMap<GroupKey, Group, foldhash::fast::RandomState>,
    settling: Settling,
    hot_subjects: HotSubjects,
    working: bool,
}

/// A queue group is one group a name and subject.
type GroupKey = (Box<[u8]>, Box<[u8]>);

/// A queue group as the Router knows it: the actor lives as long as this holds its address.
#[derive(Debug)]
struct Group {
    address: Addr<QueueGroup>,
    /// Changes it has not answered: until then it is not forgotten, empty or not.
    unanswered: usize,
}

/// What a [`Router`] shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouterState {
    /// Plain subscriptions and members of queue groups in the index.
    pub subscriptions: usize,
    /// Subscriptions added since the start.
    pub inserts: u64,
    /// Subscriptions removed since the start.
    pub removes: u64,
    /// Queue groups that have members.
    pub queue_groups: usize,
    /// Subjects that have an actor because there is traffic on them.
    pub hot_subjects: usize,
    /// Changes that are not made yet.
    pub waiting_changes: usize,
    /// Announcements that are made but may not be in force for every publisher yet.
    pub settling: usize,
}

impl Router {
    /// The router of an account.
    pub fn new(interest: Arc<Interest>, arbiters: Arc<Arbiters>) -> Self {
        Self {
            hot_subjects: HotSubjects::new(interest.clone()),
            interest,
            work: VecDeque::new(),
            groups: HashMap::default(),
            settling: Settling::new(arbiters),
            working: false,
        }
    }

    /// Makes changes in the order they came, up to a turn's worth.
    fn proceed(&mut self, context: &mut Context<Self>) {
        self.working = false;
        let mut left = CHANGES_PER_TURN;
        while let Some(mut work) = self.work.pop_front() {
            let mut changes = work.take(CHANGES_PER_LOCK.min(left));
            left = left.saturating_sub(changes.len());
            let ticket = work.ticket();
            self.change_plain(&changes);
            changes.retain(|change| change.subscription().queue().is_some());
            self.change_groups(changes, ticket, context);
            if work.is_empty() {
                self.settling.all_announced(ticket);
            } else {
                self.put_back(work);
            }
            if left == 0 {
                break;
            }
        }
        if !self.work.is_empty() {
            self.come_back(context);
        }
        self.settle(context);
    }

    /// Puts the rest of an announcement behind the others, so that a long one does not hold them up; but in front if
    /// there is a later one of the same connection.
    fn put_back(&mut self, work: Work) {
        if self
            .work
            .iter()
            .any(|other| other.connection() == work.connection())
        {
            self.work.push_front(work);
        } else {
            self.work.push_back(work);
        }
    }

    fn change_plain(&mut self, changes: &[Change]) {
        let mut index = self.interest.change();
        for change in changes {
            let subscription = change.subscription();
            let in_group = subscription.queue().is_some();
            match change {
                Change::Limit(_, max) => {
                    subscription.set_limit(*max);
                }
                Change::Add(_) if in_group => continue,
                Change::Add(_) => {
                    index.insert(subscription.clone());
                }
                Change::Remove(_) => {
                    subscription.close();
                    if in_group {
                        continue;
                    }
                    index.remove(subscription);
                }
            }
            self.interest.versions().bump(subscription.subject());
        }
    }

    /// Tells each queue group who joins and leaves. Their answers come back as [`MembersChanged`].
    fn change_groups(&mut self, changes: Vec<Change>, ticket: u64, context: &mut Context<Self>) {
        let mut attendance: HashMap<GroupKey, Vec<Change>, foldhash::fast::RandomState> = HashMap::default();
        for change in changes {
            if matches!(change, Change::Limit(..)) {
                continue;
            }
            let key = group_key(change.subscription());
            attendance.entry(key).or_default().push(change);
        }
        for (key, changes) in attendance {
            let group = self
                .groups
                .entry(key)
                .or_insert_with_key(|(subject, queue)| Group {
                    address: QueueGroup::new(subject.clone(), queue.clone(), context.address()).start(),
                    unanswered: 0,
                });
            if tell(&group.address, Attendance { changes, ticket }) {
                group.unanswered += 1;
                self.settling.expect_group(ticket);
            }
        }
    }

    /// Answers the announcements that every publisher goes by, and looks again soon at the others.
    fn settle(&mut self, context: &mut Context<Self>) {
        if self.settling.answer() {
            self.come_back(context);
        }
    }

    fn come_back(&mut self, context: &mut Context<Self>) {
        if !self.working {
            self.working = true;
            context.notify(Proceed);
        }
    }
}

fn group_key(subscription: &ConnectionSubscription) -> GroupKey {
    (
        subscription.subject().into(),
        subscription.queue().unwrap_or_default().into(),
    )
}

/// Asks for the subscriptions that match a subject without wildcards, those of queue groups included.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Arc<ConnectionSubscription>>")]
pub(crate) struct MatchSubject {
    pub(crate) subject: Box<[u8]>,
}

impl Handler<MatchSubject> for Router {
    type Result = Vec<Arc<ConnectionSubscription>>;

    fn handle(&mut self, wanted: MatchSubject, _: &mut Context<Self>) -> Self::Result {
        self.interest.matching(&wanted.subject)
    }
}

/// Asks for the addresses of all QueueGroup actors.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Addr<QueueGroup>>")]
pub struct ListQueueGroups;

/// The Router's word to itself: there is more to do.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Proceed;

impl Actor for Router {
    type Context = Context<Self>;
}

impl Drop for Router {
    /// Without its Router a server would go on by an index that nobody changes.
    fn drop(&mut self) {
        end_if_panicking("The Router");
    }
}

impl Handler<Announce> for Router {
    type Result = ();

    fn handle(&mut self, announce: Announce, context: &mut Context<Self>) {
        let ticket = self.settling.open(&announce);
        self.work.push_back(Work::new(announce, ticket));
        // An announcement of usual size is made at once, unless others wait before it.
        if !self.working {
            self.proceed(context);
        }
    }
}

impl Handler<Proceed> for Router {
    type Result = ();

    fn handle(&mut self, _: Proceed, context: &mut Context<Self>) {
        self.proceed(context);
    }
}

impl Handler<MembersChanged> for Router {
    type Result = ();

    fn handle(&mut self, changed: MembersChanged, context: &mut Context<Self>) {
        let empty = changed.members.is_empty();
        let key = (changed.subject, changed.queue);
        self.interest.change().set_group(&key.0, &key.1, changed.members);
        self.interest.versions().bump(&key.0);
        if let Some(group) = self.groups.get_mut(&key) {
            group.unanswered -= 1;
            if empty && group.unanswered == 0 {
                self.groups.remove(&key);
            }
        }
        self.settling.group_answered(changed.ticket);
        self.settle(context);
    }
}

impl Handler<SubjectTraffic> for Router {
    type Result = ();

    fn handle(&mut self, traffic: SubjectTraffic, context: &mut Context<Self>) {
        self.hot_subjects.report(traffic, &context.address());
    }
}

impl Handler<hot_subjects::Cooled> for Router {
    type Result = ();

    fn handle(&mut self, cooled: hot_subjects::Cooled, _: &mut Context<Self>) {
        self.hot_subjects.cooled(&cooled);
    }
}

impl Handler<ListHotSubjects> for Router {
    type Result = Vec<Addr<crate::subject::Subject>>;

    fn handle(&mut self, _: ListHotSubjects, _: &mut Context<Self>) -> Self::Result {
        self.hot_subjects.addresses()
    }
}

impl Handler<ListQueueGroups> for Router {
    type Result = Vec<Addr<QueueGroup>>;

    fn handle(&mut self, _: ListQueueGroups, _: &mut Context<Self>) -> Self::Result {
        self.groups.values().map(|group| group.address.clone()).collect()
    }
}

impl Handler<Observe<RouterState>> for Router {
    type Result = MessageResult<Observe<RouterState>>;

    fn handle(&mut self, _: Observe<RouterState>, _: &mut Context<Self>) -> Self::Result {
        let index = self.interest.stats();
        MessageResult(RouterState {
            subscriptions: index.plain + index.group_members,
            inserts: index.inserts,
            removes: index.removes,
            queue_groups: self.groups.len(),
            hot_subjects: self.hot_subjects.len(),
            waiting_changes: self.work.iter().map(Work::len).sum(),
            settling: self.settling.len(),
        })
    }
}
