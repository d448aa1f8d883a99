//! Announcements on their way from "written to the index" to "in force for every publisher".

use super::changes::{Announcer, Settled, ShadowsSettled};
use crate::mailbox::{tell, tell_recipient};
use hashbrown::HashMap;
use std::sync::Arc;
use std::task::Waker;
use vagus_delivery::arbiter::{Arbiters, Running};
use vagus_routing::AccountId;

/// The announcements that have not been answered.
#[derive(Debug)]
pub(super) struct Settling {
    account: AccountId,
    arbiters: Arc<Arbiters>,
    next_ticket: u64,
    open: HashMap<u64, Open, foldhash::fast::RandomState>,
    /// Everything of these is written. Turns of publishers may not know it.
    written: Vec<Announcer>,
    /// The same, for those written before; and the turns that ran then.
    waiting: Vec<(Vec<Announcer>, Running)>,
    /// No turn contradicts them.
    in_force: Vec<Announcer>,
}

#[derive(Debug)]
struct Open {
    announcer: Option<Announcer>,
    takes_away: bool,
    /// The Router still has changes of it to make.
    announcing: bool,
    /// Batches of changes that queue groups, and Routers of other accounts, have not answered.
    batches: usize,
}

impl Settling {
    pub(super) fn new(account: AccountId, arbiters: Arc<Arbiters>) -> Self {
        Self {
            account,
            arbiters,
            next_ticket: 0,
            open: HashMap::default(),
            written: Vec::new(),
            waiting: Vec::new(),
            in_force: Vec::new(),
        }
    }

    /// Begins anew, with other tickets; gives those who wait.
    pub(super) fn begin_anew(&mut self) -> Vec<Announcer> {
        let mut new = Self::new(self.account, self.arbiters.clone());
        new.next_ticket = self.next_ticket;
        let before = std::mem::replace(self, new);
        let open = before.open.into_values().filter_map(|open| open.announcer);
        let waiting = before.waiting.into_iter().flat_map(|(announcers, _)| announcers);
        let in_force = before.in_force.into_iter();
        open.chain(before.written)
            .chain(waiting)
            .chain(in_force)
            .collect()
    }

    pub(super) fn len(&self) -> usize {
        let waiting: usize = self.waiting.iter().map(|(settled, _)| settled.len()).sum();
        self.open.len() + self.written.len() + waiting + self.in_force.len()
    }

    /// The ticket of an announcement.
    pub(super) fn open(&mut self, announcer: Option<Announcer>, takes_away: bool) -> u64 {
        self.next_ticket += 1;
        let open = Open {
            announcer,
            takes_away,
            announcing: true,
            batches: 0,
        };
        self.open.insert(self.next_ticket, open);
        self.next_ticket
    }

    /// A queue group, or another Router, has been told, or will be, of a batch of changes.
    pub(super) fn expect_answer(&mut self, ticket: u64) {
        if let Some(open) = self.open.get_mut(&ticket) {
            open.batches += 1;
        }
    }

    /// A batch has been answered.
    pub(super) fn answered(&mut self, ticket: u64) {
        if let Some(open) = self.open.get_mut(&ticket) {
            open.batches = open.batches.saturating_sub(1);
        }
        self.close_if_written(ticket);
    }

    pub(super) fn all_announced(&mut self, ticket: u64) {
        if let Some(open) = self.open.get_mut(&ticket) {
            open.announcing = false;
        }
        self.close_if_written(ticket);
    }

    fn close_if_written(&mut self, ticket: u64) {
        let is_written = |open: &Open| !open.announcing && open.batches == 0;
        if !self.open.get(&ticket).is_some_and(is_written) {
            return;
        }
        let Some(open) = self.open.remove(&ticket) else {
            return;
        };
        match open.announcer {
            Some(announcer) if open.takes_away => self.written.push(announcer),
            Some(announcer) => self.in_force.push(announcer),
            None => {}
        }
    }

    /// Those that no running turn contradicts any more: to be [answered](Self::answer). If some does, `waker` is woken when one
    /// of them ends.
    pub(super) fn take_in_force(&mut self, waker: &Waker) -> Vec<Announcer> {
        self.look(waker);
        std::mem::take(&mut self.in_force)
    }

    /// What was announced is in force.
    pub(super) fn answer(&self, announcer: Announcer) {
        tell_announcer(self.account, announcer);
    }

    fn look(&mut self, waker: &Waker) {
        let quiescence = &self.arbiters.quiescence;
        if !self.written.is_empty() {
            let written = std::mem::take(&mut self.written);
            self.waiting.push((written, quiescence.running()));
        }
        if self.waiting.is_empty() {
            return;
        }
        quiescence.attend(waker);
        let in_force = &mut self.in_force;
        self.waiting.retain_mut(|(announcers, running)| {
            let ended = quiescence.have_ended(running);
            if ended {
                in_force.append(announcers);
            }
            !ended
        });
    }
}

/// What was announced in this account is in force.
fn tell_announcer(account: AccountId, announcer: Announcer) {
    match announcer {
        Announcer::Subscriber(subscriber) => {
            tell_recipient(&subscriber, Settled { account });
        }
        Announcer::Importer(router, ticket) => {
            tell(&router, ShadowsSettled { ticket });
        }
        // Who waits may have gone.
        Announcer::Configurator(waiting) => drop(waiting.send(())),
        Announcer::Waiting(waiting) => drop(waiting.send(())),
    }
}
