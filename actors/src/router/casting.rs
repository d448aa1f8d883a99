//! Going through all subscriptions of an account, part by part, where its imports have changed.
//!
//! What is subscribed to meanwhile goes by the new imports already, and is left alone when its turn comes.

use super::groups::Groups;
use super::shadows::{ChangesElsewhere, Shadows};
use std::ops::ControlFlow;
use vagus_delivery::Account;
use vagus_routing::Listing;
use vagus_routing::table::Cursor;

/// How much is done before other tasks of the thread get their turn, in steps of a change; and beyond that the subscriptions
/// to one subject, or the members of one queue group.
const STEPS_PER_VISIT: usize = 1_024;

/// How far it has come.
#[derive(Debug)]
pub(super) struct Casting {
    subjects: Listing,
    are_subjects_done: bool,
    groups: Cursor,
    /// Those who wait for it.
    pub(super) tickets: Vec<u64>,
}

impl Casting {
    /// From the start, for who has this ticket and for those who wait already.
    pub(super) fn begin(before: Option<Self>, ticket: u64) -> Self {
        let mut tickets = before.map_or_else(Vec::new, |before| before.tickets);
        tickets.push(ticket);
        Self {
            subjects: Listing::default(),
            are_subjects_done: false,
            groups: Cursor::default(),
            tickets,
        }
    }

    /// The ticket of who has changed imports last.
    pub(super) fn ticket(&self) -> u64 {
        self.tickets.last().copied().unwrap_or_default()
    }

    /// Goes on with a part; true when that was all.
    pub(super) fn proceed(
        &mut self,
        account: &Account,
        groups: &Groups,
        shadows: &mut Shadows,
        elsewhere: &mut ChangesElsewhere,
    ) -> bool {
        let (mut looks, mut steps) = (STEPS_PER_VISIT, 0);
        let go_on = |steps: usize| match steps < STEPS_PER_VISIT {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        };
        if !self.are_subjects_done {
            let index = account.interest().read();
            self.are_subjects_done = index.list(&mut self.subjects, &mut looks, |_, plain| {
                steps += plain
                    .iter()
                    .map(|each| shadows.recast(each, elsewhere))
                    .sum::<usize>();
                go_on(steps)
            });
        }
        self.are_subjects_done
            && groups.list(&mut self.groups, &mut looks, |_, members| {
                steps += members
                    .iter()
                    .map(|each| shadows.recast(each, elsewhere))
                    .sum::<usize>();
                go_on(steps)
            })
    }
}
