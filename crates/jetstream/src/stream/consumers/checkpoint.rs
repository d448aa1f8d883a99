//! Consumers as they are kept with their stream.

use super::Consumers;
use super::entry::{get_config, get_name};
use super::sweep::Sweep;
use crate::api::json;
use crate::consumer::{Consumer, Identity, Progress};
use crate::held::Messages;
use crate::stream::Stream;
use crate::stream::entry::{NoEntries, get_length, put_bytes, put_length};
use crate::time::Time;
use bytes::{Buf, BufMut, Bytes};

impl Consumers {
    /// Writes those that are kept.
    pub(in crate::stream) fn encode(&self, out: &mut Vec<u8>) {
        out.put_u64_le(self.created);
        let kept = self.by_number.values().filter(|consumer| consumer.is_kept());
        let mut kept: Vec<&Consumer> = kept.map(|consumer| &**consumer).collect();
        kept.sort_unstable_by_key(|consumer| consumer.number);
        put_length(out, kept.len());
        for consumer in kept {
            out.put_u64_le(consumer.number);
            put_bytes(out, consumer.name.as_bytes());
            out.put_i64_le(consumer.created.0);
            put_bytes(out, &json(&consumer.config));
            consumer.progress.encode(out);
            consumer.progress.encode_by_subject(out);
            consumer.progress.encode_moved(out);
        }
        Sweep::encode_all(&self.sweeps, out);
    }
}

impl<M: Messages> Stream<M> {
    /// Reads those that were written. `has_subjects`: with what they count for each subject; `has_moved`: and with what they know
    /// to have been moved.
    pub(in crate::stream) fn decode_consumers(
        &mut self,
        from: &mut Bytes,
        has_subjects: bool,
        has_moved: bool,
    ) -> Result<(), NoEntries> {
        let end = |_| NoEntries;
        self.consumers.created = from.try_get_u64_le().map_err(end)?;
        for _ in 0..get_length(from)? {
            let identity = Identity {
                number: from.try_get_u64_le().map_err(end)?,
                name: get_name(from)?,
                created: Time(from.try_get_i64_le().map_err(end)?),
            };
            let config = get_config(from)?;
            let mut progress = Progress::decode(from)?;
            if has_subjects {
                progress.decode_by_subject(from)?;
            }
            if has_moved {
                progress.decode_moved(from)?;
            }
            let form = &self.consumers.form;
            let consumer = Consumer::new(identity, config, progress, &self.config.name, form);
            self.put_consumer(consumer);
        }
        let numbers: Vec<u64> = self.consumers.by_number.keys().copied().collect();
        for number in numbers {
            self.with_consumer(number, |_| ());
        }
        self.consumers.settle();
        self.consumers.sweeps = Sweep::decode_all(from)?;
        Ok(())
    }
}
