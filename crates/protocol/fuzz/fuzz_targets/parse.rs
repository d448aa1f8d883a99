//! Any bytes at all: the parser does not panic or stall, a frame parses the same without what follows
//! it, a prefix of a frame is incomplete, and what was parsed can be delivered.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vagus_protocol::connect::ConnectOptions;
use vagus_protocol::message;
use vagus_protocol::operation::{Operation, Publish};
use vagus_protocol::parser::{FrameLimits, Parsed, parse};

fuzz_target!(|data: &[u8]| {
    // The first byte chooses the limits.
    let Some((choice, mut rest)) = data.split_first() else {
        return;
    };
    let limits = FrameLimits {
        max_control_line: if choice & 1 == 0 { 20 } else { 4096 },
        max_payload: if choice & 2 == 0 { 30 } else { usize::MAX },
        headers: choice & 4 == 0,
    };
    loop {
        match parse(rest, &limits) {
            Parsed::Frame { operation, consumed } => {
                assert!((1..=rest.len()).contains(&consumed));
                let (frame, after) = rest.split_at(consumed);
                assert_eq!(parse(frame, &limits), Parsed::Frame { operation, consumed });
                for cut in [0, consumed / 2, consumed - 1] {
                    assert!(matches!(parse(&frame[..cut], &limits), Parsed::Incomplete { .. }));
                }
                use_operation(&operation, frame);
                rest = after;
            }
            Parsed::Incomplete { frame_len } => {
                assert!(frame_len > rest.len() || frame_len == 0);
                assert!(frame_len > 0 || rest.len() <= 2 * limits.max_control_line + 16);
                return;
            }
            Parsed::Violation(violation) => {
                violation.append(&mut Vec::new());
                return;
            }
        }
    }
});

fn use_operation(operation: &Operation<'_>, frame: &[u8]) {
    match operation {
        Operation::Connect(json) => {
            if let Ok(mut options) = ConnectOptions::parse(json) {
                let once = options.clone();
                assert_eq!(options.update(json), Ok(()));
                assert_eq!(options, once);
            }
        }
        Operation::Publish(publish) => {
            let (mut copied, mut composed, mut stripped) = (Vec::new(), Vec::new(), Vec::new());
            message::append_tail(&mut copied, publish);
            message::append_tail(
                &mut composed,
                &Publish {
                    tail: None,
                    ..*publish
                },
            );
            assert_eq!(copied, composed);
            assert_eq!(copied.len(), message::tail_len(publish));
            message::append_stripped(&mut stripped, b"", publish);
            assert!(stripped.ends_with(&[publish.payload(), b"\r\n"].concat()));
            assert_eq!(frame.len(), publish.line_len + publish.body.len() + 2);
        }
        _ => {}
    }
}
