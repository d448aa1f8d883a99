//! Old messages go when a limit is exceeded.

use super::Stream;
use super::clearing::Step;
use crate::config::Discard;
use crate::held::{EVERYTHING, Messages, SubjectCursor};
use bytes::Bytes;
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// How much more work than looking at a subject it is to let a message go.
pub(super) const REMOVAL: usize = 6;

/// The same to let many go together.
pub(super) const TOGETHER: usize = if cfg!(test) { REMOVAL } else { 1000 };

/// So many messages of a subject are looked for one by one; more are at once.
const FEW: u64 = 8;

/// To find the first messages of a subject is so much more work than to look at a message. Tests of random commands have few
/// messages, and both ways.
const FINDING: u64 = if cfg!(test) { 3 } else { 64 };

/// How many messages are looked at before there is a look at what work is left.
const LOOKED_AT: usize = 256;

/// How far it is that messages go which subjects have too many of, as the limit is lower than it was.
#[derive(Debug)]
pub(super) enum LimitOfSubjects {
    /// How many these are is counted.
    Counting { cursor: SubjectCursor, exceeding: u64 },
    /// They go subject by subject: these are few.
    BySubject(SubjectCursor),
    /// So many go, in order of their sequences from this one on.
    InOrder { next: u64, left: u64 },
}

impl Default for LimitOfSubjects {
    fn default() -> Self {
        Self::Counting {
            cursor: SubjectCursor::default(),
            exceeding: 0,
        }
    }
}

impl<M: Messages> Stream<M> {
    /// Lets those go that a message of this subject is too much for. How many these are.
    pub(super) fn enforce_limit_of(&mut self, subject: &[u8]) -> usize {
        let Ok(most @ 1..) = u64::try_from(self.config.max_per_subject) else {
            return 0;
        };
        let mut removed = 0;
        while let Some(of_it) = self.held.of_subject(subject)
            && of_it.messages > most
        {
            self.remove(of_it.first, false);
            removed += 1;
        }
        removed
    }

    /// Lets those go that subjects have too many of since limits have changed, as far as work is left.
    pub(super) fn enforce_limit_of_subjects(
        &mut self,
        so_far: LimitOfSubjects,
        steps: &mut VecDeque<Step>,
        work: &mut usize,
    ) {
        let Ok(most @ 1..) = u64::try_from(self.config.max_per_subject) else {
            return;
        };
        match so_far {
            LimitOfSubjects::Counting { cursor, exceeding } => {
                let next = self.count_exceeding(most, cursor, exceeding, work);
                next.into_iter()
                    .for_each(|next| steps.push_front(Step::LimitOfSubjects(next)));
            }
            LimitOfSubjects::BySubject(cursor) => self.limit_by_subject(most, cursor, steps, work),
            LimitOfSubjects::InOrder { next, left } => {
                if let Some(next) = self.limit_in_order(most, next, left, work) {
                    steps.push_front(Step::LimitOfSubjects(next));
                }
            }
        }
    }

    /// Counts on those that subjects have too many of, and decides how they go.
    fn count_exceeding(
        &self,
        most: u64,
        mut cursor: SubjectCursor,
        mut exceeding: u64,
        work: &mut usize,
    ) -> Option<LimitOfSubjects> {
        self.held
            .walk_counts(EVERYTHING, &mut cursor, work, &mut |_, messages| {
                exceeding += messages.saturating_sub(most);
                ControlFlow::Continue(())
            });
        if !cursor.is_at_end {
            return Some(LimitOfSubjects::Counting { cursor, exceeding });
        }
        match exceeding {
            0 => None,
            _ if exceeding.saturating_mul(FINDING) < self.held.count() => {
                Some(LimitOfSubjects::BySubject(SubjectCursor::default()))
            }
            left => Some(LimitOfSubjects::InOrder {
                next: self.first,
                left,
            }),
        }
    }

    fn limit_by_subject(
        &mut self,
        most: u64,
        mut cursor: SubjectCursor,
        steps: &mut VecDeque<Step>,
        work: &mut usize,
    ) {
        while *work > 0 && !cursor.is_at_end {
            let mut exceeding: Option<(Bytes, u64)> = None;
            self.held
                .walk_counts(EVERYTHING, &mut cursor, work, &mut |subject, messages| {
                    if messages <= most {
                        return ControlFlow::Continue(());
                    }
                    exceeding = Some((Bytes::copy_from_slice(subject), messages - most));
                    ControlFlow::Break(())
                });
            match exceeding {
                Some((subject, ..FEW)) => {
                    let removed = self.enforce_limit_of(&subject);
                    *work = work.saturating_sub(removed * REMOVAL);
                }
                Some((filter, left)) => {
                    steps.push_front(Step::LimitOfSubjects(LimitOfSubjects::BySubject(cursor)));
                    steps.push_front(Step::Matching {
                        filter,
                        next: 0,
                        up_to: u64::MAX,
                        left,
                    });
                    return;
                }
                None => {}
            }
        }
        if !cursor.is_at_end {
            steps.push_front(Step::LimitOfSubjects(LimitOfSubjects::BySubject(cursor)));
        }
    }

    /// Goes through all messages in order: one whose subject has too many is the first of these, as those before it have gone.
    fn limit_in_order(
        &mut self,
        most: u64,
        mut next: u64,
        mut left: u64,
        work: &mut usize,
    ) -> Option<LimitOfSubjects> {
        while *work > 0 && left > 0 {
            let at_most = (*work).min(LOOKED_AT);
            let sequences = self.held.sequences(EVERYTHING, next..=self.last, at_most);
            next = sequences.last()? + 1;
            for sequence in sequences {
                *work = work.saturating_sub(1);
                let Some(subject) = self.held.subject_of(sequence) else {
                    continue;
                };
                if self.held.count_matching(&subject, 0) > most && self.remove(sequence, false) {
                    *work = work.saturating_sub(REMOVAL);
                    left = left.saturating_sub(1);
                }
            }
        }
        (left > 0).then_some(LimitOfSubjects::InOrder { next, left })
    }

    /// Lets those go that are too many in all, as far as work is left. Whether none is any more.
    pub(super) fn enforce_totals(&mut self, work: &mut usize) -> bool {
        if self.config.discard != Discard::Old {
            return true;
        }
        let excess = |limit: i64, there_are: u64| match limit {
            1.. => there_are.saturating_sub(limit.unsigned_abs()),
            _ => 0,
        };
        loop {
            let messages = excess(self.config.max_messages, self.held.count());
            let bytes = excess(self.config.max_bytes, self.held.bytes());
            if messages == 0 && bytes == 0 {
                return true;
            }
            if *work == 0 {
                return false;
            }
            // All of these would go one by one: a limit is exceeded until the last of them has.
            if self.remove_beginning(u64::MAX, &|some, of_bytes| some <= messages || of_bytes <= bytes) > 0 {
                *work = work.saturating_sub(TOGETHER);
                continue;
            }
            *work = work.saturating_sub(REMOVAL);
            if self.remove_first().is_break() {
                return true;
            }
        }
    }

    fn remove_first(&mut self) -> ControlFlow<()> {
        match self.held.next(EVERYTHING, self.first) {
            Some(first) => {
                self.remove(first, false);
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
    }
}
