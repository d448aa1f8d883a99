use super::Framer;
use crate::error::FrameError;
use bytes::BytesMut;

fn frames(input: &[u8], piece: usize, most: usize) -> Result<Vec<Vec<u8>>, FrameError> {
    let mut framer = Framer::new(most);
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    for piece in input.chunks(piece) {
        buffer.extend_from_slice(piece);
        while let Some(frame) = framer.take(&mut buffer)? {
            frames.push(frame.to_vec());
        }
    }
    assert!(buffer.is_empty() || frames.is_empty(), "something is left");
    Ok(frames)
}

#[test]
fn frames_are_found_however_they_are_cut() {
    let input = b"\x93\xa1t\x01\x80\xc0\x92\xa1t\xa0";
    for piece in 1..=input.len() {
        let found = frames(input, piece, 16).unwrap();
        assert_eq!(found, [&b"\x93\xa1t\x01\x80"[..], b"\xc0", b"\x92\xa1t\xa0"]);
    }
}

#[test]
fn json_is_taken_from_who_speaks_it() {
    let input = br#"["t", 1, {"a": "]\"["}] ["u",[[1,{}]]]"#;
    for piece in 1..=input.len() {
        let found = frames(input, piece, 64).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0][0], 0xdd);
    }
}

#[test]
fn what_is_none_ends_it() {
    for (input, error) in [
        (&b"\xc1"[..], FrameError::NotMessagePack),
        (b"\xdb\x00\x00\x01\x00", FrameError::TooLarge(16)),
        (b"[1,2,3,4,5,6,7,8,9]", FrameError::TooLarge(16)),
        (b"[1,]", FrameError::NotJson),
        (b"{\"a\":1}", FrameError::NotJson),
        (b"[]]", FrameError::NotJson),
    ] {
        for piece in 1..=input.len() {
            assert_eq!(frames(input, piece, 16), Err(error), "{input:?}");
        }
    }
}

/// What is cut into single bytes is looked at once: each byte of a long frame would otherwise cost the whole of it.
#[test]
fn a_long_frame_in_small_pieces_costs_its_size() {
    let count: u32 = 300_000;
    let mut input = vec![0xdd];
    input.extend_from_slice(&count.to_be_bytes());
    input.resize(input.len() + count as usize, 1);
    let found = frames(&input, 1, input.len()).unwrap();
    assert_eq!(found, [input]);
}
