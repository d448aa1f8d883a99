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
        let mut total = 0;
        let filter = wanted.subjects_filter.as_bytes();
        self.held.for_each_subject(filter, &mut |subject, of_it| {
            if total >= offset && state.subjects.len() < SUBJECTS_LIMIT {
                let subject = String::from_utf8_lossy(subject).into_owned();
                state.subjects.insert(subject, of_it.messages);
            }
            total += 1;
            ControlFlow::Continue(())
        });
        if total == 0 {
            return (state, Page::default());
        }
        // It is told as it was wanted, even if there is nothing there.
        let limit = SUBJECTS_LIMIT;
        (state, Page { total, offset, limit })
    }
}
