//! The streams of one account: who are made, changed and deleted, and what they may have.

mod restoring;

use super::clock;
use super::server::Server;
use super::starter::Starters;
use super::stored::Stored;
use super::stream::{Found, StreamAddress};
use crate::accounts::RoutedAccount;
use bytes::Bytes;
use futures_util::future::join_all;
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::oneshot;
use vagus_jetstream::account::{
    Account, AccountInfo, AccountLimits, ApiCounters, Creation, Registered, Room, Tiers,
};
use vagus_jetstream::config::{Storage, StreamConfig, StreamConfigRequest};
use vagus_jetstream::consumer::config::ConsumerBounds;
use vagus_jetstream::error::ApiError;
use vagus_jetstream::stream::{Stream as Machine, is_half_restored};
use vagus_jetstream::time::Time;
use vagus_store::StreamIdentity;
use vagus_store::messages::Messages;
use vagus_store::wal::GroupId;

/// The streams of an account.
#[derive(Debug)]
pub struct AccountStreams {
    pub(super) routed: RoutedAccount,
    server: Arc<Server>,
    starters: Arc<Starters>,
    registry: Mutex<Account>,
    streams: RwLock<BTreeMap<String, (StreamAddress, StreamIdentity)>>,
    /// Those that are made again, of which not all is there yet.
    half_restored: Mutex<BTreeMap<String, StreamIdentity>>,
    /// One stream is made, changed or deleted at a time.
    changing: tokio::sync::Mutex<()>,
}

impl AccountStreams {
    pub(super) fn new(
        routed: RoutedAccount,
        server: Arc<Server>,
        starters: Arc<Starters>,
        tiers: Tiers,
    ) -> Self {
        // As many as there have been of all accounts: none is known by what one of this account was.
        let created = server.store.lock().last_id();
        Self {
            routed,
            registry: Mutex::new(Account::new(tiers, created)),
            server,
            starters,
            streams: RwLock::default(),
            half_restored: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
        }
    }

    /// The account that it is of.
    pub fn routed(&self) -> &RoutedAccount {
        &self.routed
    }

    /// The domain of the server; empty: none.
    pub fn domain(&self) -> &str {
        &self.server.domain
    }

    /// Whether requests may have no fields but those that are known.
    pub fn is_strict(&self) -> bool {
        self.server.strict
    }

    /// From now on it may have that. What it has stays.
    pub fn set_tiers(&self, tiers: Tiers) {
        self.registry.lock().set_tiers(tiers);
    }

    /// The version of nats-server that this one is like.
    pub fn version(&self) -> &str {
        &self.server.version
    }

    /// What the server is called.
    pub fn server_name(&self) -> &str {
        &self.server.name
    }

    /// What the subjects begin with that requests are asked on.
    pub fn api_prefixes(&self) -> &[String] {
        self.server.api_prefixes()
    }

    /// What is told of it.
    pub fn info(&self) -> AccountInfo {
        self.registry.lock().info(&self.server.domain)
    }

    /// How many bytes its messages have in memory, and in files, all replicas counted.
    pub fn used(&self) -> (i64, i64) {
        self.registry.lock().used()
    }

    /// How often its API was asked.
    pub fn api(&self) -> ApiCounters {
        self.registry.lock().api()
    }

    /// What it may have, if that is one limit for all its streams.
    pub fn flat_limits(&self) -> Option<AccountLimits> {
        self.registry.lock().tiers().flat_limits().copied()
    }

    /// A request was answered.
    pub fn count_request(&self, was_error: bool) {
        self.registry.lock().count_request(was_error);
    }

    /// The names of the streams that take in a subject that the filter matches, in their order; an empty one: all.
    pub fn names(&self, filter: &str) -> Vec<String> {
        self.registry
            .lock()
            .names(filter)
            .into_iter()
            .map(ToOwned::to_owned)
            .collect()
    }

    /// The stream of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn stream(&self, name: &str) -> Result<StreamAddress, ApiError> {
        let streams = self.streams.read();
        let found = streams.get(name).map(|(stream, _)| stream.clone());
        found.ok_or(ApiError::STREAM_NOT_FOUND)
    }

    /// All its streams, by name.
    pub fn streams(&self) -> Vec<StreamAddress> {
        self.streams
            .read()
            .values()
            .map(|(stream, _)| stream.clone())
            .collect()
    }

    /// How much more may be stored in a stream.
    pub(super) fn room(&self, name: &str) -> Room {
        let registry = self.registry.lock();
        let storage = registry.stream(name).map(|stream| stream.config.storage);
        let is_full = storage.is_ok_and(|storage| self.server.is_full(storage));
        registry.room(name, is_full)
    }

    /// What consumers of a stream may be.
    pub(super) fn consumer_bounds(&self, stream: &str) -> ConsumerBounds {
        let registry = self.registry.lock();
        let replicas = registry.stream(stream).map_or(1, |stream| stream.config.replicas);
        let (_, limits) = registry.tiers().select(replicas).unzip();
        let limits = limits.copied().unwrap_or_default();
        ConsumerBounds {
            max_ack_pending: self.server.max_ack_pending,
            max_batch: self.server.max_request_batch,
            account_max_ack_pending: limits.max_ack_pending,
            account_max_consumers: limits.max_consumers,
            default_max_consumers: self.server.default_max_consumers(),
        }
    }

    /// A stream has so many consumers.
    pub(super) fn set_consumers(&self, stream: &str, consumers: usize) {
        self.registry.lock().set_consumers(stream, consumers);
    }

    /// A stream has so many bytes more or, below 0, less.
    pub(super) fn use_bytes(&self, name: &str, bytes: i64) {
        let mut registry = self.registry.lock();
        if let Ok(stream) = registry.stream(name) {
            self.server.use_bytes(stream.config.storage, bytes);
        }
        registry.use_bytes(name, bytes);
    }

    /// A stream that there was before the server was. Told when it takes in what is published.
    pub(super) async fn restore(self: &Arc<Self>, found: Found) -> Option<()> {
        let config = found.machine.config().clone();
        if is_half_restored(&config) {
            let name = &config.name;
            log::warn!("JetStream: what there is of stream '{name}', which was being restored, is left out");
            if config.storage == Storage::File {
                self.server.forget(found.identity).await;
            }
            return None;
        }
        self.server.reserve(None, Some(&config));
        self.registry
            .lock()
            .restore(config, found.machine.incarnation(), 0);
        self.begin(found).await
    }

    async fn begin(self: &Arc<Self>, found: Found) -> Option<()> {
        let (stream, identity) = self.start(found).await?;
        self.streams
            .write()
            .insert(identity.name.clone(), (stream, identity));
        Some(())
    }

    /// Has a stream be an actor, which nobody finds yet.
    async fn start(self: &Arc<Self>, found: Found) -> Option<(StreamAddress, StreamIdentity)> {
        let identity = found.identity.clone();
        let (told, is_in_force) = oneshot::channel();
        let stream = self.starters.start(self.clone(), found, told).await?;
        is_in_force.await.ok()?;
        Some((stream, identity))
    }

    /// Makes the stream that is asked for under `name`, if there is not just such a one already. True: it is new.
    ///
    /// # Errors
    /// If it cannot be made; then nothing has changed.
    pub async fn create(
        self: &Arc<Self>,
        name: &str,
        request: StreamConfigRequest,
    ) -> Result<bool, ApiError> {
        let _changing = self.changing.lock().await;
        let (limits, room) = (self.server.limits(), self.server.room());
        let created = self.registry.lock().create(name, request, &limits, &room)?;
        let Creation::New(incarnation) = created else {
            return Ok(false);
        };
        let config = self.registry.lock().stream(name)?.config.clone();
        self.server.reserve(None, Some(&config));
        let begun = self.make(config.clone(), incarnation).await;
        if begun.is_err() {
            self.server.reserve(Some(&config), None);
            // It is there: nobody else changes anything meanwhile.
            let _ = self.registry.lock().delete(name);
        }
        begun.map(|()| true)
    }

    /// Makes a stream on disk, and its actor.
    async fn make(self: &Arc<Self>, config: StreamConfig, incarnation: u64) -> Result<(), ApiError> {
        let found = self.make_since(config, incarnation, clock::now()).await?;
        let begun = self.begin(found).await;
        // The server is at its end.
        begun.ok_or(ApiError::STREAM_NOT_FOUND)
    }

    /// Makes what there is of a stream that there has been since a time.
    async fn make_since(
        &self,
        config: StreamConfig,
        incarnation: u64,
        created: Time,
    ) -> Result<Found, ApiError> {
        let domain = &self.server.domain;
        let machine = |messages| {
            let held = Stored::new(self.server.disk.clone(), messages);
            Machine::new(config.clone(), incarnation, created, domain, held)
        };
        let (identity, messages) = match config.storage {
            Storage::File => {
                let definition = machine(Messages::in_memory()).checkpoint();
                self.make_on_disk(&config, definition).await?
            }
            Storage::Memory => (self.in_memory(&config.name), Messages::in_memory()),
        };
        Ok(Found {
            machine: machine(messages),
            identity,
            index: 0,
            checkpointed: 0,
            is_new: true,
            failure: None,
            flush: None,
        })
    }

    async fn make_on_disk(
        &self,
        config: &StreamConfig,
        definition: Vec<u8>,
    ) -> Result<(StreamIdentity, Messages), ApiError> {
        let (account, name) = (self.routed.account.name().to_owned(), config.name.clone());
        let options = self.server.sizes.options(config);
        let made = self
            .server
            .on_disk(move |store| store.create(&account, &name, definition.into(), options))
            .await;
        made.map_err(ApiError::stream_create)
    }

    /// Nothing of a stream in memory is on disk.
    fn in_memory(&self, name: &str) -> StreamIdentity {
        StreamIdentity {
            account: self.routed.account.name().to_owned(),
            name: name.to_owned(),
            group: GroupId::default(),
            definition: Bytes::new(),
        }
    }

    /// Has the stream of this name be what is asked for.
    ///
    /// # Errors
    /// If it cannot become that; then nothing has changed.
    pub async fn update(&self, name: &str, request: StreamConfigRequest) -> Result<(), ApiError> {
        let _changing = self.changing.lock().await;
        let (limits, room) = (self.server.limits(), self.server.room());
        let (before, wanted) = {
            let registry = self.registry.lock();
            let wanted = registry.update(name, &request, &limits, &room)?;
            (registry.stream(name)?.config.clone(), wanted)
        };
        let stream = self.stream(name)?;
        stream.update(wanted.clone()).await?;
        self.server.reserve(Some(&before), Some(&wanted));
        self.registry.lock().updated(wanted.clone());
        Ok(())
    }

    /// Deletes the stream of this name.
    ///
    /// # Errors
    /// If there is none, or it cannot be.
    pub async fn delete(&self, name: &str) -> Result<(), ApiError> {
        let _changing = self.changing.lock().await;
        let config = self.registry.lock().stream(name)?.config.clone();
        let removed = self.streams.write().remove(name);
        if let Some((stream, identity)) = removed {
            stream.end().await;
            if config.storage == Storage::File {
                self.server.forget(identity).await;
            }
        }
        self.server.reserve(Some(&config), None);
        self.registry.lock().delete(name).map(drop)
    }

    /// Ends all its streams. What those are that are on disk.
    pub(super) async fn retire(&self) -> Vec<Found> {
        let _changing = self.changing.lock().await;
        let streams = std::mem::take(&mut *self.streams.write());
        let retired = streams.into_iter().map(async |(name, (stream, _))| {
            let Registered { config, .. } = self.registry.lock().delete(&name).ok()?;
            self.server.reserve(Some(&config), None);
            let found = stream.retire().await;
            found.filter(|_| config.storage == Storage::File)
        });
        join_all(retired).await.into_iter().flatten().collect()
    }
}
