//! The tokens that lead to a node from its parent.

use crate::subject::split_token;

/// One or more tokens of a pattern, as they are written. Never empty, but for the root.
#[derive(Clone)]
pub(super) struct Label {
    text: Text,
}

/// Short ones, among them those of clients' inboxes, cost no allocation.
#[derive(Clone)]
enum Text {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Box<[u8]>),
}

/// With this a node is one line of the cache.
const SHORT: usize = 30;

impl Label {
    pub(super) const EMPTY: Self = Self {
        text: Text::Short {
            length: 0,
            bytes: [0; SHORT],
        },
    };

    pub(super) fn new(tokens: &[u8]) -> Self {
        let mut bytes = [0; SHORT];
        let text = match bytes.get_mut(..tokens.len()) {
            Some(start) => {
                start.copy_from_slice(tokens);
                Text::Short {
                    length: tokens.len() as u8,
                    bytes,
                }
            }
            None => Text::Long(tokens.into()),
        };
        Self { text }
    }

    /// This one, and behind it the other.
    pub(super) fn joined(&self, other: &Self) -> Self {
        Self::new(&[self.as_slice(), b".", other.as_slice()].concat())
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        match &self.text {
            Text::Short { length, bytes } => &bytes[..usize::from(*length)],
            Text::Long(tokens) => tokens,
        }
    }

    /// Bytes of memory beside its own.
    pub(super) fn memory(&self) -> usize {
        match &self.text {
            Text::Short { .. } => 0,
            Text::Long(tokens) => tokens.len(),
        }
    }

    #[inline]
    pub(super) fn first_token(&self) -> &[u8] {
        split_token(self.as_slice()).0
    }

    /// The tokens behind the first.
    #[inline]
    pub(super) fn behind_first(&self) -> Option<&[u8]> {
        split_token(self.as_slice()).1
    }

    /// Whether this is its first token.
    #[inline]
    pub(super) fn begins_with(&self, token: &[u8]) -> bool {
        let label = self.as_slice();
        label.starts_with(token) && label.get(token.len()).is_none_or(|next| *next == b'.')
    }

    /// The bytes of the tokens with which both begin; the first is known to be the same.
    pub(super) fn common(&self, pattern: &[u8]) -> usize {
        let label = self.as_slice();
        let same = label
            .iter()
            .zip(pattern)
            .take_while(|(one, other)| one == other)
            .count();
        let ends = |text: &[u8]| text.get(same).is_none_or(|next| *next == b'.');
        if ends(label) && ends(pattern) {
            return same;
        }
        // Back to where the last token that is whole ends.
        memchr::memrchr(b'.', &label[..same]).unwrap_or(0)
    }
}
