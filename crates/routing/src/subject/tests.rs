use super::*;

#[track_caller]
fn check(pattern: &str, subject: &str, expected: bool) {
    assert_eq!(
        matches(pattern.as_bytes(), subject.as_bytes()),
        expected,
        "{pattern} {subject}"
    );
}

#[test]
fn patterns_match_as_nats_server_matches_them() {
    const PATTERNS: [&str; 20] = [
        "a", "a.b", "a.b.c", "a.*", "*.b", "*.*", "*", "a.>", ">", "*.>", "a.*.c", "a.b.>", "*.*.*", "a.*.>",
        "A.b", "a.b.c.d", "*.b.*", "a.**", "a.b*", "b.>",
    ];
    let reached: [(&str, &[&str]); 16] = [
        ("a", &["a", "*", ">"]),
        ("b", &["*", ">"]),
        ("A", &["*", ">"]),
        ("a.b", &["a.b", "a.*", "*.b", "*.*", "a.>", ">", "*.>"]),
        ("a.c", &["a.*", "*.*", "a.>", ">", "*.>"]),
        ("A.b", &["*.b", "*.*", ">", "*.>", "A.b"]),
        ("b.b", &["*.b", "*.*", ">", "*.>", "b.>"]),
        (
            "a.b.c",
            &[
                "a.b.c", "a.>", ">", "*.>", "a.*.c", "a.b.>", "*.*.*", "a.*.>", "*.b.*",
            ],
        ),
        ("a.x.c", &["a.>", ">", "*.>", "a.*.c", "*.*.*", "a.*.>"]),
        ("a.b.c.d", &["a.>", ">", "*.>", "a.b.>", "a.*.>", "a.b.c.d"]),
        ("x.b.y", &[">", "*.>", "*.*.*", "*.b.*"]),
        ("a.b.c.d.e", &["a.>", ">", "*.>", "a.b.>", "a.*.>"]),
        ("aa", &["*", ">"]),
        ("a.bb", &["a.*", "*.*", "a.>", ">", "*.>"]),
        ("a.b*", &["a.*", "*.*", "a.>", ">", "*.>", "a.b*"]),
        ("a.**", &["a.*", "*.*", "a.>", ">", "*.>", "a.**"]),
    ];
    for (subject, patterns) in reached {
        for pattern in PATTERNS {
            check(pattern, subject, patterns.contains(&pattern));
        }
    }
}

/// All of up to so many bytes of these.
fn texts(longest: usize) -> Vec<Vec<u8>> {
    let mut texts = vec![Vec::new()];
    let mut last = texts.clone();
    for _ in 0..longest {
        let longer = last
            .iter()
            .flat_map(|text| b"ab*>.".map(|byte| [&text[..], &[byte]].concat()));
        last = longer.collect();
        texts.extend_from_slice(&last);
    }
    texts
}

/// As the rule is said, token by token.
fn matches_by_tokens(pattern: &[u8], subject: &[u8]) -> bool {
    let split = |text: &'_ [u8]| {
        text.split(|byte| *byte == b'.')
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()
    };
    let (pattern, subject) = (split(pattern), split(subject));
    if subject.iter().any(Vec::is_empty) {
        return false;
    }
    let is_open = pattern.last().is_some_and(|last| last == b">");
    let fixed = &pattern[..pattern.len() - usize::from(is_open)];
    let is_long_enough = match is_open {
        true => subject.len() > fixed.len(),
        false => subject.len() == fixed.len(),
    };
    let is_equal = |(wanted, given): (&Vec<u8>, &Vec<u8>)| wanted == b"*" || wanted == given;
    is_long_enough && fixed.iter().zip(&subject).all(is_equal)
}

#[test]
fn patterns_match_token_by_token() {
    let texts = texts(5);
    let patterns: Vec<_> = texts.iter().filter(|text| is_valid_subscription(text)).collect();
    // So many that all of both is too much for a test.
    for (number, pattern) in patterns.iter().enumerate() {
        for subject in texts.iter().skip(number % 7).step_by(7) {
            assert_eq!(
                matches(pattern, subject),
                matches_by_tokens(pattern, subject),
                "{} {}",
                String::from_utf8_lossy(pattern),
                String::from_utf8_lossy(subject)
            );
        }
    }
}

#[test]
fn wildcards_in_a_published_subject_are_ordinary_tokens() {
    check("lit.a", "lit.*", false);
    check("lit.*", "lit.*", true);
    check("lit.>", "lit.*", true);
    check("lit.*", "lit.>", true);
    check("lit.>", "lit.>", true);
    check("lit.a", "lit.>", false);
    check("lit.a.b", "lit.>", false);
    check(">", "foo.>.bar", true);
    check(">", ">.foo", true);
}

#[test]
fn the_full_wildcard_stands_for_one_token_or_more() {
    check("foo.>", "foo", false);
    check("foo.>", "foo.bar", true);
    check("foo.*.>", "foo.bar", false);
    check("foo.*.>", "foo.bar.baz", true);
}

#[test]
fn a_subject_with_an_empty_token_reaches_nobody() {
    for subject in ["", ".", "..", "foo..bar", ".foo", "foo.", "foo.bar."] {
        for pattern in [">", "*", "foo.>", "*.>", "foo.*.bar", "*.*", subject] {
            check(pattern, subject, false);
        }
    }
}

#[track_caller]
fn check_valid(subject: &[u8], subscription: bool, literal: bool) {
    let shown = String::from_utf8_lossy(subject);
    assert_eq!(
        is_valid_subscription(subject),
        subscription,
        "subscription to {shown}"
    );
    assert_eq!(is_valid_literal(subject), literal, "literal {shown}");
}

#[test]
fn what_may_be_subscribed_to_and_published_on() {
    for subject in [
        "foo",
        "foo.bar",
        "f*o",
        "foo.b*",
        "foo.*b",
        "foo.**",
        "foo>",
        "foo.b>",
        "foo.>>",
        "FOO",
        "füü.日本",
        "foo.🙂",
        "foo\x01bar",
        "foo\0bar",
        "foo\x7f",
        "a:b/c\\d\"e'f,g;h",
        "$foo.bar",
        "$SYS.FOO",
        "_INBOX.abc",
        "$JS.API.INFO",
        "foo.{bar}",
        &["t"; 60].join("."),
        &"x".repeat(1000),
    ] {
        check_valid(subject.as_bytes(), true, true);
    }
    check_valid(b"foo.\xff\xfe", true, true);
    for wildcard in ["*", "foo.*", "foo.*.bar", "*.*", ">", "foo.>", "foo.*.>"] {
        check_valid(wildcard.as_bytes(), true, false);
    }
    for misplaced in ["foo.>.bar", ">.foo", ">.>", ">.*"] {
        check_valid(misplaced.as_bytes(), false, false);
    }
    for empty in ["", "foo..bar", ".foo", "foo.", ".", ".."] {
        check_valid(empty.as_bytes(), false, false);
    }
    // White space ends an argument on the wire; other doors must not let it in either.
    for blank in ["foo bar", "foo.\tbar", "a\r\n", " ", "foo.\x0c"] {
        check_valid(blank.as_bytes(), false, true);
    }
}

#[test]
fn a_wildcard_is_a_whole_token() {
    for (subject, expected) in [
        ("*", true),
        (">", true),
        ("a.*", true),
        ("a.*.b", true),
        ("*.a", true),
        ("a.>", true),
        ("a", false),
        ("a*", false),
        ("*a", false),
        ("a.*b.c", false),
        ("a.b>", false),
        ("**", false),
        ("a.>>", false),
        ("", false),
    ] {
        assert_eq!(has_wildcards(subject.as_bytes()), expected, "{subject}");
    }
}

#[test]
fn tokens_are_what_separators_separate() {
    for (subject, expected) in [
        ("a", vec!["a"]),
        ("a.bc.d", vec!["a", "bc", "d"]),
        ("a..", vec!["a", "", ""]),
    ] {
        assert_eq!(token_count(subject.as_bytes()), expected.len());
        assert!(tokens(subject.as_bytes()).eq(expected.iter().map(|token| token.as_bytes())));
    }
}

#[test]
fn patterns_that_share_a_subject_overlap() {
    for (one, other, expected) in [
        ("a", "a", true),
        ("a", "b", false),
        ("a.*", "a.b", true),
        ("a.*", "*.b", true),
        ("a.*", "*.b.c", false),
        ("a.>", "a", false),
        ("a.>", "a.b.>", true),
        ("a.>", "*.*.c", true),
        (">", "a.b", true),
        ("a.*.>", "a.*", false),
        ("a.*.c", "a.b.*", true),
        ("a.*.c", "a.b.d", false),
    ] {
        assert_eq!(
            overlap(one.as_bytes(), other.as_bytes()),
            expected,
            "{one} {other}"
        );
        assert_eq!(
            overlap(other.as_bytes(), one.as_bytes()),
            expected,
            "{other} {one}"
        );
    }
}

#[test]
fn a_subset_is_matched_whole() {
    for (inner, pattern, expected) in [
        ("v1.dev", "v1.*", true),
        ("v1.*", "v1.*", true),
        ("v1.>", "v1.*", false),
        ("v1.>", "v1.>", true),
        ("v1", "v1.>", false),
        ("v1.a.b", "v1.*", false),
        ("*", "v1", false),
        (">", "*", false),
        (">", ">", true),
        ("v1.", "v1.*", false),
        ("v1.a", "v2.*", false),
    ] {
        assert_eq!(
            is_subset(inner.as_bytes(), pattern.as_bytes()),
            expected,
            "{inner} {pattern}"
        );
    }
}

#[test]
fn what_two_patterns_share_is_a_pattern() {
    for (one, other, both) in [
        ("a", "a", Some("a")),
        ("a", "b", None),
        ("a.*", "*.b", Some("a.b")),
        ("a.*.c", "a.b.*", Some("a.b.c")),
        ("a.*", "a.>", Some("a.*")),
        ("a.*.>", "a.b.*", Some("a.b.*")),
        ("a.>", "*.*.c", Some("a.*.c")),
        ("a.>", "*.>", Some("a.>")),
        (">", "a.b", Some("a.b")),
        (">", ">", Some(">")),
        ("a.>", "a", None),
        ("a.*.>", "a.*", None),
    ] {
        for (one, other) in [(one, other), (other, one)] {
            let shared = intersection(one.as_bytes(), other.as_bytes());
            let shared = shared.map(|shared| String::from_utf8(shared).unwrap());
            assert_eq!(shared.as_deref(), both, "{one} {other}");
            assert_eq!(overlap(one.as_bytes(), other.as_bytes()), both.is_some());
        }
    }
}

#[test]
fn what_stands_before_wildcards_is_common_to_all() {
    for (pattern, start) in [
        ("a.b", "a.b"),
        ("a.*.c", "a."),
        ("a.>", "a."),
        ("*.a", ""),
        (">", ""),
        ("a*.b", "a*.b"),
    ] {
        assert_eq!(literal_start(pattern.as_bytes()), start.as_bytes(), "{pattern}");
    }
}
