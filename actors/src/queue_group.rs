//! The actor that owns one queue group of an account.
//!
//! The role of a QueueGroup is to know who is a member, and to publish that as something that does not change. Which
//! member gets a message is decided by the publisher that has it; no payload passes here.

use crate::mailbox::{Observe, tell_recipient};
use actix::prelude::*;
use serde::Serialize;
use std::sync::Arc;
use vagus_delivery::outbox::Outbox;
use vagus_delivery::subscriptions::Change;
use vagus_routing::Members;

/// What a group publishes.
pub(crate) type GroupMembers = Members<Arc<Outbox>>;

/// The owner of one queue group.
pub struct QueueGroup {
    name: Arc<GroupName>,
    number: u64,
    members: vagus_routing::QueueGroup<Arc<Outbox>>,
    reports: Reports,
}

/// Who is told what becomes of a group.
#[derive(Debug, Clone)]
pub(crate) struct Reports {
    pub(crate) changed: Recipient<MembersChanged>,
    pub(crate) failed: Recipient<GroupFailed>,
}

/// A queue group is one group a subject and name.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct GroupName {
    pub(crate) subject: Box<[u8]>,
    pub(crate) queue: Box<[u8]>,
}

impl GroupName {
    pub(crate) fn is(&self, subject: &[u8], queue: &[u8]) -> bool {
        *self.subject == *subject && *self.queue == *queue
    }
}

/// What a [`QueueGroup`] shows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueGroupState {
    /// The subject its members subscribe to.
    pub subject: String,
    /// Its name.
    pub queue: String,
    /// How many members it has.
    pub members: usize,
    /// How many pointers to members, and to parts of the group, were copied for what it published: what its changes cost
    /// beyond themselves.
    pub copied: u64,
}

/// Who joins and leaves. A group has one under way at most, and answers each.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Attendance {
    pub(crate) changes: Arc<Vec<Change>>,
    /// What another actor of this group had published before it failed: with that it begins.
    pub(crate) restored: Option<GroupMembers>,
}

/// A group's answer to each [`Attendance`]: these are its members from now on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct MembersChanged {
    pub(crate) name: Arc<GroupName>,
    pub(crate) number: u64,
    pub(crate) members: GroupMembers,
}

/// A group's last report: it has panicked.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct GroupFailed {
    pub(crate) name: Arc<GroupName>,
    pub(crate) number: u64,
}

impl QueueGroup {
    /// `number` tells it from other actors of that name.
    pub(crate) fn new(name: Arc<GroupName>, number: u64, reports: Reports) -> Self {
        Self {
            name,
            number,
            members: vagus_routing::QueueGroup::new(),
            reports,
        }
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Add(subscription) => {
                #[cfg(test)]
                tests::panic_if_wanted(subscription);
                self.members.join(subscription.clone());
            }
            Change::Remove(subscription) => {
                self.members.leave(subscription);
            }
            Change::Weigh(subscription, weight) => {
                self.members.set_weight(subscription, *weight);
            }
            Change::Limit(..) | Change::Except(_) => {}
        }
    }
}

impl Drop for QueueGroup {
    /// Peers name groups: that one of them fails is not the end of all.
    fn drop(&mut self) {
        if std::thread::panicking() {
            log::error!(
                "Internal error in queue group {} of {}",
                self.name.queue.escape_ascii(),
                self.name.subject.escape_ascii()
            );
            let failed = GroupFailed {
                name: self.name.clone(),
                number: self.number,
            };
            tell_recipient(&self.reports.failed, failed);
        }
    }
}

impl Actor for QueueGroup {
    type Context = Context<Self>;
}

impl Handler<Attendance> for QueueGroup {
    type Result = ();

    fn handle(&mut self, attendance: Attendance, _: &mut Context<Self>) {
        if let Some(members) = attendance.restored {
            #[cfg(test)]
            members.iter().for_each(tests::panic_if_wanted_again);
            self.members = vagus_routing::QueueGroup::restored(&members);
        }
        for change in &*attendance.changes {
            self.apply(change);
        }
        let changed = MembersChanged {
            name: self.name.clone(),
            number: self.number,
            members: self.members.members(),
        };
        tell_recipient(&self.reports.changed, changed);
    }
}

impl Handler<Observe<QueueGroupState>> for QueueGroup {
    type Result = MessageResult<Observe<QueueGroupState>>;

    fn handle(&mut self, _: Observe<QueueGroupState>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(QueueGroupState {
            subject: String::from_utf8_lossy(&self.name.subject).into_owned(),
            queue: String::from_utf8_lossy(&self.name.queue).into_owned(),
            members: self.members.len(),
            copied: self.members.copied(),
        })
    }
}

#[cfg(test)]
mod tests;
