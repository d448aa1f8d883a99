//! The actor that owns an account's subject index: the only one that writes it.
//!
//! The role of the Router is to put interest in force. It never sees a payload: publishers resolve routes
//! from the index themselves. It answers a connection only once every publisher goes by the new index, so a
//! PONG behind a SUB or UNSUB means what clients take it to mean.

mod abandoning;
mod beginning_anew;
mod casting;
mod changes;
mod groups;
mod hot_subjects;
mod importing;
mod listeners;
mod receiving;
mod salvage;
mod schedule;
mod services;
mod settling;
mod shadows;
mod watchers;

pub use changes::Settled;
pub(crate) use changes::{Announce, Announcer, ChangeImports, Depart};
pub use hot_subjects::ListHotSubjects;
pub(crate) use hot_subjects::SubjectTraffic;
pub(crate) use listeners::{ListenersChanged, ListenersWatch, WatchListeners};
pub(crate) use services::ServiceImport;
pub(crate) use shadows::StreamImport;
pub use watchers::{EndWatch, InterestChange, InterestChanged, WatchInterest};

use crate::mailbox::{end_if_panicking, tell};
use crate::queue_group::{GroupMembers, GroupName, QueueGroup};
use abandoning::ended;
use actix::prelude::*;
use casting::Casting;
use changes::Work;
use groups::Groups;
use hot_subjects::HotSubjects;
use importing::Importing;
use listeners::Listeners;
use schedule::{Portion, Schedule, Visit};
use serde::Serialize;
use services::Services;
use settling::Settling;
use shadows::{ChangesElsewhere, Shadows};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;
use tokio::task::yield_now;
use vagus_delivery::arbiter::Arbiters;
use vagus_delivery::outbox::ConnectionSubscription;
use vagus_delivery::subscriptions::Change;
use vagus_delivery::{Account, Moment};
use vagus_routing::{ConnectionKind, Destination};
use watchers::Watchers;

/// The owner of an account's subject index.
#[derive(Debug)]
pub struct Router {
    account: Arc<Account>,
    schedule: Schedule,
    groups: Groups,
    settling: Settling,
    hot_subjects: HotSubjects,
    watchers: Watchers,
    listeners: Listeners,
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
    /// What is being changed: if that is the end, whose it is.
    making: Option<Arc<Portion>>,
    /// Imports that are being changed.
    importing: Option<Box<Importing>>,
    /// How often it is being looked what others had in the account before it began anew.
    salvaging: usize,
    /// How many changes are left to be made of that.
    salvaged: usize,
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
    /// How often the account has begun anew because of a panic.
    pub panics: u64,
    /// How much of what others had in the account before that is not in its index again: changes, and one more until it is
    /// known how many.
    pub salvaging: usize,
}

impl Router {
    /// The router of an account.
    pub fn new(account: Arc<Account>, arbiters: Arc<Arbiters>) -> Self {
        Self {
            hot_subjects: HotSubjects::new(account.clone()),
            settling: Settling::new(account.id(), arbiters.clone()),
            shadows: Shadows::default(),
            listeners: Listeners::default(),
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
            making: None,
            importing: None,
            salvaging: 0,
            salvaged: 0,
        }
    }

    fn state(&self) -> RouterState {
        let index = self.account.interest().stats();
        RouterState {
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
            panics: self.account.panics(),
            salvaging: self.salvaging + self.salvaged,
        }
    }

    /// What there is to do, as far as that goes before others have their turn.
    fn work(&mut self, context: &mut Context<Self>, task: &mut TaskContext<'_>) {
        // An address is made only where there is use for it: the last that is dropped wakes the Router.
        if !self.resting && self.has_work() {
            let router = context.address();
            self.visit(&router);
            self.resting = !self.schedule.is_empty() || self.casting.is_some();
            // A watcher that was told something may have taken it before others have had their turn.
            if self.resting || self.told {
                go_on_after_others(router);
            }
        }
        for announcer in self.settling.take_in_force(task.waker()) {
            self.watchers.hold(announcer);
        }
        while let Some(announcer) = self.watchers.release() {
            self.settling.answer(announcer);
        }
        self.go_on_importing(context);
    }

    /// Whether there are changes to be made, or to be told.
    fn has_work(&self) -> bool {
        !self.schedule.is_empty() || self.casting.is_some() || (self.watchers.are_ready() && !self.told)
    }

    /// Whether somebody waits for it.
    fn is_waited_for(&self) -> bool {
        self.settling.len() + self.watchers.held() > 0
    }

    /// Makes changes, and tells of them, up to a visit's worth each.
    fn visit(&mut self, router: &Addr<Self>) {
        self.visits += 1;
        self.watchers.set_in_cluster(self.account.is_in_cluster());
        let more = self.watchers.steps_of_a_change() + self.shadows.steps_of_a_change();
        let mut visit = Visit::new(more);
        while let Some(portion) = self.schedule.take(&mut visit) {
            let portion = Arc::new(portion);
            self.making = Some(portion.clone());
            self.make(&portion, router);
        }
        self.making = None;
        // Their answers come back as `MembersChanged`.
        self.groups.send();
        self.recast(router);
        if self.watchers.are_ready() && !self.told {
            self.watchers.tell(&self.account, &self.groups, router);
            self.told = true;
        }
    }

    fn make(&mut self, portion: &Portion, router: &Addr<Self>) {
        if portion.is_salvaged {
            self.salvaged = self.salvaged.saturating_sub(portion.changes.len());
            // The index, or the group, in which they had a place is gone.
            let added = |change: &&Change| matches!(change, Change::Add(_));
            for change in portion.changes.iter().filter(added) {
                change.subscription().displace();
            }
        }
        self.change_plain(&portion.changes);
        self.listeners.tell();
        if !self.shadows.are_none() {
            let mut elsewhere = ChangesElsewhere::default();
            for change in &portion.changes {
                self.shadows.follow(change, &mut elsewhere);
            }
            self.announce_elsewhere(elsewhere, portion.ticket, router);
        }
        let of_groups = portion.changes.iter().filter(|change| concerns_a_group(change));
        self.groups
            .change(of_groups.cloned(), portion.ticket, &mut self.settling, router);
        if portion.is_last {
            self.settling.all_announced(portion.ticket);
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
            #[cfg(test)]
            beginning_anew::tests::panic_if_wanted(change, self.making.as_deref());
            let subscription = change.subscription();
            let in_group = subscription.queue().is_some();
            match change {
                Change::Limit(_, max) => {
                    subscription.set_limit(*max);
                }
                // It was put in place by its owner: what is left to do is that everybody looks anew.
                Change::Except(_) => {}
                Change::Add(_) if in_group || is_late(change) => continue,
                Change::Weigh(..) if in_group => continue,
                Change::Weigh(..) => {}
                Change::Add(_) => {
                    if index.insert(subscription.clone()) {
                        self.note_fresh(subscription);
                        self.watchers.plain_changed(subscription, true, &index);
                        self.listeners.changed(subscription.subject());
                    }
                }
                Change::Remove(_) => {
                    subscription.close();
                    if in_group {
                        continue;
                    }
                    if index.remove(subscription) {
                        self.watchers.plain_changed(subscription, false, &index);
                        self.listeners.changed(subscription.subject());
                    }
                }
            }
            self.account.interest().versions().bump(subscription.subject());
        }
        drop(index);
        self.abandon_requests(changes.iter().filter_map(ended));
    }

    /// Somebody has subscribed here: servers of other clusters may not know of it for a moment.
    fn note_fresh(&self, subscription: &ConnectionSubscription) {
        let kind = subscription.destination().kind();
        if let Some(fresh) = self.account.interest().fresh()
            && !matches!(kind, ConnectionKind::Route | ConnectionKind::Gateway)
        {
            fresh.note(subscription.subject(), Moment::of(Instant::now()));
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
        if members.is_empty() {
            self.abandon_requests([&*name.subject]);
        }
        self.watchers.set_in_cluster(self.account.is_in_cluster());
        self.watchers.group_changed(name, before.as_ref(), members);
        self.listeners.changed(&name.subject);
        self.listeners.tell();
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

fn concerns_a_group(change: &Change) -> bool {
    !matches!(change, Change::Limit(..) | Change::Except(_))
        && change.subscription().queue().is_some()
        && !is_late(change)
}

/// Whether it begins after it has ended. That it begins and that it ends may be told by two, so that they do not wait in one
/// line: shadows where imports change, and what is [salvaged](Salvaged).
fn is_late(change: &Change) -> bool {
    matches!(change, Change::Add(subscription) if subscription.is_closed())
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
        router.contain(context, |it, context| it.work(context, task));
        // Nobody who knows it is left, and nobody waits: it ends, and the account with it.
        match context.connected() || router.has_work() || router.is_waited_for() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
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
    /// What could not be contained. Without its Router a server would go on by an index that nobody changes.
    fn drop(&mut self) {
        end_if_panicking("The Router");
    }
}

#[cfg(test)]
mod tests;
