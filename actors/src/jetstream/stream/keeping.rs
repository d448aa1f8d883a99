//! Keeping the messages of a stream on disk, and reading them again.
//!
//! What is new is written into segments from time to time, so that memory has little of it; when the log needs room, or the
//! server ends, a checkpoint says that its entries are not needed any more. One thing at a time is being written.

use super::Stream;
use crate::jetstream::stored::Stored;
use crate::mailbox::tell;
use actix::prelude::*;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tokio::sync::oneshot;
use vagus_store::Disk;
use vagus_store::messages::{
    Checkpoint, Compacted, Compaction, Erasure, Flush, Position, ReadError, Warm, WriteError,
};

/// What there was no room for is written again after so long.
const WAITS_FOR_ROOM: Duration = Duration::from_secs(1);

/// What a stream may leave to the log when the server ends, for the next start to read: so many entries, with so many bytes that
/// are in no segment.
const LEFT_ENTRIES_AT_MOST: u64 = 64;
const LEFT_BYTES_AT_MOST: u64 = 16 << 10;

/// The term in which entries are proposed where one server alone has the log.
const TERM: u64 = 1;

/// How far the messages of a stream are kept.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    is_writing: bool,
    is_compacting: bool,
    /// The log needs the room that its entries take, or somebody waits for a checkpoint.
    pub(super) wants_checkpoint: bool,
    /// The stream rests from now on: everything is written that makes the next start short.
    is_closing: bool,
    closed: Option<oneshot::Sender<()>>,
    /// What it has not in its checkpoint it may leave to the log.
    may_leave: bool,
    /// It does.
    is_left: bool,
    /// The last entry that is in a checkpoint.
    checkpointed: u64,
    erasures: VecDeque<Erasure>,
}

impl Keeping {
    /// Whether the server ends.
    pub(super) fn is_closing(&self) -> bool {
        self.is_closing
    }

    /// The last entry that is in a checkpoint.
    pub(super) fn checkpointed(&self) -> u64 {
        self.checkpointed
    }

    /// Whether something is being written.
    pub(super) fn is_busy(&self) -> bool {
        self.is_writing || self.is_compacting
    }

    /// The stream was opened anew; its checkpoint is that far.
    pub(super) fn begin_anew(&mut self, checkpointed: u64) {
        self.checkpointed = checkpointed;
        self.wants_checkpoint = false;
        self.erasures.clear();
    }

    /// For a stream whose checkpoint is that far.
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
    Panicked(Job),
}

/// What is to be written of a stream.
pub(super) enum Unwritten {
    Flush(Flush),
    Checkpoint(Box<Checkpoint>),
}

impl Unwritten {
    fn write(self, disk: &dyn Disk) -> Kept {
        match self {
            Self::Flush(flush) => {
                let written = flush.run(disk);
                Kept::Flushed(flush, written)
            }
            Self::Checkpoint(checkpoint) => {
                let written = checkpoint.run(disk);
                Kept::Checkpointed(checkpoint, written)
            }
        }
    }
}

/// What somebody else does for a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Job {
    Write,
    Compact,
    Read,
}

impl Job {
    /// Does it, and tells the stream what has become of it.
    fn run(self, stream: &Addr<Stream>, work: impl FnOnce() -> Kept) {
        // What is left half done is not used again.
        let done = catch_unwind(AssertUnwindSafe(work));
        tell(stream, done.unwrap_or(Kept::Panicked(self)));
    }
}

/// The stream is to rest: what is not in segments is written, and a checkpoint says so.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Close {
    /// Told when that is so.
    pub(super) closed: oneshot::Sender<()>,
    /// Whether the log is there as long as nobody asks for the room, so that the little that is missing need not be written.
    pub(super) may_leave: bool,
}

impl Stream {
    /// Writes what has to be written now.
    pub(super) fn keep(&mut self) {
        self.keeping.erasures.extend(self.machine.held().take_erasures());
        let leftovers = self.machine.held().take_leftovers();
        if !leftovers.is_empty() {
            self.let_go_of(leftovers);
        }
        self.count_unwritten();
        if !self.is_logged() || self.keeps_nothing() || self.keeping.is_writing {
            self.close_if_done();
            return;
        }
        let begun = if let Some(erasure) = self.keeping.erasures.pop_front() {
            self.write(Job::Write, move |disk| {
                let erased = erasure.run(disk);
                Kept::Erased(erased)
            });
            Ok(true)
        } else if (self.keeping.wants_checkpoint || self.is_to_be_closed()) && !self.is_half_applied() {
            self.checkpoint()
        } else if self.counted_unwritten >= self.server.sizes.unwritten_at_most {
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

    /// Lets go of what may be much memory, on a thread that nobody waits for.
    pub(super) fn let_go_of(&self, memory: impl Send + 'static) {
        self.server.workers.write(move || drop(memory));
    }

    /// The server knows how much is still to be written.
    fn count_unwritten(&mut self) {
        let unwritten = self.machine.held().with(|messages| messages.unwritten());
        let before = std::mem::replace(&mut self.counted_unwritten, unwritten);
        self.server.count_unwritten(before, unwritten);
    }

    /// Whether a last checkpoint is to be made: nothing is on its way, and not all is in one, or little enough for the log.
    fn is_to_be_closed(&mut self) -> bool {
        let is_over = self.keeping.is_closing && self.in_flight.is_empty() && !self.is_applying();
        is_over && self.keeping.checkpointed < self.applied && !self.is_left_to_log()
    }

    /// Whether the log keeps what is not in the checkpoint. A checkpoint costs several syncs: thousands of streams would take as long
    /// for those as a start does for reading some entries of each. What all of them leave is bounded.
    fn is_left_to_log(&mut self) -> bool {
        let entries = self.applied.saturating_sub(self.keeping.checkpointed);
        let is_little = entries <= LEFT_ENTRIES_AT_MOST && self.counted_unwritten <= LEFT_BYTES_AT_MOST;
        let may_leave = std::mem::take(&mut self.keeping.may_leave);
        if may_leave && is_little && self.ailment.is_none() {
            self.keeping.is_left = self.server.leave_to_log(entries, self.counted_unwritten);
        }
        self.keeping.is_left
    }

    fn close_if_done(&mut self) {
        let is_kept = !self.is_logged() || self.keeping.is_left || self.keeping.checkpointed >= self.applied;
        let is_done = is_kept && self.in_flight.is_empty() && !self.is_applying() && !self.keeping.is_writing;
        if self.keeping.is_closing
            && (is_done || self.ailment.is_some())
            && let Some(closed) = self.keeping.closed.take()
        {
            // Who waits may have given up.
            let _ = closed.send(());
        }
    }

    /// Writes what there was no room for, in a while: what is kept back for that is freed now.
    pub(super) fn write_again(&mut self, unwritten: Unwritten) {
        self.server.log.disk_is_full();
        if self.keeping.is_closing {
            // The log has it.
            self.keeping.closed.take().map(|closed| closed.send(()));
            return;
        }
        self.keeping.is_writing = true;
        let (stream, server) = (self.own.clone(), self.server.clone());
        actix_rt::spawn(async move {
            tokio::time::sleep(WAITS_FOR_ROOM).await;
            let disk = server.disk.clone();
            server
                .workers
                .write(move || Job::Write.run(&stream, || unwritten.write(&*disk)));
        });
    }

    fn write(&self, job: Job, work: impl FnOnce(&dyn Disk) -> Kept + Send + 'static) {
        let (stream, disk) = (self.own.clone(), self.server.disk.clone());
        self.server
            .workers
            .write(move || job.run(&stream, || work(&*disk)));
    }

    fn flush(&mut self) -> Result<bool, WriteError> {
        let flush = self.machine.held().with(|messages| messages.flush())?;
        let Some(flush) = flush else { return Ok(false) };
        self.write(Job::Write, move |disk| Unwritten::Flush(flush).write(disk));
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
        let checkpoint = Unwritten::Checkpoint(Box::new(checkpoint));
        self.write(Job::Write, move |disk| checkpoint.write(disk));
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
            self.write(Job::Compact, move |disk| {
                Kept::Compacted(Box::new(compaction.run(disk)))
            });
        }
    }

    /// What cannot be written is in the log still; but the stream has to be opened anew.
    fn cannot_write(&mut self, error: &WriteError) {
        self.lose(error);
    }

    /// Has a message be read that somebody waits for.
    pub(super) fn read(&mut self, sequence: u64) {
        let Some(job) = self.machine.held().job(sequence) else {
            self.is_held_up = false;
            self.wake();
            return;
        };
        let (stream, disk) = (self.own.clone(), self.server.disk.clone());
        self.server
            .workers
            .read(move || Job::Read.run(&stream, || Kept::Read(sequence, job.run(&*disk))));
    }
}

impl Handler<Kept> for Stream {
    type Result = ();

    fn handle(&mut self, kept: Kept, _: &mut Context<Self>) {
        self.guarded(|stream| match stream.is_lost() {
            true => stream.kept_in_vain(&kept),
            false => stream.kept(kept),
        });
        self.wake();
    }
}

impl Stream {
    /// What was begun before it was lost is at its end.
    fn kept_in_vain(&mut self, kept: &Kept) {
        match kept {
            Kept::Flushed(..) | Kept::Checkpointed(..) | Kept::Erased(_) | Kept::Panicked(Job::Write) => {
                self.keeping.is_writing = false;
            }
            Kept::Compacted(_) | Kept::Panicked(Job::Compact) => self.keeping.is_compacting = false,
            Kept::Read(..) | Kept::Panicked(Job::Read) => {}
        }
        self.open_anew();
    }

    fn kept(&mut self, kept: Kept) {
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
                self.doubt_is_over();
                self.compact();
            }
            Kept::Flushed(flush, Err(error)) if error.is_for_room() => {
                self.keeping.is_writing = false;
                self.write_again(Unwritten::Flush(flush));
            }
            Kept::Checkpointed(checkpoint, Err(error)) if error.is_for_room() => {
                self.keeping.is_writing = false;
                self.write_again(Unwritten::Checkpoint(checkpoint));
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
            Kept::Panicked(job) => {
                self.keeping.is_writing &= job != Job::Write;
                self.keeping.is_compacting &= job != Job::Compact;
                self.lose(&"what was to be read or written has panicked");
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
    }
}

impl Handler<Close> for Stream {
    type Result = ();

    fn handle(&mut self, Close { closed, may_leave }: Close, _: &mut Context<Self>) {
        self.keeping.is_closing = true;
        self.keeping.may_leave = may_leave;
        self.machine.shut_consumers_down();
        if self.ailment.is_none() {
            while self.propose_once() {}
        }
        self.carry_out_effects();
        self.speak();
        self.keeping.closed = Some(closed);
        self.keep();
        self.wake();
    }
}
