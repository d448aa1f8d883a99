//! The actor that owns an account's subject index: the only one that writes it.
//!
//! The role of the Router is to put interest in force. It never sees a payload: publishers resolve routes
//! from the index themselves. It answers a connection only once every publisher goes by the new index, so a
//! PONG behind a SUB or UNSUB means what clients take it to mean.

mod casting;
mod changes;
mod groups;
mod hot_subjects;
mod schedule;
mod services;
mod settling;
mod shadows;
mod watchers;

pub use changes::Settled;
pub(crate) use changes::{Announce, Announcer, ChangeImports, Depart};
pub use hot_subjects::ListHotSubjects;
pub(crate) use hot_subjects::SubjectTraffic;
pub(crate) use services::ServiceImport;
pub(crate) use shadows::StreamImport;
pub use watchers::{InterestChange, InterestChanged, WatchInterest};

use crate::mailbox::{Observe, end_if_panicking, tell};
use crate::queue_group::{GroupFailed, GroupMembers, GroupName, MembersChanged, QueueGroup};
use crate::subject::{Cooled, Subject};
use actix::prelude::*;
use casting::Casting;
use changes::{ShadowsSettled, Work};
use groups::Groups;
use hot_subjects::HotSubjects;
use schedule::{Schedule, Visit};
use serde::Serialize;
use services::Services;
use settling::Settling;
use shadows::{ChangesElsewhere, Shadows};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use tokio::task::yield_now;
use vagus_delivery::Account;
use vagus_delivery::arbiter::Arbiters;
use vagus_delivery::subscriptions::Change;
use watchers::{BatchTaken, FallenBehind, Watchers};

/// The owner of an account's subject index.
#[derive(Debug)]
pub struct Router {
    account: Arc<Account>,
    schedule: Schedule,
    groups: Groups,
    settling: Settling,
    hot_subjects: HotSubjects,
    watchers: Watchers,
    shadows: Shadows,
    /// Not all shadows are as imports say.
    casting: Option<Casting>,
    services: Services,
    arbiters: Arc<Arbiters>,
    /// There is more to do, and it is the turn of others.
    resting: bool,
    /// Watchers have been told something since others had their turn.
    told: bool,
    visits: u64,
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
    /// Subscriptions that stand in other accounts for those of this one, as it imports streams.
    pub shadows: usize,
    /// Services of other accounts that may be asked.
    pub services: usize,
    /// Who is told of interest: peers.
    pub watchers: usize,
    /// Watchers that have not been told everything, or have not taken what they were told last.
    pub watchers_to_tell: usize,
    /// Changes that wait to be told, those of all watchers; of watchers that are gone, until they are forgotten.
    pub untold_changes: usize,
    /// How often changes were made or told, each time a bounded number of them.
    pub visits: u64,
}

impl Router {
    /// The router of an account.
    pub fn new(account: Arc<Account>, arbiters: Arc<Arbiters>) -> Self {
        Self {
            hot_subjects: HotSubjects::new(account.clone()),
            settling: Settling::new(account.id(), arbiters.clone()),
            shadows: Shadows::default(),
            casting: None,
            services: Services::default(),
            arbiters,
            account,
            schedule: Schedule::default(),
            groups: Groups::default(),
            watchers: Watchers::default(),
            resting: false,
            told: false,
            visits: 0,
        }
    }

    /// Whether there are changes to be made, or to be told.
    fn has_work(&self) -> bool {
        !self.schedule.is_empty() || self.casting.is_some() || (self.watchers.are_ready() && !self.told)
    }

    /// Makes changes, and tells of them, up to a visit's worth each.
    fn visit(&mut self, router: &Addr<Self>) {
        self.visits += 1;
        let more = self.watchers.steps_of_a_change() + self.shadows.steps_of_a_change();
        let mut visit = Visit::new(more);
        while let Some(portion) = self.schedule.take(&mut visit) {
            self.change_plain(&portion.changes);
            if !self.shadows.are_none() {
                let mut elsewhere = ChangesElsewhere::default();
                for change in &portion.changes {
                    self.shadows.follow(change, &mut elsewhere);
                }
                self.announce_elsewhere(elsewhere, portion.ticket, router);
            }
            let of_groups = portion.changes.into_iter().filter(concerns_a_group);
            self.groups
                .change(of_groups, portion.ticket, &mut self.settling, router);
            if portion.is_last {
                self.settling.all_announced(portion.ticket);
            }
        }
        // Their answers come back as `MembersChanged`.
        self.groups.send();
        self.recast(router);
        if self.watchers.are_ready() && !self.told {
            self.watchers.tell(&self.account, &self.groups, router);
            self.told = true;
        }
    }

    /// Has some more shadows be as imports say.
    fn recast(&mut self, router: &Addr<Self>) {
        let Some(mut casting) = self.casting.take() else {
            return;
        };
        let mut elsewhere = ChangesElsewhere::default();
        let is_all = casting.proceed(&self.account, &self.groups, &mut self.shadows, &mut elsewhere);
        self.announce_elsewhere(elsewhere, casting.ticket(), router);
        if is_all {
            for ticket in casting.tickets {
                self.settling.answered(ticket);
            }
        } else {
            self.casting = Some(casting);
        }
    }

    /// Has the Routers of other accounts make these changes, for what was announced with this ticket.
    fn announce_elsewhere(&mut self, elsewhere: ChangesElsewhere, ticket: u64, router: &Addr<Self>) {
        for (account, exporting, changes) in elsewhere.into_each() {
            let announce = Announce {
                account,
                changes,
                announcer: Some(Announcer::Importer(router.clone(), ticket)),
            };
            // An account that is gone has no publishers.
            if tell(&exporting, announce) {
                self.settling.expect_answer(ticket);
            }
        }
    }

    /// Makes changes that are announced together.
    fn schedule(&mut self, changes: Vec<Change>, announcer: Option<Announcer>) {
        let awaited = announcer.is_some();
        let takes_away = changes.iter().any(Change::takes_away);
        let ticket = self.settling.open(announcer, takes_away);
        match Work::announced(changes, awaited, ticket) {
            Some(work) => self.schedule.push(work),
            None => self.settling.all_announced(ticket),
        }
    }

    fn change_plain(&mut self, changes: &[Change]) {
        let mut index = self.account.interest().change();
        for change in changes {
            let subscription = change.subscription();
            let in_group = subscription.queue().is_some();
            match change {
                Change::Limit(_, max) => {
                    subscription.set_limit(*max);
                }
                // It was put in place by its owner: what is left to do is that everybody looks anew.
                Change::Except(_) => {}
                // Where imports have changed it may have ended before its turn came.
                Change::Add(_) if in_group || is_late(change) => continue,
                Change::Weigh(..) if in_group => continue,
                Change::Weigh(..) => {}
                Change::Add(_) => {
                    if index.insert(subscription.clone()) {
                        self.watchers.plain_changed(subscription, true, &index);
                    }
                }
                Change::Remove(_) => {
                    subscription.close();
                    if in_group {
                        continue;
                    }
                    if index.remove(subscription) {
                        self.watchers.plain_changed(subscription, false, &index);
                    }
                }
            }
            self.account.interest().versions().bump(subscription.subject());
        }
    }

    /// Has publishers pick from these members of a group.
    fn publish_group(&mut self, name: &Arc<GroupName>, members: &GroupMembers) {
        let before = {
            let mut index = self.account.interest().change();
            let before = index.set_group(&name.subject, &name.queue, members.clone());
            self.account.interest().versions().bump(&name.subject);
            before
        };
        self.watchers.group_changed(name, before.as_ref(), members);
        // Members that have left are freed here, with the lock released.
        drop(before);
    }
}

/// Tells the Router to go on once the thread has looked for events and served all others. A task that wakes itself, or is
/// woken by one that it has woken, is polled some sixty times before that.
fn go_on_after_others(router: Addr<Router>) {
    actix_rt::spawn(async move {
        yield_now().await;
        tell(&router, GoOn);
    });
}

/// The Router's word to itself: others have had their turn.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct GoOn;

impl Handler<GoOn> for Router {
    type Result = ();

    fn handle(&mut self, _: GoOn, _: &mut Context<Self>) {
        self.resting = false;
        self.told = false;
    }
}

fn concerns_a_group(change: &Change) -> bool {
    !matches!(change, Change::Limit(..) | Change::Except(_))
        && change.subscription().queue().is_some()
        && !is_late(change)
}

/// Whether it is a shadow that begins after it has ended: it is announced beside those of others, and not in one line with
/// what its connection announces.
fn is_late(change: &Change) -> bool {
    matches!(change, Change::Add(subscription) if subscription.is_shadow() && subscription.is_closed())
}

/// Makes the changes that wait, a visit at a time, and answers what is in force.
///
/// A future, as what an actor tells itself is handled at once: it would keep the thread until all is done.
struct Working;

impl ActorFuture<Router> for Working {
    type Output = ();

    /// Polled after all messages that have come were handled.
    fn poll(
        self: Pin<&mut Self>,
        router: &mut Router,
        context: &mut Context<Router>,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        if !router.resting && router.has_work() {
            router.visit(&context.address());
            router.resting = !router.schedule.is_empty() || router.casting.is_some();
            // A watcher that was told something may have taken it before others have had their turn.
            if router.resting || router.told {
                go_on_after_others(context.address());
            }
        }
        for announcer in router.settling.take_in_force(task.waker()) {
            router.watchers.hold(announcer);
        }
        while let Some(announcer) = router.watchers.release() {
            router.settling.answer(announcer);
        }
        Poll::Pending
    }
}

/// Asks for the addresses of all QueueGroup actors.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Addr<QueueGroup>>")]
pub struct ListQueueGroups;

impl Actor for Router {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.spawn(Working);
    }
}

impl Drop for Router {
    /// Without its Router a server would go on by an index that nobody changes.
    fn drop(&mut self) {
        end_if_panicking("The Router");
    }
}

impl Handler<Announce> for Router {
    type Result = ();

    fn handle(&mut self, announce: Announce, _: &mut Context<Self>) {
        debug_assert_eq!(announce.account, self.account.id());
        self.schedule(announce.changes, announce.announcer);
    }
}

impl Handler<ShadowsSettled> for Router {
    type Result = ();

    fn handle(&mut self, settled: ShadowsSettled, _: &mut Context<Self>) {
        self.settling.answered(settled.ticket);
    }
}

impl Handler<ChangeImports> for Router {
    type Result = ();

    fn handle(&mut self, change: ChangeImports, context: &mut Context<Self>) {
        let ChangeImports {
            streams,
            services,
            settled,
        } = change;
        let changes = self
            .services
            .change_imports(services, &self.account, &self.arbiters);
        let ticket = self.settling.open(Some(Announcer::Configurator(settled)), true);
        if self.shadows.change_imports(streams) {
            let (shadows, mut elsewhere) = (&mut self.shadows, ChangesElsewhere::default());
            // No list has them yet.
            self.groups.for_each_joining(&mut |member| {
                shadows.recast(member, &mut elsewhere);
            });
            self.announce_elsewhere(elsewhere, ticket, &context.address());
            self.settling.expect_answer(ticket);
            self.casting = Some(Casting::begin(self.casting.take(), ticket));
        }
        match Work::announced(changes, true, ticket) {
            Some(work) => self.schedule.push(work),
            None => self.settling.all_announced(ticket),
        }
    }
}

impl Handler<Depart> for Router {
    type Result = ();

    fn handle(&mut self, depart: Depart, _: &mut Context<Self>) {
        let ticket = self.settling.open(None, true);
        self.schedule.push(Work::departing(depart, ticket));
    }
}

impl Handler<WatchInterest> for Router {
    type Result = ();

    fn handle(&mut self, watch: WatchInterest, _: &mut Context<Self>) {
        self.watchers.add(watch);
    }
}

impl Handler<BatchTaken> for Router {
    type Result = ();

    fn handle(&mut self, taken: BatchTaken, _: &mut Context<Self>) {
        self.watchers.taken(taken);
    }
}

impl Handler<FallenBehind> for Router {
    type Result = ();

    fn handle(&mut self, behind: FallenBehind, _: &mut Context<Self>) {
        self.watchers.fallen_behind(behind);
    }
}

impl Handler<MembersChanged> for Router {
    type Result = ();

    fn handle(&mut self, changed: MembersChanged, _: &mut Context<Self>) {
        let MembersChanged {
            name,
            number,
            members,
        } = changed;
        if self.groups.is_known(&name, number) {
            // First what publishers go by, then the connections that wait for it.
            self.publish_group(&name, &members);
            self.groups.answered(&name, members, &mut self.settling);
        }
    }
}

impl Handler<GroupFailed> for Router {
    type Result = ();

    fn handle(&mut self, failed: GroupFailed, context: &mut Context<Self>) {
        if self
            .groups
            .failed(&failed, &mut self.settling, &context.address())
        {
            self.publish_group(&failed.name, &GroupMembers::from([]));
        }
    }
}

impl Handler<SubjectTraffic> for Router {
    type Result = ();

    fn handle(&mut self, traffic: SubjectTraffic, context: &mut Context<Self>) {
        self.hot_subjects.report(traffic, &context.address());
    }
}

impl Handler<Cooled> for Router {
    type Result = ();

    fn handle(&mut self, cooled: Cooled, _: &mut Context<Self>) {
        self.hot_subjects.cooled(&cooled);
    }
}

impl Handler<ListHotSubjects> for Router {
    type Result = Vec<Addr<Subject>>;

    fn handle(&mut self, _: ListHotSubjects, _: &mut Context<Self>) -> Self::Result {
        self.hot_subjects.addresses()
    }
}

impl Handler<ListQueueGroups> for Router {
    type Result = Vec<Addr<QueueGroup>>;

    fn handle(&mut self, _: ListQueueGroups, _: &mut Context<Self>) -> Self::Result {
        self.groups.addresses()
    }
}

impl Handler<Observe<RouterState>> for Router {
    type Result = MessageResult<Observe<RouterState>>;

    fn handle(&mut self, _: Observe<RouterState>, _: &mut Context<Self>) -> Self::Result {
        let index = self.account.interest().stats();
        MessageResult(RouterState {
            subscriptions: (index.plain + index.group_members).saturating_sub(self.account.crossings()),
            inserts: index.inserts,
            removes: index.removes,
            queue_groups: self.groups.len(),
            hot_subjects: self.hot_subjects.len(),
            waiting_changes: self.schedule.changes(),
            settling: self.settling.len() + self.watchers.held(),
            shadows: self.shadows.len(),
            services: self.services.len(),
            watchers: self.watchers.len(),
            watchers_to_tell: self.watchers.to_tell(),
            untold_changes: self.watchers.untold(),
            visits: self.visits,
        })
    }
}

#[cfg(test)]
mod tests;
