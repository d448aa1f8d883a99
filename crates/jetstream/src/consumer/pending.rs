//! How many messages are still to come. It is counted when somebody wants to know, and then kept as long as what has
//! changed since can be told: nobody counts for consumers of which nothing is asked.

use super::filter::Filter;
use super::view::View;
use crate::held::{Cold, Messages};

/// So many messages that have come since are looked at; if there are more, they are counted as the first were. In tests of random
/// commands few come.
const LOOKED_AT: u64 = if cfg!(test) { 4 } else { 1024 };

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
            && let Some(messages) = counted.follow(filter, view, from)?
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
    fn follow<M: Messages>(
        &mut self,
        filter: &Filter,
        view: &View<'_, M>,
        from: u64,
    ) -> Result<Option<u64>, Cold> {
        let Some(gone) = self.gone(filter, view, from) else {
            return Ok(None);
        };
        let (Some(left), Some(new)) = (self.messages.checked_sub(gone), view.last.checked_sub(self.up_to))
        else {
            return Ok(None);
        };
        let behind = (self.up_to + 1).max(from);
        let come = match new {
            ..=LOOKED_AT => {
                let subjects = (behind..=view.last).filter_map(|sequence| view.held.subject_of(sequence));
                subjects.filter(|subject| filter.matches(subject)).count() as u64
            }
            _ if behind > view.last => 0,
            _ => filter.count(view.held, behind)?,
        };
        self.messages = left + come;
        self.removals = view.removals.count();
        self.up_to = view.last;
        Ok(Some(self.messages))
    }

    /// How many of those that were counted have gone; None if that is forgotten.
    fn gone<M: Messages>(&self, filter: &Filter, view: &View<'_, M>, from: u64) -> Option<u64> {
        let gone = view.removals.since(self.removals, from)?;
        let counted = from..=self.up_to;
        let counted =
            gone.filter(|(sequence, subject)| counted.contains(sequence) && filter.matches(subject));
        Some(counted.count() as u64)
    }
}
