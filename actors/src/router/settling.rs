//! Announcements on their way from "written to the index" to "in force for every publisher".

use super::changes::{Announce, Settled};
use crate::arbiter::{Arbiters, Running};
use crate::mailbox::tell_recipient;
use actix::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The announcements that have not been answered.
#[derive(Debug)]
pub(super) struct Settling {
    arbiters: Arc<Arbiters>,
    next_ticket: u64,
    open: BTreeMap<u64, Open>,
    /// Everything is written; these turns of publishers may not know it.
    waiting: Vec<(Recipient<Settled>, Running)>,
}

#[derive(Debug)]
struct Open {
    settled: Option<Recipient<Settled>>,
    takes_away: bool,
    /// The Router still has changes of it to make.
    announcing: bool,
    /// Queue groups that have not answered.
    groups: usize,
}

impl Settling {
    pub(super) fn new(arbiters: Arc<Arbiters>) -> Self {
        Self {
            arbiters,
            next_ticket: 0,
            open: BTreeMap::new(),
            waiting: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.open.len() + self.waiting.len()
    }

    pub(super) fn open(&mut self, announce: &Announce) -> u64 {
        self.next_ticket += 1;
        let open = Open {
            settled: announce.settled.clone(),
            takes_away: announce.takes_away(),
            announcing: true,
            groups: 0,
        };
        self.open.insert(self.next_ticket, open);
        self.next_ticket
    }

    pub(super) fn expect_group(&mut self, ticket: u64) {
        if let Some(open) = self.open.get_mut(&ticket) {
            open.groups += 1;
        }
    }

    pub(super) fn group_answered(&mut self, ticket: u64) {
        if let Some(open) = self.open.get_mut(&ticket) {
            open.groups = open.groups.saturating_sub(1);
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
        if !self
            .open
            .get(&ticket)
            .is_some_and(|open| !open.announcing && open.groups == 0)
        {
            return;
        }
        let Some(Open {
            settled: Some(settled),
            takes_away,
            ..
        }) = self.open.remove(&ticket)
        else {
            return;
        };
        if takes_away {
            self.waiting.push((settled, self.arbiters.quiescence.running()));
        } else {
            tell_recipient(&settled, Settled);
        }
    }

    /// Answers what no running turn contradicts any more; true while something is left.
    pub(super) fn answer(&mut self) -> bool {
        let quiescence = &self.arbiters.quiescence;
        self.waiting.retain_mut(|(settled, running)| {
            let ended = quiescence.have_ended(running);
            if ended {
                tell_recipient(settled, Settled);
            }
            !ended
        });
        !self.waiting.is_empty()
    }
}
