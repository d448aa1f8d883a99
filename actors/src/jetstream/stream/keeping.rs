//! Keeping the messages of a stream on disk, and reading them again.
//!
//! What is new is written into segments from time to time, so that memory has little of it; when the log needs room, or the
//! server ends, a checkpoint says that its entries are not needed any more. One thing at a time is being written.

use super::Stream;
use crate::jetstream::stored::Stored;
use crate::mailbox::tell;
use actix::prelude::*;
use std::collections::VecDeque;
use tokio::sync::oneshot;
use vagus_jetstream::error::ApiError;
use vagus_store::Disk;
use vagus_store::messages::{
    Checkpoint, Compacted, Compaction, Erasure, Flush, Position, ReadError, Warm, WriteError,
};

/// So many bytes are written at once, and are in memory until then.
const UNWRITTEN_AT_MOST: u64 = 1 << 20;

/// The term in which entries are proposed where one server alone has the log.
const TERM: u64 = 1;

/// How far the messages of a stream are kept.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    is_writing: bool,
    is_compacting: bool,
    /// The log needs the room that its entries take, or somebody waits for a checkpoint.
    pub(super) wants_checkpoint: bool,
    /// The server ends: everything is written that makes the next start short.
    is_closing: bool,
    closed: Option<oneshot::Sender<()>>,
    /// The last entry that is in a checkpoint.
    checkpointed: u64,
    erasures: VecDeque<Erasure>,
}

impl Keeping {
    /// Whether the server ends.
    pub(super) fn is_closing(&self) -> bool {
        self.is_closing
    }

    /// For a stream whose log is that far.
    pub(super) fn at(index: u64) -> Self {
        Self {
            checkpointed: index,
            ..Self::default()
        }
    }
}

/// What has been written or read.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) enum Kept {
    Flushed(Flush, Result<(), WriteError>),
    Checkpointed(Box<Checkpoint>, Result<(), WriteError>),
    Compacted(Box<Result<Compacted, ReadError>>),
    Erased(Result<(), WriteError>),
    Read(u64, Result<Warm, ReadError>),
}

/// The server ends: what is not in segments is written, and a checkpoint says so. Told when that is so.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Close(pub(super) oneshot::Sender<()>);

impl Stream {
    /// Writes what has to be written now.
    pub(super) fn keep(&mut self) {
        self.keeping.erasures.extend(self.machine.held().take_erasures());
        if !self.is_logged() || self.failure.is_some() || self.keeping.is_writing {
            self.close_if_done();
            return;
        }
        let begun = if let Some(erasure) = self.keeping.erasures.pop_front() {
            self.write(move |disk| {
                let erased = erasure.run(disk);
                Kept::Erased(erased)
            });
            Ok(true)
        } else if self.keeping.wants_checkpoint || self.is_to_be_closed() {
            self.checkpoint()
        } else if self.machine.held().with(|messages| messages.unwritten()) >= UNWRITTEN_AT_MOST {
            self.flush()
        } else {
            Ok(false)
        };
        match begun {
            Ok(begun) => self.keeping.is_writing = begun,
            Err(error) => self.cannot_write(&error),
        }
        self.close_if_done();
    }

    /// Whether a last checkpoint is to be made: nothing is on its way, and not all is in one.
    fn is_to_be_closed(&self) -> bool {
        self.keeping.is_closing && self.in_flight.is_empty() && self.keeping.checkpointed < self.applied
    }

    fn close_if_done(&mut self) {
        let is_kept = !self.is_logged() || self.keeping.checkpointed >= self.applied;
        let is_done = is_kept && self.in_flight.is_empty() && !self.keeping.is_writing;
        if self.keeping.is_closing
            && (is_done || self.failure.is_some())
            && let Some(closed) = self.keeping.closed.take()
        {
            // Who waits may have given up.
            let _ = closed.send(());
        }
    }

    fn write(&self, work: impl FnOnce(&dyn Disk) -> Kept + Send + 'static) {
        let (stream, disk) = (self.own.clone(), self.server.disk.clone());
        self.server.workers.write(move || {
            tell(&stream, work(&*disk));
        });
    }

    fn flush(&mut self) -> Result<bool, WriteError> {
        let flush = self.machine.held().with(|messages| messages.flush())?;
        let Some(flush) = flush else { return Ok(false) };
        self.write(move |disk| {
            let written = flush.run(disk);
            Kept::Flushed(flush, written)
        });
        Ok(true)
    }

    fn checkpoint(&mut self) -> Result<bool, WriteError> {
        let position = Position {
            index: self.applied,
            term: TERM,
        };
        let state = self.machine.checkpoint();
        let held: &Stored = self.machine.held();
        let checkpoint = held.with(|messages| messages.checkpoint(position, &state))?;
        let Some(checkpoint) = checkpoint else {
            return Ok(false);
        };
        self.keeping.wants_checkpoint = false;
        self.write(move |disk| {
            let written = checkpoint.run(disk);
            Kept::Checkpointed(Box::new(checkpoint), written)
        });
        Ok(true)
    }

    fn compact(&mut self) {
        if self.keeping.is_compacting || self.keeping.is_closing {
            return;
        }
        let compaction = self.machine.held().with(|messages| messages.compaction());
        if let Some(compaction) = compaction {
            self.keeping.is_compacting = true;
            let compaction: Compaction = compaction;
            self.write(move |disk| Kept::Compacted(Box::new(compaction.run(disk))));
        }
    }

    /// What cannot be written is in the log still; but the stream has to be opened anew.
    fn cannot_write(&mut self, error: &WriteError) {
        self.fail(ApiError::store_failed(error));
    }

    /// Has a message be read that somebody waits for.
    pub(super) fn read(&mut self, sequence: u64) {
        let Some(job) = self.machine.held().job(sequence) else {
            self.is_held_up = false;
            self.wake();
            return;
        };
        let (stream, disk) = (self.own.clone(), self.server.disk.clone());
        self.server.workers.read(move || {
            let read = job.run(&*disk);
            tell(&stream, Kept::Read(sequence, read));
        });
    }
}

impl Handler<Kept> for Stream {
    type Result = ();

    fn handle(&mut self, kept: Kept, _: &mut Context<Self>) {
        match kept {
            Kept::Flushed(flush, Ok(())) => {
                self.keeping.is_writing = false;
                self.machine.held().with(|messages| messages.flushed(&flush));
                self.compact();
            }
            Kept::Checkpointed(checkpoint, Ok(())) => {
                self.keeping.is_writing = false;
                let position = self
                    .machine
                    .held()
                    .with(|messages| messages.checkpointed(&checkpoint));
                self.keeping.checkpointed = position.index;
                self.server.log.release(self.identity.group, position.index);
                self.compact();
            }
            Kept::Flushed(_, Err(error)) | Kept::Checkpointed(_, Err(error)) => {
                self.keeping.is_writing = false;
                self.cannot_write(&error);
            }
            Kept::Compacted(outcome) => {
                self.keeping.is_compacting = false;
                self.machine.held().with(|messages| match *outcome {
                    Ok(compacted) => messages.compacted(compacted),
                    Err(error) => {
                        log::warn!("JetStream: a segment was not written anew: {error}");
                        messages.not_compacted(&error);
                    }
                });
            }
            Kept::Erased(outcome) => {
                self.keeping.is_writing = false;
                if let Err(error) = outcome {
                    log::warn!("JetStream: a message was deleted, but not overwritten: {error}");
                }
            }
            Kept::Read(sequence, read) => {
                match read {
                    Ok(warm) => self.machine.held().warm(warm),
                    Err(error) => {
                        log::error!("JetStream: message {sequence} cannot be read: {error}");
                        self.machine.held().cannot_read(sequence);
                    }
                }
                self.is_held_up = false;
                self.machine.has_read(sequence);
                self.ask_again(sequence);
            }
        }
        self.keep();
        self.wake();
    }
}

impl Handler<Close> for Stream {
    type Result = ();

    fn handle(&mut self, Close(closed): Close, _: &mut Context<Self>) {
        self.keeping.is_closing = true;
        self.machine.shut_consumers_down();
        self.carry_out_effects();
        self.speak();
        self.keeping.closed = Some(closed);
        self.keep();
    }
}
