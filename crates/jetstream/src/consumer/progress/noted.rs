//! Of which messages a consumer has begun to keep something, or no longer does, since that was asked last.

use super::Progress;

/// Messages of which something is kept or not as it was not before. None: nobody asks.
#[derive(Debug, Clone, Default)]
pub(super) struct Noted(Option<Vec<u64>>);

impl Noted {
    pub(super) fn note(&mut self, sequence: u64) {
        if let Some(noted) = &mut self.0 {
            noted.push(sequence);
        }
    }
}

impl Progress {
    /// Whether something is kept of a message, but for what is [kept broadly](Self::keeps_broadly).
    pub(crate) fn keeps(&self, sequence: u64) -> bool {
        self.unacknowledged.get(sequence).is_some()
            || self.exhausted.contains_key(&sequence)
            || self.moved.contains(&sequence)
    }

    /// Whether something is kept of messages that is not noted for each: that it is the last of its subject, or waits for others.
    pub(crate) fn keeps_broadly(&self) -> bool {
        !self.last_of_each.is_empty() || self.first_waiting().is_some()
    }

    /// Whether something may be kept of a message.
    pub(crate) fn may_keep(&self, sequence: u64) -> bool {
        self.keeps(sequence) || self.keeps_broadly()
    }

    /// Notes are taken from now on, of all that is kept first; or no longer.
    pub(crate) fn set_noting(&mut self, is_noting: bool) {
        if self.noted.0.is_some() != is_noting {
            self.noted = Noted(is_noting.then(Vec::new));
            self.note_all();
        }
    }

    /// Notes all of which something is kept.
    pub(crate) fn note_all(&mut self) {
        if let Some(noted) = &mut self.noted.0 {
            noted.extend(self.unacknowledged.iter().map(|(sequence, _)| sequence));
            noted.extend(self.exhausted.keys());
            noted.extend(&self.moved);
        }
    }

    /// What was noted since that was asked last.
    pub(crate) fn take_noted(&mut self) -> Vec<u64> {
        self.noted.0.as_mut().map_or_else(Vec::new, std::mem::take)
    }

    /// Becomes another; what was kept and is, is noted.
    pub(crate) fn replace(&mut self, other: Self) {
        self.note_all();
        let noted = std::mem::take(&mut self.noted);
        *self = other;
        self.noted = noted;
        self.note_all();
    }

    /// Messages before this one can go without this consumer being told of a purge: it looks for none of them, and was past them.
    /// 0: it is to be told of any.
    pub(crate) fn unconcerned_before(&self) -> u64 {
        match self.unacknowledged.is_empty() && self.floor != self.delivered {
            true => 0,
            false => self.next.min(self.delivered.stream + 1),
        }
    }
}
