//! Messages that nobody may need any more because a consumer has gone, or wants others: they are looked at in parts.

use crate::consumer::Filter;
use crate::stream::entry::{NoEntries, get_bytes, get_length, put_bytes, put_length};
use bytes::{Buf, BufMut, Bytes};
use std::collections::VecDeque;

/// Messages that nobody may need any more.
#[derive(Debug, Clone)]
pub(super) struct Sweep {
    /// Those from this sequence on.
    pub(super) next: u64,
    /// Up to this one.
    pub(super) last: u64,
    /// Which of them.
    pub(super) filter: Filter,
}

impl Sweep {
    pub(super) fn encode_all(sweeps: &VecDeque<Self>, out: &mut Vec<u8>) {
        put_length(out, sweeps.len());
        for sweep in sweeps {
            out.put_u64_le(sweep.next);
            out.put_u64_le(sweep.last);
            let patterns: Vec<&[u8]> = sweep.filter.patterns().collect();
            put_length(out, patterns.len());
            patterns.iter().for_each(|pattern| put_bytes(out, pattern));
        }
    }

    pub(super) fn decode_all(from: &mut Bytes) -> Result<VecDeque<Self>, NoEntries> {
        let mut sweeps = VecDeque::new();
        for _ in 0..get_length(from)? {
            let next = from.try_get_u64_le().map_err(|_| NoEntries)?;
            let last = from.try_get_u64_le().map_err(|_| NoEntries)?;
            let mut patterns = Vec::new();
            for _ in 0..get_length(from)? {
                let pattern = get_bytes(from)?;
                patterns.push(str::from_utf8(&pattern).map_err(|_| NoEntries)?.to_owned());
            }
            let filter = Filter::new(patterns.iter().map(String::as_str));
            sweeps.push_back(Self { next, last, filter });
        }
        Ok(sweeps)
    }
}
