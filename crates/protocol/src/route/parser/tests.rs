use super::*;

const LIMITS: RouteLimits = RouteLimits {
    max_line: 128,
    max_message: 1000,
    one_account: false,
    origin_in_unsubscribe: true,
};

const OF_ONE_ACCOUNT: RouteLimits = RouteLimits {
    one_account: true,
    ..LIMITS
};

#[track_caller]
fn frame<'a>(input: &'a str, limits: &RouteLimits) -> RouteOperation<'a> {
    match parse(input.as_bytes(), limits) {
        RouteParsed::Frame { operation, consumed } => {
            assert_eq!(consumed, input.len());
            operation
        }
        other => panic!("{input:?} is {other:?}"),
    }
}

/// A message as one line: origin, account, subject, reply, groups, header size, body, and the tail.
#[track_caller]
fn shown(input: &str, limits: &RouteLimits) -> String {
    let RouteOperation::Message(message) = frame(input, limits) else {
        panic!("{input:?} is no message");
    };
    let publish = message.publish;
    let text = |bytes: Option<&[u8]>| bytes.map_or("-".into(), |it| String::from_utf8_lossy(it).into_owned());
    let Groups::Only(groups) = publish.groups else {
        panic!("all groups");
    };
    format!(
        "{} {} {} {} [{}] {:?} {} {}",
        text(message.origin),
        text(message.account),
        text(Some(publish.subject)),
        text(publish.reply),
        text(Some(groups)),
        publish.header_size,
        text(Some(publish.body)).escape_debug(),
        text(publish.tail).escape_debug(),
    )
}

#[test]
fn messages_of_all_forms() {
    for (input, expected) in [
        ("RMSG $G a 2\r\nhi\r\n", r"- $G a - [] None hi 2\r\nhi\r\n"),
        ("RMSG $G a r 2\r\nhi\r\n", r"- $G a r [] None hi r 2\r\nhi\r\n"),
        // The subject and the reply of one message may look like anything.
        ("RMSG $G a | 2\r\nhi\r\n", r"- $G a | [] None hi | 2\r\nhi\r\n"),
        ("RMSG $G a | q 2\r\nhi\r\n", r"- $G a - [q] None hi 2\r\nhi\r\n"),
        (
            "RMSG $G a | q p 02\r\nhi\r\n",
            r"- $G a - [q p] None hi 02\r\nhi\r\n",
        ),
        ("RMSG $G a + r q p 2\r\nhi\r\n", r"- $G a r [q p] None hi -"),
        ("RMSG $G a + r 2\r\nhi\r\n", r"- $G a r [] None hi r 2\r\nhi\r\n"),
        ("rmsg\t$G  a  r\t2 \nhi\r\n", r"- $G a r [] None hi -"),
        (
            "HMSG $G a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
            r"- $G a - [] Some(12) NATS/1.0\r\n\r\nhi 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
        ),
        (
            "HMSG $G a r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
            r"- $G a r [] Some(12) NATS/1.0\r\n\r\nhi r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
        ),
        (
            "HMSG $G a | q 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
            r"- $G a - [q] Some(12) NATS/1.0\r\n\r\nhi 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
        ),
        ("HMSG $G a + r q 0 2\r\nhi\r\n", r"- $G a r [q] None hi -"),
        ("LMSG leaf $G a 0 2\r\nhi\r\n", r"leaf $G a - [] None hi -"),
        ("LMSG leaf $G a r 0 2\r\nhi\r\n", r"leaf $G a r [] None hi -"),
        ("LMSG leaf $G a | q 0 2\r\nhi\r\n", r"leaf $G a - [q] None hi -"),
        ("RMSG $G a 0\r\n\r\n", r"- $G a - [] None  0\r\n\r\n"),
    ] {
        assert_eq!(shown(input, &LIMITS), expected, "{input:?}");
    }
    for (input, expected) in [
        ("RMSG a 2\r\nhi\r\n", r"- - a - [] None hi 2\r\nhi\r\n"),
        ("RMSG a r 2\r\nhi\r\n", r"- - a r [] None hi r 2\r\nhi\r\n"),
        ("RMSG a + r q 2\r\nhi\r\n", r"- - a r [q] None hi -"),
        ("LMSG leaf a 0 2\r\nhi\r\n", r"leaf - a - [] None hi -"),
    ] {
        assert_eq!(shown(input, &OF_ONE_ACCOUNT), expected, "{input:?}");
    }
}

#[test]
fn interest_of_all_forms() {
    fn interest<'a>(origin: &'a str, account: &'a str, queue: Option<(&'a str, u32)>) -> RoutedInterest<'a> {
        let some = |text: &'a str| Some(text.as_bytes()).filter(|text| !text.is_empty());
        RoutedInterest {
            origin: some(origin),
            account: some(account),
            subject: b"a.>",
            queue: queue.map(|(queue, _)| queue.as_bytes()),
            weight: queue.map_or(1, |(_, weight)| weight),
        }
    }
    for (input, limits, expected) in [
        ("RS+ $G a.>\r\n", LIMITS, interest("", "$G", None)),
        ("RS+ $G a.> q 3\r\n", LIMITS, interest("", "$G", Some(("q", 3)))),
        ("RS+ $G a.> q x\r\n", LIMITS, interest("", "$G", Some(("q", 0)))),
        (
            "LS+ leaf $G a.> q 3\r\n",
            LIMITS,
            interest("leaf", "$G", Some(("q", 3))),
        ),
        (
            "RS+ a.> q 3\r\n",
            OF_ONE_ACCOUNT,
            interest("", "", Some(("q", 3))),
        ),
    ] {
        assert_eq!(
            frame(input, &limits),
            RouteOperation::Subscribe(expected),
            "{input:?}"
        );
    }
    let oldest = RouteLimits {
        origin_in_unsubscribe: false,
        ..LIMITS
    };
    for (input, limits, expected) in [
        ("RS- $G a.>\r\n", LIMITS, interest("", "$G", None)),
        ("RS- $G a.> q\r\n", LIMITS, interest("", "$G", Some(("q", 1)))),
        (
            "LS- leaf $G a.> q\r\n",
            LIMITS,
            interest("leaf", "$G", Some(("q", 1))),
        ),
        ("LS- $G a.> q\r\n", oldest, interest("", "$G", Some(("q", 1)))),
        ("RS- a.>\n", OF_ONE_ACCOUNT, interest("", "", None)),
    ] {
        assert_eq!(
            frame(input, &limits),
            RouteOperation::Unsubscribe(expected),
            "{input:?}"
        );
    }
}

#[test]
fn who_they_are_and_whether_they_are_there() {
    for (input, expected) in [
        ("PING\r\n", RouteOperation::Ping),
        ("pong\n", RouteOperation::Pong),
        ("+OK\r\n", RouteOperation::Ok),
        ("INFO {} \r\n", RouteOperation::Info(b"{}")),
        ("CONNECT {}\r\n", RouteOperation::Connect(b"{}")),
        ("-ERR 'no'\r\n", RouteOperation::Error(b"'no'")),
        ("A+ $G\r\n", RouteOperation::AccountBegins(b"$G")),
        ("A- $G\r\n", RouteOperation::AccountEnds(b"$G")),
    ] {
        assert_eq!(frame(input, &LIMITS), expected, "{input:?}");
    }
}

#[test]
fn what_is_no_frame_is_refused() {
    let long = format!("RS+ $G {}\r\n", "a".repeat(200));
    for (input, violation) in [
        ("SUB a 1\r\n", Violation::UnknownOperation),
        ("GET / HTTP/1.1\r\n", Violation::UnknownOperation),
        ("RSx", Violation::UnknownOperation),
        ("RMSGa b 1\r\n", Violation::UnknownOperation),
        ("RMSG $G 2\r\nhi\r\n", Violation::Arguments),
        ("RMSG $G a x y 2\r\nhi\r\n", Violation::Arguments),
        ("RMSG $G a x\r\nhi\r\n", Violation::Arguments),
        ("RMSG\r\n", Violation::UnknownOperation),
        ("RMSG \r\n", Violation::Arguments),
        ("HMSG $G a 3 2\r\nhi\r\n", Violation::Arguments),
        ("HMSG $G a 2\r\nhi\r\n", Violation::Arguments),
        ("RMSG $G a 1001\r\n", Violation::MaximumPayload),
        ("RMSG $G a 1234567890\r\n", Violation::Arguments),
        ("RMSG $G a 2\r\nhixx", Violation::UnknownOperation),
        ("RS+ $G\r\n", Violation::Arguments),
        ("RS+ $G a q\r\n", Violation::Arguments),
        ("RS+ $G a q 1 2\r\n", Violation::Arguments),
        ("RS- $G a q 1\r\n", Violation::Arguments),
        (&long, Violation::MaximumControlLine),
    ] {
        assert_eq!(
            parse(input.as_bytes(), &LIMITS),
            RouteParsed::Violation(violation),
            "{input:?}"
        );
    }
}

/// However the bytes are cut, nothing is a frame before it is complete, and it is known as soon as the line is there how
/// long it gets.
#[test]
fn any_cut_is_incomplete() {
    for input in [
        "RMSG $G a + r q p 2\r\nhi\r\n",
        "HMSG $G a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
        "LMSG leaf $G a r 0 2\r\nhi\r\n",
        "LS+ leaf $G a q 3\r\n",
        "INFO {}\r\n",
        "-ERR 'x'\r\n",
        "A+ $G\r\n",
    ] {
        frame(input, &LIMITS);
        let line = input.find('\n').unwrap();
        for cut in 0..input.len() {
            let expected = match cut > line {
                true => input.len(),
                false => 0,
            };
            let parsed = parse(&input.as_bytes()[..cut], &LIMITS);
            assert_eq!(
                parsed,
                RouteParsed::Incomplete { frame_len: expected },
                "{:?}",
                &input[..cut]
            );
        }
    }
}

/// Bytes of what servers say, in any order, never panic; and what is taken is no longer than what is there.
#[test]
fn any_bytes_are_something() {
    let pieces: [&[u8]; 20] = [
        b"RMSG", b"HMSG", b"LMSG", b"RS+", b"LS-", b"INFO", b"-ERR", b" ", b"\t", b"\r\n", b"\n", b"\r",
        b"$G", b"a", b"|", b"+", b"2", b"0", b"hi", b"\xff\0",
    ];
    let mut random = 7_u64;
    for round in 0..200_000 {
        let mut input = Vec::new();
        for _ in 0..round % 14 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            input.extend_from_slice(pieces[(random >> 33) as usize % pieces.len()]);
        }
        for limits in [LIMITS, OF_ONE_ACCOUNT] {
            match parse(&input, &limits) {
                RouteParsed::Frame { consumed, .. } => assert!(consumed > 0 && consumed <= input.len()),
                RouteParsed::Incomplete { frame_len } => assert!(frame_len == 0 || frame_len > input.len()),
                RouteParsed::Violation(_) => {}
            }
        }
    }
}

#[test]
fn leaf_nodes_say_the_same_with_verbs_of_their_own() {
    let leaf = |input: &str| match parse_leaf(input.as_bytes(), &OF_ONE_ACCOUNT) {
        RouteParsed::Frame { operation, consumed } => {
            assert_eq!(consumed, input.len());
            format!("{operation:?}")
        }
        other => panic!("{input:?} is {other:?}"),
    };
    for (of_leaf, of_route) in [
        ("LS+ a.*\r\n", "RS+ a.*\r\n"),
        ("LS+ a q 3\r\n", "RS+ a q 3\r\n"),
        ("LS- a q\r\n", "RS- a q\r\n"),
        ("LMSG a 2\r\nhi\r\n", "RMSG a 2\r\nhi\r\n"),
        ("LMSG a r 2\r\nhi\r\n", "RMSG a r 2\r\nhi\r\n"),
        ("LMSG a + r q p 2\r\nhi\r\n", "RMSG a + r q p 2\r\nhi\r\n"),
        ("HMSG a | q 2 2\r\nhi\r\n", "HMSG a | q 2 2\r\nhi\r\n"),
        ("PING\r\n", "PING\r\n"),
        ("INFO {}\r\n", "INFO {}\r\n"),
    ] {
        assert_eq!(
            leaf(of_leaf),
            format!("{:?}", frame(of_route, &OF_ONE_ACCOUNT)),
            "{of_leaf}"
        );
    }
    for input in [
        "RS+ a\r\n",
        "RMSG a 2\r\nhi\r\n",
        "A+ a\r\n",
        "SUB a 1\r\n",
        "LS+ a q\r\n",
    ] {
        let parsed = parse_leaf(input.as_bytes(), &OF_ONE_ACCOUNT);
        assert!(matches!(parsed, RouteParsed::Violation(_)), "{input}: {parsed:?}");
    }
}
