//! In which order announcements are made, so that nobody waits for somebody else's million.

use super::changes::Work;
use hashbrown::HashMap;
use std::collections::VecDeque;
use vagus_delivery::subscriptions::Change;
use vagus_routing::ConnectionId;

/// How many steps are taken before other tasks of the thread get their turn. A change of a subscription to a subject of
/// usual length is one step, of a microsecond at most.
const STEPS_PER_VISIT: usize = 1024;

/// How many steps are taken under one hold of the index's write lock: publishers get in between.
const STEPS_PER_HOLD: usize = 256;

/// With so many steps an announcement is begun, before the rest of others that began before.
const FIRST_STEPS: usize = 64;

/// The lines, in the order in which they are served.
const LINES: usize = 3;

/// Announcements that have not been begun and for which somebody waits: usually all of it is done with the first part.
const FRESH: usize = 0;
/// The rest of them.
const BEGUN: usize = 1;
/// Nobody waits for these: connections that are gone.
const DEPARTING: usize = 2;

/// What each line gets of a visit, if it wants it; what it leaves goes to the others, the first before the last.
const SHARES: [usize; LINES] = [STEPS_PER_VISIT / 2, STEPS_PER_VISIT / 4, STEPS_PER_VISIT / 4];

/// The announcements that are not made yet.
///
/// Those of one connection are made in the order they came. Those of different connections take turns, in time that does
/// not depend on how many wait.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    lines: [VecDeque<Work>; LINES],
    /// For each connection of which one is in a line, the later ones.
    later: HashMap<ConnectionId, VecDeque<Work>, foldhash::fast::RandomState>,
    changes: usize,
}

/// What may still be done in a visit.
#[derive(Debug)]
pub(super) struct Visit {
    shares: [usize; LINES],
    steps: usize,
    /// What each change takes beside its own steps.
    steps_of_a_change: usize,
}

impl Visit {
    /// In which each change takes so many steps more than it would by itself.
    pub(super) fn new(steps_of_a_change: usize) -> Self {
        Self {
            shares: SHARES,
            steps: STEPS_PER_VISIT,
            steps_of_a_change,
        }
    }
}

/// A part of an announcement, to be made under one hold of the lock.
#[derive(Debug)]
pub(super) struct Portion {
    pub(super) changes: Vec<Change>,
    pub(super) ticket: u64,
    /// Nothing is left of the announcement.
    pub(super) is_last: bool,
    /// It had a place before the account began anew.
    pub(super) is_salvaged: bool,
}

impl Schedule {
    pub(super) fn push(&mut self, work: Work) {
        self.changes += work.len();
        if let Some(later) = self.later.get_mut(&work.connection()) {
            later.push_back(work);
        } else {
            self.later.insert(work.connection(), VecDeque::new());
            self.queue(work);
        }
    }

    fn queue(&mut self, work: Work) {
        let line = if work.is_awaited() { FRESH } else { DEPARTING };
        self.lines[line].push_back(work);
    }

    /// How many changes wait.
    pub(super) fn changes(&self) -> usize {
        self.changes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.iter().all(VecDeque::is_empty)
    }

    /// What is to be done next; none if nothing waits or the visit is over.
    pub(super) fn take(&mut self, visit: &mut Visit) -> Option<Portion> {
        if visit.steps == 0 {
            return None;
        }
        let wants = |line: &usize| !self.lines[*line].is_empty();
        let has_share = |line: &usize| visit.shares[*line] > 0;
        let line = (0..LINES)
            .find(|line| wants(line) && has_share(line))
            .or_else(|| (0..LINES).find(wants))?;
        let mut work = self.lines[line].pop_front()?;
        let most = if line == FRESH {
            FIRST_STEPS
        } else {
            STEPS_PER_HOLD
        };
        let (changes, steps) = work.take(most.min(visit.steps), visit.steps_of_a_change);
        visit.shares[line] = visit.shares[line].saturating_sub(steps);
        visit.steps = visit.steps.saturating_sub(steps);
        self.changes -= changes.len();
        let (ticket, is_salvaged) = (work.ticket(), work.is_salvaged());
        let is_last = work.len() == 0;
        if is_last {
            self.done(work.connection());
        } else {
            self.lines[line.max(if work.is_awaited() { BEGUN } else { DEPARTING })].push_back(work);
        }
        Some(Portion {
            changes,
            ticket,
            is_last,
            is_salvaged,
        })
    }

    /// All that waits.
    pub(super) fn into_changes(self) -> impl Iterator<Item = Change> {
        let lines = self.lines.into_iter().flatten();
        let later = self.later.into_values().flatten();
        lines.chain(later).flat_map(Work::into_changes)
    }

    /// The next of this connection may come.
    fn done(&mut self, connection: ConnectionId) {
        let next = self.later.get_mut(&connection).and_then(VecDeque::pop_front);
        match next {
            Some(next) => self.queue(next),
            None => drop(self.later.remove(&connection)),
        }
    }
}

#[cfg(test)]
mod tests;
