//! A message that is larger than frames may be comes to the same events however it is cut, to no more than it may, and what is
//! held of it is bounded.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use vagus_forward::parting::{Part, Parting};
use vagus_forward::{BadMessage, Entry, Limits};

const LIMITS: Limits = Limits {
    frame: 4096,
    unpacked: 65_536,
};

type Came = (Vec<Entry>, Result<Option<Option<Bytes>>, BadMessage>);

fn take(data: &[u8], piece: usize) -> Came {
    let (mut input, mut parting, mut events) = (BytesMut::new(), None, Vec::new());
    for piece in data.chunks(piece) {
        input.extend_from_slice(piece);
        if parting.is_none() {
            parting = Parting::begin(&mut input, LIMITS);
        }
        let Some(parting) = &mut parting else {
            continue;
        };
        loop {
            match parting.go_on(&mut input) {
                Ok(Part::Nothing) => break,
                Ok(Part::Events(entries)) => {
                    for entry in entries {
                        match entry {
                            Ok(entry) => events.push(entry),
                            Err(error) => return (events, Err(error)),
                        }
                    }
                }
                Ok(Part::End(chunk)) => return (events, Ok(Some(chunk))),
                Err(error) => return (events, Err(error)),
            }
            assert!(parting.held() <= 2 * 256 * 1024 + LIMITS.frame);
        }
    }
    (events, Ok(None))
}

fuzz_target!(|data: &[u8]| {
    let [piece, data @ ..] = data else {
        return;
    };
    let whole = take(data, data.len().max(1));
    let cut = take(data, usize::from(*piece).max(1));
    match (&whole.1, &cut.1) {
        // Before the end of what is broken, how much is taken depends on where it is cut.
        (Err(_), Err(_)) => {}
        _ => assert_eq!(whole, cut),
    }
    let bytes: usize = whole.0.iter().map(|entry| entry.record.len()).sum();
    assert!(bytes as u64 <= LIMITS.unpacked + 65 * data.len() as u64);
});
