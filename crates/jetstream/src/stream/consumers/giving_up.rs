//! What consumers have given up, and where it goes.

use super::{AtWork, Consumers, moment};
use crate::consumer::dead_letter;
use crate::held::Messages;
use crate::stream::dead_letters::GivenUp;
use crate::stream::{Stream, Surroundings};
use bytes::Bytes;
use std::collections::BTreeSet;

impl Consumers {
    /// What is known of a message that a consumer has given up, or that has expired before it was done with that; None: it is
    /// no dead letter, or the consumer does not say where to.
    pub(in crate::stream) fn given_up(
        &self,
        number: u64,
        sequence: u64,
        expired: Option<&[u8]>,
    ) -> Option<GivenUp> {
        let consumer = self.by_number.get(&number)?;
        let target = dead_letter::target(&consumer.config)?;
        let (deliveries, reason) = match (consumer.given_up(sequence), expired) {
            (Some(deliveries), _) if consumer.was_last(deliveries) => (deliveries, "max_deliver"),
            (Some(deliveries), _) => (deliveries, "terminated"),
            (None, Some(subject)) if consumer.needs(sequence, subject) => {
                (consumer.deliveries(sequence), "expired")
            }
            (None, _) => return None,
        };
        Some(GivenUp {
            consumer: consumer.name.clone(),
            target: Bytes::copy_from_slice(target.as_bytes()),
            deliveries,
            reason,
        })
    }

    /// The consumers of which a message that expires is a dead letter: those that have such, and are not done with it.
    pub(in crate::stream) fn mourners(&self, sequence: u64, subject: &[u8]) -> BTreeSet<u64> {
        let mut mourners = BTreeSet::new();
        self.mourning.for_each(subject, |number| {
            let consumer = self.by_number.get(&number);
            if consumer.is_some_and(|consumer| consumer.needs(sequence, subject)) {
                mourners.insert(number);
            }
        });
        mourners
    }

    /// Whether some consumer has dead letters.
    pub(in crate::stream) fn has_mourners(&self) -> bool {
        !self.mourning.is_empty()
    }
}

impl<M: Messages> Stream<M> {
    /// A dead letter is where it was to go: its consumer is done with it.
    pub(in crate::stream) fn done_with_dead_letter(
        &mut self,
        around: &Surroundings<'_>,
        number: u64,
        sequence: u64,
        has_expired: bool,
    ) {
        let subject = self.held.subject_of(sequence);
        let expired = subject.as_deref().filter(|_| has_expired);
        if self.consumers.given_up(number, sequence, expired).is_some() {
            self.with_consumer(number, |work| {
                let AtWork { consumer, view, .. } = work;
                consumer.letter_moved(sequence, moment(around), &view);
            });
            self.done_with(vec![sequence]);
        }
    }
}
