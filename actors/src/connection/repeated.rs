//! Messages that come one behind the other with the same control line.

use super::Turn;
use vagus_delivery::arbiter::Repeats;
use vagus_protocol::operation::Publish;
use vagus_protocol::repeated_line::RepeatedLine;

/// A message that the turn has published and whose control line the next may repeat: then nothing has to be parsed, checked
/// or looked up.
#[derive(Debug, Default, Clone, Copy)]
pub struct RepeatedMessage<'a> {
    line: RepeatedLine<'a>,
    /// The length of what is behind the subject.
    tail: usize,
    payload: usize,
}

impl<'a> RepeatedMessage<'a> {
    /// What may be repeated of a message that has just been published in this frame: nothing if it has a reply, or odd
    /// spacing.
    #[inline]
    pub fn of(publish: &Publish<'_>, frame: &'a [u8]) -> Self {
        match publish.tail {
            Some(tail) if publish.reply.is_none() => Self {
                line: RepeatedLine::of(frame, publish.line_len),
                tail: tail.len(),
                payload: publish.body.len(),
            },
            _ => Self::default(),
        }
    }

    /// Publishes the frames at the start of `input` that repeat the control line, as far as the turn allows and `takes`
    /// does, which is shown what is behind the line. Gives their length; None if there is none.
    #[inline]
    pub fn publish(
        &self,
        input: &[u8],
        turn: &mut impl Turn,
        takes: impl Fn(&[u8]) -> bool,
    ) -> Option<usize> {
        let at_most = || turn.may_publish_again(self.tail);
        let count = self.line.count(input, at_most, takes);
        if count == 0 {
            return None;
        }
        let frame = self.line.frame();
        let frames = &input[..count * frame];
        turn.publish_again(&Repeats::new(frames, frame, self.tail, self.payload));
        Some(frames.len())
    }
}
