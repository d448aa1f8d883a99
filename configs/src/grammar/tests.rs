use super::{Environment, Files, MAX_DEPTH, Map, SyntaxError, parse};
use std::collections::HashMap;
use std::io;
use std::path::Path;

/// Files by path.
struct Folder(HashMap<&'static str, String>);

impl Files for Folder {
    fn read(&self, path: &Path) -> io::Result<String> {
        let text = self.0.get(path.to_str().unwrap_or_default());
        text.cloned()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no such file"))
    }
}

fn read_with(files: &[(&'static str, &str)], environment: &dyn Environment) -> Result<Map, SyntaxError> {
    let folder = Folder(
        files
            .iter()
            .map(|(path, text)| (*path, (*text).to_owned()))
            .collect(),
    );
    parse(files[0].1, Path::new(files[0].0), &folder, environment)
}

fn show(result: Result<Map, SyntaxError>) -> String {
    result.map_or_else(|error| error.to_string(), |map| map.to_json())
}

fn read(text: &str) -> String {
    show(read_with(&[("a.conf", text)], &|_: &str| None))
}

fn check(table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(read(text), *expected, "{text}");
    }
}

#[test]
fn entries() {
    check(&[
        ("", "{}"),
        (" \n\t\r\n", "{}"),
        ("# nothing", "{}"),
        (
            "a=1,b:2;c 3\nd\t4 , e  =  5;\r\nf:6,",
            r#"{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}"#,
        ),
        (
            "a = 1 # one\nb = 2// two",
            "a.conf: Parse error on line 2, column 9: expected a new line, a comma or a semicolon, found other text",
        ),
        ("a = 1 // one\n// two\nb = x#y", r#"{"a":1,"b":"x#y"}"#),
        ("'a b' = 1\n\"c:d\" = 2", r#"{"a b":1,"c:d":2}"#),
        ("a = 1\na = 2", r#"{"a":2}"#),
        ("a\n\n= 1\nb\n2", r#"{"a":1,"b":2}"#),
        ("a =", r#"{"a":""}"#),
        ("a = ,b = ;", r#"{"a":"","b":""}"#),
        ("\u{a0}a = 1", r#"{"a":1}"#),
        ("a{b = 1", r#"{"a{b":1}"#),
    ]);
}

#[test]
fn braces_around_everything_mean_nothing() {
    check(&[
        (r#"{"a": 1, "b": [2, 3]}"#, r#"{"a":1,"b":[2,3]}"#),
        ("{ a: 1 } b: 2", r#"{"a":1,"b":2}"#),
        ("{{a: 1}, b: 2}", r#"{"a":1,"b":2}"#),
        ("{}", "{}"),
        ("a: 1\n}", r#"{"a":1}"#),
        ("a: 1 }", r#"{"a":1}"#),
        (
            "{ a: 1",
            "a.conf: Parse error on line 1, column 6: expected a key or the closing }, found the end of the file",
        ),
        (
            "{ a: 1, ",
            "a.conf: Parse error on line 1, column 8: expected a key or the closing }, found the end of the file",
        ),
        (
            "{ a: 1 b: 2 }",
            "a.conf: Parse error on line 1, column 7: expected a comma, a new line or the closing }, found other text",
        ),
    ]);
}

#[test]
fn maps_and_arrays() {
    check(&[
        ("m {}", r#"{"m":{}}"#),
        ("m\n{\n a 1\n # no\n b: 2 # two\n}", r#"{"m":{"a":1,"b":2}}"#),
        (
            "m: {a: 1, b = 2; c: {d: 3}, }",
            r#"{"m":{"a":1,"b":2,"c":{"d":3}}}"#,
        ),
        ("m {a:\n 1}", r#"{"m":{"a":1}}"#),
        ("m { 'a': x, \"b\": y}", r#"{"m":{"a":"x","b":"y"}}"#),
        ("l []", r#"{"l":[]}"#),
        ("l [1, 2\n3 # three\n 4, // four\n 5,]", r#"{"l":[1,2,3,4,5]}"#),
        (
            "l [[1], {a: 2}, 'x', $2a$x, 3k]",
            r#"{"l":[[1],{"a":2},"x","$2a$x",3000]}"#,
        ),
        (
            "m {",
            "a.conf: Parse error on line 1, column 3: expected a key or the closing }, found the end of the file",
        ),
        (
            "m { a }",
            "a.conf: Parse error on line 1, column 6: expected a value, found }",
        ),
        (
            "m { a: , }",
            "a.conf: Parse error on line 1, column 7: expected a value, found ,",
        ),
        (
            "m { ] }",
            "a.conf: Parse error on line 1, column 4: expected a key or the closing }, found ]",
        ),
        (
            "m {a: 1 / b: 2}",
            "a.conf: Parse error on line 1, column 8: expected a comma, a new line or the closing }, found /",
        ),
        (
            "l [1,,2]",
            "a.conf: Parse error on line 1, column 5: expected a value or the closing ], found ,",
        ),
        (
            "l [1 2]",
            "a.conf: Parse error on line 1, column 5: expected a comma, a new line or the closing ], found other text",
        ),
        (
            "l [\n1",
            "a.conf: Parse error on line 2, column 2: expected a comma, a new line or the closing ], found the end of the file",
        ),
        (
            "l [1;2]",
            "a.conf: Parse error on line 1, column 4: expected a comma, a new line or the closing ], found ;",
        ),
    ]);
}

#[test]
fn numbers() {
    check(&[
        (
            "a 0, b -5, c 0012, d 9223372036854775807",
            r#"{"a":0,"b":-5,"c":12,"d":9223372036854775807}"#,
        ),
        (
            "a 1k, b 1kb, c 1Ki, d 1KiB, e -1k",
            r#"{"a":1000,"b":1024,"c":1024,"d":1024,"e":-1000}"#,
        ),
        (
            "a 1m, b 1MB, c 1g, d 1gib",
            r#"{"a":1000000,"b":1048576,"c":1000000000,"d":1073741824}"#,
        ),
        (
            "a 1t, b 1p, c 1e, d 1tb",
            r#"{"a":1000000000000,"b":1000000000000000,"c":1000000000000000000,"d":1099511627776}"#,
        ),
        ("a 2.50, b -0.5, c 3.0", r#"{"a":2.5,"b":-0.5,"c":3}"#),
        ("a 0.0000001", r#"{"a":1e-7}"#),
        (
            "a 127.0.0.1, b 127.0.0.1:4222",
            r#"{"a":"127.0.0.1","b":"127.0.0.1:4222"}"#,
        ),
        (
            "a 20s, b 5parsecs, c 12ab, d 1kx",
            r#"{"a":"20s","b":"5parsecs","c":"12ab","d":"1kx"}"#,
        ),
        ("a 2016-05-04T18:53:41Z", r#"{"a":"2016-05-04T18:53:41Z"}"#),
        (
            "a 9223372036854775808",
            "a.conf: Parse error on line 1, column 2: the number is out of range",
        ),
        (
            "a 99e",
            "a.conf: Parse error on line 1, column 2: the number is out of range",
        ),
        (
            "a 1kbb",
            "a.conf: Parse error on line 1, column 2: a size ends in k, m, g, t, p or e, or one of these and b, i or ib",
        ),
        (
            "a 1m30s",
            "a.conf: Parse error on line 1, column 4: expected a new line, a comma or a semicolon, found other text",
        ),
        (
            "a 1.5s",
            "a.conf: Parse error on line 1, column 5: expected a new line, a comma or a semicolon, found other text",
        ),
        (
            "a 1.",
            "a.conf: Parse error on line 1, column 4: expected a digit after the decimal point, found the end of the file",
        ),
        (
            "a .5",
            "a.conf: Parse error on line 1, column 2: expected a value, found .",
        ),
        (
            "a -x",
            "a.conf: Parse error on line 1, column 3: expected a digit, found other text",
        ),
        (
            "a 12-34",
            "a.conf: Parse error on line 1, column 2: expected a date such as 2006-01-02T15:04:05Z",
        ),
        (
            "a 2015-02-29T00:00:00Z",
            "a.conf: Parse error on line 1, column 2: expected a date such as 2006-01-02T15:04:05Z",
        ),
        (
            "a 2016-05-04",
            "a.conf: Parse error on line 1, column 2: expected a date such as 2006-01-02T15:04:05Z",
        ),
    ]);
}

#[test]
fn texts() {
    check(&[
        (
            "a true, b YES, c on, d False, e no, f Off",
            r#"{"a":true,"b":true,"c":true,"d":false,"e":false,"f":false}"#,
        ),
        (
            "a 'true', b \"5\", c trueish",
            r#"{"a":"true","b":"5","c":"trueish"}"#,
        ),
        ("a 'b\\t\"c'", r#"{"a":"b\\t\"c"}"#),
        (r#"a "\t\n\r\"\\\x41\xc3\xA9""#, r#"{"a":"\t\n\r\"\\Aé"}"#),
        (r"a b\tc, d tr\x75e", r#"{"a":"b\tc","d":"true"}"#),
        ("a \"b\nc\"", r#"{"a":"b\nc"}"#),
        ("a имя, b 'имя'", r#"{"a":"имя","b":"имя"}"#),
        ("a b'\nc 'd'", r#"{"a":"b","c":"d"}"#),
        ("a <b>&", r#"{"a":"\u003cb\u003e\u0026"}"#),
        ("a (\nb\n)\nc d", r#"{"a":"\nb\n","c":"d"}"#),
        ("a (\n b )\n) c\n)", r#"{"a":"\n b )\n) c\n"}"#),
        ("a $2a$11$abc/d.e", r#"{"a":"$2a$11$abc/d.e"}"#),
        ("a '$b'", r#"{"a":"$b"}"#),
        (
            "a \"b",
            "a.conf: Parse error on line 1, column 4: expected the closing \" of a text, found the end of the file",
        ),
        (
            "a 'b\n",
            "a.conf: Parse error on line 2, column 1: expected the closing ' of a text, found the end of the file",
        ),
        (
            "a (\nb",
            "a.conf: Parse error on line 2, column 2: expected a ) alone on a line, found the end of the file",
        ),
        (
            r#"a "\q""#,
            r#"a.conf: Parse error on line 1, column 3: a backslash must be followed by n, t, r, ", \ or x and two hexadecimal digits"#,
        ),
        (
            r#"a "\x4""#,
            r#"a.conf: Parse error on line 1, column 3: a backslash must be followed by n, t, r, ", \ or x and two hexadecimal digits"#,
        ),
        (
            r#"a "\xff""#,
            "a.conf: Parse error on line 1, column 3: the escaped bytes are not UTF-8",
        ),
        (
            "a b\n\0",
            "a.conf: Parse error on line 2, column 1: a zero byte is no text",
        ),
    ]);
}

#[test]
fn faults_of_keys() {
    check(&[
        ("a", "a.conf:1:1: the last key has no value"),
        ("]", "a.conf:1:1: the last key has no value"),
        (
            ": 5",
            "a.conf: Parse error on line 1, column 0: expected a key, found :",
        ),
        (
            "/ 5",
            "a.conf: Parse error on line 1, column 0: expected a key, found /",
        ),
        (
            "a 1,, b 2",
            "a.conf: Parse error on line 1, column 4: expected a key, found ,",
        ),
        (
            "\"a",
            "a.conf: Parse error on line 1, column 2: expected the closing quote of a key, found the end of the file",
        ),
        (
            "a:\nb: 1",
            "a.conf: Parse error on line 2, column 1: expected a value on the line of its key, found the end of the line",
        ),
        (
            "a 1 2",
            "a.conf: Parse error on line 1, column 4: expected a new line, a comma or a semicolon, found other text",
        ),
        (
            "a 1 / b",
            "a.conf: Parse error on line 1, column 4: expected a new line, a comma or a semicolon, found /",
        ),
    ]);
}

#[test]
fn variables() {
    check(&[
        ("A 1\nb $A", r#"{"A":1,"b":1}"#),
        (
            "A 1\nm { b $A, A 2, c $A, n { d $A } }\ne $A",
            r#"{"A":1,"e":1,"m":{"A":2,"b":1,"c":2,"n":{"d":2}}}"#,
        ),
        (
            "A { x [1] }\nb $A\nl [$A]",
            r#"{"A":{"x":[1]},"b":{"x":[1]},"l":[{"x":[1]}]}"#,
        ),
        ("A 1\nB $A\nc $B", r#"{"A":1,"B":1,"c":1}"#),
        ("m { A 1 }\nb $A", UNKNOWN_A),
        ("b $A\nA 1", UNKNOWN_A_FIRST),
        (
            "password $ecret",
            "a.conf: line 1, column 9: variable reference cannot be found: it is neither set before, here or in \
             an enclosing block, nor in the environment",
        ),
    ]);
}

const UNKNOWN_A: &str = "a.conf: line 2, column 3: variable reference $A cannot be found: it is neither set \
                         before, here or in an enclosing block, nor in the environment";
const UNKNOWN_A_FIRST: &str = "a.conf: line 1, column 2: variable reference $A cannot be found: it is neither set \
                               before, here or in an enclosing block, nor in the environment";

#[test]
fn only_what_is_referred_to_is_used() {
    let tree = read_with(&[("a.conf", "A 1\nB 2\nc $A\nB 3")], &|_: &str| None).unwrap();
    let used: Vec<(&str, bool)> = tree
        .entries()
        .iter()
        .map(|entry| (entry.key.as_str(), entry.used))
        .collect();
    assert_eq!(used, [("A", true), ("B", false), ("c", false)]);
}

#[test]
fn variables_of_the_environment() {
    let environment = |name: &str| {
        let text = match name {
            "SIZE" => "2KB",
            "NAME" => "east",
            "QUOTED" => "\"a b\"",
            "MAP" => "{ a: [1, $SIZE] }",
            "AGAIN" => "$SIZE",
            "EMPTY" => "",
            "LOOP" => "[$POOL]",
            "POOL" => "$LOOP",
            "BAD" => "[1",
            "OPEN" => "\"hush",
            "PASS" => "$hush",
            _ => return None,
        };
        Some(text.to_owned())
    };
    for (text, expected) in [
        ("a $SIZE", r#"{"a":2048}"#),
        ("a $NAME, b $QUOTED, c $EMPTY", r#"{"a":"east","b":"a b","c":""}"#),
        ("a $MAP, b $AGAIN", r#"{"a":{"a":[1,2048]},"b":2048}"#),
        ("SIZE 5, a $SIZE", r#"{"SIZE":5,"a":5}"#),
        (
            "\na $LOOP",
            "a.conf: line 2, column 3: variable reference $LOOP cannot be parsed: in the environment, variable \
             reference cannot be parsed: in the environment, variable reference leads back to itself",
        ),
        (
            "password $PASS",
            "a.conf: line 1, column 9: variable reference cannot be parsed: in the environment, variable \
             reference cannot be found: it is neither set before, here or in an enclosing block, nor in the \
             environment",
        ),
        (
            "a $BAD",
            "a.conf: line 1, column 2: variable reference $BAD cannot be parsed: in the environment, expected a \
             comma, a new line or the closing ], found the end of the file",
        ),
        (
            "a $OPEN",
            "a.conf: line 1, column 2: variable reference $OPEN cannot be parsed: in the environment, expected \
             the closing \" of a text, found the end of the file",
        ),
    ] {
        assert_eq!(
            show(read_with(&[("a.conf", text)], &environment)),
            expected,
            "{text}"
        );
    }
}

#[test]
fn included_files() {
    let rest = [
        ("etc/b.conf", "b 2"),
        ("etc/sub/c.conf", "include ../b.conf\nc 3"),
        ("etc/bad.conf", "x 1\ny [1"),
        ("etc/me.conf", "include ./me.conf"),
        ("etc/again.conf", "include a.conf"),
        ("etc/far.conf", "\n  include bad.conf"),
        ("etc/needs.conf", "d $A"),
    ];
    for (text, expected) in [
        ("include ./b.conf", r#"{"b":2}"#),
        ("INCLUDE 'b.conf'\na 1", r#"{"a":1,"b":2}"#),
        ("include \"b.conf\"; a $b", r#"{"a":2,"b":2}"#),
        ("m { include b.conf }", r#"{"m":{"b":2}}"#),
        ("m {\n include b.conf;a 1\n}", r#"{"m":{"a":1,"b":2}}"#),
        ("include sub/c.conf", r#"{"b":2,"c":3}"#),
        ("include /b.conf\ninclude b.conf", r#"{"b":2}"#),
        ("include: b.conf", r#"{"include":"b.conf"}"#),
        ("'include' b.conf", r#"{"include":"b.conf"}"#),
        (
            "a 1\ninclude none.conf",
            "etc/a.conf at 2:1: cannot include etc/none.conf: there is no such file",
        ),
        (
            "include\nb.conf",
            "etc/a.conf: Parse error on line 1, column 7: expected the path of a file to include, found the end of the line",
        ),
        (
            "include [1]",
            "etc/a.conf: Parse error on line 1, column 8: expected the path of a file to include, found [",
        ),
        (
            "include 'b.conf",
            "etc/a.conf: Parse error on line 1, column 15: expected the closing quote of the path to include, found the end of \
             the file",
        ),
        (
            "include me.conf",
            "etc/me.conf: line 1, column 0: etc/me.conf would include itself; included by etc/a.conf at 1:0",
        ),
        (
            "include again.conf",
            "etc/again.conf: line 1, column 0: etc/a.conf would include itself; included by etc/a.conf at 1:0",
        ),
        (
            "include far.conf",
            "etc/bad.conf: Parse error on line 2, column 5: expected a comma, a new line or the closing ], found the end of the \
             file; included by etc/far.conf at 2:3; included by etc/a.conf at 1:0",
        ),
        (
            "A 1\ninclude needs.conf",
            "etc/needs.conf: line 1, column 2: variable reference $A cannot be found: it is neither set before, \
             here or in an enclosing block, nor in the environment; included by etc/a.conf at 2:1",
        ),
    ] {
        let mut files = vec![("etc/a.conf", text)];
        files.extend(rest);
        assert_eq!(show(read_with(&files, &|_: &str| None)), expected, "{text}");
    }
}

#[test]
fn places_of_keys_and_values() {
    let text = "a 1\n  'b': {c: [ \"d\"\n e]}\nA { x: y }\nf $A";
    let tree = read_with(&[("a.conf", text)], &|_: &str| None).unwrap();
    let shown = |map: &Map| -> Vec<String> {
        map.entries()
            .iter()
            .map(|entry| format!("{} {} {}", entry.key, entry.place, entry.value.place))
            .collect()
    };
    assert_eq!(
        shown(&tree),
        [
            "a a.conf:1:0 a.conf:1:2",
            "b a.conf:2:4 a.conf:2:8",
            "A a.conf:4:1 a.conf:4:3",
            "f a.conf:5:1 a.conf:5:3",
        ]
    );
    let super::Kind::Map(inner) = &tree.get("f").unwrap().value.kind else {
        panic!("no map");
    };
    assert_eq!(shown(inner), ["x a.conf:4:5 a.conf:4:8"]);
}

#[test]
fn nothing_shown_is_a_secret() {
    let text = "password hush, list [hush], map { token 'hush' }";
    let tree = read_with(&[("a.conf", text)], &|_: &str| None).unwrap();
    assert_eq!(
        format!("{tree:?}"),
        r#"{"password": text, "list": [text], "map": {"token": text}}"#
    );
}

#[test]
fn depth_is_bounded() {
    let nested = |open: &str, close: &str, depth: usize| {
        read(&format!("a {}{}", open.repeat(depth), close.repeat(depth)))
    };
    assert!(nested("[", "]", MAX_DEPTH).starts_with('{'));
    assert!(nested("{a ", "}", 100_000).contains("nested 100 deep"));
    assert!(nested("[", "]", MAX_DEPTH + 1).contains("nested 100 deep"));
    assert!(read(&"{".repeat(MAX_DEPTH + 1)).contains("nested 100 deep"));
    // Each variable of the environment holds the next.
    let environment = |name: &str| {
        Some(format!(
            "[${}]",
            name.len().checked_add(1).map(|n| "x".repeat(n))?
        ))
    };
    let deep = read_with(&[("a.conf", "a $x")], &environment);
    assert!(show(deep).contains("nested 100 deep"));
}

#[test]
fn memory_is_bounded() {
    // Each variable stands for ten of the one before.
    let mut text = "v0 0123456789\n".to_owned();
    for number in 1..30 {
        let list = format!("$v{},", number - 1).repeat(10);
        text.push_str(&format!("v{number} [{list}]\n"));
    }
    assert!(read(&text).contains("takes more than 256 MiB"));
}

#[test]
fn the_number_of_files_is_bounded() {
    let ten = |name: &str| format!("include {name}\n").repeat(10);
    let files = [
        ("a.conf", ten("b.conf")),
        ("b.conf", ten("c.conf")),
        ("c.conf", ten("d.conf")),
        ("d.conf", ten("e.conf")),
        ("e.conf", "x 1".to_owned()),
    ];
    let files: Vec<(&'static str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    assert!(show(read_with(&files, &|_: &str| None)).contains("may include 1000 files"));
}
