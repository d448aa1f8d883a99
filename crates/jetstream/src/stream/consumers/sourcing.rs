//! Consumers that bring messages to another stream: how one that is asked for as it fits has to be here.
//!
//! Where messages stay until consumers have acknowledged them, it has to stay, and acknowledge by its answers to flow
//! control; else it is one that goes when nobody listens, under a name that is not used again.

use crate::config::Retention;
use crate::consumer::config::{AckPolicy, ConsumerConfig};
use crate::consumer::letters;
use crate::error::ApiError;
use crate::held::Messages;
use crate::stream::consumers::entry::ConsumerEntry;
use crate::stream::{Stream, Surroundings, entry};

/// How many letters a name gets that is not used again.
const DRAWN: usize = 8;

impl<M: Messages> Stream<M> {
    /// By what it is told from other streams that have had or will have its name.
    pub fn identity(&self) -> String {
        letters(&self.created.to_string())
    }

    /// Makes a consumer for another stream one that fits. `identity`: of the stream that is meant; empty: whichever has
    /// the name.
    ///
    /// # Errors
    /// If another one is meant.
    pub(super) fn fit_sourcing(
        &mut self,
        config: &mut ConsumerConfig,
        identity: &str,
    ) -> Result<(), ApiError> {
        if config.direct && config.sourcing && !config.name.is_empty() {
            match self.config.retention {
                Retention::Limits => {
                    let drawn = self.consumers.random.name(DRAWN);
                    config.name = format!("{}-{drawn}", config.name);
                }
                Retention::Interest | Retention::WorkQueue => {
                    config.direct = false;
                    config.durable.clone_from(&config.name);
                    config.ack_policy = AckPolicy::FlowControl;
                    config.ack_wait = 0;
                    config.max_deliver = 0;
                    config.inactive_threshold = 0;
                }
            }
        }
        let is_meant = identity.is_empty() || identity == self.identity();
        if (config.direct || config.sourcing) && !is_meant {
            return Err(ApiError::CONSUMER_IDENTITY_MISMATCH);
        }
        if config.sourcing
            && config.is_durable()
            && let Ok(existing) = self.consumers.named(&config.durable)
        {
            // Where it began is what there is; it goes on from what was acknowledged.
            let existing = &existing.config;
            config.deliver_policy = existing.deliver_policy;
            config.opt_start_seq = existing.opt_start_seq;
            config.opt_start_time.clone_from(&existing.opt_start_time);
        }
        Ok(())
    }

    /// One that is asked for again has to deliver again what was not acknowledged: who asks knows of nothing that is on
    /// its way.
    pub(super) fn begin_at_floor(&mut self, around: &Surroundings<'_>, number: u64) {
        let Some(consumer) = self.consumers.by_number.get(&number) else {
            return;
        };
        let next = consumer.progress.floor.stream + 1;
        self.log_changes_of(number);
        self.with_consumer(number, |work| work.consumer.marks.is_resetting = true);
        let entry = ConsumerEntry::Reset {
            number,
            next,
            time: around.now,
            request: None,
        };
        self.decide(entry::Entry::Consumer(entry), Vec::new());
    }
}
