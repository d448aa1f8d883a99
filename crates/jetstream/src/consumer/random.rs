//! What is drawn: from a seed, so that the same comes of the same.

use bytes::Bytes;

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Draws numbers and names (splitmix64).
#[derive(Debug, Clone, Default)]
pub(crate) struct Random(u64);

impl Random {
    /// Adds to what is drawn from.
    pub(crate) fn stir(&mut self, seed: u64) {
        self.0 ^= seed.wrapping_mul(0x2545_f491_4f6c_dd1d);
        self.next();
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = self.0;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        drawn ^ (drawn >> 31)
    }

    /// A number below another.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// So many letters and digits.
    pub(crate) fn name(&mut self, length: usize) -> String {
        let mut letter = || {
            let at = usize::try_from(self.below(LETTERS.len() as u64)).unwrap_or(0);
            LETTERS.get(at).copied().map_or('0', char::from)
        };
        (0..length).map(|_| letter()).collect()
    }

    /// The same as bytes.
    pub(crate) fn bytes(&mut self, length: usize) -> Bytes {
        self.name(length).into()
    }
}

/// Eight letters that a text is known by: nats-server's, as streams of several servers are to agree.
pub(crate) fn letters(text: &str) -> String {
    let digest = openssl::sha::sha256(text.as_bytes());
    let letter = |byte: &u8| LETTERS.get(usize::from(*byte) % LETTERS.len()).copied();
    digest.iter().take(8).filter_map(letter).map(char::from).collect()
}
