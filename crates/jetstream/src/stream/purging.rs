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

    /// Lets some of the first messages go together, if nothing has to be told of each: how many, up to a sequence, and only if so many
    /// with so many bytes may go.
    pub(super) fn remove_beginning(&mut self, up_to: u64, may_go: &dyn Fn(u64, u64) -> bool) -> u64 {
        let is_plain = self.expiry.is_plain() && self.ahead.expiring.is_empty() && self.schedules.is_empty();
        if !is_plain || self.has_gatherings() {
            return 0;
        }
        let up_to = self.kept_by_none_up_to(up_to);
        let Some((messages, bytes)) = self.held.remove_beginning(up_to, may_go) else {
            return 0;
        };
        self.effects.bytes -= bytes as i64;
        self.first = self.held.next(EVERYTHING, self.first).unwrap_or(self.last + 1);
        self.tell_consumers_of_beginning(self.first - 1);
        messages
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
