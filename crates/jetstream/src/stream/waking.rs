//! What a stream does by itself when its time has come: messages expire, schedules publish, batches are given up.

use super::ahead::Detail;
use super::entry::{Entry, Store};
use super::lifetime::Lifetime;
use super::rollup::Rollup;
use super::{Abandonment, Effect, Stream, Surroundings, schedule};
use crate::header;
use crate::held::{Cold, Messages};
use crate::time::{SECOND, Time};
use bytes::Bytes;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use vagus_protocol::duration;

/// How many messages expire in one turn, or dead letters come of that: others have their turns between.
const EXPIRE_AT_ONCE: usize = 200;

/// How many schedules publish in one turn.
const FIRE_AT_ONCE: usize = 200;

impl<M: Messages> Stream<M> {
    /// When it is to [wake](Self::wake) next; None: not before something happens.
    pub fn wake_at(&mut self) -> Option<Time> {
        let of_consumers = self.consumers.wake_at();
        let window = self.config.duplicate_window;
        let times = [
            of_consumers,
            self.sourcing.wake_at(),
            self.dead_letters.wake_at(),
            self.duplicates.due(window),
            self.atomic.due(),
            self.fast.due(),
            self.next_by_age(),
            self.expiry
                .next_end(|sequence| self.ahead.expiring.contains(sequence)),
            self.schedules.due(|subject| self.ahead.firing.contains(subject)),
        ];
        times.into_iter().flatten().min()
    }

    /// Does what is due.
    ///
    /// # Errors
    /// If a message has to be read for that; all that needs none is done.
    pub fn wake(&mut self, around: &Surroundings<'_>) -> Result<(), Cold> {
        self.duplicates.forget(self.config.duplicate_window, around.now);
        for batch in self.atomic.expire(around.now) {
            let reason = Abandonment::Timeout;
            self.effects.list.push(Effect::Abandoned { batch, reason });
        }
        self.fast.expire(around.now);
        self.wake_consumers(around);
        self.wake_sourcing(around);
        self.expire(around.now);
        self.fire(around)?;
        self.move_dead_letters(around)
    }

    pub(super) fn drop_disallowed_batches(&mut self) {
        if !self.config.allow_atomic {
            self.atomic.clear();
        }
        if !self.config.allow_fast_batches {
            self.fast.clear();
        }
    }

    /// The first message whose age was not yet looked at.
    fn first_unlooked(&self) -> Option<u64> {
        let from = self.expiry.unlooked().max(self.first);
        (self.config.max_age > 0)
            .then(|| self.held.next(b">", from))
            .flatten()
    }

    fn next_by_age(&self) -> Option<Time> {
        let time = self.held.time_of(self.first_unlooked()?)?;
        Some(time.after(self.config.max_age))
    }

    fn expire(&mut self, now: Time) {
        let mut gone = self.moved_dead_letters();
        let mut work = gone.len();
        while work < EXPIRE_AT_ONCE
            && let Some(sequence) = self.first_unlooked()
            && let Some(time) = self.held.time_of(sequence)
            && now.since(time) >= self.config.max_age
        {
            self.expiry.look(sequence + 1);
            if !self.expiry.is_ageless(sequence) && !self.ahead.expiring.contains(&sequence) {
                work += self.expire_or_keep(sequence, now, &mut gone);
            }
        }
        let ended = self
            .expiry
            .ended(now)
            .filter(|sequence| !self.ahead.expiring.contains(sequence));
        let room = EXPIRE_AT_ONCE.saturating_sub(work);
        for sequence in ended.take(room).collect::<Vec<_>>() {
            if work < EXPIRE_AT_ONCE {
                work += self.expire_or_keep(sequence, now, &mut gone);
            }
        }
        if !gone.is_empty() {
            self.let_expire(gone, now);
        }
    }

    /// A message is to go, unless it is first to be a dead letter. How much work that is.
    fn expire_or_keep(&mut self, sequence: u64, now: Time, gone: &mut BTreeSet<u64>) -> usize {
        let letters = self.keep_dead_letters(sequence, now);
        if letters == 0 {
            gone.insert(sequence);
        }
        letters.max(1)
    }

    /// Decides that these messages go, and what says so of subjects that have no more.
    fn let_expire(&mut self, mut gone: BTreeSet<u64>, now: Time) {
        let is_marking = self.config.subject_delete_marker_ttl > 0;
        let marked = match is_marking {
            true => self.to_be_marked(&gone),
            false => Vec::new(),
        };
        for sequence in &gone {
            let subject = is_marking.then(|| self.held.subject_of(*sequence)).flatten();
            self.ahead.expires(*sequence, subject.as_ref());
        }
        for (sequence, subject) in &marked {
            // It goes with its marker.
            gone.remove(sequence);
            let store = self.marker(subject.clone(), now);
            self.decide(Entry::Store(store), Vec::new());
        }
        if !gone.is_empty() {
            self.decide(Entry::Expire(gone.into_iter().collect()), Vec::new());
        }
    }

    /// Those that are the last of their subjects, and no markers themselves.
    fn to_be_marked(&self, gone: &BTreeSet<u64>) -> Vec<(u64, Bytes)> {
        let mut left: HashMap<Bytes, u64> = HashMap::new();
        let mut marked = Vec::new();
        for sequence in gone {
            let Some(subject) = self.held.subject_of(*sequence) else {
                continue;
            };
            let messages = self.held.of_subject(&subject).map_or(0, |of_it| of_it.messages);
            let going = self.ahead.expiring_of(&subject);
            let left = left
                .entry(subject.clone())
                .or_insert_with(|| messages.saturating_sub(going));
            *left = left.saturating_sub(1);
            let is_last = *left == 0 && self.ahead.subject(&subject).is_none();
            if is_last && !self.expiry.is_marker(*sequence) {
                marked.push((*sequence, subject));
            }
        }
        marked
    }

    /// The message that says that those of a subject have expired.
    fn marker(&self, subject: Bytes, now: Time) -> Store {
        let seconds = (self.config.subject_delete_marker_ttl / SECOND).unsigned_abs();
        let ttl = duration::shown(Duration::from_secs(seconds));
        let added: [(&str, &[u8]); 3] = [
            (header::MARKER_REASON, b"MaxAge"),
            (header::TTL, ttl.as_bytes()),
            (header::ROLLUP, b"sub"),
        ];
        Store {
            time: self.stamp(now),
            subject,
            headers: header::with(b"", &added),
            lifetime: Lifetime::Seconds(seconds),
            rollup: Rollup::Subject,
            ..Store::default()
        }
    }

    fn fire(&mut self, around: &Surroundings<'_>) -> Result<(), Cold> {
        if self.config.sealed {
            return Ok(());
        }
        let mut come = self.schedules.come(around.now);
        come.retain(|(.., subject)| !self.ahead.firing.contains(subject));
        come.truncate(FIRE_AT_ONCE);
        come.sort_unstable_by_key(|(_, sequence, _)| *sequence);
        for (due, sequence, subject) in come {
            let Some(schedule) = self.held.get(sequence)? else {
                continue;
            };
            let source = match schedule::source(&schedule).and_then(|source| self.held.last(source, u64::MAX))
            {
                Some(source) => self.held.get(source)?,
                None => None,
            };
            let fired = schedule::fire(&schedule, source.as_ref(), due, around.now, around.zones);
            let Some(fired) = fired else {
                self.schedules.removed(&subject, sequence);
                continue;
            };
            let mut store = Store {
                time: self.stamp(around.now),
                subject: self.transformed(&fired.subject, around.random),
                headers: fired.headers,
                payload: fired.payload,
                ..Store::default()
            }
            .with_headers_read();
            self.prolong(&mut store);
            self.ahead.firing.insert(subject);
            self.decide(Entry::Store(store), vec![Detail::default()]);
        }
        Ok(())
    }
}
