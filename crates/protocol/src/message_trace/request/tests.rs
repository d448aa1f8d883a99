use super::{
    Activation, SHOWN_AT_MOST, ShownHeaders, TraceRequest, headers, may_ask, may_have_context,
    with_destination, with_hop, with_tracing_disabled,
};
use crate::content_encoding::ContentEncoding;
use fastrand::Rng;

fn block(lines: &str) -> String {
    format!("NATS/1.0\r\n{lines}\r\n")
}

/// Destination, whether there is nothing but a trace, and whether it began elsewhere.
#[track_caller]
fn check(lines: &str, expect: Option<(&str, bool, bool)>) {
    let header = block(lines);
    let request = TraceRequest::read(header.as_bytes());
    let found = request.map(|request| match request.activation {
        Activation::Named { destination, only } => (destination, only, request.origin_account.is_some()),
        Activation::Context => panic!("{lines:?}"),
    });
    assert_eq!(
        found,
        expect.map(|(to, only, elsewhere)| (to.as_bytes(), only, elsewhere)),
        "{lines:?}"
    );
    assert!(found.is_none() || may_ask(header.as_bytes()), "{lines:?}");
}

#[test]
fn is_read_as_nats_server_reads_it() {
    check("", None);
    check("A: 1\r\n", None);
    check("Nats-Trace-Only: true\r\n", None);
    check("Nats-Trace-Dest: d\r\n", Some(("d", false, false)));
    check(
        "A: 1\r\nNats-Trace-Dest:d\t \r\nNats-Trace-Only: true\r\n",
        Some(("d", true, false)),
    );
    for (value, only) in [
        ("1", true),
        ("TRUE", true),
        ("On", true),
        ("yes", false),
        ("0", false),
        ("", false),
    ] {
        check(
            &format!("Nats-Trace-Only: {value}\r\nNats-Trace-Dest: d\r\n"),
            Some(("d", only, false)),
        );
    }
    check(
        "Nats-Trace-Only: 0\r\nNats-Trace-Only: 1\r\nNats-Trace-Dest: d\r\nNats-Trace-Dest: e\r\n",
        Some(("d", false, false)),
    );
    for not_its_name in [
        "nats-trace-dest: d\r\n",
        " Nats-Trace-Dest: d\r\n",
        "Nats-Trace-Dest : d\r\n",
        "X-Nats-Trace-Dest: d\r\n",
        "Nats-Trace-Dest-X: d\r\n",
    ] {
        check(not_its_name, None);
    }
    check("Nats-Trace-Dest: \r\n", None);
    check("Nats-Trace-Dest: trace disabled\r\nNats-Trace-Dest: d\r\n", None);
    check(
        "Nats-Trace-Dest: d\r\nNats-Trace-Dest: trace disabled\r\n",
        Some(("d", false, false)),
    );
    check(
        "Nats-Trace-Origin-Account: A\r\nNats-Trace-Dest: d\r\nNats-Trace-Only: 1\r\n",
        Some(("d", true, true)),
    );
    // A line without a colon is part of the next name.
    check("junk\r\nNats-Trace-Dest: d\r\n", None);
    assert_eq!(TraceRequest::read(b"Nats-Trace-Dest: d\r\n\r\n"), None);
    assert_eq!(TraceRequest::read(b"NATS/1.0\r\nNats-Trace-Dest: d"), None);
}

#[test]
fn most_headers_do_not_ask() {
    for header in [
        "",
        "NATS/1.0\r\n\r\n",
        "NATS/1.0\r\nNats-Msg-Id: 1\r\nTrace: x\r\n\r\n",
        "\n\n\n",
    ] {
        assert!(!may_ask(header.as_bytes()), "{header:?}");
    }
    assert!(may_ask(b"NATS/1.0\r\nA: 1\r\nNats-Trace-Dest: d\r\n\r\n"));
}

#[test]
fn a_sampled_trace_of_somebody_elses_turns_it_on() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
    let activation = |lines: &str| {
        let header = block(lines);
        TraceRequest::read(header.as_bytes()).map(|request| match request.activation {
            Activation::Named { destination, .. } => String::from_utf8_lossy(destination).into_owned(),
            Activation::Context => "context".to_owned(),
        })
    };
    for (flags, sampled) in [
        ("-01", true),
        ("-27", true),
        ("-7f", true),
        ("-00", false),
        ("-22", false),
        ("-ff", false),
        ("-1", false),
        ("-001", false),
        ("-xy", false),
        ("", false),
        ("-01-02", false),
    ] {
        for name in ["traceparent", "TrAcEpArEnT"] {
            let found = activation(&format!("A: 1\r\n{name}:  {TRACE}{flags} \r\n"));
            assert_eq!(found.as_deref(), sampled.then_some("context"), "{flags:?}");
        }
    }
    assert_eq!(activation(&format!("traceparent-x: {TRACE}-01\r\n")), None);
    assert_eq!(activation(&format!("traceparent : {TRACE}-01\r\n")), None);
    for lines in [
        format!("traceparent: {TRACE}-01\r\nNats-Trace-Dest: d\r\n"),
        format!("Nats-Trace-Dest: d\r\ntraceparent: {TRACE}-01\r\n"),
    ] {
        assert_eq!(activation(&lines).as_deref(), Some("d"));
    }
    let disabled = format!("traceparent: {TRACE}-01\r\nNats-Trace-Dest: trace disabled\r\n");
    assert_eq!(activation(&disabled), None);
}

#[test]
fn says_how_the_event_is_to_be_written() {
    for (line, encoding) in [
        ("", None),
        ("Accept-Encoding: snappy\r\n", Some(ContentEncoding::Snappy)),
        ("accept-encoding: snappy\r\n", None),
        ("Accept-Encoding: br\r\n", Some(ContentEncoding::Identity)),
    ] {
        let header = block(&format!("Nats-Trace-Dest: d\r\n{line}"));
        let request = TraceRequest::read(header.as_bytes()).unwrap();
        assert_eq!(request.encoding, encoding, "{line:?}");
    }
}

#[test]
fn tracing_can_be_disabled() {
    for (lines, expect) in [
        ("Nats-Trace-Dest: d\r\n", ""),
        (
            "A: 1\r\nNats-Trace-Dest:d\r\nB: 2\r\nNats-Trace-Dest: e\r\n",
            "A: 1\r\nB: 2\r\n",
        ),
        (
            "Nats-Trace-Dest-X: d\r\nX-Nats-Trace-Dest: d\r\n",
            "Nats-Trace-Dest-X: d\r\nX-Nats-Trace-Dest: d\r\n",
        ),
    ] {
        let disabled = with_tracing_disabled(block(lines).as_bytes());
        let expect = block(&format!("{expect}Nats-Trace-Dest: trace disabled\r\n"));
        assert_eq!(String::from_utf8(disabled).unwrap(), expect);
    }
}

#[test]
fn a_message_says_by_which_hop_it_leaves_and_where_its_event_goes() {
    let header = block("A: 1\r\nNats-Trace-Hop: 1\r\nNats-Trace-Dest: d\r\n");
    let request = TraceRequest::read(header.as_bytes()).unwrap();
    assert_eq!(request.hop, Some(&b"1"[..]));
    for (changed, expect) in [
        (
            with_hop(header.as_bytes(), b"1.2"),
            "A: 1\r\nNats-Trace-Dest: d\r\nNats-Trace-Hop: 1.2\r\n",
        ),
        (
            with_destination(header.as_bytes(), b"e"),
            "A: 1\r\nNats-Trace-Hop: 1\r\nNats-Trace-Dest: e\r\n",
        ),
    ] {
        assert_eq!(String::from_utf8(changed).unwrap(), block(expect));
    }
}

#[test]
fn what_is_shown_of_headers_is_bounded() {
    let shown = |lines: &str| {
        let lines = lines.as_bytes();
        let shown: Vec<_> = ShownHeaders { lines }.iter().collect();
        assert!(headers(lines).collect::<Vec<_>>().starts_with(&shown));
        let bytes: usize = shown.iter().map(|(name, value)| name.len() + value.len()).sum();
        (shown.len(), bytes)
    };
    assert_eq!(shown("A: 1\r\n: x\r\nB:\r\nB: 2\r\nA: 3\r\nC: 4"), (3, 6));
    let (most, most_bytes) = SHOWN_AT_MOST;
    assert_eq!(shown(&"A: 1\r\n".repeat(2 * most)), (most, 2 * most));
    let long = format!("A: {}\r\n", "x".repeat(9_999));
    assert_eq!(shown(&long.repeat(100)), (6, 60_000));
    assert!(most_bytes - 60_000 < 10_000);
}

/// Whatever a header block is made of, cut anywhere: it is read without a panic, and what is found stands in it.
#[test]
fn any_block_can_be_read() {
    const WORDS: [&str; 14] = [
        "NATS/1.0\r\n",
        "Nats-Trace-Dest",
        "Nats-Trace-Only",
        "Nats-Trace-Origin-Account",
        "traceparent",
        "Accept-Encoding",
        "00-a-b-01",
        "true",
        ": ",
        ":",
        "\r\n",
        "\r",
        "\n",
        "\u{fffd}",
    ];
    let mut random = Rng::with_seed(7);
    let mut found = 0;
    for _ in 0..50_000 {
        let mut block = String::from(WORDS[0]);
        (0..random.usize(..30)).for_each(|_| block.push_str(WORDS[random.usize(..WORDS.len())]));
        let block = &block.as_bytes()[..random.usize(..=block.len())];
        with_tracing_disabled(block);
        let Some(request) = TraceRequest::read(block) else {
            continue;
        };
        found += 1;
        if let Activation::Named { destination, .. } = request.activation {
            assert!(!destination.is_empty() && may_ask(block));
            let shown: Vec<_> = request.headers.iter().collect();
            assert!(shown.contains(&(&b"Nats-Trace-Dest"[..], destination)));
        }
    }
    assert!(found > 100, "{found}");
}

#[test]
fn a_context_is_found_where_a_line_begins_with_it() {
    for (lines, may) in [
        ("traceparent: x\r\n", true),
        ("a: b\r\nTraceParent:x\r\n", true),
        ("a: traceparent: x\r\n", false),
        ("a: b\r\ntracepare", false),
        ("Nats-Trace-Dest: x\r\n", false),
        ("", false),
    ] {
        let header = format!("NATS/1.0\r\n{lines}\r\n");
        assert_eq!(may_have_context(header.as_bytes()), may, "{lines}");
    }
    assert!(!may_have_context(b""));
}
