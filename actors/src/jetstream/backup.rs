//! Streams that are backed up, and made again: what is read and written goes by in pieces.

use super::account::AccountStreams;
use super::clock;
use super::server::Server;
use super::stored::shown;
use super::stream::{Shown, StreamAddress};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::oneshot;
use vagus_jetstream::api::StreamInfoRequest;
use vagus_jetstream::backup::{BackupError, ConsumerSnapshot, Form, Part, Reader, Snapshot, Writer};
use vagus_jetstream::config::StreamConfig;
use vagus_jetstream::error::ApiError;
use vagus_jetstream::message::Message;
use vagus_store::messages::Cut;

/// How many messages of a backup are written at once, and how many bytes of them.
const MESSAGES_AT_ONCE: usize = 1000;
const BYTES_AT_ONCE: usize = 1 << 20;

/// How many consumers a backup may have.
const CONSUMERS_AT_MOST: usize = 100_000;

/// A stream that is being backed up: as it was when this began, whatever becomes of it meanwhile.
#[derive(Debug)]
pub struct Backup {
    stream: StreamAddress,
    server: Arc<Server>,
    /// What is still to be read, and where it is written; elsewhere while that goes on.
    open: Option<Box<(Cut, Writer)>>,
    is_read: bool,
}

impl Backup {
    /// Begins one. What the stream was then, and its backup.
    ///
    /// # Errors
    /// If the stream is gone.
    pub(super) async fn begin(
        stream: StreamAddress,
        server: Arc<Server>,
        form: Form,
        with_consumers: bool,
    ) -> Result<(Snapshot, Self), ApiError> {
        let (snapshot, cut) = stream.cut(with_consumers).await?;
        let writer = Writer::begin(form, snapshot.clone(), clock::now());
        let backup = Self {
            stream,
            server,
            open: Some(Box::new((cut, writer))),
            is_read: false,
        };
        Ok((snapshot, backup))
    }

    /// The next bytes of it, so many unless they are the last; None: all have been given.
    ///
    /// # Errors
    /// If something cannot be read. It is over then.
    pub async fn next(&mut self, length: usize) -> Result<Option<Bytes>, String> {
        loop {
            let ready = self.open.as_ref().map_or(0, |open| open.1.ready());
            if ready >= length || self.is_read {
                let bytes = self.open.as_mut().map(|open| open.1.take(length));
                return Ok(bytes.filter(|bytes| !bytes.is_empty()));
            }
            self.read().await?;
        }
    }

    /// Reads the messages of one more segment.
    async fn read(&mut self) -> Result<(), String> {
        let Some(mut open) = self.open.take() else {
            return Err("the backup has failed before".to_owned());
        };
        let (told, is_told) = oneshot::channel();
        let disk = self.server.disk.clone();
        self.server.workers.read(move || {
            let (cut, writer) = &mut *open;
            let read = cut.next(&*disk).map(|messages| match messages {
                Some(messages) => {
                    for message in messages {
                        writer.message(&shown(message));
                    }
                    false
                }
                None => {
                    writer.end();
                    true
                }
            });
            // Who waits may have gone.
            let _ = told.send(read.map(|is_read| (open, is_read)));
        });
        let read = is_told
            .await
            .map_err(|_| "the server is about to stop".to_owned())?;
        let (open, is_read) = read.map_err(|error| error.to_string())?;
        (self.open, self.is_read) = (Some(open), is_read);
        Ok(())
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        self.stream.give_back();
    }
}

/// A stream that is being made again. Nothing is left of it if this is dropped before it is [finished](Self::finish).
pub struct Restoration {
    account: Arc<AccountStreams>,
    /// What it is to be.
    config: StreamConfig,
    /// Made when it is known since when there was it.
    stream: Option<StreamAddress>,
    reader: Reader,
    consumers: Vec<ConsumerSnapshot>,
    messages: Vec<Message>,
    bytes: usize,
    /// The last sequence that the stream had given.
    last: u64,
    restored: u64,
    is_finished: bool,
}

/// Why a stream cannot be made again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The backup is none, or damaged.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// It is of a stream of another name.
    #[error("stream names do not match")]
    Names,
    /// The stream cannot be, or a part of it cannot be written.
    #[error(transparent)]
    Refused(#[from] ApiError),
}

impl Restoration {
    /// `config`: what the stream is to be, which its account has found that it can.
    pub(super) fn new(account: Arc<AccountStreams>, config: StreamConfig) -> Self {
        Self {
            reader: Reader::new(&config.name),
            account,
            config,
            stream: None,
            consumers: Vec::new(),
            messages: Vec::new(),
            bytes: 0,
            last: 0,
            restored: 0,
            is_finished: false,
        }
    }

    /// A piece of the backup has come.
    ///
    /// # Errors
    /// If it is none, or cannot be written. It is over then, and nothing is left of it.
    pub async fn push(&mut self, piece: Bytes) -> Result<(), RestoreError> {
        self.reader.push(piece);
        let taken = self.take_all().await;
        if taken.is_err() {
            self.give_up().await;
        }
        taken
    }

    async fn take_all(&mut self) -> Result<(), RestoreError> {
        while let Some(part) = self.reader.next_part()? {
            self.take(part).await?;
        }
        Ok(())
    }

    /// Nothing is left of it.
    async fn give_up(&mut self) {
        if !std::mem::replace(&mut self.is_finished, true) {
            let stream = self.stream.take();
            self.account.give_up(&self.config.name, stream).await;
        }
    }

    async fn take(&mut self, part: Part) -> Result<(), RestoreError> {
        match part {
            Part::Stream { created, name } => {
                if name != self.config.name {
                    return Err(RestoreError::Names);
                }
                if self.stream.is_none() {
                    self.stream = Some(self.account.make_half_restored(&self.config, created).await?);
                }
            }
            Part::Last(last) => self.last = self.last.max(last),
            Part::Consumer(consumer) => {
                if self.consumers.len() >= CONSUMERS_AT_MOST {
                    return Err(ApiError::MAXIMUM_CONSUMERS.into());
                }
                self.consumers.push(*consumer);
            }
            Part::Gone(sequence) if sequence > self.restored => self.last = self.last.max(sequence),
            Part::Gone(sequence) => {
                self.write().await?;
                self.stream().await?.restore_removal(sequence).await?;
            }
            Part::Message(message) => {
                self.bytes += message.subject.len() + message.headers.len() + message.payload.len();
                self.restored = message.sequence;
                self.messages.push(message);
                if self.messages.len() >= MESSAGES_AT_ONCE || self.bytes >= BYTES_AT_ONCE {
                    self.write().await?;
                }
            }
        }
        Ok(())
    }

    /// The stream that takes the messages in.
    async fn stream(&mut self) -> Result<StreamAddress, ApiError> {
        if let Some(stream) = &self.stream {
            return Ok(stream.clone());
        }
        let stream = self
            .account
            .make_half_restored(&self.config, clock::now())
            .await?;
        Ok(self.stream.insert(stream).clone())
    }

    /// Writes what has come.
    async fn write(&mut self) -> Result<(), ApiError> {
        if !self.messages.is_empty() {
            self.bytes = 0;
            let messages = std::mem::take(&mut self.messages);
            self.account.check_room(&self.config, &messages)?;
            self.stream().await?.restore_messages(messages, 0).await?;
        }
        Ok(())
    }

    /// All has come: there is the stream.
    ///
    /// # Errors
    /// If something is missing, or the stream cannot be. Nothing is left of it then.
    pub async fn finish(mut self) -> Result<Shown, RestoreError> {
        let finished = self.become_whole().await;
        if finished.is_err() {
            self.give_up().await;
        }
        finished
    }

    async fn become_whole(&mut self) -> Result<Shown, RestoreError> {
        self.reader.end()?;
        self.write().await?;
        let stream = self.stream().await?;
        stream.restore_messages(Vec::new(), self.last).await?;
        for consumer in std::mem::take(&mut self.consumers) {
            stream.restore_consumer(consumer, &self.config).await?;
        }
        stream.update(self.config.clone()).await?;
        self.account.restored(&self.config.name, stream.clone())?;
        self.is_finished = true;
        Ok(stream.show(StreamInfoRequest::default()).await?)
    }
}

impl Drop for Restoration {
    fn drop(&mut self) {
        if !self.is_finished {
            let (account, name) = (self.account.clone(), self.config.name.clone());
            let stream = self.stream.take();
            actix_rt::spawn(async move { account.give_up(&name, stream).await });
        }
    }
}

impl std::fmt::Debug for Restoration {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Restoration")
            .field("stream", &self.config.name)
            .finish_non_exhaustive()
    }
}
