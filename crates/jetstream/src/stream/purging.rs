//! Messages that go: one, or all.

use super::Stream;
use crate::held::{EVERYTHING, Messages};

impl<M: Messages> Stream<M> {
    /// Lets one message go.
    pub(super) fn remove(&mut self, sequence: u64, erased: bool) -> bool {
        let Some(removed) = self.held.remove(sequence, erased) else {
            return false;
        };
        self.effects.bytes -= removed.size as i64;
        self.expiry.removed(sequence);
        self.ahead.expired(sequence, &removed.subject);
        self.schedules.removed(&removed.subject, sequence);
        self.gather_removed(sequence, &removed.subject);
        self.tell_consumers_of_removal(sequence, removed.subject);
        if sequence == self.first {
            self.first = self.held.next(EVERYTHING, sequence).unwrap_or(self.last + 1);
        }
        true
    }

    /// Lets all go; the next one gets this sequence.
    pub(super) fn remove_all(&mut self, next: u64) -> u64 {
        let gone = self.held.count();
        self.effects.bytes -= self.held.bytes() as i64;
        self.held.clear();
        self.expiry.clear();
        self.ahead.all_expired();
        self.schedules.clear();
        self.first = next;
        self.last = next - 1;
        self.gather_nothing();
        self.tell_consumers_of_end();
        gone
    }
}
