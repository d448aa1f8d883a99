//! Streams in memory: parts of which most is deleted are put together.

use super::{Messages, Part, Stage};

/// How many bytes of records a part has before the next one is begun.
pub(super) const PART_SIZE: u32 = 1 << 20;

impl Messages {
    /// Puts a part that is complete together with the one before, if less than half of each is left.
    pub(super) fn compact_in_memory(&mut self, place: usize) {
        let is_half_dead = |part: &Part| part.stage == Stage::Complete && part.live * 2 < part.records;
        if !self.parts.get(place).is_some_and(is_half_dead) {
            return;
        }
        let before = place
            .checked_sub(1)
            .filter(|before| is_half_dead(&self.parts[*before]));
        let start = before.unwrap_or(place);
        let base = self.parts[start].first.min(self.parts[place].first);
        if u32::try_from(self.parts[place].last - base).is_err() {
            return;
        }
        let mut compacted = Part::growing(self.next_number, base);
        self.next_number += 1;
        compacted.stage = Stage::Complete;
        for part in self.parts.drain(start..=place) {
            for message in part
                .held
                .into_iter()
                .filter(|message| !message.subject.is_empty())
            {
                let size = message.size_in_memory();
                compacted.add(message, size);
            }
        }
        if compacted.live > 0 {
            self.parts.insert(start, compacted);
        }
    }
}
