//! What a stream has, as it is shown.

use super::{Further, Stream};
use crate::api::{Page, SUBJECTS_LIMIT, StreamInfoRequest, StreamState};
use crate::held::{Messages, SubjectCursor};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// If more sequences have no message, they are not listed: a copy may lack any number of them.
const DELETED_AT_MOST: u64 = 1 << 20;

/// Details of a stream on their way: subjects are found in parts.
#[derive(Debug)]
pub struct Details {
    filter: String,
    offset: usize,
    cursor: SubjectCursor,
    subjects: BTreeMap<String, u64>,
    wants_deleted: bool,
}

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
        let mut details = Details::new(wanted);
        self.find_details(&mut details, &mut { usize::MAX });
        self.with_details(details, consumers)
    }

    /// Goes on finding the details that are wanted, as far as work is left.
    pub fn find_details(&self, details: &mut Details, work: &mut usize) -> Further {
        let filter = details.filter.as_bytes();
        let subjects = &mut details.subjects;
        if !filter.is_empty() && !details.cursor.is_at_end && subjects.len() < SUBJECTS_LIMIT {
            self.held
                .walk_counts(filter, &mut details.cursor, work, &mut |subject, messages| {
                    let subject = String::from_utf8_lossy(subject).into_owned();
                    subjects.insert(subject, messages);
                    match subjects.len() {
                        SUBJECTS_LIMIT => ControlFlow::Break(()),
                        _ => ControlFlow::Continue(()),
                    }
                });
            if !details.cursor.is_at_end && subjects.len() < SUBJECTS_LIMIT {
                return Further::More;
            }
        }
        Further::Done
    }

    /// What it has, with the details that were found.
    pub fn with_details(&self, details: Details, consumers: usize) -> (StreamState, Page) {
        let mut state = self.state(consumers);
        if details.wants_deleted && (1..=DELETED_AT_MOST).contains(&state.num_deleted) {
            state.deleted = self.held.gaps(self.first, self.last);
        }
        let filter = details.filter.as_bytes();
        if filter.is_empty() {
            return (state, Page::default());
        }
        let total = usize::try_from(self.held.count_subjects(filter)).unwrap_or(usize::MAX);
        if total == 0 {
            return (state, Page::default());
        }
        state.subjects = details.subjects;
        // It is told as it was wanted, even if there is nothing there.
        let page = Page {
            total,
            offset: details.offset,
            limit: SUBJECTS_LIMIT,
        };
        (state, page)
    }
}

impl Details {
    /// Those that are wanted, of which nothing is found yet.
    pub fn new(wanted: &StreamInfoRequest) -> Self {
        let offset = usize::try_from(wanted.offset).unwrap_or(0);
        Self {
            filter: wanted.subjects_filter.clone(),
            offset,
            cursor: SubjectCursor {
                skip: offset as u64,
                ..SubjectCursor::default()
            },
            subjects: BTreeMap::new(),
            wants_deleted: wanted.deleted_details,
        }
    }
}
