//! Dead letters: messages that a consumer gives up, because they were delivered as often as they may be or because who got
//! them says so, and those that expire before it is done with them, go to a subject. Off unless the metadata of the consumer names one.

use super::config::{AckPolicy, ConsumerConfig};
use super::progress::Change;
use super::view::View;
use super::{Consumer, Moment};
use crate::config::{StreamConfig, is_literal};
use crate::error::ApiError;
use crate::held::Messages;
use vagus_routing::subject::is_subset;

/// The key under which metadata names the subject.
const TARGET: &str = "vagus.dead_letter";

/// Where dead letters go, if they go anywhere.
pub(crate) fn target(config: &ConsumerConfig) -> Option<&str> {
    config.metadata.get(TARGET).map(String::as_str)
}

/// Whether a consumer can have the target that it names.
///
/// # Errors
/// If that is no subject, or the messages would come back.
pub(crate) fn check(config: &ConsumerConfig, stream: &StreamConfig) -> Result<(), ApiError> {
    let Some(target) = target(config) else {
        return Ok(());
    };
    let refused = |why: &str| Err(ApiError::stream_invalid_config(why));
    if !is_literal(target) {
        return refused("dead letter subject must be a valid subject without wildcards");
    }
    let takes_in = |pattern: &String| is_subset(target.as_bytes(), pattern.as_bytes());
    if stream.subjects.iter().any(takes_in) {
        return refused("dead letter subject forms a cycle");
    }
    match config.ack_policy {
        AckPolicy::Explicit => Ok(()),
        AckPolicy::None | AckPolicy::All | AckPolicy::FlowControl => {
            refused("dead letters require explicit acknowledgements")
        }
    }
}

impl Consumer {
    /// A message is given up because who got it says so: it is kept until it is where dead letters go. Whether that is
    /// somewhere.
    pub(super) fn terminate(&mut self, sequence: u64) -> bool {
        if target(&self.config).is_none() || self.progress.unacknowledged.get(sequence).is_none() {
            return false;
        }
        self.change(Change::Exhausted { sequence });
        self.note_given_up(sequence);
        true
    }

    /// A message has been given up.
    pub(super) fn note_given_up(&mut self, sequence: u64) {
        if target(&self.config).is_some() {
            self.newly_given_up.push(sequence);
        }
    }

    /// A dead letter is where it was to go.
    pub(crate) fn letter_moved<M: Messages>(
        &mut self,
        sequence: u64,
        moment: Moment<'_>,
        view: &View<'_, M>,
    ) {
        let change = match self.given_up(sequence) {
            Some(_) => Change::Acknowledged {
                first: sequence,
                last: sequence,
                time: moment.now,
            },
            None => Change::Moved { sequence },
        };
        self.change_by(change, view);
    }

    /// How often a message was delivered that was given up; None: it was not, or has gone.
    pub(crate) fn given_up(&self, sequence: u64) -> Option<u64> {
        self.progress.exhausted.get(&sequence).copied()
    }

    /// How often a message was delivered that is not acknowledged; 0: not yet.
    pub(crate) fn deliveries(&self, sequence: u64) -> u64 {
        let delivered = self.progress.unacknowledged.get(sequence);
        delivered.map_or(0, |delivered| delivered.deliveries)
    }

    /// Whether it was given up because it was delivered as often as it may be.
    pub(crate) fn was_last(&self, deliveries: u64) -> bool {
        self.is_last_delivery(deliveries)
    }

    /// All that is given up and may have to be moved.
    pub(crate) fn all_given_up(&self) -> Vec<u64> {
        match target(&self.config) {
            Some(_) => self.progress.exhausted.keys().copied().collect(),
            None => Vec::new(),
        }
    }
}
