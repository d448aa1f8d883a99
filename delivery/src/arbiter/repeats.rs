//! Messages that come one behind the other with the same control line.

/// Frames of one length and one control line, side by side as they came.
#[derive(Debug, Clone, Copy)]
pub struct Repeats<'a> {
    frames: &'a [u8],
    frame: usize,
    /// To divide takes as long as to copy a short message.
    count: usize,
    tail: usize,
    payload: usize,
}

impl<'a> Repeats<'a> {
    /// `frames` are of `frame` bytes each, of which the last `tail` are behind the subject; `payload` is the size of the
    /// headers and the payload of each, in bytes. What is left over at the end counts as nothing.
    #[inline]
    pub fn new(frames: &'a [u8], frame: usize, tail: usize, payload: usize) -> Self {
        let frame = frame.max(1);
        Self {
            frames,
            frame,
            count: frames.len() / frame,
            tail: tail.min(frame),
            payload,
        }
    }

    /// One message, of which `tail` is everything behind the subject.
    #[inline]
    pub(super) fn one(tail: &'a [u8], payload: usize) -> Self {
        Self {
            frames: tail,
            frame: tail.len(),
            count: 1,
            tail: tail.len(),
            payload,
        }
    }

    /// How many messages there are.
    #[inline]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The headers and payload of each, in bytes.
    #[inline]
    pub fn payload(&self) -> usize {
        self.payload
    }

    /// How long the tail of each is, in bytes.
    #[inline]
    pub(super) fn tail(&self) -> usize {
        self.tail
    }

    /// Everything behind the subject, message by message.
    #[inline]
    pub fn tails(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let Self {
            frames, frame, tail, ..
        } = *self;
        (1..=self.count).map(move |number| {
            let end = number * frame;
            frames.get(end - tail..end).unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Repeats;

    #[test]
    fn the_tails_are_what_is_behind_the_subject() {
        let repeats = Repeats::new(b"PUB a 1\r\nx\r\nPUB a 1\r\ny\r\nPUB", 12, 6, 1);
        assert_eq!((repeats.count(), repeats.payload()), (2, 1));
        let tails: Vec<_> = repeats.tails().collect();
        assert_eq!(tails, [b"1\r\nx\r\n", b"1\r\ny\r\n"]);
    }
}
