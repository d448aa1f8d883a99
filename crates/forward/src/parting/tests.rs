use super::*;
use crate::framing::Framer;
use crate::msgpack::{append_json, append_object, write_array, write_map, write_str, write_u64};
use flate2::Compression;
use flate2::write::GzEncoder;

const LIMITS: Limits = Limits {
    frame: 1000,
    unpacked: 1 << 20,
};

fn event(number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    write_array(&mut out, 2);
    write_u64(&mut out, number);
    append_object(format!("{{\"n\":{number}}}").as_bytes(), &[], &mut out).unwrap();
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A message with these packed events.
fn message(content: &[u8], options: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    write_array(&mut out, if options.is_empty() { 2 } else { 3 });
    write_str(&mut out, b"t");
    write_str(&mut out, content);
    if !options.is_empty() {
        write_map(&mut out, options.len() as u32);
        for (key, value) in options {
            write_str(&mut out, key.as_bytes());
            write_str(&mut out, value.as_bytes());
        }
    }
    out
}

#[derive(Debug, PartialEq)]
struct Came {
    events: u64,
    chunk: Option<Bytes>,
    most_held: usize,
}

/// What comes of it in pieces of this size. Each event has to be the one that it is its turn to be.
fn take(bytes: &[u8], piece: usize) -> Result<Came, BadMessage> {
    let (mut input, mut parting, mut events, mut most_held) = (BytesMut::new(), None::<Parting>, 0, 0);
    for piece in bytes.chunks(piece) {
        input.extend_from_slice(piece);
        most_held = most_held.max(input.len() + parting.as_ref().map_or(0, Parting::held));
        let Some(parting) = &mut parting else {
            match Framer::new(LIMITS.frame).take(&mut input) {
                Ok(frame) => assert_eq!(frame, None),
                Err(error) => {
                    assert_eq!(error, FrameError::TooLarge(LIMITS.frame));
                    parting = Some(Parting::begin(&mut input, LIMITS).ok_or(BadMessage::Shape)?);
                }
            }
            continue;
        };
        loop {
            match parting.go_on(&mut input)? {
                Part::Nothing => break,
                Part::Events(entries) => {
                    for entry in entries {
                        let entry = entry?;
                        assert_eq!(entry.time.seconds, events);
                        let mut json = Vec::new();
                        assert!(append_json(&mut Reader::new(&entry.record), &mut json));
                        assert_eq!(json, format!("{{\"n\":{events}}}").into_bytes());
                        events += 1;
                    }
                }
                Part::End(chunk) => {
                    assert!(input.is_empty());
                    return Ok(Came {
                        events,
                        chunk,
                        most_held,
                    });
                }
            }
        }
    }
    Ok(Came {
        events,
        chunk: None,
        most_held,
    })
}

#[test]
fn events_are_taken_as_they_come() {
    let events: Vec<u8> = (0..2000).flat_map(event).collect();
    let whole = message(&events, &[("chunk", "abc"), ("size", "2000")]);
    for piece in [1, 7, 100, 5000] {
        let came = take(&whole, piece).unwrap();
        assert_eq!((came.events, came.chunk.as_deref()), (2000, Some(&b"abc"[..])));
        assert!(came.most_held < LIMITS.frame + 2 * piece, "{came:?}");
    }
    let without_options = take(&message(&events, &[]), 64).unwrap();
    assert_eq!((without_options.events, without_options.chunk), (2000, None));
}

/// Fluentd appends members to what it has compressed.
#[test]
fn what_is_compressed_is_unpacked_as_it_comes() {
    let members: Vec<u8> = (0..50)
        .flat_map(|member| {
            let events: Vec<u8> = (member * 400..(member + 1) * 400).flat_map(event).collect();
            gzip(&events)
        })
        .collect();
    let whole = message(&members, &[("compressed", "gzip"), ("chunk", "abc")]);
    for piece in [1, 13, 4096, whole.len()] {
        let came = take(&whole, piece.min(whole.len() / 2)).unwrap();
        assert_eq!((came.events, came.chunk.as_deref()), (20_000, Some(&b"abc"[..])));
        assert!(came.most_held < 2 * PART + whole.len(), "{came:?}");
    }
}

#[test]
fn what_is_broken_ends_it() {
    let events: Vec<u8> = (0..200).flat_map(event).collect();
    let packed = gzip(&(0..20_000).flat_map(event).collect::<Vec<u8>>());
    let options = [("compressed", "gzip")];
    let mut damaged = packed.clone();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    for (bytes, error) in [
        (message(&events, &options), BadMessage::Options),
        (message(&packed, &[("chunk", "abc")]), BadMessage::Options),
        (message(&damaged, &options), BadMessage::Gzip),
        (message(&packed[..packed.len() - 9], &options), BadMessage::Gzip),
        (
            message(&events[..events.len() - 1], &[("chunk", "abc")]),
            BadMessage::Event,
        ),
        (
            message(&[&events[..], &[0xc1]].concat(), &[("chunk", "abc")]),
            BadMessage::Broken(FrameError::NotMessagePack),
        ),
        (
            message(&[&[ZSTD][..], &events].concat(), &[("chunk", "abc")]),
            BadMessage::Compression,
        ),
        (
            message(&[&events[..], b"\xdb\0\xff\xff\xff", &events].concat(), &[]),
            BadMessage::Broken(FrameError::TooLarge(1000)),
        ),
        // It is of no kind that is taken apart.
        (
            [&b"\x94\xa1t\xdb\0\xff\xff\xff"[..], &events].concat(),
            BadMessage::Shape,
        ),
        (
            [&b"\x93\xa1t\xdd\0\xff\xff\xff"[..], &events].concat(),
            BadMessage::Shape,
        ),
        (
            [&b"\x93\xa1t\xdb\xff\xff\xff\xff"[..], &events].concat(),
            BadMessage::Shape,
        ),
    ] {
        assert_eq!(take(&bytes, 50), Err(error));
    }
}

#[test]
fn a_bomb_is_not_unpacked() {
    // As many zeros as are allowed beside 64 times what came, and more.
    let zeros = gzip(&vec![0; 8 << 20]);
    let mut bomb = gzip(&event(0));
    bomb.extend_from_slice(&zeros);
    let limits = Limits {
        frame: 1000,
        unpacked: 4 << 20,
    };
    let mut input = BytesMut::from(&message(&bomb, &[("compressed", "gzip")])[..]);
    let mut parting = Parting::begin(&mut input, limits).unwrap();
    let error = loop {
        match parting.go_on(&mut input) {
            Ok(Part::Events(entries)) => assert!(entries.count() > 0),
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
        assert!(parting.held() < 2 * PART);
    };
    // Numbers are no events; who sends events instead meets the other bound.
    assert!(
        matches!(error, BadMessage::Unpacked(_) | BadMessage::Event),
        "{error}"
    );
}
