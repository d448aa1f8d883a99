//! Old messages go when a limit is exceeded.

use super::Stream;
use crate::config::Discard;
use crate::held::Messages;
use std::ops::ControlFlow;

impl<M: Messages> Stream<M> {
    /// Lets those go that a stored message of this subject was too much for.
    pub(super) fn enforce_limits(&mut self, subject: &[u8]) {
        self.enforce_limit_of(subject);
        self.enforce_totals();
    }

    /// The same where limits have changed.
    pub(super) fn enforce_all_limits(&mut self) {
        if self.config.max_per_subject > 0 {
            let most = self.config.max_per_subject.unsigned_abs();
            let mut exceeded: Vec<Box<[u8]>> = Vec::new();
            self.held.for_each_subject(b">", &mut |subject, of_it| {
                if of_it.messages > most {
                    exceeded.push(subject.into());
                }
                ControlFlow::Continue(())
            });
            exceeded.iter().for_each(|subject| self.enforce_limit_of(subject));
        }
        self.enforce_totals();
    }

    fn enforce_limit_of(&mut self, subject: &[u8]) {
        let Ok(most @ 1..) = u64::try_from(self.config.max_per_subject) else {
            return;
        };
        while let Some(of_it) = self.held.of_subject(subject)
            && of_it.messages > most
        {
            self.remove(of_it.first, false);
        }
    }

    fn enforce_totals(&mut self) {
        if self.config.discard != Discard::Old {
            return;
        }
        let exceeded = |limit: i64, there_are: u64| limit > 0 && there_are > limit.unsigned_abs();
        while exceeded(self.config.max_messages, self.held.count())
            || exceeded(self.config.max_bytes, self.held.bytes())
        {
            if self.remove_first().is_break() {
                break;
            }
        }
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
