use super::*;

#[test]
fn publishes() {
    check("PUB foo 2\r\nhi\r\n", "PUB foo 2:hi");
    check("pub foo 2\r\nhi\r\n", "PUB foo 2:hi");
    check("pUb foo 2\r\nhi\r\n", "PUB foo 2:hi");
    check("PUB\tfoo\t2\r\nhi\r\n", "PUB foo 2:hi");
    check("PUB   foo   2  \r\nhi\r\n", "PUB~ foo 2:hi");
    check("PUB   foo   2\r\nhi\r\n", "PUB foo 2:hi");
    check("PUB \t foo\t \t2 \t\r\nhi\r\n", "PUB~ foo 2:hi");
    check("PUB foo bar 2\r\nhi\r\n", "PUB foo [bar] 2:hi");
    check("PUB\tfoo\tbar\t2\r\nhi\r\n", "PUB~ foo [bar] 2:hi");
    check("PUB foo  bar 2\r\nhi\r\n", "PUB foo [bar] 2:hi");
    check("PUB foo bar  2\r\nhi\r\n", "PUB~ foo [bar] 2:hi");
    check("PUB foo 0\r\n\r\n", "PUB foo 0:");
    check("PUB foo bar 0\r\n\r\n", "PUB foo [bar] 0:");
    check("PUB foo 00\r\n\r\n", "PUB foo 00:");
    check("PUB foo 02\r\nhi\r\n", "PUB foo 02:hi");
    check("PUB foo 000000002\r\nhi\r\n", "PUB foo 000000002:hi");
    check("PUB foo 2\nhi\r\n", "PUB~ foo 2:hi");
    check("PUB foo\r 2\r\nhi\r\n", "PUB foo\\r 2:hi");
    check("PUB foo 8\r\na\r\nb\r\nc\n\r\n", "PUB foo 8:a\\r\\nb\\r\\nc\\n");
    check("PUB foo 6\r\nPING\r\n\r\n", "PUB foo 6:PING\\r\\n");
    check(
        b"PUB foo 5\r\n\x00\xff\x01\r\n\r\n",
        "PUB foo 5:\\x00\\xff\\x01\\r\\n",
    );
    check("PUB foo 1\r\na\r\nPUB foo 1\r\nb\r\n", "PUB foo 1:a; PUB foo 1:b");
    check(
        "PUB foo 1\r\na\r\nGARBAGE\r\n",
        "PUB foo 1:a; ! Unknown Protocol Operation",
    );
    check("PUB foo..*.> 1\r\na\r\n", "PUB foo..*.> 1:a");
    check("PUB a\x01b\x7fc 1\r\na\r\n", "PUB a\\x01b\\x7fc 1:a");
    check(
        "PUB пример.例 1\r\na\r\n",
        &format!("PUB {} 1:a", "пример.例".as_bytes().escape_ascii()),
    );
    check("PUB 2 2 2\r\nhi\r\n", "PUB 2 [2] 2:hi");
    // No blank after the last argument, and an argument that looks like the subject.
    check("PUB a a 1\r\na\r\n", "PUB a [a] 1:a");
}

#[test]
fn publishes_that_close_in_silence() {
    check("PUB foo bar baz 2\r\nhi\r\n", ARGUMENTS);
    check("PUB foo\r\nhi\r\n", ARGUMENTS);
    check("PUB \r\n", ARGUMENTS);
    check("PUB \n", ARGUMENTS);
    check("PUB foo -1\r\nhi\r\n", ARGUMENTS);
    check("PUB foo +2\r\nhi\r\n", ARGUMENTS);
    check("PUB foo two\r\nhi\r\n", ARGUMENTS);
    check("PUB foo 2.0\r\nhi\r\n", ARGUMENTS);
    check("PUB foo 0x2\r\nhi\r\n", ARGUMENTS);
    check("PUB foo 2x\r\nhi\r\n", ARGUMENTS);
    check("PUB foo 2147483647\r\nhi\r\n", ARGUMENTS);
    check("PUB foo 2147483648\r\nhi\r\n", ARGUMENTS);
    check("PUB foo 9223372036854775808\r\nhi\r\n", ARGUMENTS);
    check("PUB foo 99999999999999999999999999\r\nhi\r\n", ARGUMENTS);
    check("PUB foo 0000000002\r\nhi\r\n", ARGUMENTS);
    check("PUB foo 2\r\r\nhi\r\n", ARGUMENTS);
    check("PUB foo\r 2\nhi\r\n", ARGUMENTS);
}

#[test]
fn publishes_that_are_no_operation() {
    check("PUB\r\n", UNKNOWN);
    check("PUBfoo 2\r\nhi\r\n", UNKNOWN);
    check("PUB foo 2\r\nhello\r\n", UNKNOWN);
    check("PUB foo 5\r\nhi\r\nPING\r\n", UNKNOWN);
    check("PUB foo 2\r\nhi\n", UNKNOWN);
    check("PUB foo 2\r\nhi\r\r\n", UNKNOWN);
    check("PUB foo 2\r\nhiPING\r\n", UNKNOWN);
    check("PUB foo 2\r\nhiP", UNKNOWN);
    check("PUB foo 2\r\nhi\rP", UNKNOWN);
}

#[test]
fn payloads_over_the_limit_are_refused_before_they_arrive() {
    const TOO_LARGE: &str = "! Maximum Payload Violation";
    check("PUB sized 1048576\r\n", "...1048597");
    check("PUB sized 1048577\r\n", TOO_LARGE);
    check("PUB sized 999999999\r\n", TOO_LARGE);
    check("HPUB h 18 1048577\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n", TOO_LARGE);
    check("HPUB h 12 1048576\r\nNATS/1.0\r\n", "...1048597");
    let limits = FrameLimits {
        max_payload: 2,
        ..LIMITS
    };
    check_with(
        &limits,
        b"PUB a 2\r\nhi\r\nPUB a 3\r\nabc\r\n",
        "PUB a 2:hi; ! Maximum Payload Violation",
    );
    let limits = FrameLimits {
        max_payload: usize::MAX,
        ..LIMITS
    };
    check_with(&limits, b"PUB a 999999999\r\n", "...1000000018");
    let limits = FrameLimits {
        max_payload: 0,
        ..LIMITS
    };
    check_with(
        &limits,
        b"PUB a 0\r\n\r\nPUB a 1\r\n",
        "PUB a 0:; ! Maximum Payload Violation",
    );
}

const GOOD: &str = "NATS/1.0\r\nA: b\r\n\r\n";

#[test]
fn publishes_with_headers() {
    let good = |line: &str, rest: &str| format!("{line}\r\n{GOOD}{rest}");
    let header = GOOD.as_bytes().escape_ascii();
    check(
        good("HPUB h 18 20", "hi\r\n"),
        &format!("PUB h 18:{header} 20:hi"),
    );
    check(
        good("hpub h 18 20", "hi\r\n"),
        &format!("PUB h 18:{header} 20:hi"),
    );
    check(
        good("HPUB\th\t18\t20", "hi\r\n"),
        &format!("PUB~ h 18:{header} 20:hi"),
    );
    check(
        good("HPUB h  18 20", "hi\r\n"),
        &format!("PUB h 18:{header} 20:hi"),
    );
    check(
        good("HPUB h r 18 20", "hi\r\n"),
        &format!("PUB h [r] 18:{header} 20:hi"),
    );
    check(
        good("HPUB h 018 0020", "hi\r\n"),
        &format!("PUB h 018:{header} 0020:hi"),
    );
    check(good("HPUB h 18 18", "\r\n"), &format!("PUB h 18:{header} 18:"));
    check(
        "HPUB h 12 14\r\nNATS/1.0\r\n\r\nhi\r\n",
        "PUB h 12:NATS/1.0\\r\\n\\r\\n 14:hi",
    );
    check(
        "HPUB h 16 16\r\nNATS/1.0 503\r\n\r\n\r\n",
        "PUB h 16:NATS/1.0 503\\r\\n\\r\\n 16:",
    );
    check("HPUB h 0 2\r\nhi\r\n", "PUB~ h 2:hi");
    check("HPUB h r 0 2\r\nhi\r\n", "PUB~ h [r] 2:hi");
    check("HPUB h 0 0\r\n\r\n", "PUB~ h 0:");
    check(
        "HPUB h 18 20\r\nNATS/2.0\r\nA: b\r\n\r\nhi\r\n",
        "PUB h 18:NATS/2.0\\r\\nA: b\\r\\n\\r\\n 20:hi",
    );
    check(
        "HPUB h 8 10\r\nA: b\r\n\r\nhi\r\n",
        "PUB h 8:A: b\\r\\n\\r\\n 10:hi",
    );
    check(
        "HPUB h 16 18\r\nNATS/1.0\r\nA: b\r\nhi\r\n",
        "PUB h 16:NATS/1.0\\r\\nA: b\\r\\n 18:hi",
    );
    check(
        good("HPUB h 10 20", "hi\r\n"),
        "PUB h 10:NATS/1.0\\r\\n 20:A: b\\r\\n\\r\\nhi",
    );
    check(
        b"HPUB h 6 8\r\n\x00\xff\x01\x02\r\nhi\r\n",
        "PUB h 6:\\x00\\xff\\x01\\x02\\r\\n 8:hi",
    );
    check(
        format!("PUB h 2\r\nhi\r\n{}", good("HPUB h 18 20", "hi\r\n")),
        &format!("PUB h 2:hi; PUB h 18:{header} 20:hi"),
    );
}

#[test]
fn publishes_with_headers_that_close() {
    let good = |line: &str, rest: &str| format!("{line}\r\n{GOOD}{rest}");
    check(good("HPUB h 20 18", "\r\n"), ARGUMENTS);
    check(good("HPUB h -1 20", "hi\r\n"), ARGUMENTS);
    check(good("HPUB h 18 -1", "hi\r\n"), ARGUMENTS);
    check(good("HPUB h x 20", "hi\r\n"), ARGUMENTS);
    check(good("HPUB h 18 99999999999999999999", "hi\r\n"), ARGUMENTS);
    check(good("HPUB h 18", "\r\n"), ARGUMENTS);
    check("HPUB h\r\n", ARGUMENTS);
    check("HPUB\r\n", UNKNOWN);
    check(good("HPUB h r x 18 20", "hi\r\n"), ARGUMENTS);
    check(good("HPUB h 18 20", "hixx\r\n"), UNKNOWN);

    // Whatever the line says, once it is complete.
    let limits = FrameLimits {
        headers: false,
        ..LIMITS
    };
    for line in [
        "HPUB h 18 20",
        "HPUB h 0 2",
        "HPUB h r x 18 20",
        "HPUB h 18 9999999",
    ] {
        check_with(
            &limits,
            good(line, "hi\r\n").as_bytes(),
            "! (message headers not supported)",
        );
        check_with(&limits, line.as_bytes(), "...");
    }
}

#[test]
fn what_has_come_of_one_that_is_too_large_is_known() {
    let limits = FrameLimits {
        max_control_line: 64,
        max_payload: 100,
        headers: true,
    };
    for (input, expect) in [
        ("HPUB a 12 101\r\n", Some(("a", "", 101))),
        ("HPUB a 12 101\r\nNATS", Some(("a", "NATS", 101))),
        (
            "hpub a  r 12 101 \nNATS/1.0\r\n\r\nbody",
            Some(("a", "NATS/1.0\r\n\r\n", 101)),
        ),
        ("PUB a 101\r\nNATS/1.0\r\n\r\n", None),
    ] {
        let input = input.as_bytes();
        assert_eq!(
            parse(input, &limits),
            Parsed::Violation(Violation::MaximumPayload)
        );
        let found = oversized(input, &limits);
        let expect = expect.map(|(subject, header, size): (&str, &str, _)| Oversized {
            subject: subject.as_bytes(),
            header: header.as_bytes(),
            size,
        });
        assert_eq!(found, expect);
    }
}
