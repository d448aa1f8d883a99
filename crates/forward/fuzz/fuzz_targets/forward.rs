//! Any bytes at all from a peer, as one that sends and as one that receives: nothing panics, frames are the same however
//! they are cut, and events are within their bounds.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use vagus_forward::Limits;
use vagus_forward::framing::Framer;
use vagus_forward::receiver::{Received, Receiver};
use vagus_forward::sender::Sender;

const LIMITS: Limits = Limits {
    frame: 4096,
    unpacked: 65_536,
};

fn frames(data: &[u8], piece: usize) -> (Vec<Bytes>, bool) {
    let mut framer = Framer::new(LIMITS.frame);
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
    let (mut receiver, _) = Receiver::greet(None, LIMITS, [0; 32]);
    let mut sender = Sender::new(None, [0; 16]);
    for frame in &whole.0 {
        let _ = sender.take(frame);
        if let Ok(Received::Events(message, arrived)) = receiver.take(frame) {
            arrived.reply();
            let mut bytes = 0;
            for entry in message.entries.flatten() {
                bytes += entry.record.len();
            }
            assert!(bytes as u64 <= LIMITS.unpacked);
        }
    }
});
