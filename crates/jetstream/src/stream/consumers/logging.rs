//! What consumers have done is written into the log behind; and what of that comes to nothing, again.

use super::entry::{ConsumerEntry, Kept};
use crate::consumer::ReplyForm;
use crate::held::Messages;
use crate::stream::entry::Entry;
use crate::stream::{Stream, Surroundings};
use crate::time::{MILLISECOND, Time};

/// What consumers have done waits so long for more, in nanoseconds: each entry costs a write, and nobody waits for it.
const WAITS_AT_MOST: i64 = MILLISECOND;

impl<M: Messages> Stream<M> {
    /// Whether what there is to propose may wait for more: it is only what consumers have done. [`Self::wake_at`] tells
    /// until when.
    pub fn may_propose_later(&mut self, now: Time) -> bool {
        let consumers = &mut self.consumers;
        if consumers.unlogged.is_empty() || !consumers.done_with.is_empty() || self.ahead.has_more() {
            return false;
        }
        let until = *consumers.unlogged_until.get_or_insert(now.after(WAITS_AT_MOST));
        // Not longer because a clock was set back.
        (1..=WAITS_AT_MOST).contains(&until.since(now))
    }

    /// Decides for what has been done by consumers: it comes with the next proposal.
    pub(in crate::stream) fn log_changes(&mut self) {
        self.consumers.unlogged_until = None;
        for number in std::mem::take(&mut self.consumers.unlogged) {
            self.log_changes_of(number);
        }
    }

    pub(super) fn log_changes_of(&mut self, number: u64) {
        let Some(consumer) = self.consumers.by_number.get_mut(&number) else {
            return;
        };
        consumer.marks.is_unlogged = false;
        if !consumer.has_unlogged() {
            return;
        }
        let changes = consumer.changes.take();
        let entry = match std::mem::take(&mut consumer.marks.is_unwritten) {
            true => ConsumerEntry::Came {
                number,
                progress: Box::new(Kept(consumer.progress.clone())),
            },
            false => ConsumerEntry::Changed { number, changes },
        };
        self.decide(Entry::Consumer(entry), Vec::new());
    }

    /// Nothing comes of what was decided for consumers.
    pub(in crate::stream) fn forget_consumers_ahead(&mut self) {
        self.consumers.ahead.clear();
        self.gather_anew();
    }

    /// The same of one of these decisions.
    pub(in crate::stream) fn lose_consumer(&mut self, entry: &ConsumerEntry) {
        let now = self.latest;
        self.with_consumer(entry.number(), |work| {
            let consumer = work.consumer;
            consumer.marks.is_resetting = false;
            // It is written as a whole: what else of it is on its way does not matter then.
            consumer.marks.is_unwritten |= entry.is_behind() && consumer.is_kept();
            consumer.used(now);
        });
        self.consumers.make_ready(entry.number());
    }

    /// The stream has been read from disk, and all of its log: its consumers begin to work. Those that were in memory only
    /// go with the next proposal. Whether somebody listens where they deliver has to be [told](Self::set_bound).
    pub fn begin_consumers(&mut self, around: &Surroundings<'_>) {
        self.consumers.random.stir(u64::from(around.random));
        self.consumers.burst = match usize::try_from(self.config.max_message_size) {
            Ok(size @ 1..) => size,
            _ => around.limits.max_payload,
        };
        let mut numbers: Vec<u64> = self.consumers.by_number.keys().copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            let is_kept = self.with_consumer(number, |work| work.consumer.is_kept());
            match is_kept {
                Some(true) => self.begin_consumer(number, around.now),
                _ => self.delete_consumer(number, None),
            }
        }
        self.consumers.settle();
        // That these are given up has been read from the log.
        let given_up = std::mem::take(&mut self.dead_letters.given_up);
        self.dead_letters.begin(given_up);
        self.duplicates.begin(around.now);
    }

    /// On which subjects consumers have messages be acknowledged from now on.
    pub fn set_reply_form(&mut self, form: ReplyForm) {
        for consumer in self.consumers.by_number.values_mut() {
            consumer.set_form(&self.config.name, &form);
        }
        self.consumers.form = form;
    }
}
