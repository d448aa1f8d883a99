use super::document::{masked_json, patch};
use super::expected;
use actix_web::http::header::{HeaderMap, HeaderValue, IF_MATCH};
use std::path::Path;
use vagus_configs::Disk;
use vagus_configs::grammar::{Map, parse};

fn read(text: &str) -> Map {
    parse(text, Path::new("a.conf"), &Disk, &|_: &str| None).unwrap()
}

/// The examples of RFC 7396 that a configuration can have.
#[test]
fn patches_merge() {
    for (before, change, after) in [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
        (
            r#"{"a":{"b":"c"}}"#,
            r#"{"a":{"b":"d","c":null}}"#,
            r#"{"a":{"b":"d"}}"#,
        ),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        (
            r#"{"Max_Payload":1}"#,
            r#"{"max_payload":2}"#,
            r#"{"Max_Payload":2}"#,
        ),
    ] {
        let merged = patch(change).unwrap().applied_to(&read(before));
        assert_eq!(
            masked_json(&merged),
            masked_json(&read(after)),
            "{before} {change}"
        );
    }
    for bad in [
        "",
        "[]",
        "7",
        "null",
        r#"{"a":[null]}"#,
        r#"{"a":18446744073709551615}"#,
    ] {
        patch(bad).unwrap_err();
    }
}

#[test]
fn no_secret_gets_out() {
    let shown = masked_json(&read("authorization { user: ann, password: hush }")).to_string();
    assert_eq!(shown, r#"{"authorization":{"password":"********","user":"ann"}}"#);
}

#[test]
fn tags_that_are_expected() {
    let headers = |value: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(IF_MATCH, HeaderValue::from_static(value));
        headers
    };
    assert_eq!(expected(&headers(r#""1-ab""#)).unwrap(), ["1-ab"]);
    assert_eq!(expected(&headers(r#""1-ab", "2-cd""#)).unwrap(), ["1-ab", "2-cd"]);
    assert!(expected(&headers("*")).unwrap().is_empty());
    assert!(expected(&HeaderMap::new()).unwrap().is_empty());
    assert_eq!(expected(&headers(r#"W/"1-ab""#)).unwrap(), [r#"W/"1-ab"#]);
}
