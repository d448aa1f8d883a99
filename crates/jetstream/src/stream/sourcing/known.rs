//! How far a stream is with its sources: the last message of each that it has taken in.
//!
//! It follows from the log like all else of the stream, so it is exact after a restart, and does not go with the messages.

use crate::stream::entry::{NoEntries, get_bytes, get_length, put_bytes, put_length};
use bytes::{Buf, BufMut, Bytes};
use std::collections::BTreeMap;

/// Sources that are not configured are remembered, as they may be again; so many of them.
const REMEMBERED: usize = 1024;

/// How far a stream is with a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The last message that it has taken in, or passed over.
    pub sequence: u64,
    /// By what the other stream is told from others of its name; empty: that is not known.
    pub identity: String,
}

/// The same of all its sources, by their index.
#[derive(Debug, Default)]
pub(super) struct KnownSources(BTreeMap<String, Known>);

impl KnownSources {
    pub(super) fn of(&self, index: &str) -> Known {
        self.0.get(index).cloned().unwrap_or_default()
    }

    /// A message has been taken in.
    pub(super) fn took(&mut self, index: String, sequence: u64, identity: &str) {
        let known = self.0.entry(index).or_default();
        known.sequence = sequence;
        if !identity.is_empty() {
            identity.clone_into(&mut known.identity);
        }
    }

    pub(super) fn set(&mut self, index: String, known: Known) {
        self.0.insert(index, known);
    }

    /// These are configured; of others not too many are remembered.
    pub(super) fn keep(&mut self, configured: &[String]) {
        let mut others = self.0.len().saturating_sub(configured.len() + REMEMBERED);
        self.0.retain(|index, _| {
            let goes = others > 0 && !configured.contains(index);
            others -= usize::from(goes);
            !goes
        });
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_length(out, self.0.len());
        for (index, known) in &self.0 {
            put_known(out, index, known);
        }
    }

    pub(super) fn decode(from: &mut Bytes) -> Result<Self, NoEntries> {
        let length = get_length(from)?;
        (0..length)
            .map(|_| get_known(from))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// Writes how far a stream is with a source.
pub(in crate::stream) fn put_known(out: &mut Vec<u8>, index: &str, known: &Known) {
    put_bytes(out, index.as_bytes());
    out.put_u64_le(known.sequence);
    put_bytes(out, known.identity.as_bytes());
}

/// Reads the same.
pub(in crate::stream) fn get_known(from: &mut Bytes) -> Result<(String, Known), NoEntries> {
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).map_err(|_| NoEntries);
    let index = text(get_bytes(from)?)?;
    let known = Known {
        sequence: from.try_get_u64_le().map_err(|_| NoEntries)?,
        identity: text(get_bytes(from)?)?,
    };
    Ok((index, known))
}

#[cfg(test)]
mod tests {
    use super::{Known, KnownSources, REMEMBERED};

    #[test]
    fn what_is_configured_is_never_forgotten_and_of_the_rest_not_all_is_kept() {
        let mut sources = KnownSources::default();
        sources.took("kept".to_owned(), 7, "one");
        sources.took("kept".to_owned(), 8, "");
        for number in 0..2 * REMEMBERED {
            sources.set(number.to_string(), Known::default());
        }
        sources.keep(&["kept".to_owned()]);
        assert_eq!(sources.0.len(), REMEMBERED + 1);
        let known = Known {
            sequence: 8,
            identity: "one".to_owned(),
        };
        assert_eq!(sources.of("kept"), known);
        let mut out = Vec::new();
        sources.encode(&mut out);
        let again = KnownSources::decode(&mut out.into()).unwrap();
        assert_eq!(again.0, sources.0);
    }
}
