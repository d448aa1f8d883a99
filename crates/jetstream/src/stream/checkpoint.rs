//! What of a stream its messages do not say: what has to be kept beside them, so that it is the same again later.

use super::Stream;
use super::duplicates::Duplicates;
use super::entry::{NoEntries, get_bytes, get_length, put_bytes, put_length};
use super::expiry::Expiry;
use super::schedule::Schedules;
use crate::api::json;
use crate::config::{StreamConfig, StreamConfigRequest};
use crate::held::Messages;
use crate::time::Time;
use bytes::{Buf, BufMut, Bytes};

/// The form of it.
const VERSION: u8 = 6;

/// The one before did not say which messages were to be let go of.
const WITHOUT_DONE_WITH: u8 = 5;

/// The one before that knew of no dead letters that have been moved.
const WITHOUT_MOVED: u8 = 4;

/// The one before that one counted nothing for each subject.
const WITHOUT_SUBJECTS: u8 = 3;

/// The first knew no sources.
const WITHOUT_SOURCES: u8 = 2;

impl<M: Messages> Stream<M> {
    /// What has to be kept beside the messages.
    pub fn checkpoint(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_bytes(&mut out, &json(&self.config));
        out.put_u64_le(self.incarnation);
        out.put_i64_le(self.created.0);
        out.put_u64_le(self.first);
        out.put_u64_le(self.last);
        out.put_i64_le(self.last_time.map_or(i64::MIN, |time| time.0));
        put_bytes(&mut out, &self.last_id);
        self.duplicates.encode(&mut out);
        self.expiry.encode(&mut out);
        self.schedules.encode(&mut out);
        self.consumers.encode(&mut out);
        self.sourcing.encode(&mut out);
        // What consumers have done is a part of this before it is in the log: so is what is to go because of that, or it would stay
        // for ever where only the one is there after a crash.
        let done_with = self.done_with_and_held();
        put_length(&mut out, done_with.len());
        done_with
            .into_iter()
            .for_each(|sequence| out.put_u64_le(sequence));
        out
    }

    /// The stream that was kept, with its messages.
    ///
    /// # Errors
    /// If that is none.
    pub fn restore(mut from: Bytes, domain: &str, held: M) -> Result<Self, NoEntries> {
        let end = |_| NoEntries;
        let version = from.try_get_u8().map_err(end)?;
        if !(WITHOUT_SOURCES..=VERSION).contains(&version) {
            return Err(NoEntries);
        }
        let config: StreamConfig = StreamConfigRequest::from_json(&get_bytes(&mut from)?, true)
            .map_err(|_| NoEntries)?
            .config;
        let incarnation = from.try_get_u64_le().map_err(end)?;
        let created = Time(from.try_get_i64_le().map_err(end)?);
        let mut stream = Self::new(config, incarnation, created, domain, held);
        stream.first = from.try_get_u64_le().map_err(end)?;
        stream.last = from.try_get_u64_le().map_err(end)?;
        let last_time = from.try_get_i64_le().map_err(end)?;
        stream.last_time = (last_time != i64::MIN).then_some(Time(last_time));
        stream.latest = Time(last_time);
        stream.last_id = Bytes::copy_from_slice(&get_bytes(&mut from)?);
        stream.duplicates = Duplicates::decode(&mut from)?;
        stream.expiry = Expiry::decode(&mut from)?;
        stream.schedules = Schedules::decode(&mut from)?;
        stream.decode_consumers(&mut from, version > WITHOUT_SUBJECTS, version > WITHOUT_MOVED)?;
        if version != WITHOUT_SOURCES {
            stream.sourcing.decode(&mut from)?;
        }
        if version > WITHOUT_DONE_WITH {
            let done_with = (0..get_length(&mut from)?).map(|_| from.try_get_u64_le().map_err(end));
            stream.release_again(done_with.collect::<Result<_, _>>()?);
        }
        match from.has_remaining() {
            true => Err(NoEntries),
            false => Ok(stream),
        }
    }
}
