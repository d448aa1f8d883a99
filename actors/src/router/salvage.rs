//! What is left of an account whose Router has panicked, and what of it others go on with.
//!
//! It may be millions of subscriptions, so it is looked through on a thread of its own.

use super::Router;
use super::beginning_anew::is_of_the_server;
use super::changes::{Announce, Announcer};
use super::groups::Groups;
use super::schedule::{Portion, Schedule};
use super::shadows::Shadows;
use super::watchers::{Topic, Watchers};
use crate::mailbox::{end_if_panicking, tell};
use actix::prelude::*;
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread::Builder;
use vagus_delivery::outbox::{ConnectionSubscription, Outbox};
use vagus_delivery::subscriptions::Change;
use vagus_protocol::error::CloseReason;
use vagus_routing::{ConnectionId, Destination, Index, Listing};

/// What the Router had.
pub(super) struct Remains {
    /// Those who were in the account.
    pub(super) present: Vec<Arc<Outbox>>,
    /// What it was changing.
    pub(super) making: Option<Arc<Portion>>,
    pub(super) index: Index<Arc<Outbox>>,
    pub(super) schedule: Schedule,
    pub(super) groups: Groups,
    pub(super) shadows: Shadows,
    /// Nothing of it is gone on with: it is freed here, as it may be much.
    pub(super) watchers: Watchers,
    /// Whether somebody has been told of the account's interest.
    pub(super) is_watched: bool,
    /// Those whose announcements have not been answered.
    pub(super) waiting: Vec<Announcer>,
    /// It has panicked while it took back what had been salvaged before, nobody knows over which of it.
    pub(super) again: bool,
}

/// What others go on with.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Salvaged {
    /// By connection, in the order in which it is to be made.
    pub(super) kept: HashMap<ConnectionId, Vec<Change>, RandomState>,
    /// What peers may have been told of that is no more.
    pub(super) topics: Vec<Topic>,
    /// Those who are to be answered.
    pub(super) waiting: Vec<Announcer>,
}

/// Nothing but this thread knows what is to be salvaged.
struct Salvage;

impl Drop for Salvage {
    fn drop(&mut self) {
        end_if_panicking("The Router");
    }
}

impl Remains {
    /// Closes those who were in the account, and tells its Router what others go on with. Does not block.
    pub(super) fn salvage_for(self, router: Addr<Router>) -> io::Result<()> {
        let salvage = move || {
            let _salvage = Salvage;
            tell(&router, self.salvage());
        };
        Builder::new().name("salvage".to_owned()).spawn(salvage)?;
        Ok(())
    }

    fn salvage(mut self) -> Salvaged {
        let mut owners = Owners::of(&self.present);
        for change in self.making.iter().flat_map(|making| &making.changes) {
            owners.close(change.subscription());
        }
        for (account, exporting, changes) in std::mem::take(&mut self.shadows).end().into_each() {
            let announce = Announce {
                account,
                changes,
                announcer: None,
            };
            tell(&exporting, announce);
        }
        let topics = match self.is_watched {
            true => self.topics(),
            false => Vec::new(),
        };
        drop(std::mem::take(&mut self.watchers));
        let waiting = std::mem::take(&mut self.waiting);
        let kept = self.kept(&mut owners);
        Salvaged {
            kept,
            topics,
            waiting,
        }
    }

    /// What others than its connections have in the account, as it would be if everything had been done that waited.
    fn kept(self, owners: &mut Owners) -> HashMap<ConnectionId, Vec<Change>, RandomState> {
        let making = self
            .making
            .iter()
            .flat_map(|making| making.changes.iter().cloned());
        let unanswered = self.groups.unanswered().cloned();
        let waiting = unanswered.chain(making).chain(self.schedule.into_changes());
        let mut found = Vec::new();
        self.index.for_each(&mut |subscription| {
            if subscription.queue().is_none() {
                found.push(Change::Add(subscription.clone()));
            }
        });
        self.groups.for_each_member(&mut |member, weight| {
            found.push(Change::Add(member.clone()));
            if weight != 1 {
                found.push(Change::Weigh(member.clone(), weight));
            }
        });
        for change in waiting {
            if let Change::Remove(subscription) = &change {
                subscription.close();
            }
            found.push(change);
        }
        if self.again {
            found
                .iter()
                .for_each(|change| owners.close(change.subscription()));
        }
        let mut added: HashSet<*const ConnectionSubscription, RandomState> = HashSet::default();
        let mut kept: HashMap<ConnectionId, Vec<Change>, RandomState> = HashMap::default();
        for change in found {
            let subscription = change.subscription();
            let is_again = matches!(change, Change::Add(_)) && !added.insert(Arc::as_ptr(subscription));
            if !is_again && owners.go_on_with(subscription) {
                let connection = subscription.destination().connection_id();
                kept.entry(connection).or_default().push(change);
            }
        }
        kept
    }

    /// What there was interest in, as far as peers were told.
    fn topics(&self) -> Vec<Topic> {
        let mut topics = Vec::new();
        self.index.list(
            &mut Listing::default(),
            &mut usize::MAX.clone(),
            |subject, plain| {
                if plain.iter().any(|it| !it.destination().kind().is_server()) {
                    topics.push(Topic::Subject(subject.into()));
                }
                ControlFlow::Continue(())
            },
        );
        topics.extend(self.groups.names().cloned().map(Topic::Group));
        topics.extend(self.watchers.topics_of_leaf_nodes());
        topics
    }
}

/// Those who are in the account, and pay for it.
struct Owners(HashSet<ConnectionId, RandomState>);

impl Owners {
    fn of(present: &[Arc<Outbox>]) -> Self {
        let close = |outbox: &Arc<Outbox>| {
            outbox.close(CloseReason::ProtocolViolation);
            outbox.connection_id()
        };
        Self(present.iter().map(close).collect())
    }

    /// Whoever has this pays, too.
    fn close(&mut self, subscription: &ConnectionSubscription) {
        if !is_of_the_server(subscription) {
            subscription.destination().close(CloseReason::ProtocolViolation);
        }
    }

    /// Whether somebody else goes on with this.
    fn go_on_with(&self, subscription: &ConnectionSubscription) -> bool {
        let owner = subscription.destination();
        !subscription.is_closed() && !owner.is_closed() && !self.0.contains(&owner.connection_id())
    }
}
