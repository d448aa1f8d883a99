//! From the mailbox to the log, and back.

use super::{DIRECT, DIRECT_LAST, Importance, NewEntry, Stream};
use crate::jetstream::clock;
use std::time::Duration;
use vagus_delivery::mailbox::Message;
use vagus_jetstream::error::ApiError;
use vagus_jetstream::stream::entry::{self, Entry};
use vagus_jetstream::stream::{Publish, Published, Surroundings};

impl Stream {
    /// Whether more can be decided now.
    pub(super) fn takes_more(&self) -> bool {
        let has_room = self.bytes_in_flight < super::IN_FLIGHT_AT_MOST;
        has_room && self.spoken.is_empty() && (self.held_back.is_none() || !self.is_reading)
    }

    /// Decides about what came, as far as can be told now. Gives whether all of it is decided.
    pub(super) fn decide(&mut self) -> bool {
        let now = clock::now();
        let mut room = self.account.room(&self.identity.name);
        let limits = self.server.limits();
        let zones = self.server.zones.clone();
        let batches_left = self.server.batches_left();
        let interested = self.account.routed.account.clone();
        let has_interest = |subject: &[u8]| interested.interest().reaches_anybody(subject);
        let mut decided = true;
        while let Some(message) = self.held_back.take().or_else(|| self.next_published()) {
            let size = (message.subject.len() + message.headers.len() + message.payload.len()) as i64;
            let around = Surroundings {
                now,
                random: fastrand::u32(..),
                room,
                limits: &limits,
                batches_left,
                zones: &*zones,
                has_interest: &has_interest,
            };
            match self.machine.publish(&around, message) {
                Published::Decided => {
                    // What is on its way counts until it is there.
                    room.bytes = room.bytes.map(|left| left.saturating_sub(size));
                    continue;
                }
                Published::Unsettled(message) => self.held_back = Some(message),
                Published::Cold(message, cold) => {
                    self.held_back = Some(message);
                    self.is_reading = true;
                    self.read(cold.sequence);
                }
            }
            decided = false;
            break;
        }
        self.propose();
        decided
    }

    /// The next of what came that is published: what is asked is answered.
    fn next_published(&mut self) -> Option<Publish> {
        loop {
            let message = self.incoming.next()?;
            let parts = message.parts();
            let is_last_of_subject = match parts.subscription {
                DIRECT => false,
                DIRECT_LAST => true,
                _ => return Some(published(&message)),
            };
            if let Some(reply) = parts.reply {
                let reply = message.share(reply);
                self.get_directly(reply, message.clone(), is_last_of_subject);
            }
        }
    }

    /// Has what is decided be written, and what needs no log be applied.
    pub(super) fn propose(&mut self) {
        if let Some(failure) = &self.failure {
            self.machine.failed(failure);
            self.carry_out_effects();
            return;
        }
        let is_logged = self.is_logged();
        if let Some(proposal) = self.machine.propose() {
            let number = proposal.number;
            let index = self.began_at + number;
            self.proposed = index;
            if is_logged {
                let stores = |entry: &Entry| matches!(entry, Entry::Store(_) | Entry::Batch(_));
                let importance = match proposal.entries.iter().any(stores) {
                    true => Importance::Message,
                    false => Importance::Upkeep,
                };
                let mut body = Vec::new();
                entry::encode(&proposal.entries, &mut body);
                self.bytes_in_flight += body.len();
                self.in_flight.push_back((index, body.len()));
                self.server.log.append(NewEntry {
                    group: self.identity.group,
                    index,
                    timestamp: clock::now().0.unsigned_abs(),
                    body,
                    importance,
                });
            } else {
                self.committed(index);
            }
        }
        self.carry_out_effects();
    }

    /// Everything up to an index is durable.
    pub(super) fn committed(&mut self, index: u64) {
        if self.failure.is_some() {
            return;
        }
        while let Some((_, bytes)) = self.in_flight.pop_front_if(|(of, _)| *of <= index) {
            self.bytes_in_flight -= bytes;
        }
        let zones = self.server.zones.clone();
        self.machine.committed(index - self.began_at, &*zones);
        self.applied = index;
        if let Some(failure) = self.machine.held().failure() {
            self.fail(ApiError::store_failed(failure));
            return;
        }
        self.carry_out_effects();
    }

    /// Does what is due by itself. Gives after how long something will be.
    pub(super) fn wake_machine(&mut self) -> Option<Duration> {
        let due_in = |due: vagus_jetstream::time::Time| {
            let left = due.since(clock::now());
            Duration::from_nanos(u64::try_from(left).unwrap_or(0))
        };
        let wait = due_in(self.machine.wake_at()?);
        if !wait.is_zero() {
            return Some(wait);
        }
        let zones = self.server.zones.clone();
        let interested = self.account.routed.account.clone();
        let has_interest = |subject: &[u8]| interested.interest().reaches_anybody(subject);
        let around = Surroundings {
            now: clock::now(),
            random: fastrand::u32(..),
            room: self.account.room(&self.identity.name),
            limits: &self.server.limits(),
            batches_left: self.server.batches_left(),
            zones: &*zones,
            has_interest: &has_interest,
        };
        if let Err(cold) = self.machine.wake(&around) {
            self.read(cold.sequence);
        }
        self.propose();
        // What is being done now is looked for again when it is done.
        self.machine.wake_at().map(due_in)
    }
}

fn published(message: &Message) -> Publish {
    let parts = message.parts();
    Publish {
        subject: message.share(parts.subject),
        reply: parts.reply.map(|reply| message.share(reply)).unwrap_or_default(),
        headers: message.share(parts.header),
        payload: message.share(parts.payload),
    }
}
