//! A probe is told whether the server is well.

use vagus_test_support::server;

#[test]
fn is_told() {
    let server = server().monitoring().start();
    let answer = server.get("/healthz");
    assert_eq!((answer.status, &*answer.body), (200, r#"{"status":"ok"}"#));
    assert_eq!(answer.header("content-type"), "application/json");
    for option in [
        "js-enabled-only=true",
        "js-server-only=1",
        "js-meta-only=t",
        "details=true",
    ] {
        assert_eq!(
            server.get(&format!("/healthz?{option}")).body,
            r#"{"status":"ok"}"#
        );
    }
}

/// What cannot be asked is refused, in one text or in detail.
#[test]
fn questions_must_make_sense() {
    let server = server().monitoring().start();
    for (query, body) in [
        (
            "stream=S",
            r#"{"status":"error","error":"\"account\" must not be empty when checking stream health"}"#,
        ),
        (
            "account=$G&consumer=C",
            r#"{"status":"error","error":"\"stream\" must not be empty when checking consumer health"}"#,
        ),
        (
            "stream=S&details=1",
            r#"{"status":"error","errors":[{"type":"BAD_REQUEST","error":"\"account\" must not be empty when checking stream health"}]}"#,
        ),
        (
            "details=perhaps",
            r#"Error decoding boolean for 'details': strconv.ParseBool: parsing "perhaps": invalid syntax"#,
        ),
    ] {
        let answer = server.get(&format!("/healthz?{query}"));
        assert_eq!((answer.status, &*answer.body), (400, body), "{query}");
    }
}
