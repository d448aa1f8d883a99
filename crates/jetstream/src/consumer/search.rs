//! The next messages that a consumer wants, looked for several at once.

use super::filter::Filter;
use super::view::View;
use crate::held::{Cold, Messages};
use std::collections::VecDeque;

/// How many are looked for at least, and at most.
const FEWEST: usize = 32;
const MOST: usize = 256;

/// The next messages that a consumer wants.
#[derive(Debug, Default)]
pub(crate) struct Search {
    found: VecDeque<u64>,
    /// Which are all there are up to this sequence.
    up_to: u64,
}

impl Search {
    /// What was found is no longer wanted.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The first one from a sequence on, which must not be lower than when that was asked last. `wanted`: how many will
    /// be asked for, as far as is known.
    pub(crate) fn next<M: Messages>(
        &mut self,
        filter: &Filter,
        view: &View<'_, M>,
        from: u64,
        wanted: impl Fn() -> usize,
    ) -> Result<Option<u64>, Cold> {
        loop {
            while let Some(sequence) = self.found.front() {
                if *sequence >= from && view.exists(*sequence) {
                    return Ok(Some(*sequence));
                }
                self.found.pop_front();
            }
            let from = from.max(self.up_to + 1);
            if from > view.last {
                return Ok(None);
            }
            let found = filter.find(view.held, from, view.last, wanted().clamp(FEWEST, MOST))?;
            self.up_to = found.up_to;
            self.found.extend(found.sequences);
        }
    }
}
