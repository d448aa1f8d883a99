//! What of a stream is backed up beside its messages; and how a stream becomes what a backup says.
//!
//! A stream that is being made again has no subjects, nothing has its messages go, and it publishes nothing: what it is
//! configured to be it [becomes](Stream::request_update) when all of it is there. Until then it [says](is_half_restored)
//! what it is, so that what is left of one after a crash is known.

use super::consumers::entry::{ConsumerEntry, Kept};
use super::entry::{Entry, Store};
use super::publishing::MAX_HEADERS;
use super::{Done, Effect, Stream, Surroundings};
use crate::backup::{ConsumerSnapshot, Snapshot};
use crate::config::{Retention, StreamConfig};
use crate::consumer::Progress;
use crate::consumer::config::{ConsumerBounds, check, complete};
use crate::error::ApiError;
use crate::held::Messages;
use crate::message::{Message, SEQUENCE_AT_MOST};

/// By this a stream is known of which not all is there yet.
const HALF_RESTORED: &str = "_vagus.half_restored";

/// What a stream is while it is made again that is to be as `config`.
#[must_use]
pub fn while_restored(config: &StreamConfig) -> StreamConfig {
    let mut while_restored = StreamConfig {
        name: config.name.clone(),
        storage: config.storage,
        compression: config.compression,
        replicas: config.replicas,
        duplicate_window: config.duplicate_window,
        allow_ttl: config.allow_ttl,
        allow_schedules: config.allow_schedules,
        retention: Retention::Limits,
        sealed: true,
        max_messages: -1,
        max_bytes: -1,
        max_per_subject: -1,
        max_message_size: -1,
        max_consumers: -1,
        ..StreamConfig::default()
    };
    while_restored
        .metadata
        .insert(HALF_RESTORED.to_owned(), String::new());
    while_restored
}

/// Whether a stream is one of which not all is there.
#[must_use]
pub fn is_half_restored(config: &StreamConfig) -> bool {
    config.metadata.contains_key(HALF_RESTORED)
}

impl<M: Messages> Stream<M> {
    /// What there is beside messages, now.
    pub fn snapshot(&self, with_consumers: bool) -> Snapshot {
        let consumers = match with_consumers {
            true => self.consumers.snapshots(),
            false => Vec::new(),
        };
        Snapshot {
            config: self.config.clone(),
            created: self.created,
            state: self.state(consumers.len()),
            consumers,
        }
    }

    /// Takes in messages of a backup; `last` is a sequence up to which none are missing. When that is done, it says so under
    /// `request`.
    ///
    /// # Errors
    /// If they are not in their order.
    pub fn request_restore(
        &mut self,
        messages: Vec<Message>,
        last: u64,
        request: u64,
    ) -> Result<(), ApiError> {
        for message in messages {
            if message.sequence <= self.ahead.last().unwrap_or(self.last) {
                return Err(ApiError::restore_failed("messages are out of order"));
            }
            self.check_restored(&message)?;
            let store = Store {
                time: message.time,
                subject: message.subject,
                headers: message.headers,
                payload: message.payload,
                ..Store::default()
            };
            let entry = Entry::Mirror {
                sequence: message.sequence,
                store: store.with_headers_read(),
            };
            self.decide(entry, Vec::new());
        }
        if last > SEQUENCE_AT_MOST {
            return Err(ApiError::restore_failed("a sequence is too high"));
        }
        if last > self.ahead.last().unwrap_or(self.last) {
            self.decide(Entry::Skip(last), Vec::new());
        }
        let outcome = Ok(Done::Restored);
        let done = self.ahead.answer_after(Effect::Done { request, outcome });
        self.effects.list.extend(done);
        Ok(())
    }

    /// A backup may be anybody's: what it has must be what could have been published.
    fn check_restored(&self, message: &Message) -> Result<(), ApiError> {
        let Message {
            sequence,
            subject,
            headers,
            payload,
            ..
        } = message;
        let has_headers = headers.starts_with(b"NATS/1.0") && headers.ends_with(b"\r\n\r\n");
        // It is sent to clients in lines.
        let is_word = !subject.is_empty() && subject.iter().all(|byte| *byte > b' ' && *byte != 0x7f);
        let is_message = is_word && (headers.is_empty() || has_headers);
        if !is_message || *sequence > SEQUENCE_AT_MOST || headers.len() > MAX_HEADERS {
            let why = format_args!("message {sequence} is none");
            return Err(ApiError::restore_failed(why));
        }
        self.check_fits_file(subject, headers, payload)
    }

    /// Has a message go that a backup says has.
    pub fn restore_removal(&mut self, sequence: u64) {
        self.decide(
            Entry::Delete {
                sequence,
                erased: false,
                request: None,
            },
            Vec::new(),
        );
    }

    /// Has there be a consumer again, of a stream that is to be as `config`. When that is done, it says so under `request`.
    ///
    /// # Errors
    /// If there cannot be such a one.
    pub fn request_restored_consumer(
        &mut self,
        around: &Surroundings<'_>,
        wanted: ConsumerSnapshot,
        config: &StreamConfig,
        bounds: &ConsumerBounds,
        request: u64,
    ) -> Result<(), ApiError> {
        let ConsumerSnapshot {
            name,
            created,
            config: mut of_consumer,
            state,
        } = wanted;
        of_consumer.name.clone_from(&name);
        of_consumer.require_level();
        complete(&mut of_consumer, config, bounds, false)?;
        check(&of_consumer, config, bounds)?;
        self.consumers.check_new(&name)?;
        let progress = Progress::of_backup(&state, &of_consumer);
        let number = self.consumers.next_number();
        let entry = ConsumerEntry::Restore {
            number,
            name,
            config: Box::new(of_consumer),
            time: created.unwrap_or(around.now),
            progress: Box::new(Kept(progress)),
            request: Some(request),
        };
        self.decide(Entry::Consumer(entry), Vec::new());
        Ok(())
    }
}
