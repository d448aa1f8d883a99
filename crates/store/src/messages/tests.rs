use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use vagus_routing::subject::matches;

use super::*;
use crate::disk::{Disk, SimulatedDisk};
use crate::encryption::{Cipher, Keys};

mod damage;
mod files;
mod found;
mod model;
mod searching;

const FOLDER: &str = "/stream";
const INCARNATION: u64 = 7;

/// The messages of a stream on a simulated disk, or in memory.
pub(super) struct World {
    pub(super) disk: SimulatedDisk,
    pub(super) options: MessagesOptions,
    pub(super) keys: Option<Keys>,
    pub(super) messages: Messages,
}

pub(super) fn message(sequence: u64, subject: &str, payload: &[u8]) -> Message {
    Message {
        sequence,
        timestamp: sequence * 1000,
        subject: Bytes::copy_from_slice(subject.as_bytes()),
        headers: if sequence.is_multiple_of(3) {
            Bytes::from_static(b"NATS/1.0\r\nA: b\r\n\r\n")
        } else {
            Bytes::new()
        },
        payload: Bytes::copy_from_slice(payload),
    }
}

impl World {
    pub(super) fn in_memory() -> Self {
        Self {
            messages: Messages::in_memory(),
            ..Self::on_disk(0)
        }
    }

    pub(super) fn on_disk(seed: u64) -> Self {
        let disk = SimulatedDisk::new(seed);
        disk.create_folder(Path::new(FOLDER)).unwrap();
        let options = MessagesOptions {
            segment_size: 2000,
            held_at_most: 1000,
            directories_at_most: 4000,
            is_compressed: false,
        };
        Self {
            messages: Messages::open(&disk, Path::new(FOLDER), options, None, INCARNATION)
                .unwrap()
                .messages,
            disk,
            options,
            keys: None,
        }
    }

    pub(super) fn try_open(&self) -> Result<Found, OpenError> {
        Messages::open(
            &self.disk,
            Path::new(FOLDER),
            self.options,
            self.keys.clone(),
            INCARNATION,
        )
    }

    pub(super) fn reopen(&mut self) -> Found {
        let mut found = self.try_open().unwrap();
        std::mem::swap(&mut self.messages, &mut found.messages);
        found
    }

    /// Asks until everything is read that has to be.
    pub(super) fn ask<T>(&mut self, mut question: impl FnMut(&mut Messages) -> Result<T, Cold>) -> T {
        self.try_ask(&mut question).unwrap()
    }

    pub(super) fn try_ask<T>(
        &mut self,
        mut question: impl FnMut(&mut Messages) -> Result<T, Cold>,
    ) -> Result<T, ReadError> {
        for _ in 0..1000 {
            match question(&mut self.messages) {
                Ok(answer) => return Ok(answer),
                Err(cold) => {
                    let warm = cold.run(&self.disk)?;
                    self.messages.warm(warm);
                }
            }
        }
        panic!("a question without an end");
    }

    pub(super) fn flush(&mut self) {
        if let Some(flush) = self.messages.flush().unwrap() {
            flush.run(&self.disk).unwrap();
            self.messages.flushed(&flush);
        }
    }

    pub(super) fn checkpoint(&mut self, index: u64) {
        let position = Position { index, term: 1 };
        if let Some(checkpoint) = self.messages.checkpoint(position, b"state").unwrap() {
            checkpoint.run(&self.disk).unwrap();
            assert_eq!(self.messages.checkpointed(&checkpoint), position);
        }
    }

    pub(super) fn compact(&mut self) -> bool {
        let Some(compaction) = self.messages.compaction() else {
            return false;
        };
        let compacted = compaction.run(&self.disk).unwrap();
        self.messages.compacted(compacted);
        true
    }

    pub(super) fn fill(&mut self, count: u64) {
        self.fill_from(1, count);
    }

    pub(super) fn fill_from(&mut self, first: u64, last: u64) {
        for sequence in first..=last {
            let subject = format!("s.{}", sequence % 7);
            let message = message(sequence, &subject, &[sequence as u8; 50]);
            self.messages.append(message).unwrap();
        }
    }

    pub(super) fn sequences(&mut self) -> Vec<u64> {
        let last = self.messages.state().last_sequence;
        (1..=last)
            .filter(|sequence| self.ask(|messages| messages.get(*sequence)).is_some())
            .collect()
    }
}
