use super::{Control, FrameReader, Piece, Violation};

/// A frame that is masked with a key.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0xa1, 0xb2, 0xc3, 0xd4];
    let mut frame = vec![first];
    match payload.len() {
        length @ ..126 => frame.push(0x80 | length as u8),
        length @ ..65_536 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&key);
    frame.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    frame
}

/// What has been said: the bytes of messages with a bar at the end of each, and control frames.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    data: Vec<u8>,
    controls: Vec<Control>,
}

/// Reads it in pieces of this size.
fn read(reader: &mut FrameReader, bytes: &[u8], size: usize) -> Result<Said, Violation> {
    let mut said = Said::default();
    for piece in bytes.chunks(size) {
        let mut piece = piece.to_vec();
        let mut at = 0;
        while at < piece.len() {
            let rest = &mut piece[at..];
            let (found, consumed) = reader.next(rest)?;
            assert!(consumed > 0);
            match found {
                Piece::Data {
                    start, ends_message, ..
                } => {
                    said.data.extend_from_slice(&rest[start..consumed]);
                    if ends_message {
                        said.data.push(b'|');
                    }
                }
                Piece::Control(control) => said.controls.push(control),
                Piece::Incomplete => {}
            }
            at += consumed;
        }
    }
    Ok(said)
}

#[track_caller]
fn check(bytes: &[u8], data: &str, controls: &[Control]) {
    for size in [1, 2, 3, 7, bytes.len()] {
        let said = read(&mut FrameReader::new(true, true), bytes, size).unwrap();
        assert_eq!(String::from_utf8_lossy(&said.data), data, "in pieces of {size}");
        assert_eq!(said.controls, controls, "in pieces of {size}");
    }
}

#[test]
fn frames_come_in_any_pieces() {
    check(&masked(0x82, b"PING\r\n"), "PING\r\n|", &[]);
    check(&[masked(0x81, b"ab"), masked(0x82, b"")].concat(), "ab||", &[]);
    let parts = [masked(0x02, b"a"), masked(0x00, b""), masked(0x80, b"b")];
    check(&parts.concat(), "ab|", &[]);
    let large = "x".repeat(70_000);
    check(
        &[
            masked(0x82, &large.as_bytes()[..300]),
            masked(0x82, large.as_bytes()),
        ]
        .concat(),
        &format!("{}|{large}|", &large[..300]),
        &[],
    );
}

/// Also between the parts of a message.
#[test]
fn control_frames_come_between() {
    let frames = [
        masked(0x02, b"a"),
        masked(0x89, b"here?"),
        masked(0x8a, b"late"),
        masked(0x80, b"b"),
        masked(0x89, &[b'x'; 125]),
        masked(0x88, b"\x03\xe8bye"),
    ];
    let controls = [
        Control::Ping(b"here?".to_vec()),
        Control::Pong,
        Control::Ping(vec![b'x'; 125]),
        Control::Close(b"\x03\xe8bye".to_vec()),
    ];
    check(&frames.concat(), "ab|", &controls);
    check(&masked(0x88, b""), "", &[Control::Close(Vec::new())]);
}

#[track_caller]
fn refused(reader: FrameReader, bytes: &[u8], expected: Violation) {
    let mut reader = reader;
    assert_eq!(read(&mut reader, bytes, bytes.len()), Err(expected));
}

#[test]
fn breaches_of_the_rules_are_found() {
    let reader = || FrameReader::new(true, false);
    refused(reader(), &masked(0x92, b""), Violation::Reserved);
    refused(reader(), &masked(0xa2, b""), Violation::Reserved);
    refused(reader(), &masked(0xc2, b""), Violation::Compressed);
    refused(reader(), b"\x82\x00", Violation::NotMasked);
    refused(reader(), &masked(0x85, b""), Violation::Opcode(5));
    refused(reader(), &masked(0x8b, b""), Violation::Opcode(11));
    refused(reader(), &masked(0x80, b""), Violation::Continuation);
    refused(reader(), &masked(0x89, &[0; 126]), Violation::LongControl);
    refused(reader(), &masked(0x09, b""), Violation::ControlInParts);
    refused(reader(), &masked(0x88, b"x"), Violation::ShortClose);
    refused(reader(), &masked(0x88, b"\x03\xee"), Violation::CloseStatus(1006));
    let twice = [masked(0x02, b"a"), masked(0x82, b"b")].concat();
    refused(reader(), &twice, Violation::NotEnded);
    let long = b"\x82\xff\x80\0\0\0\0\0\0\0abcd";
    refused(reader(), long, Violation::Length);
    let reader = || FrameReader::new(true, true);
    refused(reader(), &masked(0xc9, b""), Violation::CompressedControl);
    let twice = [masked(0x42, b"a"), masked(0xc0, b"b")].concat();
    refused(reader(), &twice, Violation::Continuation);
}

/// Before the rest of the header, let alone the payload, has come.
#[test]
fn a_breach_is_found_with_the_second_byte() {
    let mut reader = FrameReader::new(true, false);
    assert_eq!(reader.next(&mut [0x89]), Ok((Piece::Incomplete, 1)));
    assert_eq!(reader.next(&mut [0xfe]), Err(Violation::LongControl));
}

#[test]
fn a_compressed_message_is_one_to_its_end() {
    let mut reader = FrameReader::new(true, true);
    let mut frames = [
        masked(0x42, b"a"),
        masked(0x89, b""),
        masked(0x80, b"b"),
        masked(0x82, b"c"),
    ]
    .concat();
    let (mut at, mut found) = (0, Vec::new());
    while at < frames.len() {
        let (piece, consumed) = reader.next(&mut frames[at..]).unwrap();
        at += consumed;
        if let Piece::Data {
            is_compressed,
            ends_message,
            ..
        } = piece
        {
            found.push((is_compressed, ends_message));
        }
    }
    assert_eq!(found, [(true, false), (true, true), (false, true)]);
}

/// Who may leave out the mask may have one all the same.
#[test]
fn a_mask_may_be_left_out_where_that_is_agreed() {
    let frames = [&b"\x82\x02ab"[..], &masked(0x82, b"cd")].concat();
    for size in [1, frames.len()] {
        let said = read(&mut FrameReader::new(false, false), &frames, size).unwrap();
        assert_eq!(said.data, b"ab|cd|");
    }
}

/// What comes straight into the buffer of a large message need not be looked at.
#[test]
fn knows_how_much_plain_data_comes_next() {
    let mut reader = FrameReader::new(true, true);
    let mut frame = masked(0x82, &[b'x'; 1000]);
    assert_eq!(reader.plain_data(), 0);
    reader.next(&mut frame[..100]).unwrap();
    assert_eq!(reader.plain_data(), 1000 - (100 - 8));
    reader.next(&mut frame[100..]).unwrap();
    assert_eq!(reader.plain_data(), 0);
    let mut frame = masked(0xc2, &[b'x'; 1000]);
    reader.next(&mut frame[..100]).unwrap();
    assert_eq!(reader.plain_data(), 0);
}

/// Any bytes at all come to the same, in whatever pieces, and to no more than came.
#[test]
fn any_bytes_come_to_the_same_in_any_pieces() {
    let mut random = fastrand::Rng::with_seed(14);
    for _ in 0..2000 {
        let mut bytes = Vec::new();
        for _ in 0..random.usize(1..6) {
            let first = [0x82, 0x02, 0x80, 0x00, 0x89, 0x88, 0xc2, 0x42][random.usize(..8)];
            let mut payload = vec![0; random.usize(..200)];
            random.fill(&mut payload);
            bytes.extend_from_slice(&masked(first, &payload));
        }
        if random.bool() {
            let place = random.usize(..bytes.len());
            bytes[place] = random.u8(..);
        }
        let whole = read(&mut FrameReader::new(true, true), &bytes, bytes.len());
        for size in [1, 2, 5, 50] {
            let cut = read(&mut FrameReader::new(true, true), &bytes, size);
            assert_eq!(cut, whole, "{bytes:?} in pieces of {size}");
        }
        if let Ok(said) = whole {
            assert!(said.data.len() <= bytes.len());
        }
    }
}
