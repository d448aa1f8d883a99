//! A probe is told whether the server is well.

use std::time::Duration;
use vagus_test_support::{eventually, server};

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

/// A server that is about to stop takes no connections any more: who sends it some should send them elsewhere.
#[test]
fn is_unwell_once_it_takes_nobody() {
    let server = server()
        .monitoring()
        .lame_duck(Duration::from_secs(60), Duration::from_secs(50))
        .start();
    let _client = server.connected();
    assert!(server.enter_lame_duck_mode());
    eventually(|| server.get("/healthz").status == 500);
    assert_eq!(
        server.get("/healthz").body,
        r#"{"status":"error","error":"failed to be ready for connections: server"}"#
    );
    let detailed = server.get("/healthz?details=true").body;
    assert!(detailed.contains(r#""type":"CONNECTION""#), "{detailed}");
}
