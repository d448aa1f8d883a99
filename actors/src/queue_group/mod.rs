//! The actor that owns one queue group of an account.
//!
//! The role of a QueueGroup is to know who is a member, and to publish that as an immutable array. Which
//! member gets a message is decided by the publisher that has the array; no payload passes here.

use crate::mailbox::{Observe, tell};
use crate::outbox::{ConnectionSubscription, Outbox};
use crate::router::{Change, Router};
use crate::supervision::end_if_panicking;
use actix::prelude::*;
use serde::Serialize;
use std::sync::Arc;

/// The owner of one queue group.
pub struct QueueGroup {
    subject: Box<[u8]>,
    queue: Box<[u8]>,
    members: vagus_routing::QueueGroup<Arc<Outbox>>,
    router: Addr<Router>,
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
}

/// Who joins and leaves, from one announcement of one connection.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Attendance {
    pub(crate) changes: Vec<Change>,
    pub(crate) ticket: u64,
}

/// A group's word to the Router: these are its members from now on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct MembersChanged {
    pub(crate) subject: Box<[u8]>,
    pub(crate) queue: Box<[u8]>,
    pub(crate) members: Arc<[Arc<ConnectionSubscription>]>,
    pub(crate) ticket: u64,
}

impl QueueGroup {
    pub(crate) fn new(subject: Box<[u8]>, queue: Box<[u8]>, router: Addr<Router>) -> Self {
        Self {
            subject,
            queue,
            members: vagus_routing::QueueGroup::new(),
            router,
        }
    }
}

impl Drop for QueueGroup {
    fn drop(&mut self) {
        end_if_panicking("A QueueGroup");
    }
}

impl Actor for QueueGroup {
    type Context = Context<Self>;
}

impl Handler<Attendance> for QueueGroup {
    type Result = ();

    fn handle(&mut self, attendance: Attendance, _: &mut Context<Self>) {
        for change in attendance.changes {
            match change {
                Change::Add(subscription) => self.members.join(subscription),
                Change::Remove(subscription) => self.members.leave(&subscription),
                Change::Limit(..) => continue,
            };
        }
        let changed = MembersChanged {
            subject: self.subject.clone(),
            queue: self.queue.clone(),
            members: self.members.members(),
            ticket: attendance.ticket,
        };
        tell(&self.router, changed);
    }
}

impl Handler<Observe<QueueGroupState>> for QueueGroup {
    type Result = MessageResult<Observe<QueueGroupState>>;

    fn handle(&mut self, _: Observe<QueueGroupState>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(QueueGroupState {
            subject: String::from_utf8_lossy(&self.subject).into_owned(),
            queue: String::from_utf8_lossy(&self.queue).into_owned(),
            members: self.members.len(),
        })
    }
}
