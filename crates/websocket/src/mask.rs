//! The masks of frames that clients send (RFC 6455, section 5.3).

/// What the payload of one frame is masked by.
#[derive(Debug, Clone, Copy)]
pub struct MaskKey(pub(crate) [u8; 4]);

impl MaskKey {
    /// Another for each frame, which nobody can guess: so what a peer is sent cannot be made to look like something else to
    /// who stands in between (RFC 6455, section 10.3). None without randomness.
    pub fn generate() -> Option<Self> {
        let mut key = [0; 4];
        openssl::rand::rand_bytes(&mut key).ok()?;
        Some(Self(key))
    }

    /// Masks a whole payload.
    pub fn mask(&self, payload: &mut [u8]) {
        Mask::new(self.0).apply(payload);
    }
}

/// A key, turned so that its first byte is for the next byte of the payload.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mask([u8; 4]);

impl Mask {
    pub(crate) fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// Masks the next bytes of a payload, or takes the mask off them.
    pub(crate) fn apply(&mut self, bytes: &mut [u8]) {
        let [a, b, c, d] = self.0;
        let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let (words, rest) = bytes.as_chunks_mut::<8>();
        for bytes in words {
            *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(self.0.iter().cycle()) {
            *byte ^= key;
        }
        let turned = rest.len() % self.0.len();
        self.0.rotate_left(turned);
    }
}

#[cfg(test)]
mod tests {
    use super::Mask;

    /// In pieces of any length, as byte by byte.
    #[test]
    fn goes_on_where_it_was() {
        let key = [0x12, 0x34, 0x56, 0x78];
        let payload: Vec<u8> = (0..200).collect();
        let masked: Vec<u8> = payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key)
            .collect();
        for piece in 1..=masked.len() {
            let (mut mask, mut taken) = (Mask::new(key), masked.clone());
            for bytes in taken.chunks_mut(piece) {
                mask.apply(bytes);
            }
            assert_eq!(taken, payload, "in pieces of {piece}");
        }
    }
}
