//! A frame that does not fit into what is carried over from one read to the next.

use crate::arbiter::SpareBuffers;

/// The buffer of a frame grows by this factor: with four, a third of the frame is copied once more on the way. It is no more
/// than five times as large as what has come, so it costs a peer something to have us hold something.
const GROWTH: usize = 4;

/// A large frame, as far as it has come.
#[derive(Debug)]
pub(super) struct LargeFrame {
    buffer: Vec<u8>,
    filled: usize,
    length: usize,
}

impl LargeFrame {
    /// One that will be so long, and begins like this.
    pub(super) fn begin(beginning: &[u8], length: usize, spare: &mut SpareBuffers) -> Self {
        let mut buffer = spare.take(room(beginning.len(), length));
        buffer[..beginning.len()].copy_from_slice(beginning);
        Self {
            buffer,
            filled: beginning.len(),
            length,
        }
    }

    /// Where what comes next of it belongs, and whether that is all that is missing.
    pub(super) fn space(&mut self, spare: &mut SpareBuffers) -> (&mut [u8], bool) {
        if self.filled == self.buffer.len() {
            let mut larger = spare.take(room(self.filled, self.length));
            larger[..self.filled].copy_from_slice(&self.buffer);
            spare.give_back(std::mem::replace(&mut self.buffer, larger));
        }
        let end = self.length.min(self.buffer.len());
        (&mut self.buffer[self.filled..end], end == self.length)
    }

    /// So much has been put there.
    pub(super) fn advance(&mut self, count: usize) {
        self.filled += count;
    }

    /// The buffer, which may be longer, and the length of the frame.
    pub(super) fn into_parts(self) -> (Vec<u8>, usize) {
        (self.buffer, self.length)
    }
}

/// A fraction of the length with more room than what is filled, so that the last steps are whole ones.
fn room(filled: usize, length: usize) -> usize {
    let mut room = length;
    while room.div_ceil(GROWTH) > filled + filled / GROWTH {
        room = room.div_ceil(GROWTH);
    }
    room
}

#[cfg(test)]
mod tests {
    use super::{GROWTH, LargeFrame, SpareBuffers};
    use crate::arbiter::CARRIED_OVER;

    const BEGINNING: usize = CARRIED_OVER + 1;

    fn frame(length: usize) -> Vec<u8> {
        (0..length).map(|place| (place % 251) as u8).collect()
    }

    /// Has a frame come in pieces of this size; the largest buffer on the way, in multiples of what had come, and bytes
    /// that were copied from buffer to buffer.
    #[track_caller]
    fn come(frame: &[u8], piece: usize, spare: &mut SpareBuffers) -> (usize, usize) {
        let mut large = LargeFrame::begin(&frame[..BEGINNING], frame.len(), spare);
        let (mut come, mut ahead, mut copied) = (BEGINNING, 0, 0);
        while come < frame.len() {
            let before = large.buffer.len();
            let (space, _) = large.space(spare);
            let count = space.len().min(piece);
            assert!(count > 0);
            space[..count].copy_from_slice(&frame[come..come + count]);
            large.advance(count);
            if large.buffer.len() != before {
                copied += come;
            }
            ahead = ahead.max(large.buffer.len().div_ceil(come));
            come += count;
        }
        let (buffer, length) = large.into_parts();
        assert_eq!(&buffer[..length], frame);
        spare.give_back(buffer);
        (ahead, copied)
    }

    #[test]
    fn what_is_held_grows_with_what_has_come() {
        let mut spare = SpareBuffers::default();
        for length in [BEGINNING + 1, 65_536, 65_600, 1 << 20, 5_000_000] {
            for piece in [4096, 65_536, usize::MAX] {
                let (ahead, copied) = come(&frame(length), piece, &mut spare);
                // A spare buffer may be twice as large as a new one.
                assert!(ahead <= 10, "{length}: {ahead} times as much");
                assert!(copied <= length * 2 / 5, "{length}: {copied} bytes were copied");
                let (ahead, _) = come(&frame(length), piece, &mut SpareBuffers::default());
                assert!(ahead <= 5, "{length}: {ahead} times as much");
            }
        }
    }

    /// Whether the end of the frame is in reach is told right, as more may be read behind it.
    #[test]
    fn the_end_is_known() {
        let mut spare = SpareBuffers::default();
        let bytes = frame(BEGINNING * GROWTH * GROWTH);
        let mut large = LargeFrame::begin(&bytes[..BEGINNING], bytes.len(), &mut spare);
        let (space, is_all) = large.space(&mut spare);
        assert_eq!((space.len(), is_all), (BEGINNING * (GROWTH - 1), false));
        large.advance(BEGINNING * (GROWTH - 1));
        let (space, is_all) = large.space(&mut spare);
        assert_eq!((space.len(), is_all), (BEGINNING * GROWTH * (GROWTH - 1), true));
        large.advance(BEGINNING * GROWTH * (GROWTH - 1) - 1);
        let (space, is_all) = large.space(&mut spare);
        assert_eq!((space.len(), is_all), (1, true));
    }
}
