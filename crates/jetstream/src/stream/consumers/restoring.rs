//! Consumers as backups have them.

use super::Consumers;
use crate::backup::ConsumerSnapshot;
use crate::consumer::config::MAX_NAME;
use crate::error::ApiError;

impl Consumers {
    /// What there is of them, but of those that bring messages to other streams and go with these.
    pub(in crate::stream) fn snapshots(&self) -> Vec<ConsumerSnapshot> {
        let consumers = self
            .names
            .values()
            .filter_map(|number| self.by_number.get(number));
        consumers
            .filter(|consumer| !consumer.config.direct)
            .map(|consumer| consumer.snapshot())
            .collect()
    }

    /// Whether there can be a consumer of a name that there is not yet.
    pub(in crate::stream) fn check_new(&self, name: &str) -> Result<(), ApiError> {
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(ApiError::consumer_name_too_long(MAX_NAME));
        }
        match self.names.contains_key(name) {
            true => Err(ApiError::CONSUMER_NAME_EXISTS),
            false => Ok(()),
        }
    }

    pub(in crate::stream) fn next_number(&mut self) -> u64 {
        self.created += 1;
        self.created
    }
}
