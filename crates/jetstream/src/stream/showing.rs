//! What was published before a question is seen in its answer.
//!
//! Reads show what is in the log. So a question that comes while something is on its way there is asked when that is applied,
//! and not what comes meanwhile: it waits for one write. Which questions these are is decided here, and that what they ask for
//! is not among what is on its way: then they need not wait.

use super::Stream;
use crate::api::GetRequest;
use crate::held::Messages;

/// How many patterns are compared with what is on its way; where there are more, one of them is taken to match.
const PATTERNS_AT_MOST: usize = 64;

/// What was decided up to some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decided(u64);

impl<M: Messages> Stream<M> {
    /// All that is decided by now. What consumers have done is not a part of it: that is shown at once.
    pub fn decided(&self) -> Decided {
        let being_applied = self.being_applied().unwrap_or(0);
        Decided(self.ahead.last_change().max(being_applied))
    }

    /// Whether all that was decided up to some moment is applied, or has come to nothing.
    pub fn shows(&self, Decided(number): Decided) -> bool {
        let is_being_applied = self.being_applied().is_some_and(|other| other <= number);
        !is_being_applied && !self.ahead.is_on_its_way(number)
    }

    /// Whether messages that are asked for may be among those that are on their way. That messages go is none of it: where a million
    /// do, who asks for others does not wait for that.
    pub fn may_be_ahead(&self, wanted: &GetRequest) -> bool {
        let Some(last) = self.ahead.last().filter(|_| self.ahead.messages > 0) else {
            return false;
        };
        let up_to = wanted.up_to_sequence;
        if up_to > 0 && up_to <= self.last {
            return false;
        }
        if !wanted.multi_last.is_empty() {
            let patterns = &wanted.multi_last;
            let may_match = |pattern: &String| self.ahead.may_match(pattern.as_bytes());
            return patterns.len() > PATTERNS_AT_MOST || patterns.iter().any(may_match);
        }
        if !wanted.last_for.is_empty() {
            return self.ahead.may_match(wanted.last_for.as_bytes());
        }
        let from = match &wanted.start_time {
            Some(time) => self.at_time(time.time()),
            None => wanted.sequence,
        };
        let is_one = wanted.batch <= 0;
        let next_for = wanted.next_for.as_bytes();
        match next_for.is_empty() {
            true if is_one => (self.last + 1..=last).contains(&from),
            true => true,
            false => self.ahead.may_match(next_for) && !(is_one && self.held.next(next_for, from).is_some()),
        }
    }
}
