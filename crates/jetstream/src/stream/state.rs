//! What a stream has, as it is shown.

use super::Stream;
use crate::api::{Page, Paged, SUBJECTS_LIMIT, StreamInfoRequest, StreamState};
use crate::held::Messages;

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
        if wanted.deleted_details && state.num_deleted > 0 {
            state.deleted = self.held.gaps(self.first, self.last);
        }
        if wanted.subjects_filter.is_empty() {
            return (state, Page::default());
        }
        let mut subjects = Vec::new();
        self.held
            .for_each_subject(wanted.subjects_filter.as_bytes(), &mut |subject, of_it| {
                subjects.push((String::from_utf8_lossy(subject).into_owned(), of_it.messages));
            });
        if subjects.is_empty() {
            return (state, Page::default());
        }
        let offset = usize::try_from(wanted.offset).unwrap_or(0);
        let paged = Paged::new(subjects.into_iter(), wanted.offset, SUBJECTS_LIMIT);
        state.subjects = paged.shown.into_iter().collect();
        // It is told as it was wanted, even if there is nothing there.
        let page = Page { offset, ..paged.page };
        (state, page)
    }
}
