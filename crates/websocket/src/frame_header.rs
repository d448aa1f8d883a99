use crate::{COMPRESSED, FINAL, IN_EIGHT_BYTES, IN_TWO_BYTES, MASKED, MaskKey, Opcode};

/// The longest header of a frame, in bytes: two, a length, a mask.
pub const LONGEST_HEADER: usize = 14;

/// What stands before the payload of a frame.
#[derive(Debug, Clone, Copy)]
pub struct FrameHeader {
    bytes: [u8; LONGEST_HEADER],
    length: usize,
}

impl FrameHeader {
    /// Of a frame that is a message of its own, with a payload of so many bytes.
    pub fn whole(opcode: Opcode, payload: usize) -> Self {
        Self::new(opcode as u8 | FINAL, payload)
    }

    /// Of a part of a compressed message of bytes.
    pub fn of_compressed(is_first: bool, is_last: bool, payload: usize) -> Self {
        let first = match is_first {
            true => Opcode::Binary as u8 | COMPRESSED,
            false => Opcode::Continuation as u8,
        };
        Self::new(first | if is_last { FINAL } else { 0 }, payload)
    }

    fn new(first: u8, payload: usize) -> Self {
        let mut bytes = [0; LONGEST_HEADER];
        bytes[0] = first;
        let length = match (u8::try_from(payload), u16::try_from(payload)) {
            (Ok(short), _) if short < IN_TWO_BYTES => {
                bytes[1] = short;
                2
            }
            (_, Ok(medium)) => {
                bytes[1] = IN_TWO_BYTES;
                bytes[2..4].copy_from_slice(&medium.to_be_bytes());
                4
            }
            _ => {
                bytes[1] = IN_EIGHT_BYTES;
                bytes[2..10].copy_from_slice(&(payload as u64).to_be_bytes());
                10
            }
        };
        Self { bytes, length }
    }

    /// The same, of a frame whose payload is masked by this key.
    #[must_use]
    pub fn masked(mut self, key: &MaskKey) -> Self {
        self.bytes[1] |= MASKED;
        self.bytes[self.length..self.length + key.0.len()].copy_from_slice(&key.0);
        self.length += key.0.len();
        self
    }

    /// As it is sent.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::FrameHeader;
    use crate::{MaskKey, Opcode};

    /// RFC 6455, section 5.7.
    #[test]
    fn is_as_short_as_can_be() {
        for (payload, expected) in [
            (0, &[0x82, 0][..]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (256, &[0x82, 126, 1, 0]),
            (65_535, &[0x82, 126, 255, 255]),
            (65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            assert_eq!(FrameHeader::whole(Opcode::Binary, payload).as_bytes(), expected);
        }
        assert_eq!(FrameHeader::whole(Opcode::Pong, 5).as_bytes(), [0x8a, 5]);
    }

    #[test]
    fn has_the_key_that_the_payload_is_masked_by() {
        let key = MaskKey([1, 2, 3, 4]);
        let short = FrameHeader::whole(Opcode::Binary, 5).masked(&key);
        assert_eq!(short.as_bytes(), [0x82, 0x85, 1, 2, 3, 4]);
        let long = FrameHeader::whole(Opcode::Binary, 65_536).masked(&key);
        assert_eq!(long.as_bytes(), [0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4]);
    }

    /// Of a compressed message the first part says so, and it alone (RFC 7692, section 6.1).
    #[test]
    fn tells_the_parts_of_a_message() {
        for (is_first, is_last, expected) in [
            (true, true, 0xc2),
            (true, false, 0x42),
            (false, false, 0x00),
            (false, true, 0x80),
        ] {
            let header = FrameHeader::of_compressed(is_first, is_last, 1);
            assert_eq!(header.as_bytes(), [expected, 1]);
        }
    }
}
