//! Any bytes at all: frames are taken apart the same whole or cut, compressed messages and requests do not panic or stall,
//! and nothing comes to more than it may.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vagus_websocket::deflate::CompressedMessage;
use vagus_websocket::upgrade::{CookieNames, Origin, Origins, UpgradeRules};
use vagus_websocket::{Control, FrameReader, Piece, Violation};

/// The most that a compressed message may hold, in bytes.
const LARGEST: usize = 64 * 1024;

/// What frames come to: data, and what is said beside it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    data: Vec<u8>,
    controls: Vec<Control>,
}

fuzz_target!(|data: &[u8]| {
    // The first two bytes choose what was agreed on, and how it is cut.
    let [choice, cut, bytes @ ..] = data else {
        return;
    };
    let (requires_mask, may_compress) = (choice & 1 == 0, choice & 2 == 0);
    let whole = read(
        FrameReader::new(requires_mask, may_compress),
        bytes,
        bytes.len().max(1),
    );
    let pieces = read(
        FrameReader::new(requires_mask, may_compress),
        bytes,
        usize::from(*cut).max(1),
    );
    assert_eq!(whole, pieces);
    let rules = UpgradeRules {
        origins: Origins {
            same: choice & 4 == 0,
            allowed: Origin::parse("http://a").into_iter().collect(),
        },
        compresses: true,
        cookies: CookieNames {
            user: Some("user".to_owned()),
            ..CookieNames::default()
        },
        ..UpgradeRules::default()
    };
    match rules.judge(bytes) {
        Ok(Some(upgrade)) => assert!(upgrade.length <= bytes.len()),
        Ok(None) => {}
        Err(refusal) => assert!(refusal.answer().starts_with(b"HTTP/1.1 4")),
    }
});

fn read(mut reader: FrameReader, bytes: &[u8], size: usize) -> Result<Said, Violation> {
    let (mut said, mut message, mut spare) = (Said::default(), None, None);
    for piece in bytes.chunks(size) {
        let mut piece = piece.to_vec();
        let mut at = 0;
        while at < piece.len() {
            let rest = &mut piece[at..];
            let (found, consumed) = reader.next(rest)?;
            assert!((1..=rest.len()).contains(&consumed));
            match found {
                Piece::Data {
                    start,
                    is_compressed: true,
                    ends_message,
                } => {
                    let held = message.get_or_insert_with(|| CompressedMessage::new(LARGEST));
                    held.push(&rest[start..consumed], ends_message)?;
                    let mut space = [0; 4096];
                    while held.is_readable() {
                        let count = held.read(&mut space, &mut spare)?;
                        said.data.extend_from_slice(&space[..count]);
                    }
                    if held.is_over() {
                        message = None;
                    }
                }
                Piece::Data { start, .. } => said.data.extend_from_slice(&rest[start..consumed]),
                Piece::Control(control) => said.controls.push(control),
                Piece::Incomplete => {}
            }
            at += consumed;
        }
    }
    Ok(said)
}
