//! The streams of an account that are backed up, and made again from that.

use super::AccountStreams;
use crate::jetstream::backup::{Backup, Restoration};
use crate::jetstream::stream::StreamAddress;
use std::sync::Arc;
use vagus_jetstream::backup::{Form, Snapshot};
use vagus_jetstream::config::{Storage, StreamConfig, StreamConfigRequest};
use vagus_jetstream::error::ApiError;
use vagus_jetstream::message::Message;
use vagus_jetstream::stream::while_restored;
use vagus_jetstream::time::Time;

impl AccountStreams {
    /// Begins to back a stream up: what it is, and its backup.
    ///
    /// # Errors
    /// If there is no stream of that name.
    pub async fn back_up(
        &self,
        name: &str,
        form: Form,
        with_consumers: bool,
    ) -> Result<(Snapshot, Backup), ApiError> {
        Backup::begin(self.stream(name)?, self.server.clone(), form, with_consumers).await
    }

    /// Begins to make the stream again that is described under `name`.
    ///
    /// # Errors
    /// If there cannot be such a one, or there is one of that name.
    pub fn begin_restore(
        self: &Arc<Self>,
        name: &str,
        mut request: StreamConfigRequest,
    ) -> Result<Restoration, ApiError> {
        let mut registry = self.registry.lock();
        if registry.stream(name).is_ok() {
            return Err(ApiError::STREAM_NAME_EXISTS_RESTORE_FAILED);
        }
        // What is made cannot be sealed; what is made again can.
        let is_sealed = std::mem::take(&mut request.config.sealed);
        let (limits, room) = (self.server.limits(), self.server.room());
        registry.create(name, request, &limits, &room)?;
        let mut config = registry.stream(name)?.config.clone();
        config.sealed = is_sealed;
        registry.updated(config.clone());
        drop(registry);
        self.server.reserve(None, Some(&config));
        Ok(Restoration::new(self.clone(), config))
    }

    /// Makes what the messages of a stream go into that is made again.
    pub(in crate::jetstream) async fn make_half_restored(
        self: &Arc<Self>,
        config: &StreamConfig,
        created: Time,
    ) -> Result<StreamAddress, ApiError> {
        let incarnation = self.registry.lock().stream(&config.name)?.incarnation;
        let made = self
            .make_since(while_restored(config), incarnation, created)
            .await?;
        let begun = self.start(made).await;
        let (stream, identity) = begun.ok_or(ApiError::STREAM_NOT_FOUND)?;
        self.half_restored.lock().insert(config.name.clone(), identity);
        Ok(stream)
    }

    /// Whether there is room for messages in a stream that is made again.
    ///
    /// # Errors
    /// If there is not.
    pub(in crate::jetstream) fn check_room(
        &self,
        config: &StreamConfig,
        messages: &[Message],
    ) -> Result<(), ApiError> {
        let room = self.room(&config.name);
        let bytes: u64 = messages.iter().map(|message| message.size(config.storage)).sum();
        let fits = room
            .bytes
            .is_none_or(|left| i64::try_from(bytes).is_ok_and(|bytes| bytes <= left));
        match fits && !room.is_server_full && !room.is_forbidden {
            true => Ok(()),
            false => Err(ApiError::STORAGE_RESOURCES_EXCEEDED),
        }
    }

    /// All of a stream is there again.
    pub(in crate::jetstream) fn restored(&self, name: &str, stream: StreamAddress) -> Result<(), ApiError> {
        let identity = self.half_restored.lock().remove(name);
        let identity = identity.ok_or(ApiError::STREAM_NOT_FOUND)?;
        self.streams.write().insert(name.to_owned(), (stream, identity));
        Ok(())
    }

    /// Nothing stays of a stream that was to be made again.
    pub(in crate::jetstream) async fn give_up(&self, name: &str, stream: Option<StreamAddress>) {
        let config = self
            .registry
            .lock()
            .stream(name)
            .map(|stream| stream.config.clone());
        let identity = self.half_restored.lock().remove(name);
        if let (Ok(config), Some(stream), Some(identity)) = (&config, stream, identity) {
            stream.end().await;
            if config.storage == Storage::File {
                self.server.forget(identity).await;
            }
        }
        if let Ok(config) = &config {
            self.server.reserve(Some(config), None);
        }
        // It may have gone with the server.
        let _ = self.registry.lock().delete(name);
    }
}
