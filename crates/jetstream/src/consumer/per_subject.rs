//! Order per subject: no more than so many messages of one subject are unacknowledged. Others of it wait, and nothing else
//! does. Off unless the metadata of the consumer says how many.

use super::Consumer;
use super::config::{AckPolicy, ConsumerConfig};
use super::progress::{Change, Subjects};
use super::view::View;
use crate::error::ApiError;
use crate::held::{Cold, Messages};
use bytes::Bytes;

/// The key under which metadata says how many.
const LIMIT: &str = "vagus.max_ack_pending_per_subject";

/// How many messages of a subject may be unacknowledged, if there is a limit.
pub(super) fn limit(config: &ConsumerConfig) -> Option<u64> {
    config.metadata.get(LIMIT)?.parse().ok()
}

/// Whether a consumer can have the limit that it names.
///
/// # Errors
/// If that is no number, or messages are not acknowledged one by one.
pub(super) fn check(config: &ConsumerConfig) -> Result<(), ApiError> {
    if !config.metadata.contains_key(LIMIT) {
        return Ok(());
    }
    let refused = |why: &str| Err(ApiError::stream_invalid_config(why));
    if limit(config).is_none_or(|limit| limit == 0) {
        return refused("max ack pending per subject must be a positive number");
    }
    match config.ack_policy {
        AckPolicy::Explicit => Ok(()),
        AckPolicy::None | AckPolicy::All | AckPolicy::FlowControl => {
            refused("max ack pending per subject requires explicit acknowledgements")
        }
    }
}

/// A message of a stream that is being delivered: nothing of it has to be looked up.
pub(super) struct Delivering<'a, M> {
    pub(super) view: &'a View<'a, M>,
    pub(super) subject: &'a Bytes,
}

impl<M: Messages> Subjects for Delivering<'_, M> {
    fn has(&self, _: u64) -> bool {
        true
    }

    fn subject_of(&self, _: u64) -> Option<Bytes> {
        Some(self.subject.clone())
    }

    fn next_of(&self, subject: &[u8], from: u64) -> Option<u64> {
        self.view.held.next(subject, from)
    }
}

impl Consumer {
    /// Counts for each subject if that is configured, and goes on until nothing waits any more if it no longer is.
    pub(super) fn take_limit_per_subject(&mut self) {
        match limit(&self.config) {
            Some(limit) => self.progress.by_subject.get_or_insert_default().set_limit(limit),
            None => {
                if let Some(by_subject) = &mut self.progress.by_subject {
                    by_subject.set_limit(u64::MAX);
                }
                self.stop_counting_by_subject();
            }
        }
    }

    fn stop_counting_by_subject(&mut self) {
        let waiting = self.waiting_for_others();
        if waiting == 0 && limit(&self.config).is_none() {
            self.progress.by_subject = None;
        }
    }

    /// Learns what unacknowledged messages are about, of which that is not known.
    pub(crate) fn learn_subjects<M: Messages>(&mut self, view: &View<'_, M>) {
        let Some(by_subject) = &mut self.progress.by_subject else {
            return;
        };
        for (sequence, delivered) in self.progress.unacknowledged.iter() {
            if !by_subject.knows(sequence)
                && let Some(subject) = view.held.subject_of(sequence)
            {
                by_subject.delivered(sequence, delivered.consumer_sequence, &subject);
            }
        }
    }

    /// How many messages wait until others of their subjects are acknowledged.
    pub(super) fn waiting_for_others(&self) -> u64 {
        let by_subject = self.progress.by_subject.as_ref();
        by_subject.map_or(0, |by_subject| by_subject.waiting())
    }

    /// Whether something waits, so that what frees a subject may have it be delivered.
    pub(crate) fn has_waiting_for_others(&self) -> bool {
        self.waiting_for_others() > 0
    }

    /// The first message that has waited and need not any longer.
    pub(super) fn next_free<M: Messages>(&mut self, view: &View<'_, M>) -> Option<u64> {
        while let Some((first, subject)) = self.progress.by_subject.as_ref()?.first_free() {
            let next = view.held.next(&subject, first);
            if let Some(next) = next.filter(|next| *next < self.progress.next) {
                return Some(next);
            }
            // What cannot be found is not waited for.
            if let Some(by_subject) = &mut self.progress.by_subject {
                by_subject.drop_waiting(&subject);
            }
        }
        self.stop_counting_by_subject();
        None
    }

    /// Whether a message that was found has to wait: it is set aside then.
    ///
    /// # Errors
    /// If something has to be read first.
    pub(super) fn sets_aside<M: Messages>(
        &mut self,
        sequence: u64,
        view: &View<'_, M>,
    ) -> Result<bool, Cold> {
        let Some(by_subject) = &self.progress.by_subject else {
            return Ok(false);
        };
        let Some(subject) = view.held.subject_of(sequence) else {
            return Ok(false);
        };
        if !by_subject.has_to_wait(&subject) {
            return Ok(false);
        }
        // What is still to come is counted as long as this message is a part of that.
        self.pending.count(&self.filter, view, self.counted_from())?;
        let change = Change::SetAside {
            first: sequence,
            count: 1,
        };
        let subject = &subject;
        self.change_by(change, &Delivering { view, subject });
        self.pending.passed();
        Ok(true)
    }
}
