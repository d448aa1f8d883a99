//! What a stream has, as it is shown.

use super::Stream;
use crate::api::{Page, SUBJECTS_LIMIT, StreamInfoRequest, StreamState};
use crate::held::Messages;
use std::ops::ControlFlow;

/// If more sequences have no message, they are not listed: a copy may lack any number of them.
const DELETED_AT_MOST: u64 = 1 << 20;

impl<M: Messages> Stream<M> {
    /// What it has, without details.
    pub fn state(&self, consumers: usize) -> StreamState {
        let messages = self.held.count();
        let span = (self.last + 1).saturating_sub(self.first);
        StreamState {
            messages,
            bytes: self.held.bytes(),
            first_seq: self.first,
            first_time: self.held.time_of(self.first),
            last_seq: self.last,
            last_time: self.last_time,
            num_subjects: self.held.subjects(),
            num_deleted: if messages == 0 {
                0
            } else {
                span.saturating_sub(messages)
            },
            consumer_count: consumers,
            ..StreamState::default()
        }
    }

    /// What it has, and those details that are wanted: which part of its subjects that is.
    pub fn detailed_state(&self, wanted: &StreamInfoRequest, consumers: usize) -> (StreamState, Page) {
        let mut state = self.state(consumers);
        if wanted.deleted_details && (1..=DELETED_AT_MOST).contains(&state.num_deleted) {
            state.deleted = self.held.gaps(self.first, self.last);
        }
        if wanted.subjects_filter.is_empty() {
            return (state, Page::default());
        }
        let offset = usize::try_from(wanted.offset).unwrap_or(0);
        let filter = wanted.subjects_filter.as_bytes();
        let total = usize::try_from(self.held.count_subjects(filter)).unwrap_or(usize::MAX);
        if total == 0 {
            return (state, Page::default());
        }
        let mut left = SUBJECTS_LIMIT;
        self.held
            .for_each_count(filter, offset as u64, &mut |subject, messages| {
                let subject = String::from_utf8_lossy(subject).into_owned();
                state.subjects.insert(subject, messages);
                left -= 1;
                match left {
                    0 => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(()),
                }
            });
        // It is told as it was wanted, even if there is nothing there.
        let limit = SUBJECTS_LIMIT;
        (state, Page { total, offset, limit })
    }
}
