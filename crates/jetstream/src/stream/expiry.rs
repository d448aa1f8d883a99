//! Which messages go because of their age, or because they have said so.

use super::entry::{NoEntries, get_length, put_length};
use super::lifetime::Lifetime;
use crate::header;
use crate::time::Time;
use bytes::{Buf, BufMut, Bytes};
use std::collections::{BTreeMap, BTreeSet};

/// What messages have said of their end.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    /// When those end that have said so, or that they never do.
    ends: BTreeMap<u64, Time>,
    /// The same, by time, but for those that are held back.
    by_time: BTreeSet<(Time, u64)>,
    /// Those that stay beyond their end, until somebody says that they may go.
    held_back: BTreeSet<u64>,
    /// The messages that say that those of their subject have gone.
    markers: BTreeSet<u64>,
    /// All before this one are looked at: those of them that there still are do not go because of their age.
    looked_at: u64,
}

/// The value of a key's operation that says that it is gone for good.
const PURGED_KEY: &[u8] = b"PURGE";

/// Whether a message says that those of its subject have gone.
fn is_marker(headers: &[u8]) -> bool {
    header::said(headers, header::MARKER_REASON).is_some()
        || header::get(headers, header::KV_OPERATION) == Some(PURGED_KEY)
}

impl Expiry {
    /// A message has been stored.
    pub(super) fn stored(&mut self, sequence: u64, time: Time, lifetime: Lifetime, headers: &[u8]) {
        if let Some(end) = lifetime.end(time) {
            self.ends.insert(sequence, end);
            self.by_time.insert((end, sequence));
        }
        if !headers.is_empty() && is_marker(headers) {
            self.markers.insert(sequence);
        }
    }

    /// A message has gone.
    pub(super) fn removed(&mut self, sequence: u64) {
        if let Some(end) = self.ends.remove(&sequence) {
            self.by_time.remove(&(end, sequence));
        }
        self.held_back.remove(&sequence);
        self.markers.remove(&sequence);
    }

    /// A message stays although its time has come.
    pub(super) fn hold_back(&mut self, sequence: u64) {
        if let Some(end) = self.ends.get(&sequence)
            && self.by_time.remove(&(*end, sequence))
        {
            self.held_back.insert(sequence);
        }
    }

    /// Whether no message has said anything of its end.
    pub(super) fn is_plain(&self) -> bool {
        self.ends.is_empty() && self.held_back.is_empty() && self.markers.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_marker(&self, sequence: u64) -> bool {
        self.markers.contains(&sequence)
    }

    /// Whether a message stays whatever its age.
    pub(super) fn is_ageless(&self, sequence: u64) -> bool {
        self.ends.get(&sequence) == Some(&Time(i64::MAX))
    }

    /// The messages that have said that they end by now.
    pub(super) fn ended(&self, now: Time) -> impl Iterator<Item = u64> {
        let ended = self.by_time.iter().take_while(move |(end, _)| *end <= now);
        ended.map(|(_, sequence)| *sequence)
    }

    /// When the next one ends that has said so, but for those that are going.
    pub(super) fn next_end(&self, is_going: impl Fn(&u64) -> bool) -> Option<Time> {
        let mut staying = self.by_time.iter().filter(|(_, sequence)| !is_going(sequence));
        let (end, _) = staying.next()?;
        (*end < Time(i64::MAX)).then_some(*end)
    }

    /// From where on ages are to be looked at.
    pub(super) fn unlooked(&self) -> u64 {
        self.looked_at
    }

    /// Ages have been looked at up to this one.
    pub(super) fn look(&mut self, next: u64) {
        self.looked_at = self.looked_at.max(next);
    }

    /// All ages are to be looked at again.
    pub(super) fn look_again(&mut self) {
        self.looked_at = 0;
        for sequence in std::mem::take(&mut self.held_back) {
            let end = self.ends.get(&sequence);
            self.by_time.extend(end.map(|end| (*end, sequence)));
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_length(out, self.ends.len());
        for (sequence, end) in &self.ends {
            out.put_u64_le(*sequence);
            out.put_i64_le(end.0);
        }
        put_length(out, self.markers.len());
        self.markers.iter().for_each(|sequence| out.put_u64_le(*sequence));
    }

    pub(super) fn decode(from: &mut Bytes) -> Result<Self, NoEntries> {
        let mut expiry = Self::default();
        for _ in 0..get_length(from)? {
            let sequence = from.try_get_u64_le().map_err(|_| NoEntries)?;
            let end = Time(from.try_get_i64_le().map_err(|_| NoEntries)?);
            expiry.ends.insert(sequence, end);
            expiry.by_time.insert((end, sequence));
        }
        for _ in 0..get_length(from)? {
            let sequence = from.try_get_u64_le().map_err(|_| NoEntries)?;
            expiry.markers.insert(sequence);
        }
        Ok(expiry)
    }
}
