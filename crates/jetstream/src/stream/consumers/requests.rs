//! What the API asks of consumers: to be made, changed, deleted, and to begin anew.

use super::Consumers;
use super::entry::ConsumerEntry;
use crate::config::{Retention, StreamConfig};
use crate::consumer::config::{
    AckPolicy, Action, ConsumerBounds, ConsumerConfig, DeliverPolicy, MAX_NAME, check, check_update,
    complete, want_the_same,
};
use crate::consumer::request::{CreateConsumerRequest, PauseRequest, ResetRequest, UnpinRequest};
use crate::error::ApiError;
use crate::held::Messages;
use crate::stream::{self, Stream, Surroundings};
use crate::time::SECOND;
use std::collections::btree_map::Entry;

/// After how long a consumer goes that is not durable, where nothing is said.
const DEFAULT_THRESHOLD: i64 = 5 * SECOND;

/// How long names are that the server gives.
const GIVEN_NAME: usize = 8;

/// What has become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requested {
    /// It is decided: it is told when that is in the log.
    Decided,
    /// It has to be made again when what is ahead is in the log.
    Unsettled,
    /// It has to be made again when something is [gathered](Stream::gather).
    Gathering,
}

/// How many consumers are named that a change of their stream would be against.
const NAMED_AT_MOST: usize = 16;

impl Consumers {
    /// Whether all consumers are within the limits that a stream is to have for them, if these are others than before.
    ///
    /// # Errors
    /// If some are not: which.
    pub(in crate::stream) fn check_limits(
        &self,
        before: &StreamConfig,
        wanted: &StreamConfig,
    ) -> Result<(), ApiError> {
        let (before, wanted) = (&before.consumer_limits, &wanted.consumer_limits);
        if before == wanted {
            return Ok(());
        }
        let exceeds = |config: &ConsumerConfig| {
            (wanted.inactive_threshold > 0 && config.inactive_threshold > wanted.inactive_threshold)
                || (wanted.max_ack_pending > 0 && config.max_ack_pending > wanted.max_ack_pending)
        };
        let consumers = self.names.iter().filter_map(|(name, number)| {
            let consumer = self.by_number.get(number)?;
            exceeds(&consumer.config).then_some(&**name)
        });
        let exceeding: Vec<&str> = consumers.collect();
        let Some(named) = exceeding.chunks(NAMED_AT_MOST).next() else {
            return Ok(());
        };
        let more = match exceeding.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names = named.join(", ");
        let why = format_args!("change to limits violates consumers: {names}{more}");
        Err(ApiError::stream_update(why))
    }
}

impl<M: Messages> Stream<M> {
    /// Makes a consumer, or has it become another. When that is done, it says so under `request`.
    ///
    /// # Errors
    /// If that cannot be.
    pub fn request_consumer(
        &mut self,
        around: &Surroundings<'_>,
        wanted: CreateConsumerRequest,
        bounds: &ConsumerBounds,
        request: u64,
    ) -> Result<Requested, ApiError> {
        let CreateConsumerRequest {
            mut config,
            action,
            is_pedantic,
            identity,
            ..
        } = wanted;
        self.consumers.random.stir(u64::from(around.random));
        self.consumers.burst = match usize::try_from(self.config.max_message_size) {
            Ok(size @ 1..) => size,
            _ => around.limits.max_payload,
        };
        self.fit_sourcing(&mut config, &identity)?;
        if let Ok(existing) = self.consumers.named(config.wanted_name()) {
            config.pause_until.clone_from(&existing.config.pause_until);
        }
        config.require_level();
        complete(&mut config, &self.config, bounds, is_pedantic)?;
        check(&config, &self.config, bounds)?;
        let name = config.wanted_name().to_owned();
        if self.consumers.ahead.contains_key(&name) {
            return Ok(Requested::Unsettled);
        }
        if self.consumers.names.contains_key(&name) {
            self.update_consumer(around, &name, config, action, request)?;
            return Ok(Requested::Decided);
        }
        if action == Action::Update {
            return Err(ApiError::CONSUMER_DOES_NOT_EXIST);
        }
        self.check_count(bounds)?;
        self.check_work_queue(&name, &config)?;
        if config.durable.len() > MAX_NAME {
            return Err(ApiError::consumer_name_too_long(MAX_NAME));
        }
        let name = match name.is_empty() {
            true => self.given_name(),
            false => name,
        };
        stamp_threshold(&mut config);
        if !self.has_gathered(&config, self.consumers.created + 1) {
            return Ok(Requested::Gathering);
        }
        self.consumers.created += 1;
        let number = self.consumers.created;
        let is_bound = config.is_push() && (around.has_interest)(config.deliver_subject.as_bytes());
        self.consumers.ahead.insert(name.clone(), Some(config.clone()));
        let entry = ConsumerEntry::Create {
            number,
            name,
            config: Box::new(config),
            time: around.now,
            is_bound,
            request: Some(request),
        };
        self.decide(stream::entry::Entry::Consumer(entry), Vec::new());
        Ok(Requested::Decided)
    }

    fn given_name(&mut self) -> String {
        loop {
            let name = self.consumers.random.name(GIVEN_NAME);
            let consumers = &self.consumers;
            if !consumers.names.contains_key(&name) && !consumers.ahead.contains_key(&name) {
                return name;
            }
        }
    }

    fn update_consumer(
        &mut self,
        around: &Surroundings<'_>,
        name: &str,
        mut config: ConsumerConfig,
        action: Action,
        request: u64,
    ) -> Result<(), ApiError> {
        let existing = self.consumers.named(name)?;
        if action == Action::Create && !config.is_same_as(&existing.config) {
            return Err(ApiError::CONSUMER_EXISTS);
        }
        if self.config.retention == Retention::WorkQueue {
            self.check_unique(name, &config)?;
        }
        check_update(&existing.config, &config, existing.is_bound())?;
        stamp_threshold(&mut config);
        if config.sourcing {
            let number = existing.number;
            self.begin_at_floor(around, number);
        }
        self.become_another(around, name, config, request)
    }

    fn become_another(
        &mut self,
        around: &Surroundings<'_>,
        name: &str,
        config: ConsumerConfig,
        request: u64,
    ) -> Result<(), ApiError> {
        let existing = self.consumers.named(name)?;
        let number = existing.number;
        let has_other_filter = !existing.config.filters().eq(config.filters());
        if has_other_filter && let Some(consumer) = self.consumers.by_number.get_mut(&number) {
            // Messages that it has passed do not come, also if it wants them now: the log does not say how far it has looked.
            consumer.marks.is_unwritten |= consumer.is_kept();
        }
        let is_bound = config.is_push() && (around.has_interest)(config.deliver_subject.as_bytes());
        (self.consumers.ahead).insert(name.to_owned(), Some(config.clone()));
        self.log_changes_of(number);
        let entry = ConsumerEntry::Update {
            number,
            config: Box::new(config),
            time: around.now,
            is_bound,
            request: Some(request),
        };
        self.decide(stream::entry::Entry::Consumer(entry), Vec::new());
        Ok(())
    }

    fn check_count(&self, bounds: &ConsumerBounds) -> Result<(), ApiError> {
        let (of_stream, of_account) = (self.config.max_consumers, bounds.account_max_consumers);
        let most = match of_stream <= 0 || (of_account > 0 && of_account < of_stream) {
            true => of_account,
            false => of_stream,
        };
        let most = if most > 0 {
            most
        } else {
            bounds.default_max_consumers
        };
        match usize::try_from(most) {
            Ok(most @ 1..) if self.counted_consumers() >= most => Err(ApiError::MAXIMUM_CONSUMERS),
            _ => Ok(()),
        }
    }

    /// How many consumers there are, and will be, that count against limits.
    fn counted_consumers(&self) -> usize {
        let there = self.consumers.by_number.values();
        let coming = self.consumers.ahead.iter();
        there.filter(|consumer| consumer.is_counted()).count()
            + coming
                .filter(|(name, config)| {
                    let is_counted = |config: &ConsumerConfig| !config.direct && !config.sourcing;
                    !self.consumers.names.contains_key(*name) && config.as_ref().is_some_and(is_counted)
                })
                .count()
    }

    /// What consumers of a work queue have to be.
    fn check_work_queue(&self, name: &str, config: &ConsumerConfig) -> Result<(), ApiError> {
        if self.config.retention != Retention::WorkQueue || config.direct || config.sourcing {
            return Ok(());
        }
        if !matches!(config.ack_policy, AckPolicy::Explicit | AckPolicy::FlowControl) {
            return Err(ApiError::WORK_QUEUE_REQUIRES_EXPLICIT_ACKS);
        }
        if config.deliver_policy != DeliverPolicy::All {
            return Err(ApiError::WORK_QUEUE_NOT_DELIVER_ALL);
        }
        if self.counted_consumers() == 0 {
            return Ok(());
        }
        match config.filters().next() {
            None => Err(ApiError::WORK_QUEUE_SEVERAL_UNFILTERED),
            Some(_) => self.check_unique(name, config),
        }
    }

    /// No two consumers of a work queue want the same message.
    fn check_unique(&self, name: &str, config: &ConsumerConfig) -> Result<(), ApiError> {
        let there = self.consumers.by_number.values();
        let there = there.filter(|consumer| consumer.name != name && consumer.is_counted());
        let coming = self.consumers.ahead.iter();
        let coming = coming.filter(|(other, _)| *other != name);
        let mut configs = there
            .map(|consumer| &consumer.config)
            .chain(coming.filter_map(|(_, config)| config.as_ref()));
        // Without a filter there is nothing to compare, as nats-server has it.
        let has_filter = config.filters().next().is_some();
        match has_filter && configs.any(|other| want_the_same(config, other)) {
            true => Err(ApiError::WORK_QUEUE_NOT_UNIQUE),
            false => Ok(()),
        }
    }

    /// Has a consumer deliver nothing until a time, or no longer. When that is done, it says so under `request`.
    ///
    /// # Errors
    /// If there is no such consumer.
    pub fn request_pause(
        &mut self,
        around: &Surroundings<'_>,
        name: &str,
        wanted: &PauseRequest,
        request: u64,
    ) -> Result<Requested, ApiError> {
        let mut config = self.consumers.named(name)?.config.clone();
        if self.consumers.ahead.contains_key(name) {
            return Ok(Requested::Unsettled);
        }
        let until = wanted.until.as_ref().filter(|until| !until.is_zero());
        config.pause_until = until.map(|until| until.time().into());
        config.require_level();
        self.become_another(around, name, config, request)?;
        Ok(Requested::Decided)
    }

    /// Has a consumer go. When that is done, it says so under `request`.
    ///
    /// # Errors
    /// If there is no such consumer.
    pub fn request_consumer_delete(&mut self, name: &str, request: u64) -> Result<Requested, ApiError> {
        let number = self.consumers.named(name)?.number;
        if self.consumers.ahead.contains_key(name) {
            return Ok(Requested::Unsettled);
        }
        self.delete_consumer(number, Some(request));
        Ok(Requested::Decided)
    }

    pub(super) fn delete_consumer(&mut self, number: u64, request: Option<u64>) {
        let Some(consumer) = self.consumers.by_number.get(&number) else {
            return;
        };
        let name = consumer.name.clone();
        if let Entry::Vacant(free) = self.consumers.ahead.entry(name) {
            free.insert(None);
            let entry = ConsumerEntry::Delete { number, request };
            self.decide(stream::entry::Entry::Consumer(entry), Vec::new());
        }
    }

    /// Has a consumer begin anew. When that is done, it says so under `request`.
    ///
    /// # Errors
    /// If it cannot.
    pub fn request_reset(
        &mut self,
        around: &Surroundings<'_>,
        name: &str,
        wanted: &ResetRequest,
        request: u64,
    ) -> Result<Requested, ApiError> {
        let consumer = self.consumers.named(name)?;
        let (number, config) = (consumer.number, &consumer.config);
        let refused = |why: &str| Err(ApiError::consumer_invalid_reset(why));
        let next = match (wanted.sequence, config.deliver_policy) {
            (0, _) => consumer.progress.floor.stream + 1,
            (sequence, DeliverPolicy::All) => sequence,
            (sequence, DeliverPolicy::ByStartSequence) => match sequence < config.opt_start_seq {
                true => return refused("below start seq"),
                false => sequence,
            },
            (sequence, DeliverPolicy::ByStartTime) => {
                let time = config.opt_start_time.as_ref().map(|time| time.time());
                let start = time.map_or(0, |time| self.at_time(time));
                match sequence < start {
                    true => return refused("below start time"),
                    false => sequence,
                }
            }
            (_, DeliverPolicy::Last | DeliverPolicy::New | DeliverPolicy::LastPerSubject) => {
                return refused("not allowed");
            }
        };
        if self.consumers.ahead.contains_key(name) {
            return Ok(Requested::Unsettled);
        }
        self.consumers.ahead.insert(name.to_owned(), None);
        self.log_changes_of(number);
        self.with_consumer(number, |work| work.consumer.marks.is_resetting = true);
        let entry = ConsumerEntry::Reset {
            number,
            next,
            time: around.now,
            request: Some(request),
        };
        self.decide(stream::entry::Entry::Consumer(entry), Vec::new());
        Ok(Requested::Decided)
    }

    /// Has no client of a group be the only one any more that is served. That is done at once.
    ///
    /// # Errors
    /// If there is no such consumer or group.
    pub fn unpin(&mut self, name: &str, wanted: &UnpinRequest) -> Result<(), ApiError> {
        let consumer = self.consumers.named(name)?;
        let number = consumer.number;
        if !consumer.config.priority_groups.contains(&wanted.group) {
            return Err(ApiError::CONSUMER_GROUP_UNKNOWN);
        }
        self.with_consumer(number, |mut work| {
            work.consumer.unpin(&wanted.group, &mut work.out)
        });
        self.consumers.make_ready(number);
        Ok(())
    }
}

/// Consumers that are not durable go when they are not used.
fn stamp_threshold(config: &mut ConsumerConfig) {
    if !config.is_durable() && config.inactive_threshold <= 0 {
        config.inactive_threshold = DEFAULT_THRESHOLD;
    }
}
