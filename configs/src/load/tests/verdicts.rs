//! What nats-server 2.14 says of configurations with `-t`, as it was recorded.

use super::{judge, judge_with};
use crate::{Disk, parse};
use std::path::Path;

/// Each text, and whether it is valid, or the `line:column` of each error, or the line where it cannot be
/// read. A text that gives no more than warnings is doubtful, for which `-t` fails all the same.
const VERDICTS: &[(&str, &str)] = &[
    ("colour: blue", "1:0"),
    ("max_payload: 2048\n\n   colour: blue", "3:4"),
    ("\t\tcolour: blue", "1:2"),
    ("authorization {\n  user: u\n  colour: blue\n}", "3:3"),
    ("colour: blue\nserver_name: $colour", "valid"),
    ("colours { a: b }", "1:0"),
    ("max_payload: \"many\"", "1:0"),
    ("max_connections: many", "1:0"),
    ("max_payload: -1", "valid"),
    ("max_payload: 99999999999", "1:0"),
    ("max_payload: 0", "valid"),
    ("max_payload: 2m\nmax_pending: 1m", "valid"),
    ("max_connections: 1.5", "1:0"),
    ("max_connections: { a: 1 }", "1:0"),
    ("max_connections: 0", "valid"),
    ("write_timeout: retry", "valid"),
    ("write_timeout: maybe", "1:0"),
    ("write_timeout: 5", "1:0"),
    ("feature_flags { js_ack_fc_v2: true, other: false }", "valid"),
    ("feature_flags { a: 1 }", "1:16"),
    ("feature_flags: on", "1:0"),
    ("no_fast_producer_stall: true", "valid"),
    ("no_fast_producer_stall: 1", "1:0"),
    ("prof_port: 6060", "valid"),
    ("prof_port: high", "1:0"),
    ("proxies { trusted: [ {key: ABC} ] }", "1:22"),
    ("proxies { colour: blue }", "1:10"),
    ("proxies: 5", "1:0"),
    ("store_dir: here", "valid"),
    ("authorization: 5", "1:0"),
    ("debug: \"perhaps\"", "1:0"),
    ("debug: 1", "1:0"),
    ("server_name: 123", "1:0"),
    ("server_name: \"a b\"", "1:0"),
    ("ping_interval: \"soon\"", "1:0"),
    ("ping_interval: \"-5s\"", "valid"),
    ("max_payload: 5parsecs", "1:0"),
    ("port: 99999", "valid"),
    ("port: abc", "1:0"),
    ("listen: \"nonsense\"", "1:0"),
    ("listen: \"127.0.0.1:port\"", "1:0"),
    ("http: \"127.0.0.1:port\"", "1:0"),
    ("authorization {\n user: u\n", "line 3"),
    ("server_tags: [a, b\n", "line 2"),
    ("server_name: \"abc\n", "line 2"),
    ("server_name: (\nabc\n", "line 3"),
    ("max_payload: 2048\n}", "valid"),
    ("]", "1:1"),
    ("max_payload:", "1:0"),
    ("max_payload:\nping_max: 3", "line 2"),
    ("max_payload: 1 2", "line 1"),
    ("max_payload", "1:11"),
    ("max_payload: $SIZE\nSIZE: 2048", "line 1"),
    ("authorization { N: 12, user: u, password: p }", "1:16"),
    ("max_payload: $NOT_DEFINED_ANYWHERE", "line 1"),
    ("A: $B\nB: $A\nmax_payload: $A", "line 1"),
    ("server_name: \"a\\qb\"", "line 1"),
    ("server_name: \"\\xZZ\"", "line 1"),
    ("server_name: a\u{1}b", "valid"),
    (": 5", "line 1"),
    ("authorization { user: u, password: p, token: t }", "1:0"),
    ("jetstream: perhaps", "1:0"),
    ("jetstream { max_mem: lots }", "1:12"),
    ("jetstream { limits { cats: 1 } }", "1:21"),
    ("lame_duck_duration: \"5s\"", "1:0"),
    (
        "lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"40s\"",
        "valid",
    ),
    ("lame_duck_grace_period: \"-5s\"", "1:0"),
    ("lame_duck_grace_period: 5", "1:0"),
    ("remote_syslog: \"logs:514\"", "valid"),
    ("syslog: 1", "1:0"),
    ("http_base_path: 5", "1:0"),
    ("logfile_size_limit: big", "1:0"),
    ("ping_max: 0", "valid"),
    (
        "authorization { user: u, password: p, timeout: \"soon\" }",
        "1:38",
    ),
    (
        "authorization { users: [\n {user: u, password: p, colour: blue}\n] }",
        "2:25",
    ),
    (
        "authorization { users: [{user: u, password: p, permissions: {colour: blue}}] }",
        "1:61",
    ),
    (
        "authorization { user: u, password: p, users: [{user: a, password: b}] }",
        "1:0",
    ),
    (
        "authorization { token: t, users: [{user: a, password: b}] }",
        "1:0",
    ),
    ("authorization { users: [{user: u}] }", "valid"),
    ("authorization { users: [{password: p}] }", "1:25"),
    (
        "authorization { users: [{user: u, password: p}, {user: u, password: q}] }",
        "1:0",
    ),
    (
        "authorization { users: [{user: u, password: p, permissions: {publish: \"a..b\"}}] }",
        "unplaced",
    ),
    (
        "authorization { users: [{user: u, password: p, permissions: {publish: 5}}] }",
        "unplaced",
    ),
    (
        "authorization { users: [{user: u, password: p, allowed_connection_types: [\"PIGEON\"]}] }",
        "1:47",
    ),
    ("authorization { users: [{nkey: UNOTANKEY}] }", "1:25"),
    (
        "authorization { users: [{user: u, password: p}] }\nno_auth_user: x",
        "valid",
    ),
    (
        "no_auth_user: u\nauthorization { users: [{user: u, password: p}] }",
        "valid",
    ),
    (
        "authorization {\n  PASS: secret\n  users = [ {user: u, password: $PASS} ]\n}",
        "valid",
    ),
    (
        "PASS: secret\nauthorization { users = [ {user: u, password: $PASS} ] }",
        "valid",
    ),
    ("", "doubtful"),
    ("  \n\n  ", "doubtful"),
    ("# nothing\n", "doubtful"),
    ("\0\u{1}\u{2}\u{3}", "line 1"),
    ("colour: blue\nmax_payload: many\nshape: round", "1:0 2:1 3:1"),
];

#[test]
fn verdicts_of_nats_server() {
    for (text, expected) in VERDICTS {
        assert_eq!(judge(text), *expected, "{text}");
    }
}

#[test]
fn verdicts_of_nats_server_on_variables_of_the_environment() {
    for (text, value, expected) in [
        ("max_payload: $VALUE", "2048", "valid"),
        ("max_payload: $VALUE", "2KB", "valid"),
        ("max_payload: $VALUE", "many", "1:0"),
        ("server_name: $VALUE", "from-env", "valid"),
        ("server_name: $VALUE", "\"from env\"", "1:0"),
        ("authorization: $VALUE", "{user: u, password: p}", "valid"),
        ("VALUE: 4096\nmax_payload: $VALUE", "nonsense", "valid"),
        ("max_payload: $OTHER", "2048", "line 1"),
        ("authorization { user: u, password: $VALUE }", "123abc", "valid"),
    ] {
        let environment = |name: &str| (name == "VALUE").then(|| value.to_owned());
        assert_eq!(judge_with(text, &environment), expected, "{text} {value}");
    }
}

/// What a variable holds may be a secret: it is named, and not shown.
#[test]
fn variables_are_named() {
    for text in [
        "log_format: $VALUE",
        "remote_syslog: $VALUE",
        "ocsp { url: $VALUE }",
        "ping_interval: $VALUE",
        "max_payload: $VALUE",
    ] {
        let environment = |name: &str| (name == "VALUE").then(|| "hush".to_owned());
        let told = match parse(text, Path::new("a.conf"), &Disk, &environment) {
            Err(error) => error.to_string(),
            Ok(loaded) => format!("{:?}", loaded.obstacles),
        };
        assert!(!told.contains("hush"), "{told}");
        assert!(told.len() > 2, "{text}");
    }
}

/// Those of which nats-server says another thing, because it has the feature.
#[test]
fn features_of_later_versions() {
    for (text, expected) in [
        (
            "\n  MQTT: {}",
            r#"a.conf:2:3: "MQTT" is not in this version of vagus yet"#,
        ),
        // To be used as a variable makes none of them known.
        (
            "mqtt: 5, max_connections: $mqtt",
            r#"a.conf:1:0: "mqtt" is not in this version of vagus yet"#,
        ),
    ] {
        let error = super::read(text).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }
    assert_eq!(
        judge("jetstream: false, syslog: off\nauthorization { proxy_required: no }"),
        "valid"
    );
}
