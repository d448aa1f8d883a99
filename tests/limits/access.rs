//! Where somebody has to say who they are: only who says it right, and in time, does anything.

use std::time::Duration;
use vagus_test_support::{ServerBuilder, eventually_equal, server};

fn guarded() -> ServerBuilder {
    server()
        .user("ann", "s3cret")
        .auth_timeout(Duration::from_secs(600))
}

#[test]
fn the_right_password_lets_in() {
    let server = guarded().start();
    let mut client = server
        .client()
        .connect(r#"{"verbose":false,"user":"ann","pass":"s3cret"}"#);
    assert!(
        client.info().contains(r#""auth_required":true"#),
        "{}",
        client.info()
    );
    client.send("SUB a 1\r\nPUB a 2\r\nhi\r\nPING");
    client.expect("MSG a 1 2\r\nhi\r\nPONG");
}

#[test]
fn anything_else_does_not() {
    let server = guarded().start();
    let attempts = [
        r#"CONNECT {"user":"ann","pass":"secret"}"#,
        r#"CONNECT {"user":"ann","pass":"s3cretx"}"#,
        r#"CONNECT {"user":"bob","pass":"s3cret"}"#,
        r#"CONNECT {"user":"ann"}"#,
        r#"CONNECT {"auth_token":"s3cret"}"#,
        "CONNECT {}",
        "PING",
        "SUB > 1",
        "PUB a 2\r\nhi",
    ];
    let mut listener = server
        .client()
        .connect(r#"{"verbose":false,"user":"ann","pass":"s3cret"}"#);
    listener.subscribe(">", "1");
    for attempt in attempts {
        let mut client = server.client();
        client.send(&format!("{attempt}\r\nSUB > 1\r\nPUB a 2\r\nhi\r\nPING"));
        assert_eq!(client.closed(), "-ERR 'Authorization Violation'\r\n", "{attempt}");
    }
    listener.sync_silent();
    let closed = || {
        server
            .monitor()
            .unwrap()
            .closed
            .get("Authentication Failure")
            .copied()
    };
    eventually_equal(closed, Some(attempts.len() as u64));
    eventually_equal(|| server.router().unwrap().subscriptions, 1);
}

#[test]
fn a_token_will_do() {
    let server = server().token("t0ken").start();
    let mut client = server
        .client()
        .connect(r#"{"verbose":false,"auth_token":"t0ken"}"#);
    client.sync_silent();
    let mut client = server
        .client()
        .connect(r#"{"verbose":false,"auth_token":"token"}"#);
    assert_eq!(client.closed(), "-ERR 'Authorization Violation'\r\n");
}

/// A connection that got in does not stay in with wrong words.
#[test]
fn saying_it_wrong_later_ends_it() {
    let server = guarded().start();
    let mut client = server
        .client()
        .connect(r#"{"verbose":false,"user":"ann","pass":"s3cret"}"#);
    client.sync_silent();
    client.send(r#"CONNECT {"user":"ann","pass":"wrong"}"#);
    assert_eq!(client.closed(), "-ERR 'Authorization Violation'\r\n");
}

#[test]
fn saying_nothing_is_told_when_time_is_up() {
    let server = server()
        .user("ann", "s3cret")
        .auth_timeout(Duration::from_millis(100))
        .start();
    let mut silent = server.client();
    let mut in_time = server
        .client()
        .connect(r#"{"verbose":false,"user":"ann","pass":"s3cret"}"#);
    in_time.sync_silent();
    let mut begins = server.client();
    begins.send_bytes(b"CONNECT {\"user\":\"ann\",");
    assert_eq!(silent.closed(), "-ERR 'Authentication Timeout'\r\n");
    assert_eq!(begins.closed(), "-ERR 'Authentication Timeout'\r\n");
    let closed = || {
        server
            .monitor()
            .unwrap()
            .closed
            .get("Authentication Timeout")
            .copied()
    };
    eventually_equal(closed, Some(2));
    in_time.sync_silent();
}
