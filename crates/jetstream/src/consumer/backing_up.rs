//! What of a consumer is backed up, and a consumer as it was.

use super::Consumer;
use super::config::ConsumerConfig;
use super::progress::{Position, Progress};
use super::unacknowledged::AckWait;
use crate::backup::{ConsumerSnapshot, ConsumerState, PendingMessage, Place};
use crate::time::Time;

impl Consumer {
    pub(crate) fn snapshot(&self) -> ConsumerSnapshot {
        let progress = &self.progress;
        let place = |position: Position| Place {
            consumer: position.consumer,
            stream: position.stream,
        };
        let mut state = ConsumerState {
            delivered: place(progress.delivered),
            ack_floor: place(progress.floor),
            ..ConsumerState::default()
        };
        for (sequence, delivered) in progress.unacknowledged.iter() {
            let pending = PendingMessage {
                sequence: delivered.consumer_sequence,
                timestamp: delivered.time.0,
            };
            state.pending.insert(sequence, pending);
            if delivered.deliveries > 1 {
                state.redelivered.insert(sequence, delivered.deliveries - 1);
            }
        }
        // What was given up waits once more, and is given up again: it has to stay where acknowledgements decide.
        for (sequence, deliveries) in &progress.exhausted {
            let pending = PendingMessage {
                sequence: progress.delivered.consumer,
                timestamp: progress.last_delivered.unwrap_or_default().0,
            };
            state.pending.insert(*sequence, pending);
            state.redelivered.insert(*sequence, deliveries.saturating_sub(1));
        }
        // What waits for others of its subject has no place in this form: all from there on is to come again.
        if let Some(first) = progress.first_waiting() {
            let last = first.saturating_sub(1);
            state.delivered.stream = state.delivered.stream.min(last);
            state.ack_floor.stream = state.ack_floor.stream.min(last);
            state.pending.retain(|sequence, _| *sequence <= last);
            state.redelivered.retain(|sequence, _| *sequence <= last);
        }
        ConsumerSnapshot {
            name: self.name.clone(),
            created: Some(self.created),
            config: self.config.clone(),
            state,
        }
    }
}

impl Progress {
    /// As a backup says it.
    pub(crate) fn of_backup(state: &ConsumerState, config: &ConsumerConfig) -> Self {
        let position = |place: Place| Position {
            consumer: place.consumer,
            stream: place.stream,
        };
        let mut progress = Self::new(state.delivered.stream.saturating_add(1));
        progress.delivered = position(state.delivered);
        progress.floor = position(state.ack_floor);
        let ack_wait = AckWait::new(config.ack_wait, &config.backoff);
        for (sequence, pending) in &state.pending {
            let time = Time(pending.timestamp);
            let deadline = ack_wait.deadline(time, 1);
            let unacknowledged = &mut progress.unacknowledged;
            unacknowledged.delivered(*sequence, pending.sequence, time, deadline);
            if let Some(again) = state.redelivered.get(sequence) {
                let deliveries = again.saturating_add(1);
                let deadline = ack_wait.deadline(time, deliveries);
                unacknowledged.redelivered(*sequence, deliveries, time, deadline);
            }
        }
        progress
    }
}
