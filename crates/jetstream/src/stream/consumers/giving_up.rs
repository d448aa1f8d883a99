//! What consumers have given up, and where it goes.

use super::{AtWork, Consumers, moment};
use crate::consumer::dead_letter;
use crate::held::Messages;
use crate::stream::dead_letters::GivenUp;
use crate::stream::{Stream, Surroundings};
use bytes::Bytes;

impl Consumers {
    /// What is known of a message that a consumer has given up; None: it has not, or does not say where to.
    pub(in crate::stream) fn given_up(&self, number: u64, sequence: u64) -> Option<GivenUp> {
        let consumer = self.by_number.get(&number)?;
        let deliveries = consumer.given_up(sequence)?;
        let target = dead_letter::target(&consumer.config)?;
        Some(GivenUp {
            consumer: consumer.name.clone(),
            target: Bytes::copy_from_slice(target.as_bytes()),
            deliveries,
            reason: match consumer.was_last(deliveries) {
                true => "max_deliver",
                false => "terminated",
            },
        })
    }
}

impl<M: Messages> Stream<M> {
    /// A dead letter is where it was to go: its consumer is done with it.
    pub(in crate::stream) fn done_with_dead_letter(
        &mut self,
        around: &Surroundings<'_>,
        number: u64,
        sequence: u64,
    ) {
        let is_given_up = self.consumers.given_up(number, sequence).is_some();
        if is_given_up {
            self.with_consumer(number, |work| {
                let AtWork { consumer, .. } = work;
                consumer.letter_moved(sequence, moment(around));
            });
            self.done_with(vec![sequence]);
        }
    }
}
