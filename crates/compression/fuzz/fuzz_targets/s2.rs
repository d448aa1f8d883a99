//! Any bytes as a stream of S2: they come to the same however they are cut, and what was compressed comes back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vagus_compression::mode::Level;
use vagus_compression::s2::{Compressor, Reader, StreamError, Writer};

/// No more than this is made of it.
const AT_MOST: usize = 1 << 20;

fn read(data: &[u8], piece: usize, space: usize) -> Result<Vec<u8>, StreamError> {
    let (mut reader, mut out, mut place) = (Reader::default(), Vec::new(), vec![0; space]);
    for piece in data.chunks(piece) {
        let mut input = piece;
        while (!input.is_empty() || reader.holds_data()) && out.len() < AT_MOST {
            let before = (input.len(), reader.holds_data());
            let count = reader.read(&mut input, &mut place)?;
            out.extend_from_slice(&place[..count]);
            assert!(count > 0 || (input.len(), reader.holds_data()) != before);
        }
    }
    out.truncate(AT_MOST);
    Ok(out)
}

fuzz_target!(|data: &[u8]| {
    let [piece, bytes @ ..] = data else {
        return;
    };
    let piece = usize::from(*piece).max(1);
    let (whole, cut) = (read(bytes, bytes.len().max(1), 4096), read(bytes, piece, 100));
    assert_eq!(whole, cut);
    for level in [Level::Fast, Level::Better, Level::Best, Level::Uncompressed] {
        let (mut compressed, mut writer) = (Vec::new(), Writer::default());
        for part in bytes.chunks(piece) {
            writer.append(part, level, &mut Compressor::default(), &mut compressed);
        }
        if bytes.len() < 512 {
            assert_eq!(read(&compressed, piece, 100).as_deref(), Ok(bytes));
        }
    }
});
