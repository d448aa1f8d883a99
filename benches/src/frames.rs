//! Frames as bytes, encoded before the clock starts.

use fastrand::Rng;

/// Size of one write of a publisher, bytes: what the buffers of real clients hold.
pub const BLOCK_BYTES: usize = 32 * 1024;

/// `PUB subject [reply] size` with a payload of `size` bytes.
pub fn publish(subject: &str, reply: Option<&str>, size: usize) -> Vec<u8> {
    let reply = reply.map(|reply| format!("{reply} ")).unwrap_or_default();
    with_payload(format!("PUB {subject} {reply}{size}\r\n"), "", size)
}

/// `HPUB subject …` with `headers` (from `NATS/1.0` to the empty line) and a payload of `size` bytes.
pub fn publish_with_headers(subject: &str, headers: &str, size: usize) -> Vec<u8> {
    let total = headers.len() + size;
    with_payload(
        format!("HPUB {subject} {} {total}\r\n", headers.len()),
        headers,
        size,
    )
}

/// What a subscriber receives for [`publish`].
pub fn message(subject: &str, sid: &str, reply: Option<&str>, size: usize) -> Vec<u8> {
    let reply = reply.map(|reply| format!("{reply} ")).unwrap_or_default();
    with_payload(format!("MSG {subject} {sid} {reply}{size}\r\n"), "", size)
}

/// What a subscriber receives for [`publish_with_headers`].
pub fn message_with_headers(subject: &str, sid: &str, headers: &str, size: usize) -> Vec<u8> {
    let total = headers.len() + size;
    with_payload(
        format!("HMSG {subject} {sid} {} {total}\r\n", headers.len()),
        headers,
        size,
    )
}

/// The control line of a frame, with its line end.
pub fn control_line(frame: &[u8]) -> &[u8] {
    let end = frame
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(frame.len(), |at| at + 1);
    &frame[..end]
}

fn with_payload(control_line: String, headers: &str, size: usize) -> Vec<u8> {
    let mut frame = control_line.into_bytes();
    frame.extend_from_slice(headers.as_bytes());
    frame.resize(frame.len() + size, b'x');
    frame.extend_from_slice(b"\r\n");
    frame
}

/// A token of fixed width in every frame of a block, to be replaced by random digits before each write.
#[derive(Debug, Clone, Copy)]
pub struct RandomToken {
    /// Where the digits start in the frame.
    pub offset: usize,
    /// How many digits.
    pub width: usize,
    /// Numbers are drawn from `0..bound`; `bound` must fit into `width` digits.
    pub bound: u32,
}

/// As many copies of one frame as fit into [`BLOCK_BYTES`], at least one.
#[derive(Debug, Clone)]
pub struct Block {
    bytes: Vec<u8>,
    frame_bytes: usize,
    random: Option<RandomToken>,
}

impl Block {
    /// A block of copies of `frame`, which must not be empty.
    pub fn new(frame: &[u8], random: Option<RandomToken>) -> Self {
        let copies = (BLOCK_BYTES / frame.len().max(1)).max(1);
        Self {
            bytes: frame.repeat(copies),
            frame_bytes: frame.len(),
            random,
        }
    }

    /// The bytes to write.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Messages in the block.
    pub fn messages(&self) -> u64 {
        (self.bytes.len() / self.frame_bytes) as u64
    }

    /// Bytes of one frame.
    pub fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }

    /// Draws new random tokens, if the block has any. Only between two whole writes of the block.
    pub fn redraw(&mut self, random: &mut Rng) {
        let Some(token) = self.random else { return };
        for frame in self.bytes.chunks_exact_mut(self.frame_bytes) {
            write_digits(
                &mut frame[token.offset..token.offset + token.width],
                random.u32(..token.bound),
            );
        }
    }
}

/// Writes `number` in decimal with leading zeros; digits that do not fit are cut off on the left.
pub fn write_digits(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_what_the_protocol_says() {
        assert_eq!(publish("a.b", None, 3), b"PUB a.b 3\r\nxxx\r\n");
        assert_eq!(publish("a.b", Some("r"), 3), b"PUB a.b r 3\r\nxxx\r\n");
        assert_eq!(message("a.b", "7", Some("r"), 2), b"MSG a.b 7 r 2\r\nxx\r\n");
        let headers = "NATS/1.0\r\nA: b\r\n\r\n";
        assert_eq!(
            publish_with_headers("a", headers, 1),
            b"HPUB a 18 19\r\nNATS/1.0\r\nA: b\r\n\r\nx\r\n"
        );
        assert_eq!(
            message_with_headers("a", "1", headers, 1),
            b"HMSG a 1 18 19\r\nNATS/1.0\r\nA: b\r\n\r\nx\r\n"
        );
        assert_eq!(control_line(&message("a", "1", None, 2)), b"MSG a 1 2\r\n");
    }

    #[test]
    fn a_block_holds_whole_frames_only() {
        let frame = publish("bench.a", None, 128);
        let block = Block::new(&frame, None);
        assert!(block.bytes().len() <= BLOCK_BYTES);
        assert!(block.bytes().len() + frame.len() > BLOCK_BYTES);
        assert_eq!(block.bytes().len() as u64, block.messages() * frame.len() as u64);
        assert_eq!(Block::new(&publish("a", None, 100_000), None).messages(), 1);
    }

    #[test]
    fn redrawing_changes_nothing_but_the_token() {
        let frame = publish("a.000000.z", None, 4);
        let token = RandomToken {
            offset: 6,
            width: 6,
            bound: 100_000,
        };
        let mut block = Block::new(&frame, Some(token));
        block.redraw(&mut Rng::with_seed(1));
        let mut seen = std::collections::HashSet::new();
        for copy in block.bytes().chunks_exact(frame.len()) {
            let mut copy = copy.to_vec();
            let digits = std::str::from_utf8(&copy[6..12]).unwrap().to_owned();
            assert!(digits.parse::<u32>().unwrap() < 100_000);
            seen.insert(digits);
            copy[6..12].copy_from_slice(b"000000");
            assert_eq!(copy, frame);
        }
        assert!(seen.len() > 1_000);
    }

    #[test]
    fn digits_have_leading_zeros() {
        let mut place = *b"......";
        write_digits(&mut place, 417);
        assert_eq!(&place, b"000417");
    }
}
