//! Messages that come one behind the other with the same control line.

use vagus_actors::connection::Turn;
use vagus_delivery::arbiter::Repeats;
use vagus_protocol::operation::{Groups, Publish};
use vagus_protocol::repeated_line::RepeatedLine;

/// A message whose control line the next may repeat: then it is for the same account, subject and subscriptions.
#[derive(Default)]
pub(crate) struct Repeated<'a> {
    line: RepeatedLine<'a>,
    /// The length of what is behind the subject.
    tail: usize,
    payload: usize,
}

impl<'a> Repeated<'a> {
    /// What may be repeated of a message that the turn has just published in this frame: nothing if each message has to be
    /// looked at.
    #[inline]
    pub(crate) fn after(publish: &Publish<'_>, frame: &'a [u8]) -> Self {
        let is_plain =
            publish.reply.is_none() && publish.header_size.is_none() && publish.groups == Groups::Only(b"");
        match publish.tail {
            Some(tail) if is_plain => Self {
                line: RepeatedLine::of(frame, publish.line_len),
                tail: tail.len(),
                payload: publish.body.len(),
            },
            _ => Self::default(),
        }
    }

    /// Publishes the frames at the start of `input` that repeat the control line, as far as the turn allows; gives their
    /// length.
    #[inline]
    pub(crate) fn publish(&self, input: &[u8], turn: &mut impl Turn) -> Option<usize> {
        let at_most = || turn.may_publish_again(self.tail);
        let count = self.line.count(input, at_most, |_| true);
        if count == 0 {
            return None;
        }
        let frame = self.line.frame();
        let frames = &input[..count * frame];
        turn.publish_again(&Repeats::new(frames, frame, self.tail, self.payload));
        Some(frames.len())
    }
}
