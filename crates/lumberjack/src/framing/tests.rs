use super::*;
use crate::Version;
use crate::sending::{append_event, window};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::io::Write;

const LIMITS: Limits = Limits {
    frame: 1000,
    unpacked: 5000,
};

fn event(version: Version, sequence: u32, json: &str) -> Frame {
    Frame::Event {
        version,
        sequence,
        json: Bytes::copy_from_slice(json.as_bytes()),
    }
}

fn frames(input: &[u8], piece: usize) -> Result<Vec<Frame>, FrameError> {
    let mut framer = Framer::new(LIMITS);
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    for piece in input.chunks(piece) {
        buffer.extend_from_slice(piece);
        while let Some(frame) = framer.take(&mut buffer)? {
            frames.push(frame);
        }
    }
    Ok(frames)
}

fn compressed(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    let packed = encoder.finish().unwrap();
    let length = u32::try_from(packed.len()).unwrap().to_be_bytes();
    [b"2C", &length[..], &packed].concat()
}

#[test]
fn all_kinds_are_found_however_they_are_cut() {
    let inner = b"2J\0\0\0\x02\0\0\0\x022}2J\0\0\0\x03\0\0\0\x00";
    let input = [
        &b"2W\0\0\0\x032J\0\0\0\x01\0\0\0\x02{}"[..],
        &compressed(inner),
        b"1W\0\0\0\x011D\0\0\0\x01\0\0\0\x02\0\0\0\x01a\0\0\0\x01\"\0\0\0\x02bc\0\0\0\0",
        b"1D\0\0\0\x02\0\0\0\x00",
        b"2A\0\0\0\x07",
    ]
    .concat();
    for piece in 1..=input.len() {
        assert_eq!(
            frames(&input, piece).unwrap(),
            [
                Frame::Window(Version::Two, 3),
                event(Version::Two, 1, "{}"),
                event(Version::Two, 2, "2}"),
                event(Version::Two, 3, ""),
                Frame::Window(Version::One, 1),
                event(Version::One, 1, r#"{"a":"\"","bc":""}"#),
                event(Version::One, 2, "{}"),
                Frame::Acknowledged(Version::Two, 7),
            ],
            "in pieces of {piece}"
        );
    }
}

#[test]
fn what_is_none_ends_it() {
    let bomb = compressed(&[b' '; 6000]);
    let nested = compressed(&compressed(b"2A\0\0\0\x01"));
    let cut = compressed(b"2J\0\0\0\x01\0\0\0\x05{}");
    for (input, error) in [
        (&b"3W"[..], FrameError::Version(b'3')),
        (b"GET / HTTP/1.1", FrameError::Version(b'G')),
        (b"2X", FrameError::Kind(b'X')),
        (b"2J\0\0\0\x01\0\0\x10\0", FrameError::TooLarge(1000)),
        (b"2C\x7f\0\0\0", FrameError::TooLarge(1000)),
        (b"1D\0\0\0\x01\0\0\0\x01\0\0\x10\0", FrameError::TooLarge(1000)),
        (b"1D\0\0\0\x01\0\xff\0\0", FrameError::TooManyKeys),
        (b"2C\0\0\0\x02xx", FrameError::Zlib),
        (&nested, FrameError::Nested),
        (&cut, FrameError::Cut),
        (&bomb, FrameError::Unpacked(5000)),
    ] {
        for piece in 1..=input.len() {
            assert_eq!(frames(input, piece), Err(error), "{input:?}");
        }
    }
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let mut events = Vec::new();
    for sequence in 1..200 {
        append_event(sequence, &[b'x'; 100], &mut events);
    }
    let refused = frames(&window(199, &events, true), 4096);
    assert_eq!(refused, Err(FrameError::Unpacked(5000)));
}

/// Whatever the bytes are, nothing panics, and cutting changes nothing.
#[test]
fn any_bytes_are_the_same_however_they_are_cut() {
    let mut random = fastrand::Rng::with_seed(3);
    let mut found = 0;
    for _ in 0..5_000 {
        let mut input = Vec::new();
        for _ in 0..random.usize(1..5) {
            input.push(random.choice(*b"1122x").unwrap());
            input.push(random.choice(*b"WWJJDCA").unwrap());
            for _ in 0..random.usize(0..4) {
                input.extend_from_slice(&random.u32(..4).to_be_bytes());
            }
        }
        let whole = frames(&input, input.len());
        found += whole.as_ref().map_or(0, Vec::len);
        for piece in [1, 2, 5] {
            assert_eq!(frames(&input, piece), whole, "{input:?}");
        }
    }
    assert!(found > 200, "{found}");
}
