/// How many buffers of large frames are kept for the next.
const KEPT: usize = 4;

/// A buffer larger than this, in bytes, is not kept.
const KEPT_SIZE: usize = 2 * 1024 * 1024;

/// A spare buffer is no more than so many times as large as what is wanted: a frame that has only begun gets none of those
/// that whole frames have left.
const ROOMY: usize = 2;

/// Buffers of large frames, kept for the next.
#[derive(Debug, Default)]
pub struct SpareBuffers(Vec<Vec<u8>>);

impl SpareBuffers {
    /// A buffer of at least this length, and not of many times as much.
    pub(crate) fn take(&mut self, length: usize) -> Vec<u8> {
        let fitting = |spare: &Vec<u8>| (length..=length.saturating_mul(ROOMY)).contains(&spare.len());
        match self.0.iter().position(fitting) {
            Some(place) => self.0.swap_remove(place),
            None => vec![0; length],
        }
    }

    /// Keeps a buffer for the next large frame, if there is room and it is not too large.
    pub fn give_back(&mut self, buffer: Vec<u8>) {
        if buffer.is_empty() || buffer.len() > KEPT_SIZE {
            return;
        }
        if self.0.len() == KEPT {
            // The one that has waited for longest: sizes that nobody asks for any more make room.
            self.0.remove(0);
        }
        self.0.push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, KEPT_SIZE, ROOMY, SpareBuffers};

    #[test]
    fn one_that_fits_is_used_again() {
        let mut spare = SpareBuffers::default();
        spare.give_back(vec![1; 100]);
        assert_eq!(spare.take(101), vec![0; 101]);
        assert_eq!(spare.take(100 / ROOMY - 1), vec![0; 100 / ROOMY - 1]);
        assert_eq!(spare.take(100 / ROOMY), vec![1; 100]);
        assert_eq!(spare.take(100), vec![0; 100]);
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        let mut spare = SpareBuffers::default();
        spare.give_back(vec![0; KEPT_SIZE + 1]);
        assert!(spare.0.is_empty());
        for length in 1..=2 * KEPT {
            spare.give_back(vec![0; length]);
        }
        let kept: Vec<usize> = spare.0.iter().map(Vec::len).collect();
        assert_eq!(kept, [5, 6, 7, 8]);
    }
}
