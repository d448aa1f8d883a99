use super::{
    BLOCK, COMPRESSED, Compressor, Reader, S2, SNAPPY, STREAM_IDENTIFIER, StreamError, UNCOMPRESSED, Writer,
    checksum,
};
use crate::mode::Level;
use fastrand::Rng;

const LEVELS: [Level; 4] = [Level::Uncompressed, Level::Fast, Level::Better, Level::Best];

/// Something like what servers say, so that there is something to compress.
fn text(length: usize, random: &mut Rng) -> Vec<u8> {
    let mut text = Vec::with_capacity(length + 64);
    while text.len() < length {
        let line = format!("RMSG $G orders.{}.new {}\r\n", random.u8(..20), random.u16(..));
        text.extend_from_slice(line.as_bytes());
    }
    text.truncate(length);
    text
}

fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&[kind], &length[..3], body].concat()
}

fn data_chunk(kind: u8, data: &[u8], body: &[u8]) -> Vec<u8> {
    chunk(kind, &[&checksum(data).to_le_bytes(), body].concat())
}

fn begun(identifier: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
    [chunk(STREAM_IDENTIFIER, identifier), chunks.concat()].concat()
}

/// Reads a stream that comes in pieces of one size, into space of another.
fn read_all(stream: &[u8], piece: usize, space: usize) -> Result<Vec<u8>, StreamError> {
    let (mut reader, mut all) = (Reader::default(), Vec::new());
    let mut space = vec![0; space];
    for mut input in stream.chunks(piece) {
        while !input.is_empty() || reader.holds_data() {
            let count = reader.read(&mut input, &mut space)?;
            all.extend_from_slice(&space[..count]);
        }
    }
    Ok(all)
}

#[test]
fn what_is_written_is_read_however_it_is_cut() {
    let mut random = Rng::with_seed(1);
    for level in LEVELS {
        let (mut writer, mut compressor) = (Writer::default(), Compressor::default());
        let (mut all, mut stream) = (Vec::new(), Vec::new());
        for length in [1, 31, 32, 33, 1000, 0, BLOCK - 1, BLOCK, BLOCK + 1, 200_000] {
            let piece = text(length, &mut random);
            writer.append(&piece, level, &mut compressor, &mut stream);
            all.extend_from_slice(&piece);
        }
        match level {
            Level::Uncompressed => assert!(stream.len() > all.len()),
            _ => assert!(stream.len() < all.len() * 2 / 3, "{level:?}: {}", stream.len()),
        }
        for (piece, space) in [
            (1, 70_000),
            (3, 65_536),
            (1000, 7),
            (65_536, 65_536),
            (usize::MAX, 1),
        ] {
            assert!(
                read_all(&stream, piece, space).unwrap() == all,
                "{level:?} {piece} {space}"
            );
        }
    }
}

#[test]
fn what_cannot_be_compressed_hardly_grows() {
    let mut random = Rng::with_seed(2);
    let noise: Vec<u8> = (0..100_000).map(|_| random.u8(..)).collect();
    for level in LEVELS {
        let mut stream = Vec::new();
        Writer::default().append(&noise, level, &mut Compressor::default(), &mut stream);
        assert!(
            stream.len() <= noise.len() + 10 + 2 * 8,
            "{level:?}: {}",
            stream.len()
        );
        assert!(read_all(&stream, 999, 5000).unwrap() == noise);
    }
}

/// nats-server fills blocks of a megabyte, and begins anew with each flush.
#[test]
fn large_blocks_and_streams_behind_one_another_are_read() {
    let data = text(1024 * 1024, &mut Rng::with_seed(3));
    let one = begun(S2, &[data_chunk(COMPRESSED, &data, &minlz::encode(&data))]);
    let largest = vec![b'.'; 4 * 1024 * 1024];
    let other = begun(
        S2,
        &[data_chunk(COMPRESSED, &largest, &minlz::encode_best(&largest))],
    );
    let stream = [one.clone(), other, one].concat();
    let all = [data.clone(), largest, data].concat();
    for (piece, space) in [(10_000, 65_536), (usize::MAX, 65_536), (65_536, 100)] {
        assert!(read_all(&stream, piece, space).unwrap() == all);
    }
}

#[test]
fn streams_of_snappy_are_read() {
    let data = text(60_000, &mut Rng::with_seed(4));
    let stream = begun(
        SNAPPY,
        &[data_chunk(COMPRESSED, &data, &minlz::encode_snappy(&data))],
    );
    assert!(read_all(&stream, 999, 65_536).unwrap() == data);
    let larger = vec![b'.'; BLOCK + 1];
    let stream = begun(
        SNAPPY,
        &[data_chunk(COMPRESSED, &larger, &minlz::encode_snappy(&larger))],
    );
    assert_eq!(read_all(&stream, 999, 100_000), Err(StreamError::Corrupt));
}

#[test]
fn what_says_nothing_is_passed_over() {
    let stream = begun(
        S2,
        &[
            chunk(0xfe, &[0; 100_000]),
            data_chunk(UNCOMPRESSED, b"a", b"a"),
            chunk(0x99, b"index"),
            chunk(0x80, b""),
            data_chunk(UNCOMPRESSED, b"", b""),
            begun(S2, &[]),
            data_chunk(UNCOMPRESSED, b"b", b"b"),
        ],
    );
    for piece in [1, 5, 70_000, usize::MAX] {
        assert_eq!(read_all(&stream, piece, 10).unwrap(), b"ab", "{piece}");
    }
}

#[test]
fn what_is_no_stream_is_refused() {
    let good = data_chunk(UNCOMPRESSED, b"a", b"a");
    let bomb = {
        // So many bytes, of which none is there.
        let mut body = vec![0; 10];
        let length = minlz::encode(&vec![b'.'; 4 * 1024 * 1024 + 1]);
        body[..4].copy_from_slice(&length[..4]);
        data_chunk(COMPRESSED, b"", &body)
    };
    for (stream, error) in [
        (b"PING\r\n".to_vec(), StreamError::Corrupt),
        (good.clone(), StreamError::Corrupt),
        (chunk(0xfe, b"first"), StreamError::Corrupt),
        (begun(b"S2sTwo", &[]), StreamError::Corrupt),
        (begun(S2, &[chunk(0x02, b"?")]), StreamError::Unsupported),
        (begun(S2, &[chunk(0x7f, b"?")]), StreamError::Unsupported),
        (
            begun(S2, &[chunk(STREAM_IDENTIFIER, b"S2sTwOO")]),
            StreamError::Corrupt,
        ),
        (begun(S2, &[chunk(UNCOMPRESSED, b"abc")]), StreamError::Corrupt),
        (begun(S2, &[chunk(COMPRESSED, b"abc")]), StreamError::Corrupt),
        (begun(S2, &[chunk(COMPRESSED, b"abcd")]), StreamError::Corrupt),
        (
            begun(S2, &[vec![COMPRESSED, 0xff, 0xff, 0xff]]),
            StreamError::Corrupt,
        ),
        (
            begun(S2, &[vec![UNCOMPRESSED, 0xff, 0xff, 0xff]]),
            StreamError::Corrupt,
        ),
        (
            begun(S2, &[data_chunk(UNCOMPRESSED, b"a", b"b")]),
            StreamError::Checksum,
        ),
        (
            begun(S2, &[data_chunk(COMPRESSED, b"a", b"\x02\x00a")]),
            StreamError::Corrupt,
        ),
        (begun(S2, &[bomb]), StreamError::Corrupt),
    ] {
        for piece in [1, usize::MAX] {
            assert_eq!(read_all(&stream, piece, 100), Err(error), "{stream:?}");
        }
    }
}

/// Damage anywhere ends in an error or in other bytes, not in a panic, and what is held stays bounded.
#[test]
fn any_bytes_are_survived() {
    let mut random = Rng::with_seed(5);
    let data = text(3000, &mut random);
    let mut good = Vec::new();
    for level in LEVELS {
        Writer::default().append(&data, level, &mut Compressor::default(), &mut good);
    }
    let mut space = vec![0; 2000];
    for _ in 0..3000 {
        let mut stream = good.clone();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..stream.len());
            stream[at] = random.u8(..);
        }
        stream.truncate(random.usize(..=stream.len()));
        let mut reader = Reader::default();
        let piece = random.usize(1..4000);
        'stream: for mut input in stream.chunks(piece) {
            while !input.is_empty() || reader.holds_data() {
                if reader.read(&mut input, &mut space).is_err() {
                    break 'stream;
                }
                let (partial, data) = reader.held();
                assert!(partial <= stream.len() && data <= 4 * 1024 * 1024);
            }
        }
    }
}
