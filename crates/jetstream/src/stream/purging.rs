//! Messages that go because somebody wants it: one, or all that match.

use super::Stream;
use crate::held::Messages;

/// What matches every subject.
const EVERYTHING: &[u8] = b">";

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
        self.tell_consumers_of_removal(sequence, removed.subject);
        if sequence == self.first {
            self.first = self.held.next(EVERYTHING, sequence).unwrap_or(self.last + 1);
        }
        true
    }

    /// Lets the messages go of the subjects that a filter matches, an empty one all; up to a sequence that itself stays,
    /// if it is not 0; but not the last `keep`. Says how many have gone.
    pub(super) fn purge(&mut self, filter: &[u8], sequence: u64, keep: u64) -> u64 {
        if sequence == 1 {
            return 0;
        }
        let filter = if filter.is_empty() { EVERYTHING } else { filter };
        if filter == EVERYTHING && keep == 0 && sequence == 0 {
            return self.remove_all(self.last + 1);
        }
        if filter == EVERYTHING && sequence > self.last {
            return if self.first > sequence {
                0
            } else {
                self.remove_all(sequence)
            };
        }
        let there_are = match keep {
            0 => u64::MAX,
            _ if filter == EVERYTHING => self.held.count(),
            _ => self.held.count_matching(filter, 0),
        };
        let at_most = usize::try_from(there_are.saturating_sub(keep)).unwrap_or(usize::MAX);
        let up_to = sequence.checked_sub(1).unwrap_or(u64::MAX);
        let gone = self.held.sequences(filter, 0..=up_to, at_most);
        for sequence in &gone {
            self.remove(*sequence, false);
        }
        gone.len() as u64
    }

    /// Lets all go; the next one gets this sequence.
    fn remove_all(&mut self, next: u64) -> u64 {
        let gone = self.held.count();
        self.effects.bytes -= self.held.bytes() as i64;
        self.held.clear();
        self.expiry.clear();
        self.ahead.all_expired();
        self.schedules.clear();
        self.first = next;
        self.last = next - 1;
        self.tell_consumers_of_end();
        gone
    }
}
