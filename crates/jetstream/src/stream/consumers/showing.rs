//! What is told of the consumers of a stream.

use super::moment;
use crate::api::{LIST_LIMIT, NAMES_LIMIT, Paged};
use crate::consumer::{ConsumerHealth, ConsumerInfo};
use crate::error::ApiError;
use crate::held::{Cold, Messages};
use crate::stream::{Stream, Surroundings};
use std::ops::Bound;

impl<M: Messages> Stream<M> {
    /// How many consumers there are.
    pub fn consumer_count(&self) -> usize {
        self.consumers.by_number.len()
    }

    /// How many of them others are told of: all but those that mirrors and sources use.
    pub fn public_consumer_count(&self) -> usize {
        self.consumers.by_number.len() - self.consumers.hidden
    }

    /// The names of those, in their order.
    fn public_names(&self) -> impl Iterator<Item = &String> {
        let consumers = &self.consumers;
        let is_public = |number: &u64| {
            let consumer = consumers.by_number.get(number);
            consumer.is_some_and(|consumer| !consumer.config.direct)
        };
        let names = consumers.names.iter();
        let public = names.filter(move |(_, number)| consumers.hidden == 0 || is_public(number));
        public.map(|(name, _)| name)
    }

    /// Whether there is a consumer of that name.
    pub fn has_consumer(&self, name: &str) -> bool {
        self.consumers.names.contains_key(name)
    }

    /// What a consumer is.
    ///
    /// # Errors
    /// If something has to be read first.
    pub fn consumer_info(
        &mut self,
        around: &Surroundings<'_>,
        name: &str,
    ) -> Result<Result<ConsumerInfo, ApiError>, Cold> {
        let number = match self.consumers.named(name) {
            Ok(consumer) => consumer.number,
            Err(error) => return Ok(Err(error)),
        };
        let stream = self.config.name.clone();
        let info = self.with_consumer(number, |work| {
            work.consumer.info(&stream, &work.view, moment(around))
        });
        info.unwrap_or_else(|| Ok(ConsumerInfo::default())).map(Ok)
    }

    /// What of a consumer is no part of nats-server's answers: why it waits, how far it is behind.
    ///
    /// # Errors
    /// If something has to be read first.
    pub fn consumer_health(
        &mut self,
        around: &Surroundings<'_>,
        name: &str,
    ) -> Result<Result<ConsumerHealth, ApiError>, Cold> {
        let number = match self.consumers.named(name) {
            Ok(consumer) => consumer.number,
            Err(error) => return Ok(Err(error)),
        };
        let health = self.with_consumer(number, |work| work.consumer.health(&work.view, moment(around)));
        health
            .transpose()
            .map(|health| health.ok_or(ApiError::CONSUMER_NOT_FOUND))
    }

    /// The names of consumers, in their order, from one on.
    pub fn consumer_names(&self, offset: isize) -> Paged<String> {
        let Paged { page, shown } = Paged::new(self.public_names(), offset, NAMES_LIMIT);
        let shown = shown.into_iter().cloned().collect();
        Paged { page, shown }
    }

    /// The names of the first consumers whose names come behind this one.
    pub fn consumer_names_after(&self, name: &str, at_most: usize) -> Vec<String> {
        let behind = (Bound::Excluded(name), Bound::Unbounded);
        let names = self.consumers.names.range::<str, _>(behind);
        names.take(at_most).map(|(name, _)| name.clone()).collect()
    }

    /// What consumers are, in the order of their names, from one on.
    ///
    /// # Errors
    /// If something has to be read first.
    pub fn consumer_infos(
        &mut self,
        around: &Surroundings<'_>,
        offset: isize,
    ) -> Result<Paged<ConsumerInfo>, Cold> {
        let Paged { page, shown: names } = Paged::new(self.public_names(), offset, LIST_LIMIT);
        let names: Vec<String> = names.into_iter().cloned().collect();
        let mut shown = Vec::with_capacity(names.len());
        for name in &names {
            shown.extend(self.consumer_info(around, name)?.ok());
        }
        Ok(Paged { page, shown })
    }
}
