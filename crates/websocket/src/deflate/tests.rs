use super::{CompressedMessage, Deflater, HELD_FIRST, Inflater, LAST_BLOCK, largest_message};
use crate::Violation;

fn deflated(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Deflater::default().append(message, &mut out);
    out
}

/// Text that compresses, and bytes that do not, of so many bytes each.
fn messages(length: usize) -> [Vec<u8>; 2] {
    let mut random = fastrand::Rng::with_seed(length as u64);
    let text = b"MSG some.subject 1 5\r\nhello\r\n".iter().copied().cycle();
    [
        text.take(length).collect(),
        std::iter::repeat_with(|| random.u8(..)).take(length).collect(),
    ]
}

/// Pushes a message in pieces, and reads as much after each as is there.
fn inflate(
    compressed: &[u8],
    (piece, room): (usize, usize),
    largest: usize,
    spare: &mut Option<Inflater>,
) -> Result<Vec<u8>, Violation> {
    let mut message = CompressedMessage::new(largest);
    let mut pieces = compressed.chunks(piece).peekable();
    let (mut read, mut space) = (Vec::new(), vec![0; room]);
    loop {
        let bytes = pieces.next().unwrap_or_default();
        message.push(bytes, pieces.peek().is_none())?;
        while message.is_readable() {
            let count = message.read(&mut space, spare)?;
            read.extend_from_slice(&space[..count]);
        }
        if pieces.peek().is_none() {
            assert!(message.is_over());
            return Ok(read);
        }
    }
}

#[test]
fn what_is_compressed_comes_back_in_any_pieces() {
    let mut spare = None;
    let mut deflater = Deflater::default();
    for length in [1, 64, 65, 1000, 32_768, 65_536, 200_000] {
        for message in messages(length) {
            let mut compressed = b"before".to_vec();
            deflater.append(&message, &mut compressed);
            let compressed = &compressed[b"before".len()..];
            assert_eq!(
                compressed,
                deflated(&message),
                "nothing is left of the message before"
            );
            for pieces in [(1 << 20, 1 << 20), (1 << 20, 100), (1000, 4096), (7, 1 << 20)] {
                let inflated = inflate(compressed, pieces, 1 << 20, &mut spare).unwrap();
                assert!(inflated == message, "{length} bytes in {pieces:?}");
                assert!(spare.is_some());
            }
        }
    }
}

/// As some clients end what they compress.
#[test]
fn a_message_may_have_a_last_block() {
    let compressed = [&deflated(b"hello")[..], &super::TAIL, &LAST_BLOCK].concat();
    for behind in [&b""[..], b"what is behind it counts for nothing"] {
        let compressed = [&compressed, behind].concat();
        for piece in [1, 5, 1 << 20] {
            let inflated = inflate(&compressed, (piece, 100), 1 << 20, &mut None).unwrap();
            assert_eq!(inflated, b"hello");
        }
    }
}

#[test]
fn a_message_may_be_empty() {
    assert_eq!(inflate(&[0], (1, 100), 100, &mut None).unwrap(), b"");
    let without_anything = inflate(&[], (1, 100), 100, &mut None);
    assert_eq!(without_anything, Err(Violation::NotDeflated));
}

#[test]
fn what_is_not_compressed_is_found_out() {
    let compressed = deflated(&messages(1000)[0]);
    for cut in [1, compressed.len() / 2, compressed.len() - 3] {
        let outcome = inflate(&compressed[..cut], (1 << 20, 1 << 20), 1 << 20, &mut None);
        assert_eq!(outcome, Err(Violation::NotDeflated), "{cut}");
    }
    let junk = b"not compressed at all, and not a little of it";
    let outcome = inflate(junk, (1 << 20, 1 << 20), 1 << 20, &mut None);
    assert_eq!(outcome, Err(Violation::NotDeflated));
}

/// Neither is more held than may come, nor more made of it than a message may hold.
#[test]
fn a_message_has_a_bound() {
    let [text, random] = messages(100_000);
    for largest in [99_999, 100_000] {
        let outcome = inflate(&deflated(&text), (1 << 20, 4096), largest, &mut None);
        assert_eq!(outcome.is_ok(), largest == 100_000, "{largest}");
    }
    let outcome = inflate(&deflated(&random), (1000, 4096), 99_000, &mut None);
    assert_eq!(outcome, Err(Violation::TooLarge));
    assert_eq!(largest_message(1 << 20), 8 << 20);
    assert_eq!(largest_message(usize::MAX), 64 << 20);
}

/// What has only begun costs no more than what has come of it.
#[test]
fn nothing_is_decompressed_before_it_pays() {
    let [_, random] = messages(100_000);
    let compressed = deflated(&random);
    let mut message = CompressedMessage::new(1 << 20);
    message.push(&compressed[..HELD_FIRST - 1], false).unwrap();
    assert!(!message.is_readable() && message.inflater.is_none());
    message
        .push(&compressed[HELD_FIRST - 1..HELD_FIRST], false)
        .unwrap();
    assert!(message.is_readable());
}
