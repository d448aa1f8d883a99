//! How many messages are still to come. It is counted when somebody wants to know, and then kept as long as what has
//! changed since can be told: nobody counts for consumers of which nothing is asked.

use super::filter::Filter;
use super::view::View;
use crate::held::{Cold, Messages};

/// So many messages that have come since are looked at; if there are more, all are counted anew.
const LOOKED_AT: u64 = 1024;

/// How many messages are still to come.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    counted: Option<Counted>,
}

#[derive(Debug)]
struct Counted {
    messages: u64,
    /// Up to this message of the stream.
    up_to: u64,
    /// When so many had gone from it.
    removals: u64,
}

impl Pending {
    /// What was counted no longer holds.
    pub(crate) fn forget(&mut self) {
        self.counted = None;
    }

    /// How many messages from a sequence on match; it must not be lower than when that was asked last, unless it was
    /// [forgotten](Self::forget), and higher only if [those](Self::passed) between were told of.
    pub(crate) fn count<M: Messages>(
        &mut self,
        filter: &Filter,
        view: &View<'_, M>,
        from: u64,
    ) -> Result<u64, Cold> {
        if let Some(counted) = &mut self.counted
            && let Some(messages) = counted.follow(filter, view, from)
        {
            return Ok(messages);
        }
        // That nothing is to come is known without a look at subjects.
        let messages = match from > view.last {
            true => 0,
            false => filter.count(view.held, from)?,
        };
        self.counted = Some(Counted {
            messages,
            up_to: view.last,
            removals: view.removals.count(),
        });
        Ok(messages)
    }

    /// None is to come.
    pub(crate) fn none<M: Messages>(&mut self, view: &View<'_, M>) {
        self.counted = Some(Counted {
            messages: 0,
            up_to: view.last,
            removals: view.removals.count(),
        });
    }

    /// A message that was counted is no longer to come.
    pub(crate) fn passed(&mut self) {
        if let Some(counted) = &mut self.counted {
            counted.messages = counted.messages.saturating_sub(1);
        }
    }
}

impl Counted {
    /// Takes in what has changed; None if that cannot be told.
    fn follow<M: Messages>(&mut self, filter: &Filter, view: &View<'_, M>, from: u64) -> Option<u64> {
        for (sequence, subject) in view.removals.since(self.removals)? {
            if (from..=self.up_to).contains(sequence) && filter.matches(subject) {
                self.messages = self.messages.checked_sub(1)?;
            }
        }
        self.removals = view.removals.count();
        let new = view.last.checked_sub(self.up_to)?;
        if new > LOOKED_AT {
            return None;
        }
        for sequence in (self.up_to + 1).max(from)..=view.last {
            let subject = view.held.subject_of(sequence);
            self.messages += u64::from(subject.is_some_and(|subject| filter.matches(&subject)));
        }
        self.up_to = view.last;
        Some(self.messages)
    }
}
