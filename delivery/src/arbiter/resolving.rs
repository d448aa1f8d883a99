//! Subjects that take more than one turn to resolve, and what a connection keeps of a turn that was too short.
//!
//! The list of what a subject reaches is made in parts, and the index changes between two of them. It has whatever was
//! subscribed from the first part to the last; the message was read before the first. What has ended meanwhile is left out
//! when the list becomes a fan-out, in the turn that delivers by it: the Router marks a subscription as ended before it
//! looks which turns run, so either the mark is seen or the turn is waited for (see `quiescence`). The fan-out is kept under
//! the version that was loaded before the first part: it is out of date if anything has changed since.

use super::building::{Builder, Building, Built, MADE_HERE_AT_MOST, UnderWay};
use super::posted::Posted;
use super::spread::Spread;
use super::staging::Staging;
use super::tracing::Tracing;
use super::with_care::ConnectionFanout;
use crate::account::Account;
use crate::interest::{Interest, LOOKED_AT_ONCE};
use crate::lines::Lines;
use crate::outbox::{ConnectionSubscription, Outbox};
use std::sync::Arc;
use vagus_routing::{AccountId, Matches, Version};

/// What a turn could not do to its end, for a later turn of the same publisher.
#[derive(Debug)]
pub enum Unfinished {
    /// Goes on by itself, before anything else of the publisher.
    Delivering(Box<Spread>),
    /// So does this.
    Tracing(Box<Tracing>),
    /// And this, a message that no client of an account has published in it, the subject of which is not resolved.
    Publishing(Box<Posted>, Arc<Account>, Option<Resolving>),
    /// One behind the other.
    InOrder(Box<Unfinished>, Box<Unfinished>),
    /// Goes on when the message that asked for it is looked at again.
    Resolving(Resolving),
}

impl Unfinished {
    /// Whether it goes on by itself, before anything else of the publisher.
    pub fn goes_on_by_itself(&self) -> bool {
        !matches!(self, Self::Resolving(_))
    }

    /// The subject that has to be resolved before anything else.
    pub(super) fn resolving(&mut self) -> Option<&mut Resolving> {
        match self {
            Self::Resolving(resolving) | Self::Publishing(_, _, Some(resolving)) => Some(resolving),
            Self::InOrder(first, _) => first.resolving(),
            Self::Delivering(_) | Self::Tracing(_) | Self::Publishing(_, _, None) => None,
        }
    }
}

/// A subject on the way to its fan-out.
#[derive(Debug)]
pub struct Resolving {
    account: AccountId,
    /// Empty while it is not known whether one turn is enough.
    subject: Box<[u8]>,
    /// That of before the first part.
    version: Version,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// What it reaches is being listed.
    Listing(Matches<Arc<Outbox>>),
    /// All is listed, and so much that another thread is to make the fan-out of it.
    Listed(Matches<Arc<Outbox>>),
    /// Another thread makes the fan-out.
    Building(Arc<Building>),
}

/// What is known of a subject after one more part.
#[derive(Debug)]
pub(super) enum Resolved {
    /// There is more to do, in a later turn.
    InPart,
    /// What it reaches. If it was made elsewhere, each subscription is to be asked whether it has ended.
    Entirely {
        fanout: Arc<ConnectionFanout>,
        elsewhere: bool,
    },
}

impl Resolving {
    pub(super) fn new(account: AccountId, version: Version) -> Self {
        Self {
            account,
            subject: Box::default(),
            version,
            stage: Stage::Listing(Matches::default()),
        }
    }

    /// Another publisher of the arbiter has begun it.
    pub(super) fn begun(building: Arc<Building>) -> Self {
        Self {
            account: building.account,
            subject: Box::default(),
            version: building.version,
            stage: Stage::Building(building),
        }
    }

    pub(super) fn is_for(&self, account: AccountId, subject: &[u8]) -> bool {
        self.account == account && *self.subject == *subject
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// Goes on with one part; true when all is listed.
    pub(super) fn list(&mut self, interest: &Interest, subject: &[u8], staging: &mut Staging) -> bool {
        let Stage::Listing(matches) = &mut self.stage else {
            return true;
        };
        let before = matches.work();
        let done = interest.add_matches(subject, matches, LOOKED_AT_ONCE);
        staging.charge(matches.work() - before);
        done
    }

    /// Goes on with one part. What is too much for one turn is left to another thread where `may_wait`.
    pub(super) fn proceed(
        &mut self,
        interest: &Interest,
        subject: &[u8],
        staging: &mut Staging,
        may_wait: bool,
    ) -> Resolved {
        if !self.list(interest, subject, staging) {
            return Resolved::InPart;
        }
        match &mut self.stage {
            Stage::Listing(matches) if may_wait && matches.plain() > MADE_HERE_AT_MOST => {
                self.stage = Stage::Listed(std::mem::take(matches));
                Resolved::InPart
            }
            Stage::Listing(matches) | Stage::Listed(matches) => Resolved::Entirely {
                fanout: Arc::new(matches.take_fanout(self.account, subject, &Lines)),
                elsewhere: false,
            },
            Stage::Building(building) => match building.result() {
                Built::NotYet => Resolved::InPart,
                Built::Done(fanout) => Resolved::Entirely {
                    fanout,
                    elsewhere: true,
                },
                Built::Failed => {
                    self.stage = Stage::Listing(Matches::default());
                    Resolved::InPart
                }
            },
        }
    }

    /// Has the fan-out made by another thread, if it is to be; true if `publisher` is woken when that is done. Where too many
    /// are being made it waits for one of them, and begins anew.
    pub(super) fn build_elsewhere(
        &mut self,
        under_way: &mut UnderWay,
        builder: &Builder,
        publisher: &Arc<Outbox>,
    ) -> bool {
        if let Stage::Listed(matches) = &mut self.stage {
            let matches = std::mem::take(matches);
            let begun = under_way
                .find(self.account, &self.subject, self.version)
                .or_else(|| under_way.begin(builder, (self.account, &self.subject), self.version, matches));
            let Some(building) = begun else {
                *self = Self::new(self.account, self.version);
                return under_way.first().is_some_and(|other| other.wait(publisher));
            };
            self.stage = Stage::Building(building);
        }
        match &self.stage {
            Stage::Building(building) => building.wait(publisher),
            Stage::Listing(_) | Stage::Listed(_) => false,
        }
    }

    /// Whether another thread has it.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(self.stage, Stage::Building(_))
    }

    /// Takes one of the plain subscriptions that were found.
    pub(super) fn pop_plain(&mut self) -> Option<Arc<ConnectionSubscription>> {
        match &mut self.stage {
            Stage::Listing(matches) | Stage::Listed(matches) => matches.pop_plain(),
            Stage::Building(_) => None,
        }
    }

    pub(super) fn keep_for(mut self, subject: &[u8]) -> Self {
        if *self.subject != *subject {
            self.subject = subject.into();
        }
        self
    }
}
