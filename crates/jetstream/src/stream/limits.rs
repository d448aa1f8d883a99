//! Old messages go when a limit is exceeded.

use super::Stream;
use crate::config::Discard;
use crate::held::Messages;
use std::ops::ControlFlow;

/// How much more work than looking at a subject it is to let a message go.
pub(super) const REMOVAL: usize = 6;

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

    /// Lets those go that are too many in all, as far as work is left. Whether none is any more.
    pub(super) fn enforce_totals(&mut self, work: &mut usize) -> bool {
        if self.config.discard != Discard::Old {
            return true;
        }
        let exceeded = |limit: i64, there_are: u64| limit > 0 && there_are > limit.unsigned_abs();
        while exceeded(self.config.max_messages, self.held.count())
            || exceeded(self.config.max_bytes, self.held.bytes())
        {
            if *work == 0 {
                return false;
            }
            *work = work.saturating_sub(REMOVAL);
            if self.remove_first().is_break() {
                return true;
            }
        }
        true
    }

    fn remove_first(&mut self) -> ControlFlow<()> {
        match self.held.next(b">", self.first) {
            Some(first) => {
                self.remove(first, false);
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
    }
}
