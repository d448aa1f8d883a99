//! Any bytes at all from a peer: nothing panics, frames are the same however they are cut, and events are within their
//! bounds.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use vagus_lumberjack::framing::Framer;
use vagus_lumberjack::receiver::Receiver;
use vagus_lumberjack::sending::Window;
use vagus_lumberjack::{Frame, Limits};

const LIMITS: Limits = Limits {
    frame: 4096,
    unpacked: 65_536,
};

fn frames(data: &[u8], piece: usize) -> (Vec<Frame>, bool) {
    let mut framer = Framer::new(LIMITS);
    let (mut input, mut frames) = (BytesMut::new(), Vec::new());
    for piece in data.chunks(piece) {
        input.extend_from_slice(piece);
        loop {
            match framer.take(&mut input) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return (frames, true),
            }
        }
    }
    (frames, false)
}

fuzz_target!(|data: &[u8]| {
    let Some((piece, data)) = data.split_first() else {
        return;
    };
    let whole = frames(data, data.len().max(1));
    assert_eq!(whole, frames(data, usize::from(*piece).max(1)));
    let (mut receiver, mut window) = (Receiver::default(), Window::new(3));
    for frame in whole.0 {
        let _ = window.take(&frame);
        if let Ok(Some(events)) = receiver.take(frame) {
            assert!(!events.json.is_empty());
        }
    }
});
