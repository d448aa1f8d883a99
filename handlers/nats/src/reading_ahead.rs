//! Messages that are read before it is their turn.

use smallvec::SmallVec;
use vagus_actors::connection::{ANTICIPATED, Turn};
use vagus_protocol::operation::{Operation, Publish};
use vagus_protocol::parser::{FrameLimits, Parsed, parse};

/// Messages of one read that follow each other, on one subject after another: the turn prepares for all of them at once.
/// Each is parsed once, be it here.
#[derive(Debug, Default)]
pub(crate) struct ReadAhead<'a> {
    /// With the lengths of their frames.
    messages: SmallVec<[(Publish<'a>, usize); ANTICIPATED]>,
    /// Which is next, and where in the input it begins.
    next: usize,
    at: usize,
    /// Where in the input those that are not read yet begin.
    end: usize,
}

impl<'a> ReadAhead<'a> {
    /// The message that begins here in the input, and the length of its frame, if it has been read.
    #[inline]
    pub(crate) fn take(&mut self, at: usize) -> Option<(Publish<'a>, usize)> {
        if at >= self.end {
            return None;
        }
        // Those that repeat a control line are published without a look at each.
        while let Some((message, length)) = self.messages.get(self.next)
            && self.at <= at
        {
            let is_it = self.at == at;
            self.next += 1;
            self.at += length;
            if is_it {
                return Some((*message, *length));
            }
        }
        None
    }

    /// Reads on from a message, of these lengths of its control line and its frame, which begins here, and tells the turn
    /// which come next. In the usual case the next message is like this one, and there is nothing to prepare.
    #[inline]
    pub(crate) fn read_on(
        &mut self,
        input: &'a [u8],
        at: usize,
        (line, frame): (usize, usize),
        limits: &FrameLimits,
        turn: &mut impl Turn,
    ) {
        let rest = &input[at..];
        if at >= self.end && rest.len() > frame && !rest[frame..].starts_with(&rest[..line]) {
            self.fill(input, at, limits, turn);
        }
    }

    fn fill(&mut self, input: &'a [u8], at: usize, limits: &FrameLimits, turn: &mut impl Turn) {
        self.messages.clear();
        self.end = at;
        while self.messages.len() < ANTICIPATED
            && let Parsed::Frame {
                operation: Operation::Publish(message),
                consumed,
            } = parse(&input[self.end..], limits)
        {
            self.messages.push((message, consumed));
            self.end += consumed;
        }
        if self.messages.len() > 1 {
            let subjects: SmallVec<[&[u8]; ANTICIPATED]> =
                self.messages.iter().map(|(message, _)| message.subject).collect();
            turn.anticipate(&subjects);
        }
        // The first is being looked at.
        let first = self.messages.first().map_or(0, |(_, length)| *length);
        (self.next, self.at) = (1, at + first);
    }
}
