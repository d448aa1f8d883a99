use super::*;
use crate::subject;
use fastrand::Rng;

fn made(source: &str, destination: &str, subject: &str) -> String {
    made_by_drawing(source, destination, subject, 0)
}

fn made_by_drawing(source: &str, destination: &str, subject: &str, random: u32) -> String {
    let transform = Transform::new(source, destination).unwrap();
    text(&transform, subject, random)
}

fn text(transform: &Transform, subject: &str, random: u32) -> String {
    let mut out = Vec::new();
    transform.append(subject.as_bytes(), random, &mut out);
    String::from_utf8(out).unwrap()
}

#[track_caller]
fn check(all: &[(&str, &str, &str, &str)]) {
    for (source, destination, subject, expected) in all {
        assert!(subject::matches(
            if source.is_empty() { ">" } else { source }.as_bytes(),
            subject.as_bytes()
        ));
        assert_eq!(
            made(source, destination, subject),
            *expected,
            "{source} -> {destination}"
        );
    }
}

#[test]
fn wildcards_are_put_where_the_destination_names_them() {
    check(&[
        ("", "prefix.>", "foo", "prefix.foo"),
        ("foo", "bar", "foo", "bar"),
        ("foo.*.bar.*.baz", "req.$2.$1", "foo.A.bar.B.baz", "req.B.A"),
        (
            "foo.*.bar.*.baz",
            "req.{{wildcard(2)}}.{{ Wildcard ( 1 ) }}",
            "foo.A.bar.B.baz",
            "req.B.A",
        ),
        ("baz.>", "my.pre.>", "baz.1.2.3", "my.pre.1.2.3"),
        ("a.*.>", "x.$1.>", "a.b.c.d", "x.b.c.d"),
        ("*.*", "$1", "a.b", "a"),
        ("*", "$1.$1", "a", "a.a"),
        ("a.>", ">", "a.b.c", "b.c"),
        (">", ">", "a.b", "a.b"),
        // What is no number after the `$` is text.
        ("*", "$JS.$one.$", "a", "$JS.$one.$"),
        // What names no wildcard names the first token.
        ("foo.*", "bar.$0.$-1", "foo.a", "bar.foo.foo"),
    ]);
}

/// The values are those of nats-server.
#[test]
fn partitions_are_those_of_nats_server() {
    check(&[
        ("*", "bar.{{partition(0)}}", "baz", "bar.0"),
        ("*", "bar.{{partition(10, 0)}}", "foo", "bar.3"),
        ("*.*", "bar.{{partition(10)}}", "foo.bar", "bar.6"),
        ("*", "bar.{{partition(10)}}", "foo", "bar.3"),
        ("*", "bar.{{partition(10)}}", "baz", "bar.0"),
        ("*", "bar.{{partition(10)}}", "qux", "bar.9"),
        ("foo.bar", "baz.{{partition(10)}}", "foo.bar", "baz.6"),
        ("foo.baz", "qux.{{partition(10)}}", "foo.baz", "qux.4"),
        (
            "test.subject",
            "result.{{partition(5)}}",
            "test.subject",
            "result.0",
        ),
        // The hash of "foobar" is 0xbf9cf968: the tokens are hashed without what separates them.
        (
            "*.*",
            "{{Partition(2147483647,1,2)}}",
            "foo.bar",
            &(0xbf9c_f968_u32 % 0x7fff_ffff).to_string(),
        ),
        // A negative number is one of the largest, as in nats-server.
        (
            "*.*",
            "{{partition(-1,1,2)}}",
            "foo.bar",
            &0xbf9c_f968_u32.to_string(),
        ),
    ]);
}

#[test]
fn tokens_are_cut() {
    check(&[
        ("*", "{{splitfromleft(1,3)}}", "12345", "123.45"),
        ("*", "{{SplitFromRight(1,3)}}", "12345", "12.345"),
        ("*", "{{splitFromRight(1,5)}}", "12345", "12345"),
        ("*", "{{splitFromLeft(1,0)}}", "12345", "12345"),
        ("*", "{{splitFromLeft(1,-2)}}", "12345", "12345"),
        ("*", "{{SliceFromLeft(1,3)}}", "1234567890", "123.456.789.0"),
        ("*", "{{SliceFromRight(1,3)}}", "1234567890", "1.234.567.890"),
        ("*", "{{sliceFromLeft(1,2)}}", "1234", "12.34"),
        ("*", "{{sliceFromRight(1,2)}}", "1234", "12.34"),
        ("*", "{{sliceFromRight(1,9)}}", "1234", "1234"),
        ("*", "{{right(1,1)}}", "1234", "4"),
        ("*", "{{Right(1,3)}}", "1234", "234"),
        ("*", "{{right(1,6)}}", "1234", "1234"),
        ("*", "{{left(1,1)}}", "1234", "1"),
        ("*", "{{Left(1,3)}}", "1234", "123"),
        ("*", "{{left(1,6)}}", "1234", "1234"),
    ]);
}

#[test]
fn tokens_are_split_at_a_separator() {
    check(&[
        ("*", "{{split(1,-)}}", "-abc-def--ghi-", "abc.def.ghi"),
        ("*", "{{split(1,-)}}", "abc-def--ghi-", "abc.def.ghi"),
        ("*", "{{Split(1, -)}}", "abc", "abc"),
        ("*", "{{split(1,--)}}", "a--b-c", "a.b-c"),
        ("*", "{{split(1,)}}", "aöb", "a.ö.b"),
        (
            "*.*",
            "{{split(2,-)}}.{{splitfromleft(1,2)}}",
            "foo.-abc-def--ghij-",
            "abc.def.ghij.fo.o",
        ),
        // As nats-server has it, and so to nobody.
        ("*", "a.{{split(1,-)}}", "--b", "a..b"),
        ("*", "a.{{split(1,-)}}", "---", "a."),
    ]);
}

#[test]
fn random_numbers_are_below_their_maximum() {
    let mut random = Rng::with_seed(1);
    let mut seen = [false; 6];
    for _ in 0..200 {
        let drawn = made_by_drawing("*", "{{random(6)}}", "a", random.u32(..));
        seen[drawn.parse::<usize>().unwrap()] = true;
    }
    assert_eq!(seen, [true; 6]);
    assert_eq!(made_by_drawing("*", "b.{{random(0)}}", "a", u32::MAX), "b.0");
    assert_eq!(made_by_drawing("a", "b.{{Random(1)}}", "a", u32::MAX), "b.0");
    for (destination, draws) in [
        ("b.{{random(2)}}", true),
        ("b.{{random(1)}}", false),
        ("b", false),
        ("b.$1", false),
    ] {
        assert_eq!(Transform::new("*", destination).unwrap().draws(), draws);
    }
}

#[test]
fn what_cannot_be_is_refused_in_nats_servers_words() {
    for (source, destination, error) in [
        ("foo..", "bar", "invalid subject"),
        ("foo", "", "invalid subject"),
        ("foo.*", "bar.*", "invalid subject"),
        ("foo.*", "bar.$1.>", "invalid subject"),
        ("foo.>", "bar.baz", "invalid subject"),
        ("a", "b..c", "invalid mapping destination: invalid transform"),
        (
            "a.>",
            "b.>.c",
            "invalid mapping destination: invalid transform in c",
        ),
        ("a", "b c", "invalid mapping destination: invalid transform"),
        (
            "foo.*",
            "bar.$2",
            "invalid mapping destination: wildcard index out of range in $2: [2]",
        ),
        (
            "foo.*",
            "foo.{{wildcard(2)}}",
            "invalid mapping destination: wildcard index out of range in {{wildcard(2)}}: [2]",
        ),
        (
            "foo",
            "bla.{{wildcard(1)}}",
            "invalid mapping destination: wildcard index out of range in {{wildcard(1)}}",
        ),
        (
            "foo.*",
            "foo.{{unimplemented(1)}}",
            "invalid mapping destination: unknown function in {{unimplemented(1)}}",
        ),
        (
            "foo.*",
            "foo.{{WILDCARD(1)}}",
            "invalid mapping destination: unknown function in {{WILDCARD(1)}}",
        ),
        (
            "foo.*",
            "foo.{{ wildcard5) }}",
            "invalid mapping destination: unknown function in {{ wildcard5) }}",
        ),
        (
            "foo.*",
            "foo.{{wildcard()}}",
            "invalid mapping destination: not enough arguments passed to the function in {{wildcard()}}",
        ),
        (
            "foo.*",
            "foo.{{split(1)}}",
            "invalid mapping destination: not enough arguments passed to the function in {{split(1)}}",
        ),
        (
            "foo.*",
            "foo.{{random(1,2)}}",
            "invalid mapping destination: not enough arguments passed to the function in {{random(1,2)}}",
        ),
        (
            "foo.*",
            "foo.{{wildcard(1,2)}}",
            "invalid mapping destination: too many arguments passed to the function in {{wildcard(1,2)}}",
        ),
        (
            "foo.*",
            "foo.{{left(1,2,3)}}",
            "invalid mapping destination: too many arguments passed to the function in {{left(1,2,3)}}",
        ),
    ] {
        let told = Transform::new(source, destination).unwrap_err().to_string();
        assert_eq!(told, error, "{source} -> {destination}");
    }
    for token in [
        "{{partition()}}",
        "{{partition(2147483648)}}",
        "{{partition(2,x)}}",
        "{{random()}}",
        "{{random(2147483648)}}",
        "{{wildcard(foo)}}",
        "{{left(1,2147483648)}}",
        "{{split(1,a b)}}",
        "{{split(x,-)}}",
    ] {
        let error = Transform::new("*", token).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "invalid mapping destination: function argument is invalid or in the wrong format in {token}"
            )
        );
    }
}

#[test]
fn what_one_message_costs_is_bounded() {
    let several = |count: usize| vec!["$1"; count].join(".");
    assert!(Transform::new("*", &several(TOKENS_NAMED_AT_MOST)).is_ok());
    let error = Transform::new("*", &several(TOKENS_NAMED_AT_MOST + 1)).unwrap_err();
    assert!(matches!(error, TransformError::TooManyArguments { .. }));
    let tokens = vec!["1"; TOKENS_NAMED_AT_MOST + 1].join(",");
    assert!(Transform::new("*", &format!("{{{{partition(2,{tokens})}}}}")).is_err());
}

#[test]
fn those_of_imports_can_be_turned_round() {
    for (source, destination, subject) in [
        ("foo.*.*", "bar.$2.{{Wildcard(1)}}", "foo.b.a"),
        ("a.*.*.*", "b.$2.$3.$1", "a.1.2.3"),
        ("a", "b", "a"),
        ("a.*.>", "b.$1.>", "a.1.2.3"),
    ] {
        let transform = Transform::reversible(source, destination).unwrap();
        let reversed = transform.reversed().unwrap();
        let there = text(&transform, subject, 0);
        assert!(subject::matches(
            transform.destination_pattern().as_bytes(),
            there.as_bytes()
        ));
        assert_eq!(text(&reversed, &there, 0), subject);
    }
    for (source, destination, error) in [
        (
            "foo.*.*",
            "bar.$2",
            "invalid mapping destination: not using all of the token wildcard(s) in bar.$2",
        ),
        (
            "foo.*",
            "bar.{{Partition(2,1)}}",
            "invalid mapping destination: the only mapping function allowed for import transforms is \
             {{Wildcard()}} in {{Partition(2,1)}}",
        ),
    ] {
        let told = Transform::reversible(source, destination)
            .unwrap_err()
            .to_string();
        assert_eq!(told, error);
    }
    assert_eq!(Transform::reversible("*.*", "$1.$1").unwrap().reversed(), None);
}

#[test]
fn an_identity_changes_nothing() {
    for (pattern, subject) in [
        ("a.*.b.*", "a.x.b.y"),
        (">", "a.b"),
        ("a.*.>", "a.b.c.d"),
        ("a", "a"),
    ] {
        let identity = Transform::identity(pattern).unwrap();
        assert_eq!(text(&identity, subject, 0), subject);
    }
}

/// What a destination makes of a subject, by replacing text in it.
fn model(source: &str, destination: &str, subject: &str) -> String {
    let found: Vec<&str> = subject.split('.').collect();
    let wildcards: Vec<&str> = (source.split('.').zip(&found))
        .filter_map(|(token, found)| (token == "*").then_some(*found))
        .collect();
    let mut made = destination.to_owned();
    for (number, wildcard) in wildcards.iter().enumerate() {
        made = made.replace(&format!("${}", number + 1), wildcard);
    }
    if let Some(rest) = source.strip_suffix('>') {
        let behind = found[rest.matches('.').count()..].join(".");
        made = made.replace('>', &behind);
    }
    made
}

#[test]
fn wildcards_come_out_as_in_a_plain_model() {
    let mut random = Rng::with_seed(7);
    for _ in 0..5_000 {
        let tokens = random.usize(1..7);
        let mut source: Vec<String> = (0..tokens)
            .map(|_| if random.bool() { "*" } else { "t" }.to_owned())
            .collect();
        let wildcards = source.iter().filter(|token| *token == "*").count();
        let rest = random.bool();
        let mut destination: Vec<String> = (0..random.usize(1..9))
            .map(|_| match random.usize(..=wildcards) {
                0 => "u".to_owned(),
                number => format!("${number}"),
            })
            .collect();
        if rest {
            source.push(">".to_owned());
            destination.push(">".to_owned());
        }
        let mut subject: Vec<String> = (source.iter().filter(|token| *token != ">"))
            .map(|token| match &**token {
                "*" => format!("w{}", random.u8(..)),
                token => token.to_owned(),
            })
            .collect();
        if rest {
            subject.extend((0..random.usize(1..4)).map(|at| format!("r{at}")));
        }
        let [source, destination, subject] = [source, destination, subject].map(|tokens| tokens.join("."));
        assert_eq!(
            made(&source, &destination, &subject),
            model(&source, &destination, &subject),
            "{source} -> {destination} of {subject}"
        );
    }
}

/// Whatever somebody writes there: it is refused, or makes something of any subject.
#[test]
fn nothing_panics() {
    const PIECES: [&str; 26] = [
        "{{",
        "}}",
        "(",
        ")",
        "$",
        "1",
        "2",
        "-",
        ",",
        ".",
        ".",
        "*",
        ">",
        " ",
        "a",
        "ö",
        "wildcard",
        "partition",
        "split",
        "splitfromleft",
        "sliceFromRight",
        "left",
        "random",
        "99999999999999999999",
        "{{split(1,",
        ")}}",
    ];
    let mut random = Rng::with_seed(3);
    let mut accepted = 0;
    for _ in 0..50_000 {
        let mut text = |most: usize| -> String {
            (0..random.usize(1..most))
                .map(|_| PIECES[random.usize(..PIECES.len())])
                .collect()
        };
        let (source, destination, subject) = (text(5), text(9), text(9));
        if let Ok(transform) = Transform::new(&source, &destination) {
            accepted += 1;
            let mut out = Vec::new();
            transform.append(subject.as_bytes(), random.u32(..), &mut out);
            let _ = (transform.reversed(), transform.destination_pattern());
        }
    }
    assert!(accepted > 1_000, "only {accepted} were accepted");
}
