//! The first record of a TLS handshake, as far as it matters before there is TLS.

/// How the first record of a handshake begins.
pub(crate) const HANDSHAKE_RECORD: u8 = 0x16;

/// Its kind, the version and its length.
const HEADER: usize = 5;

/// Whether there is enough of it to begin: all of the first record, `at_most` bytes of it, or what cannot become one.
/// Before that nothing of TLS need be held for the peer.
pub(crate) fn is_enough(bytes: &[u8], at_most: usize) -> bool {
    let &[kind, major, _, high, low, ..] = bytes else {
        return bytes.first().is_some_and(|kind| *kind != HANDSHAKE_RECORD);
    };
    let length = HEADER + usize::from(u16::from_be_bytes([high, low]));
    kind != HANDSHAKE_RECORD || major != 3 || bytes.len() >= length.min(at_most)
}

#[cfg(test)]
mod tests {
    use super::is_enough;

    const AT_MOST: usize = 4096;

    fn record(length: u16, come: usize) -> Vec<u8> {
        let [high, low] = length.to_be_bytes();
        let mut record = vec![0x16, 3, 1, high, low];
        record.resize(come, 0);
        record
    }

    #[test]
    fn a_record_is_waited_for() {
        let whole = record(512, 517);
        for count in 0..517 {
            assert!(!is_enough(&whole[..count], AT_MOST), "{count}");
        }
        assert!(is_enough(&whole, AT_MOST));
        assert!(is_enough(&record(512, 600), AT_MOST));
        // Nobody needs to say so much.
        assert!(!is_enough(&record(16_384, AT_MOST - 1), AT_MOST));
        assert!(is_enough(&record(16_384, AT_MOST), AT_MOST));
    }

    #[test]
    fn nothing_else_is() {
        assert!(is_enough(b"G", AT_MOST));
        assert!(is_enough(b"GET / HTTP/1.1\r\n", AT_MOST));
        assert!(is_enough(&[0x16, 2, 0, 2, 0], AT_MOST));
    }
}
