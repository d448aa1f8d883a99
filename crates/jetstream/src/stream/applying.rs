//! What becomes of a stream when something that was decided is in the log for good.

use super::entry::{Entry, Store};
use super::lifetime::Lifetime;
use super::rollup::Rollup;
use super::schedule::{self, TimeZones};
use super::{Done, Stream};
use crate::config::{Retention, Storage};
use crate::error::ApiError;
use crate::header;
use crate::held::Messages;
use bytes::Bytes;

impl<M: Messages> Stream<M> {
    /// Applies an entry: as one that was decided here, or one that is read from the log.
    pub fn apply(&mut self, entry: Entry, zones: TimeZones<'_>) {
        match entry {
            Entry::Store(store) => self.store(store, zones),
            Entry::Source(store) => {
                self.note_source(&store.headers);
                self.store(store, zones);
            }
            Entry::Mirror { sequence, store } => {
                // What has been purged meanwhile is not wanted any more.
                if sequence > self.last {
                    self.skip(sequence - 1);
                    self.store(store, zones);
                }
            }
            Entry::Skip(sequence) => self.skip(sequence),
            Entry::Known { index, known } => self.note_known(index, known),
            Entry::Batch(stores) => {
                for store in stores {
                    self.store(store, zones);
                }
            }
            Entry::Purge(purge) => {
                let gone = self.purge(&purge.filter, purge.sequence, purge.keep);
                self.tell_consumers_of_purge(&purge.filter);
                self.done(purge.request, Ok(Done::Purged(gone)));
            }
            Entry::Delete {
                sequence,
                erased,
                request,
            } => {
                let outcome = match self.remove(sequence, erased) {
                    true => Ok(Done::Deleted),
                    false => Err(self.not_found(sequence)),
                };
                self.done(request, outcome);
            }
            Entry::Expire(sequences) => {
                for sequence in sequences {
                    self.remove(sequence, false);
                }
            }
            Entry::Release(sequences) => {
                // Limits alone do not let go what consumers have done with.
                if self.config.retention != Retention::Limits {
                    for sequence in sequences {
                        self.remove(sequence, false);
                    }
                }
            }
            Entry::Consumer(entry) => self.apply_consumer(entry),
            Entry::Configure { config, request } => {
                let retention = std::mem::replace(&mut self.config, *config).retention;
                if retention != self.config.retention {
                    self.done_with_may_be_unneeded();
                }
                self.prepare_transforms();
                self.enforce_all_limits();
                self.expiry.look_again();
                self.drop_disallowed_batches();
                self.take_sources(self.latest);
                self.done(request, Ok(Done::Configured));
            }
        }
    }

    /// That there is no message to delete: nats-server's files say where they look.
    fn not_found(&self, sequence: u64) -> ApiError {
        match self.config.storage {
            Storage::File if sequence > self.last => ApiError::message_delete_failed("stream store EOF"),
            Storage::File if sequence < self.first || self.last == 0 => {
                ApiError::message_delete_failed("no message found")
            }
            _ => ApiError::sequence_not_found(sequence),
        }
    }

    /// No message gets one of the sequences up to this one.
    fn skip(&mut self, sequence: u64) {
        if sequence > self.last {
            self.last = sequence;
            if self.held.count() == 0 {
                self.first = sequence + 1;
            }
        }
    }

    fn store(&mut self, store: Store, zones: TimeZones<'_>) {
        let sequence = self.last + 1;
        let id = store.id().map(Bytes::copy_from_slice).unwrap_or_default();
        let is_wanted = self.is_wanted(sequence, &store.subject);
        let republished = match is_wanted {
            true => self.republished_on(&store.subject),
            false => None,
        };
        let before = match &republished {
            Some(_) => self.held.of_subject(&store.subject).map_or(0, |of_it| of_it.last),
            None => 0,
        };
        if is_wanted {
            self.keep(sequence, &store, zones);
        } else if self.held.count() == 0 {
            self.first = sequence + 1;
        }
        self.last = sequence;
        self.last_time = Some(store.time);
        if self.config.allow_schedules
            && let Some(scheduler) = header::said(&store.headers, header::SCHEDULER)
        {
            self.ahead.firing.remove(scheduler);
            self.schedules.advance(scheduler, &store.headers);
        }
        if !id.is_empty() {
            self.duplicates
                .note(&id, sequence, self.config.duplicate_window, store.time);
        }
        self.last_id = id;
        self.have_others_go(&store, u64::from(is_wanted));
        if let Some(on) = republished {
            self.publish_anew(on, &store.message(sequence), before);
        }
        self.acknowledge_stored(sequence, store);
    }

    fn keep(&mut self, sequence: u64, store: &Store, zones: TimeZones<'_>) {
        let message = store.message(sequence);
        self.effects.bytes += message.size(self.config.storage) as i64;
        if self.held.count() == 0 {
            self.first = sequence;
        }
        // What came from elsewhere may say how long it stays where that does not matter.
        let lifetime = match self.config.allow_ttl {
            true => store.lifetime,
            false => Lifetime::Unsaid,
        };
        self.expiry.stored(sequence, store.time, lifetime, &store.headers);
        if self.config.allow_schedules {
            self.schedules.stored(&message, zones);
        }
        self.held.insert(message);
        self.last = sequence;
        self.consumers.stored(&store.subject);
        self.enforce_limits(&store.subject);
    }

    /// Lets those go that a message has go, but for itself if it is kept.
    fn have_others_go(&mut self, store: &Store, keep: u64) {
        if !self.config.allow_rollup || self.config.deny_purge {
            return;
        }
        match store.rollup {
            Rollup::None => {}
            Rollup::Subject => drop(self.purge(&store.subject, 0, keep)),
            Rollup::All => drop(self.purge(b"", 0, keep)),
        }
        if let Some(schedule) = schedule::ended(&store.headers) {
            self.purge(schedule, 0, 0);
        }
    }

    fn acknowledge_stored(&mut self, sequence: u64, store: Store) {
        let answer = store.answer;
        if let Some((batch, place)) = &answer.fast {
            self.stored_in_fast_batch(batch, *place, &answer.reply, sequence);
            return;
        }
        if !answer.reply.is_empty() && !self.config.no_ack {
            let payload = self.acknowledgements.stored(sequence, &answer);
            self.answer(&answer.reply, payload);
        }
    }
}
