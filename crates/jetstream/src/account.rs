//! The streams of an account, and what it may have: who may be made, changed and deleted.

pub mod limits;
mod subjects;
mod totals;
mod usage;

pub use limits::{AccountLimits, Reserved, ServerRoom, StreamBytes, Tiers};
pub use usage::{AccountInfo, ApiCounters, Room};

use crate::config::{
    Existing, ServerLimits, Storage, StreamConfig, StreamConfigRequest, check, check_filters, require_level,
    update,
};
use crate::error::ApiError;
use std::collections::{BTreeMap, BTreeSet};
use subjects::Subjects;
use totals::Totals;
use usage::Used;

/// The streams of an account.
#[derive(Debug, Default)]
pub struct Account {
    tiers: Tiers,
    streams: BTreeMap<String, Registered>,
    subjects: Subjects,
    totals: Totals,
    used: BTreeMap<String, Used>,
    api: ApiCounters,
    /// How many streams there have ever been.
    created: u64,
}

/// A stream of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Registered {
    /// What it is configured to be.
    pub config: StreamConfig,
    /// What no other stream of this account has ever been or will be, of whatever name.
    pub incarnation: u64,
    /// How many consumers it has.
    pub consumers: usize,
}

/// What has become of the wish for a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// It is made.
    New(u64),
    /// There is just such a one already.
    Existing(u64),
}

impl Existing for BTreeMap<String, Registered> {
    fn config(&self, name: &str) -> Option<&StreamConfig> {
        self.get(name).map(|stream| &stream.config)
    }
}

impl Account {
    /// An account without streams. `created`: how many it has ever had.
    pub fn new(tiers: Tiers, created: u64) -> Self {
        Self {
            tiers,
            created,
            ..Self::default()
        }
    }

    /// What it may have.
    pub fn tiers(&self) -> &Tiers {
        &self.tiers
    }

    /// From now on it may have that. What it has stays.
    pub fn set_tiers(&mut self, tiers: Tiers) {
        self.tiers = tiers;
    }

    /// Its streams, by name.
    pub fn streams(&self) -> impl Iterator<Item = &Registered> {
        self.streams.values()
    }

    /// One of them.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn stream(&self, name: &str) -> Result<&Registered, ApiError> {
        self.streams.get(name).ok_or(ApiError::STREAM_NOT_FOUND)
    }

    /// The names of those that take in some subject that the filter matches; an empty one: all.
    pub fn names(&self, filter: &str) -> Vec<&str> {
        match filter {
            "" => self.streams.keys().map(String::as_str).collect(),
            filter => {
                let names: BTreeSet<&str> = self.subjects.streams(filter.as_bytes()).into_iter().collect();
                names.into_iter().collect()
            }
        }
    }

    /// A stream that has been there before the server was.
    pub fn restore(&mut self, config: StreamConfig, incarnation: u64, consumers: usize) {
        self.created = self.created.max(incarnation);
        let registered = Registered {
            config,
            incarnation,
            consumers,
        };
        self.put(registered);
    }

    fn put(&mut self, stream: Registered) {
        self.take(&stream.config.name);
        self.subjects.insert(&stream.config.name, &stream.config.subjects);
        self.totals.add(&stream);
        self.streams.insert(stream.config.name.clone(), stream);
    }

    fn take(&mut self, name: &str) -> Option<Registered> {
        let stream = self.streams.remove(name)?;
        self.subjects.remove(name, &stream.config.subjects);
        self.totals.take(&stream);
        Some(stream)
    }

    /// Makes the stream that is asked for under `name`.
    ///
    /// # Errors
    /// If it cannot be made; then nothing has changed.
    pub fn create(
        &mut self,
        name: &str,
        request: StreamConfigRequest,
        limits: &ServerLimits,
        room: &ServerRoom,
    ) -> Result<Creation, ApiError> {
        let StreamConfigRequest {
            config: mut asked,
            is_pedantic,
        } = request;
        require_level(&mut asked);
        if asked.name != name {
            return Err(ApiError::STREAM_MISMATCH);
        }
        if name.contains(['\\', '/']) {
            return Err(ApiError::STREAM_NAME_CONTAINS_PATH_SEPARATORS);
        }
        if asked.sealed {
            return Err(ApiError::stream_invalid_config(
                "stream configuration for create can not be sealed",
            ));
        }
        if asked.mirror_direct && asked.mirror.is_none() {
            return Err(ApiError::stream_invalid_config(
                "stream has no mirror but does have mirror direct",
            ));
        }
        let (tier, selected) = self.tiers.select(asked.replicas).ok_or(ApiError::NO_LIMITS)?;
        let is_itself = (self.streams.get(name))
            .is_some_and(|stream| limits::is_same_tier(tier, stream.config.replicas, asked.replicas));
        let of_tier = self
            .totals
            .streams(|replicas| limits::is_same_tier(tier, replicas, asked.replicas));
        let others = of_tier - usize::from(is_itself);
        if selected.max_streams > 0 && others >= selected.max_streams.unsigned_abs() {
            return Err(ApiError::MAXIMUM_STREAMS);
        }
        selected.check(
            tier,
            &asked,
            asked.max_bytes,
            self.reserved_beside(tier, &asked),
            room,
        )?;

        let bytes = selected.stream_bytes();
        let config = check(&asked, &self.streams, limits, bytes, is_pedantic)?;
        if config.replicas > 1 {
            return Err(ApiError::REPLICAS_NOT_SUPPORTED);
        }
        if let Some(stream) = self.streams.get(name) {
            return match config.is_same_as(&stream.config) {
                true => Ok(Creation::Existing(stream.incarnation)),
                false => Err(ApiError::STREAM_NAME_EXISTS),
            };
        }
        let (tier, selected) = self.tiers.select(config.replicas).ok_or(ApiError::NO_LIMITS)?;
        selected.check(
            tier,
            &config,
            config.max_bytes,
            self.reserved_beside(tier, &config),
            room,
        )?;
        check_filters(&config)?;
        self.check_overlap(&config)?;
        self.created += 1;
        let incarnation = self.created;
        self.restore(config, incarnation, 0);
        Ok(Creation::New(incarnation))
    }

    /// What the stream of this name is to become; it [becomes](Self::updated) that when it has been written down.
    ///
    /// # Errors
    /// If it cannot become that.
    pub fn update(
        &self,
        name: &str,
        request: &StreamConfigRequest,
        limits: &ServerLimits,
        room: &ServerRoom,
    ) -> Result<StreamConfig, ApiError> {
        let tier_of = |replicas| self.tiers.select(replicas);
        let bytes = tier_of(request.config.replicas)
            .map(|(_, selected)| selected.stream_bytes())
            .unwrap_or_default();
        let wanted = check(&request.config, &self.streams, limits, bytes, request.is_pedantic)?;
        if wanted.name != name {
            return Err(ApiError::STREAM_MISMATCH);
        }
        let old = &self.stream(name)?.config;
        // Once more, as nats-server does: what was left open is now said, and may not go with the rest.
        let wanted = check(&wanted, &self.streams, limits, bytes, request.is_pedantic)?;
        let mut wanted = update(old, wanted)?;
        require_level(&mut wanted);
        let selected = tier_of(wanted.replicas).or_else(|| tier_of(old.replicas));
        let (tier, selected) = selected.ok_or(ApiError::NO_LIMITS)?;
        // Only what it gets in addition has to fit into the server.
        let more = wanted
            .max_bytes
            .max(0)
            .saturating_sub(old.max_bytes.max(0))
            .max(0);
        let kept = limits::reservation(tier, wanted.replicas, wanted.max_bytes.saturating_sub(more));
        let reserved = self.reserved_beside(tier, &wanted).saturating_add(kept);
        selected.check(tier, &wanted, more, reserved, room)?;
        self.check_overlap(&wanted)?;
        Ok(wanted)
    }

    /// The stream has become that.
    pub fn updated(&mut self, config: StreamConfig) {
        if let Some(stream) = self.take(&config.name) {
            self.put(Registered { config, ..stream });
        }
    }

    /// Deletes the stream of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn delete(&mut self, name: &str) -> Result<Registered, ApiError> {
        self.take(name).ok_or(ApiError::STREAM_NOT_FOUND)
    }

    /// A stream has so many consumers.
    pub fn set_consumers(&mut self, name: &str, consumers: usize) {
        if let Some(stream) = self.streams.get_mut(name) {
            self.totals.take(stream);
            stream.consumers = consumers;
            self.totals.add(stream);
        }
    }

    /// No two streams take in one subject.
    fn check_overlap(&self, config: &StreamConfig) -> Result<(), ApiError> {
        match self.subjects.meet(&config.name, &config.subjects)? {
            true => Err(ApiError::STREAM_SUBJECT_OVERLAP),
            false => Ok(()),
        }
    }

    /// What is kept for the other streams of the tier and storage.
    fn reserved_beside(&self, tier: &str, config: &StreamConfig) -> i64 {
        let is_of_it = |replicas| limits::is_same_tier(tier, replicas, config.replicas);
        let reserved = self.totals.reserved(config.storage, tier.is_empty(), is_of_it);
        let own = (self.streams.get(&config.name).map(|stream| &stream.config))
            .filter(|own| own.storage == config.storage && is_of_it(own.replicas))
            .map_or(0, |own| limits::reservation(tier, own.replicas, own.max_bytes));
        i64::try_from(reserved - i128::from(own)).unwrap_or(i64::MAX)
    }

    fn reserved(&self, tier: &str, storage: Storage, is_counted: impl Fn(isize) -> bool) -> i64 {
        // Where one limit is for all, replicas count; where each number of them has its own, they do not.
        let reserved = self.totals.reserved(storage, tier.is_empty(), is_counted);
        i64::try_from(reserved).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests;
