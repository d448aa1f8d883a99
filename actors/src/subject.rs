//! The actor of a subject that has traffic.
//!
//! The role of a Subject is to know what publishers do not keep: how much passes on it, to how many, and the
//! newest fan-out. It is born by traffic, stops when there is none, and sees no payload: an actor per subject
//! in the path of messages would break a publisher's order across subjects.

use crate::mailbox::{Observe, tell_recipient};
use actix::prelude::*;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use vagus_delivery::Account;
use vagus_routing::Version;

/// How often a subject looks whether its fan-out has changed and what passed.
const INTERVAL: Duration = Duration::from_secs(1);

/// A subject stops after this many intervals without a message.
const IDLE_INTERVALS: u32 = 10;

/// The owner of what is known of one hot subject.
#[derive(Debug)]
pub struct Subject {
    subject: Box<[u8]>,
    account: Arc<Account>,
    cooled: Recipient<Cooled>,
    version: Version,
    /// By the newest fan-out, which is not kept: it may be a large one.
    deliveries: usize,
    messages: u64,
    payload: u64,
    messages_before: u64,
    rate: f64,
    idle_intervals: u32,
}

/// What a [`Subject`] shows of itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubjectState {
    /// The subject.
    pub subject: String,
    /// Messages published on it since it became hot.
    pub messages: u64,
    /// Their headers and payloads, in bytes.
    pub payload: u64,
    /// Messages a second, smoothed over a few seconds.
    pub rate: f64,
    /// How many connections and queue groups a message goes to, by the newest fan-out; at least, where thousands of
    /// overlapping wildcards match.
    pub deliveries: usize,
}

/// What passed on a subject since it was last counted.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(crate) struct Counted {
    pub(crate) messages: u64,
    pub(crate) payload: u64,
}

/// A subject's last report: there is no traffic any more, and it stops.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Cooled {
    pub(crate) subject: Box<[u8]>,
}

impl Subject {
    pub(crate) fn new(subject: Box<[u8]>, account: Arc<Account>, cooled: Recipient<Cooled>) -> Self {
        let version = account.interest().version(&subject);
        let deliveries = account.interest().deliveries(&subject);
        Self {
            subject,
            account,
            cooled,
            version,
            deliveries,
            messages: 0,
            payload: 0,
            messages_before: 0,
            rate: 0.0,
            idle_intervals: 0,
        }
    }

    /// One interval has passed; false when the subject has had no traffic for long enough to stop.
    fn interval(&mut self) -> bool {
        let version = self.account.interest().version(&self.subject);
        if version != self.version {
            self.version = version;
            self.deliveries = self.account.interest().deliveries(&self.subject);
        }
        let passed = self.messages - self.messages_before;
        self.messages_before = self.messages;
        self.rate += (passed as f64 / INTERVAL.as_secs_f64() - self.rate) / 2.0;
        self.idle_intervals = if passed == 0 { self.idle_intervals + 1 } else { 0 };
        self.idle_intervals < IDLE_INTERVALS
    }
}

impl Actor for Subject {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.run_interval(INTERVAL, |subject, context| {
            if !subject.interval() {
                tell_recipient(
                    &subject.cooled,
                    Cooled {
                        subject: subject.subject.clone(),
                    },
                );
                context.stop();
            }
        });
    }
}

impl Handler<Counted> for Subject {
    type Result = ();

    fn handle(&mut self, counted: Counted, _: &mut Context<Self>) {
        #[cfg(test)]
        tests::panic_if_wanted(&self.subject, counted);
        self.messages += counted.messages;
        self.payload += counted.payload;
    }
}

impl Handler<Observe<SubjectState>> for Subject {
    type Result = MessageResult<Observe<SubjectState>>;

    fn handle(&mut self, _: Observe<SubjectState>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(SubjectState {
            subject: String::from_utf8_lossy(&self.subject).into_owned(),
            messages: self.messages,
            payload: self.payload,
            rate: self.rate,
            deliveries: self.deliveries,
        })
    }
}

#[cfg(test)]
mod tests;
