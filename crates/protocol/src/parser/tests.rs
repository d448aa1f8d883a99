use super::*;

mod publishes;

const LIMITS: FrameLimits = FrameLimits {
    max_control_line: 4096,
    max_payload: 1_048_576,
    headers: true,
};

/// Parses all of a stream and describes what was found, one part for each frame. A part says what
/// stands in the frame and, for a publish, `~` when its tail cannot be copied.
pub(super) fn describe(input: &[u8], limits: &FrameLimits) -> String {
    let mut parts = Vec::new();
    let mut rest = input;
    loop {
        match parse(rest, limits) {
            Parsed::Frame { operation, consumed } => {
                parts.push(describe_operation(&operation, &rest[..consumed]));
                rest = &rest[consumed..];
            }
            Parsed::Incomplete { frame_len: 0 } if rest.is_empty() => break,
            Parsed::Incomplete { frame_len: 0 } => {
                parts.push("...".into());
                break;
            }
            Parsed::Incomplete { frame_len } => {
                assert!(frame_len > rest.len());
                parts.push(format!("...{frame_len}"));
                break;
            }
            Parsed::Violation(violation) => {
                parts.push(match violation.text() {
                    Some(text) => format!("! {text}"),
                    None => format!("! ({violation})"),
                });
                break;
            }
        }
    }
    parts.join("; ")
}

fn describe_operation(operation: &Operation<'_>, frame: &[u8]) -> String {
    let show = |bytes: &[u8]| bytes.escape_ascii().to_string();
    match *operation {
        Operation::Connect(json) => format!("CONNECT {}", show(json)),
        Operation::Subscribe { subject, queue, sid } => match queue {
            Some(queue) => format!("SUB {} [{}] {}", show(subject), show(queue), show(sid)),
            None => format!("SUB {} {}", show(subject), show(sid)),
        },
        Operation::Unsubscribe { sid, max } => match max {
            Some(max) => format!("UNSUB {} {max}", show(sid)),
            None => format!("UNSUB {}", show(sid)),
        },
        Operation::Ping => "PING".into(),
        Operation::Pong => "PONG".into(),
        Operation::Ok => "+OK".into(),
        Operation::Info => "INFO".into(),
        Operation::Error(text) => format!("-ERR {}", show(text)),
        Operation::Publish(publish) => {
            check_publish(&publish, frame);
            let reply = publish
                .reply
                .map_or(String::new(), |reply| format!(" [{}]", show(reply)));
            let header = publish.header().map_or(String::new(), |header| {
                format!(" {}:{}", show(publish.header_size_text), show(header))
            });
            let odd = if publish.tail.is_none() { "~" } else { "" };
            let size = show(publish.size_text);
            format!(
                "PUB{odd} {}{reply}{header} {size}:{}",
                show(publish.subject),
                show(publish.payload())
            )
        }
    }
}

/// What holds for every publish.
fn check_publish(publish: &Publish<'_>, frame: &[u8]) {
    assert!(!publish.subject.is_empty());
    assert_eq!(&frame[publish.line_len..], [publish.body, b"\r\n"].concat());
    assert_eq!(frame[publish.line_len - 1], b'\n');
    assert_eq!(
        str::from_utf8(publish.size_text).unwrap().parse(),
        Ok(publish.body.len())
    );
    match publish.header_size {
        Some(size) => {
            assert_eq!(
                str::from_utf8(publish.header_size_text).unwrap().parse(),
                Ok(size)
            );
            assert_eq!(
                [publish.header().unwrap(), publish.payload()].concat(),
                publish.body
            );
        }
        None => assert!(publish.header_size_text.is_empty()),
    }
    if let Some(tail) = publish.tail {
        let mut composed = Vec::new();
        crate::message::append_tail(
            &mut composed,
            &Publish {
                tail: None,
                ..*publish
            },
        );
        assert_eq!(tail, composed);
        assert!(frame.ends_with(tail));
    }
}

#[track_caller]
fn check_with(limits: &FrameLimits, input: &[u8], expect: &str) {
    assert_eq!(describe(input, limits), expect, "{}", input.escape_ascii());
}

#[track_caller]
fn check(input: impl AsRef<[u8]>, expect: &str) {
    check_with(&LIMITS, input.as_ref(), expect);
}

const UNKNOWN: &str = "! Unknown Protocol Operation";
const ARGUMENTS: &str = "! (bad arguments)";

#[test]
fn lines_without_arguments() {
    check("PING\r\n", "PING");
    check("ping\r\n", "PING");
    check("pInG\r\n", "PING");
    check("PING \r\n", "PING");
    check("PING\t\r\n", "PING");
    check("PING hello\r\n", "PING");
    check("PING\n", "PING");
    check("PING\rPING\r\n", "PING");
    check("PIN\r\n", UNKNOWN);
    check("PINGS\r\n", "PING");
    check("PONG\r\n", "PONG");
    check("pong\r\n", "PONG");
    check("PONG 1\r\n", "PONG");
    check("PONGS\r\n", "PONG");
    check("+OK\r\n", "+OK");
    check("+ok then\n", "+OK");
    check("-ERR 'x'\r\n", "-ERR \\'x\\'");
    check("-err \t 'a b' \r\n", "-ERR \\'a b\\' ");
    check("-ERR\r\n", UNKNOWN);
    check("-ERR \r\n", "-ERR ");
    check("INFO {\"server_id\":\"x\"}\r\n", "INFO");
    check("info{}\n", "INFO");
    check("INFO null \r\n", "INFO");
    check("INFO\r\n", ARGUMENTS);
    check("INFO {\r\n", ARGUMENTS);
    check("INFO []\r\n", ARGUMENTS);
}

#[test]
fn what_is_no_operation_is_refused_at_its_first_wrong_byte() {
    check("\r\n", UNKNOWN);
    check("\n", UNKNOWN);
    check("   \r\n", UNKNOWN);
    check("FOO\r\n", UNKNOWN);
    check("HELLO world 1\r\n", UNKNOWN);
    check("GET / HTTP/1.1\r\nHost: x\r\n\r\n", UNKNOWN);
    check("\0\x01\x02\u{ff}\r\n", UNKNOWN);
    check(" PING\r\n", UNKNOWN);
    check("\x16\x03\x01\0\x05hello", UNKNOWN);
    check("UNSU 1\r\n", UNKNOWN);
    check("MSG foo 1 2\r\nhi\r\n", UNKNOWN);
    check("HMSG foo 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", UNKNOWN);
    check("RMSG $G foo 2\r\nhi\r\n", UNKNOWN);
    check("RS+ $G foo\r\n", UNKNOWN);
    check("RS- $G foo\r\n", UNKNOWN);
    check("LS+ foo\r\n", UNKNOWN);
    check("LMSG foo 2\r\nhi\r\n", UNKNOWN);
    check("A+ ACME\r\n", UNKNOWN);
    // Without waiting for the rest of the line.
    for junk in [
        "G", "\x16", "\0", "\r", "PX", "PUBx", "SUB\r", "UNSUBS", "CONNEX", "+X", "-ERRX", "HM",
    ] {
        check(junk, UNKNOWN);
    }
    for start in [
        "P", "PU", "PUB", "h", "s", "Uns", "c", "CONNECT", "i", "+", "-", "-ERR", "pin",
    ] {
        check(start, "...");
    }
}

#[test]
fn subscribes() {
    check("SUB foo 1\r\n", "SUB foo 1");
    check("sub foo 1\r\n", "SUB foo 1");
    check("SUB\tfoo\t1\r\n", "SUB foo 1");
    check("SUB   foo    1   \r\n", "SUB foo 1");
    check("SUB foo workers 1\r\n", "SUB foo [workers] 1");
    check("SUB\tfoo\tworkers\t1\r\n", "SUB foo [workers] 1");
    check("SUB foo 1\n", "SUB foo 1");
    check("SUB foo abc\r\n", "SUB foo abc");
    check("SUB foo -1.x/$\r\n", "SUB foo -1.x/$");
    check(
        format!("SUB foo {}\r\n", "9".repeat(300)),
        &format!("SUB foo {}", "9".repeat(300)),
    );
    check(
        "SUB foo 1\r\nSUB bar 1\r\nPUB foo 1\r\na\r\n",
        "SUB foo 1; SUB bar 1; PUB foo 1:a",
    );
    check("SUB foo q.* 1\r\n", "SUB foo [q.*] 1");
    let group = "группа";
    check(
        format!("SUB foo {group} 1\r\n"),
        &format!("SUB foo [{}] 1", group.as_bytes().escape_ascii()),
    );
    // A carriage return between the arguments separates them.
    check("SUB foo\r1\r\n", "SUB foo 1");

    check("SUB foo workers 1 2\r\n", ARGUMENTS);
    check("SUB foo\r\n", ARGUMENTS);
    check("SUB\r\n", UNKNOWN);
    check("SUB \r\n", ARGUMENTS);
    check("SUB \n", ARGUMENTS);
    check("SUBfoo 1\r\n", UNKNOWN);
    check("SUB foo\r1\n", ARGUMENTS);
}

#[test]
fn unsubscribes() {
    check("UNSUB 1\r\n", "UNSUB 1");
    check("unsub 1\r\n", "UNSUB 1");
    check("UNSUB\t1\t\r\n", "UNSUB 1");
    check("UNSUB 77\r\n", "UNSUB 77");
    check("UNSUB 1 5\n", "UNSUB 1 5");
    check("UNSUB 1 two\r\n", "UNSUB 1");
    check("UNSUB 1 -5\r\n", "UNSUB 1");
    check("UNSUB 1 0\r\n", "UNSUB 1");
    check("UNSUB 1 99999999999999999999\r\n", "UNSUB 1");
    check("UNSUB 1 999999999\r\n", "UNSUB 1 999999999");
    check("UNSUB\r\n", UNKNOWN);
    check("UNSUB \r\n", ARGUMENTS);
    check("UNSUB 1 2 3\r\n", ARGUMENTS);
}

#[test]
fn connects() {
    check("CONNECT {}\r\n", "CONNECT {}");
    check("connect {}\r\n", "CONNECT {}");
    check("CoNnEcT {}\r\n", "CONNECT {}");
    check(
        "CONNECT    {\"verbose\":true}   \r\n",
        r#"CONNECT {\"verbose\":true}"#,
    );
    check("CONNECT\t{}\n", "CONNECT {}");
    check("CONNECT{}\r\n", "CONNECT {}");
    // Whether it is JSON is for the reader of the options to say.
    check("CONNECT\r\n", "CONNECT ");
    check("CONNECT \r\n", "CONNECT ");
    check("CONNECT nonsense\r\n", "CONNECT nonsense");
    check("CONNECT {} x\r\n", "CONNECT {} x");
}

#[test]
fn only_connect_begins_like_one() {
    assert!(may_begin_connect(b"") && may_begin_connect(b"C") && may_begin_connect(b"connect {}"));
    assert!(!may_begin_connect(b"PING\r\n") && !may_begin_connect(b"\r\n"));
}

#[test]
fn control_lines_are_bounded() {
    const TOO_LONG: &str = "! maximum control line exceeded";
    let sub = |length: usize| format!("SUB {} 1", "s".repeat(length - 2));
    // The arguments count, without verb and line end.
    for length in [3, 100, 4090, 4095, 4096] {
        let expect = format!("SUB {} 1", "s".repeat(length - 2));
        check(sub(length) + "\r\n", &expect);
        check(sub(length) + "\n", &expect);
        check(sub(length), "...");
        check(sub(length) + "\r", "...");
    }
    for length in [4097, 5000, 9000] {
        check(sub(length) + "\r\n", TOO_LONG);
        check(sub(length) + "\n", TOO_LONG);
        check(sub(length), TOO_LONG);
    }
    check(format!("SUB {}", "s".repeat(8000)), TOO_LONG);
    // Blanks behind the arguments count with them.
    check(sub(4096) + " \r\n", TOO_LONG);

    // The inline way holds to it as well.
    let limits = FrameLimits {
        max_control_line: 10,
        ..LIMITS
    };
    check_with(&limits, b"PUB abcdefgh 1\r\na\r\n", "PUB abcdefgh 1:a");
    check_with(&limits, b"PUB abcdefghi 1\r\na\r\n", TOO_LONG);
    check_with(&limits, b"HPUB abcdef 1 1\r\na\r\n", "PUB abcdef 1:a 1:");
    check_with(&limits, b"HPUB abcdefg 1 1\r\na\r\n", TOO_LONG);

    // What nobody looks at is bounded too.
    for line in [
        "PING ", "PONG", "+OK", "-ERR ", "PUB ", "CONNECT", "INFO ", "SUB \t",
    ] {
        check_with(&limits, format!("{line}{}", "x".repeat(11)).as_bytes(), TOO_LONG);
        check_with(&limits, format!("{line}{}\r", "x".repeat(10)).as_bytes(), "...");
        check_with(&limits, format!("{line}{}", " ".repeat(8)).as_bytes(), "...");
        check_with(&limits, format!("{line}{}", " ".repeat(11)).as_bytes(), TOO_LONG);
    }
}

/// A stream with every operation, in usual and odd spellings.
pub(super) const STREAM: &[u8] = b"CONNECT {\"verbose\":true}\r\nSUB split.* 5\r\nPUB split.x reply 5\r\n\
    hello\r\nUNSUB 5 1\r\nHPUB split.y 12 14\r\nNATS/1.0\r\n\r\nhi\r\nUNSUB 5\nPING\r\npub  a\t 3  \nxyz\r\n\
    SUB foo workers abc\r\nPONG\r\n+OK\r\nINFO {}\r\nhpub b r 12  12\r\nNATS/1.0\r\n\r\n\r\nPUB z 0\r\n\r\n\
    HPUB c 0 2\r\nhi\r\nPUB _INBOX.abcdefghijklmnopqrstuvwxyz.0123456789 16\r\n0123456789\r\nabcd\r\n-ERR 'x'\r\n";

#[test]
fn every_cut_of_a_valid_stream_is_incomplete() {
    let mut start = 0;
    let mut frames = 0;
    while start < STREAM.len() {
        let Parsed::Frame { operation, consumed } = parse(&STREAM[start..], &LIMITS) else {
            panic!("no frame at {start}");
        };
        for cut in 0..consumed {
            let parsed = parse(&STREAM[start..start + cut], &LIMITS);
            let line_len = match operation {
                Operation::Publish(publish) => publish.line_len,
                _ => usize::MAX,
            };
            let frame_len = if cut >= line_len { consumed } else { 0 };
            assert_eq!(
                parsed,
                Parsed::Incomplete { frame_len },
                "{cut} bytes of frame at {start}"
            );
        }
        // What follows makes no difference.
        for following in 0..=STREAM.len() - start - consumed {
            let input = &STREAM[start..start + consumed + following];
            assert_eq!(parse(input, &LIMITS), Parsed::Frame { operation, consumed });
        }
        start += consumed;
        frames += 1;
    }
    assert_eq!(frames, 17);
}

#[test]
fn a_frame_of_known_length_is_complete_with_it() {
    let frame = [b"PUB pieces 20000\r\n".as_slice(), &vec![b'x'; 20000], b"\r\n"].concat();
    for length in (18..frame.len()).step_by(777) {
        assert_eq!(
            parse(&frame[..length], &LIMITS),
            Parsed::Incomplete {
                frame_len: frame.len()
            }
        );
    }
    assert!(matches!(parse(&frame, &LIMITS), Parsed::Frame { consumed, .. } if consumed == frame.len()));
}
