//! From the mailbox to the log, and back.

use super::recovering::Ailment;
use super::{Came, Importance, Machine, NewEntry, Spoken, Stream};
use crate::jetstream::clock;
use crate::jetstream::stored::Stored;
use bytes::Bytes;
use std::time::Duration;
use vagus_delivery::mailbox::Message;
use vagus_jetstream::account::Room;
use vagus_jetstream::config::PersistMode;
use vagus_jetstream::stream::entry::{self, Entry};
use vagus_jetstream::stream::{COMMITTED_AT_ONCE, Further, Publish, Published, Surroundings};
use vagus_jetstream::time::Time;

/// What who asks something is told that nobody can answer.
const NOBODY_ANSWERS: &[u8] = b"NATS/1.0 503\r\n\r\n";

impl Stream {
    /// Has the machine do something for which it has to know what is around it.
    pub(super) fn around<T>(&mut self, act: impl FnOnce(&mut Machine<Stored>, &Surroundings<'_>) -> T) -> T {
        let (limits, zones) = (self.server.limits(), self.server.zones.clone());
        let account = self.account.routed.account.clone();
        let around = Surroundings {
            now: clock::now(),
            random: fastrand::u32(..),
            room: self.room(),
            limits: &limits,
            batches_left: self.server.batches_left(),
            zones: &*zones,
            has_interest: &|subject| account.interest().reaches_anybody(subject),
        };
        act(&mut self.machine, &around)
    }

    /// How much more may be stored.
    fn room(&self) -> Room {
        let room = self.account.room(&self.identity.name);
        Room {
            is_server_full: room.is_server_full || !self.has_room,
            ..room
        }
    }

    /// Whether more can be decided now.
    pub(super) fn takes_more(&self) -> bool {
        // What goes into the log is bounded by what is in flight; what does not, by what is applied.
        let has_room = self.bytes_in_flight < super::IN_FLIGHT_AT_MOST;
        let keeps_up = self.is_logged() || !self.is_applying();
        has_room && keeps_up && !self.keeping.is_closing() && self.spoken.is_empty() && !self.is_held_up
    }

    /// Decides about what came, as far as can be told now. Gives whether all of it is decided.
    pub(super) fn decide(&mut self) -> bool {
        let (limits, zones) = (self.server.limits(), self.server.zones.clone());
        let account = self.account.routed.account.clone();
        let has_interest = |subject: &[u8]| account.interest().reaches_anybody(subject);
        let mut around = Surroundings {
            now: clock::now(),
            random: 0,
            room: self.room(),
            limits: &limits,
            batches_left: self.server.batches_left(),
            zones: &*zones,
            has_interest: &has_interest,
        };
        let mut decided = true;
        while decided {
            around.random = fastrand::u32(..);
            if let Some(message) = self.held_back.take() {
                decided = self.publish(&mut around, message);
                continue;
            }
            let Some(message) = self.incoming.next() else {
                break;
            };
            match Came::of(message.parts().subscription) {
                Came::Published => decided = self.publish(&mut around, published(&message)),
                Came::Direct => self.asked_directly(&message, false),
                Came::DirectLast => self.asked_directly(&message, true),
                Came::Acknowledgement => {
                    let parts = message.parts();
                    let reply = reply_of(&message);
                    self.machine
                        .acknowledge(&around, parts.subject, &reply, parts.payload);
                }
                Came::Pull => self.pull(&around, &message),
                Came::Flow => {
                    let parts = message.parts();
                    self.machine
                        .answer_flow_control(&around, parts.subject, parts.header);
                }
            }
        }
        self.propose();
        decided
    }

    /// Decides about a message that is published; false if it has to wait.
    fn publish(&mut self, around: &mut Surroundings<'_>, message: Publish) -> bool {
        let size = message.subject.len() + message.headers.len() + message.payload.len();
        match self.machine.publish(around, message) {
            Published::Decided => {
                // What is on its way counts until it is there.
                let left = &mut around.room.bytes;
                *left = left.map(|left| left.saturating_sub_unsigned(size as u64));
                true
            }
            Published::Unsettled(message) => {
                self.held_back = Some(message);
                self.is_held_up = true;
                false
            }
            Published::Cold(message, cold) => {
                self.held_back = Some(message);
                self.is_held_up = true;
                self.read(cold.sequence);
                false
            }
        }
    }

    fn asked_directly(&mut self, message: &Message, is_last_of_subject: bool) {
        let reply = reply_of(message);
        if reply.is_empty() {
            return;
        }
        match self.is_lost() {
            // Not that there is no such message: that nobody can say.
            true => self.spoken.push_back(Spoken {
                subject: reply,
                headers: Bytes::from_static(NOBODY_ANSWERS),
                ..Spoken::default()
            }),
            false => self.get_directly(reply, message, is_last_of_subject),
        }
    }

    /// Somebody asks a consumer for messages.
    fn pull(&mut self, around: &Surroundings<'_>, message: &Message) {
        let parts = message.parts();
        if let Some(name) = consumer_of(parts.subject) {
            if self.machine.may_pull_ahead(name, parts.payload) && self.may_wait(message) {
                return self.pull_later(message.detached());
            }
            let reply = reply_of(message);
            self.machine
                .pull(around, name, &reply, parts.header, parts.payload);
        }
    }

    /// The same, when what is on its way into the log is there.
    fn pull_later(&mut self, message: Message) {
        let reply = reply_of(&message);
        let question = Box::new(
            move |machine: &mut Machine<Stored>, around: &Surroundings<'_>, _: &mut _| {
                let parts = message.parts();
                if let Some(name) = consumer_of(parts.subject) {
                    machine.pull(around, name, &reply, parts.header, parts.payload);
                }
                Ok(Further::Done)
            },
        );
        self.ask_directly(question, true);
    }

    /// Has consumers deliver, and what is decided be written; what needs no log is applied.
    pub(super) fn propose(&mut self) {
        if let Some(Ailment { error, .. }) = &self.ailment {
            self.machine.failed(error);
            self.carry_out_effects();
            return;
        }
        if self.around(|machine, around| machine.deliver(around)) {
            self.wake();
        }
        if !self.may_propose_later() {
            while self.propose_once() {}
        }
        self.carry_out_effects();
    }

    /// Whether what there is to propose is worth no entry of its own yet.
    fn may_propose_later(&mut self) -> bool {
        self.is_logged() && !self.keeping.is_closing() && self.machine.may_propose_later(clock::now())
    }

    /// Whether there was something that needs no log, so that there may be more.
    pub(super) fn propose_once(&mut self) -> bool {
        let is_logged = self.is_logged();
        let is_async = self.config().persist_mode == PersistMode::Async;
        let Some(proposal) = self.machine.propose() else {
            return false;
        };
        let index = self.began_at + proposal.number;
        self.proposed = index;
        if is_logged {
            let stores = |entry: &Entry| !entry.stores().is_empty();
            let importance = match proposal.entries.iter().any(stores) {
                true => Importance::Message,
                false => Importance::Upkeep,
            };
            let mut body = Vec::new();
            entry::encode(&proposal.entries, &mut body);
            self.bytes_in_flight += body.len();
            self.in_flight.push_back((index, body.len()));
            let is_awaited = proposal.is_awaited() && !is_async;
            self.server.log.append(NewEntry {
                group: self.identity.group,
                index,
                timestamp: clock::now().0.unsigned_abs(),
                body,
                importance,
                is_awaited,
            });
            false
        } else {
            self.durable = index;
            self.commit()
        }
    }

    /// Everything up to an index is in the log.
    pub(super) fn committed(&mut self, index: u64) {
        if self.ailment.is_some() {
            return;
        }
        self.durable = index;
        self.apply();
    }

    /// Whether something that is in the log is not yet applied.
    pub(super) fn is_applying(&self) -> bool {
        self.applied < self.durable
    }

    /// Whether what is applied ends in the middle of an entry of the log.
    pub(super) fn is_half_applied(&self) -> bool {
        self.is_applying() && self.machine.is_half_applied()
    }

    /// Applies some of what is in the log: however much that is, others have their turns.
    pub(super) fn apply(&mut self) {
        let is_done = self.commit();
        self.propose();
        match is_done {
            true => self.wish_again(),
            false => self.has_more = true,
        }
    }

    /// Applies what is in the log for good, whatever that costs: nothing more comes into it.
    pub(super) fn apply_all(&mut self) {
        while self.is_applying() && !self.commit() {}
    }

    /// Whether all is applied.
    fn commit(&mut self) -> bool {
        let zones = self.server.zones.clone();
        let number = self.durable.saturating_sub(self.began_at);
        let mut work = COMMITTED_AT_ONCE;
        let further = self.machine.commit(number, &*zones, &mut work);
        self.applied = match further {
            Further::Done => self.durable,
            Further::More => self.applied.max(self.began_at + self.machine.applied_number()),
        };
        while let Some((_, bytes)) = self.in_flight.pop_front_if(|(of, _)| *of <= self.applied) {
            self.bytes_in_flight -= bytes;
        }
        self.is_held_up = false;
        if let Some(failure) = self.machine.held().failure() {
            self.lose(&failure);
            return true;
        }
        further == Further::Done
    }

    /// Does what is due by itself. Gives after how long something will be.
    pub(super) fn wake_machine(&mut self) -> Option<Duration> {
        if self.ailment.is_some() {
            return None;
        }
        let wait = due_in(self.machine.wake_at()?);
        if !wait.is_zero() {
            return Some(wait);
        }
        if let Err(cold) = self.around(|machine, around| machine.wake(around)) {
            self.read(cold.sequence);
        }
        self.propose();
        // What is being done now is looked for again when it is done.
        self.machine.wake_at().map(due_in)
    }
}

fn due_in(due: Time) -> Duration {
    let left = due.since(clock::now());
    Duration::from_nanos(u64::try_from(left).unwrap_or(0))
}

/// Where the answer goes; empty: nowhere.
fn reply_of(message: &Message) -> Bytes {
    let reply = message.parts().reply;
    reply.map(|reply| message.share(reply)).unwrap_or_default()
}

/// The consumer that is asked for messages on a subject.
fn consumer_of(subject: &[u8]) -> Option<&str> {
    let name = subject.rsplit(|byte| *byte == b'.').next()?;
    str::from_utf8(name).ok()
}

fn published(message: &Message) -> Publish {
    let parts = message.parts();
    Publish {
        subject: message.share(parts.subject),
        reply: reply_of(message),
        headers: message.share(parts.header),
        payload: message.share(parts.payload),
    }
}
