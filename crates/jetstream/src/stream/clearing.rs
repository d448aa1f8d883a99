//! Removals that an entry of the log causes, done in parts: other streams have their turns however many messages go.
//!
//! As long as parts are left, no later entry is applied, and decisions that depend on the outcome wait as if the entry were still
//! on its way into the log. A replay of the log does all parts at once, with the same result.

use super::entry::{Purge, Store};
use super::limits::{LimitOfSubjects, REMOVAL, TOGETHER};
use super::{Done, Stream};
use crate::held::{EVERYTHING, Messages};
use bytes::Bytes;
use std::collections::VecDeque;
use std::vec;

/// Messages that are going.
#[derive(Debug)]
pub(super) struct Clearing {
    steps: VecDeque<Step>,
    then: Then,
    gone: u64,
}

/// Which go, one kind after the other.
#[derive(Debug)]
pub(super) enum Step {
    /// Those that are to be purged.
    Purge(Purge),
    /// Those of subjects that a filter matches, from one sequence to another, so many.
    Matching {
        filter: Bytes,
        next: u64,
        up_to: u64,
        left: u64,
    },
    /// These.
    These(vec::IntoIter<u64>),
    /// Those that subjects have too many of.
    LimitOfSubjects(LimitOfSubjects),
    /// Those that are too many in all.
    Totals,
}

/// What follows when they have gone.
#[derive(Debug)]
pub(super) enum Then {
    Nothing,
    Stored(Box<Stored>),
    Purged(Purge),
    /// The request that configured the stream is answered.
    Configured(Option<u64>),
}

/// A message that was stored, and what follows when those have gone that it has go.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) sequence: u64,
    pub(super) store: Store,
    /// On which subject it is published anew, if it is.
    pub(super) republished: Option<Bytes>,
    /// The message of its subject before it, where that is to be told.
    pub(super) before: u64,
}

impl<M: Messages> Stream<M> {
    /// Has messages go as far as work is left: the rest [later](Self::go_on_clearing).
    pub(super) fn clear(&mut self, steps: VecDeque<Step>, then: Then, work: &mut usize) {
        self.clearing = Some(Box::new(Clearing { steps, then, gone: 0 }));
        self.go_on_clearing(work);
    }

    /// Whether messages are going, and what follows has not been done.
    pub(super) fn is_clearing(&self) -> bool {
        self.clearing.is_some()
    }

    /// Has all go that are going.
    pub(super) fn clear_all(&mut self) {
        self.go_on_clearing(&mut { usize::MAX });
    }

    /// Goes on, as far as work is left.
    pub(super) fn go_on_clearing(&mut self, work: &mut usize) {
        let Some(mut clearing) = self.clearing.take() else {
            return;
        };
        while *work > 0
            && let Some(step) = clearing.steps.pop_front()
        {
            self.take_step(step, &mut clearing, work);
        }
        match clearing.steps.is_empty() {
            true => self.cleared(*clearing),
            false => self.clearing = Some(clearing),
        }
    }

    fn cleared(&mut self, Clearing { then, gone, .. }: Clearing) {
        match then {
            Then::Nothing => {}
            Then::Stored(stored) => self.stored(*stored),
            Then::Purged(purge) => {
                self.tell_consumers_of_purge(&purge.filter);
                self.done(purge.request, Ok(Done::Purged(gone)));
            }
            Then::Configured(request) => {
                self.expiry.look_again();
                self.drop_disallowed_batches();
                self.take_sources(self.latest);
                self.done(request, Ok(Done::Configured));
            }
        }
    }

    /// Does a part of a step; what is left of it is the next.
    fn take_step(&mut self, step: Step, clearing: &mut Clearing, work: &mut usize) {
        let steps = &mut clearing.steps;
        match step {
            Step::Purge(purge) => {
                let begun = self.begin_purge(&purge, &mut clearing.gone);
                begun.into_iter().for_each(|begun| steps.push_front(begun));
            }
            Step::Matching {
                filter,
                next,
                up_to,
                left,
            } => {
                let together = match filter == EVERYTHING {
                    true => self.remove_beginning(up_to, &|messages, _| messages <= left),
                    false => 0,
                };
                if together > 0 {
                    clearing.gone += together;
                    *work = work.saturating_sub(TOGETHER);
                    steps.push_front(Step::Matching {
                        filter,
                        next,
                        up_to,
                        left: left - together,
                    });
                    return;
                }
                let share = (*work / REMOVAL).max(1);
                let at_most = usize::try_from(left).unwrap_or(usize::MAX).min(share);
                let sequences = self.held.sequences(&filter, next..=up_to, at_most);
                for sequence in &sequences {
                    self.remove(*sequence, false);
                }
                let removed = sequences.len();
                clearing.gone += removed as u64;
                *work = work.saturating_sub(removed.saturating_mul(REMOVAL).max(1));
                let left = left - removed as u64;
                if let Some(last) = sequences.last().filter(|_| removed == at_most && left > 0) {
                    steps.push_front(Step::Matching {
                        filter,
                        next: last + 1,
                        up_to,
                        left,
                    });
                }
            }
            Step::These(mut sequences) => {
                while *work > 0
                    && let Some(sequence) = sequences.next()
                {
                    self.remove(sequence, false);
                    *work = work.saturating_sub(REMOVAL);
                }
                if sequences.len() > 0 {
                    steps.push_front(Step::These(sequences));
                }
            }
            Step::LimitOfSubjects(so_far) => self.enforce_limit_of_subjects(so_far, steps, work),
            Step::Totals => {
                if !self.enforce_totals(work) {
                    steps.push_front(Step::Totals);
                }
            }
        }
    }

    /// Begins to purge: the messages of the subjects that a filter matches, an empty one all; up to a sequence that itself stays,
    /// if it is not 0; but not the last `keep`.
    fn begin_purge(&mut self, purge: &Purge, gone: &mut u64) -> Option<Step> {
        let Purge { sequence, keep, .. } = *purge;
        if sequence == 1 {
            return None;
        }
        let filter = match purge.filter.is_empty() {
            true => Bytes::from_static(EVERYTHING),
            false => purge.filter.clone(),
        };
        let is_all = filter == EVERYTHING;
        if is_all && keep == 0 && sequence == 0 {
            *gone += self.remove_all(self.last + 1);
            return None;
        }
        if is_all && sequence > self.last {
            if self.first <= sequence {
                *gone += self.remove_all(sequence);
            }
            return None;
        }
        let there_are = match keep {
            0 => u64::MAX,
            _ if is_all => self.held.count(),
            _ => self.held.count_matching(&filter, 0),
        };
        let left = there_are.saturating_sub(keep);
        (left > 0).then(|| Step::Matching {
            filter,
            next: 0,
            up_to: sequence.checked_sub(1).unwrap_or(u64::MAX),
            left,
        })
    }
}
