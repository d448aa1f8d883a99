//! Messages that are kept for later turns.

use super::with_care::Content;
use std::ops::Range;

/// A message by its places in a text, which may hold several.
#[derive(Debug)]
pub(super) struct KeptMessage {
    tail: Range<usize>,
    body: Range<usize>,
    reply: Option<Range<usize>>,
    header_size: Option<usize>,
}

impl KeptMessage {
    /// Appends a message to the text.
    pub(super) fn append(text: &mut Vec<u8>, content: &Content<'_>) -> Self {
        let start = text.len();
        text.extend_from_slice(content.tail);
        let end = text.len();
        let body_end = end.saturating_sub(2);
        Self {
            tail: start..end,
            body: body_end.saturating_sub(content.body.len())..body_end,
            // The reply is the first word of the tail.
            reply: content.reply.map(|reply| start..start + reply.len()),
            header_size: content.header_size,
        }
    }

    /// The message, from the text that it was appended to.
    pub(super) fn content<'a>(&self, text: &'a [u8]) -> Content<'a> {
        let part = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
        Content {
            tail: part(&self.tail),
            reply: self.reply.as_ref().map(part),
            header_size: self.header_size,
            body: part(&self.body),
        }
    }
}
