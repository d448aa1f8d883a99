//! Which subjects have an actor: those with traffic, as long as they have it.

use super::Router;
use crate::mailbox::tell;
use crate::subject::{Cooled, Counted, Subject};
use actix::prelude::*;
use hashbrown::HashMap;
use std::sync::Arc;
use vagus_delivery::Account;
use vagus_delivery::arbiter::BusySubject;

/// A subject is hot from this many messages a second on one arbiter.
const HOT_FROM: u64 = 64;

/// No more subjects than this have an actor at one time; further ones wait until others cool down.
const HOT_AT_MOST: usize = 1024;

/// What one arbiter saw of its busiest subjects since it last reported. Sent once a second at most, with a
/// bounded number of subjects.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct SubjectTraffic {
    pub(crate) subjects: Vec<BusySubject>,
}

/// Asks for the addresses of all Subject actors.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Addr<Subject>>")]
pub struct ListHotSubjects;

#[derive(Debug)]
pub(super) struct HotSubjects {
    account: Arc<Account>,
    actors: HashMap<Box<[u8]>, Addr<Subject>, foldhash::fast::RandomState>,
}

impl HotSubjects {
    pub(super) fn new(account: Arc<Account>) -> Self {
        Self {
            account,
            actors: HashMap::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.actors.len()
    }

    pub(super) fn addresses(&self) -> Vec<Addr<Subject>> {
        self.actors.values().cloned().collect()
    }

    /// Passes counts on to the subjects that have an actor, and gives one to those that became hot.
    pub(super) fn report(&mut self, traffic: SubjectTraffic, router: &Addr<Router>) {
        for busy in traffic.subjects {
            let BusySubject {
                subject,
                messages,
                payload,
                ..
            } = busy;
            let counted = Counted { messages, payload };
            if let Some(actor) = self.actors.get(&subject) {
                if !tell(actor, counted) {
                    // It has panicked, and is born again if there is more traffic.
                    self.actors.remove(&subject);
                }
            } else if messages >= HOT_FROM && self.actors.len() < HOT_AT_MOST {
                let actor =
                    Subject::new(subject.clone(), self.account.clone(), router.clone().recipient()).start();
                tell(&actor, counted);
                self.actors.insert(subject, actor);
            }
        }
    }

    pub(super) fn cooled(&mut self, cooled: &Cooled) {
        self.actors.remove(&cooled.subject);
    }
}
