//! Any bytes as the backup of a stream: it comes to the same parts however it is cut.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use vagus_jetstream::backup::Reader;

/// How many parts there are, and whether it could be read to its end.
fn read(data: &[u8], piece: usize) -> (usize, bool) {
    let (mut reader, mut parts) = (Reader::new("S"), 0);
    for piece in data.chunks(piece) {
        reader.push(Bytes::copy_from_slice(piece));
        loop {
            match reader.next_part() {
                Ok(Some(_)) => parts += 1,
                Ok(None) => break,
                Err(_) => return (parts, false),
            }
        }
    }
    (parts, reader.end().is_ok())
}

fuzz_target!(|data: &[u8]| {
    let [piece, bytes @ ..] = data else {
        return;
    };
    let whole = read(bytes, bytes.len().max(1));
    assert_eq!(whole, read(bytes, usize::from(*piece).max(1)));
});
