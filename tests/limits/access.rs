//! Where somebody has to say who they are: only who says it right, and in time, does anything.

use std::sync::Arc;
use std::time::Duration;
use vagus_auth::credentials::{ConnectionType, ConnectionTypes, Credentials, Proof, User};
use vagus_auth::permission::{Permissions, ResponsePermission, Rules};
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
    listener.subscribe("a", "1");
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

/// A user that may only come over WebSocket.
fn web_only() -> Credentials {
    let only = || Rules {
        allow: vec!["a".to_owned()],
        ..Rules::default()
    };
    let web = User {
        proof: Proof::Password {
            name: "web".to_owned(),
            password: "pw".to_owned(),
        },
        permissions: Some(Arc::new(Permissions {
            publish: only(),
            subscribe: only(),
            allow_responses: None,
        })),
        connection_types: [ConnectionType::WebSocket].into_iter().collect(),
        account: None,
        requires_proxy: false,
    };
    Credentials::Users {
        users: vec![web].into(),
        no_auth_user: Some("web".to_owned()),
        default_permissions: None,
    }
}

/// A client that names no user is not let in as a user that may not connect so.
#[test]
fn nobody_is_a_user_that_connects_otherwise() {
    let server = server().credentials(web_only()).start();
    for attempt in [
        "SUB > 1\r\nPUB secret 2\r\nhi\r\nPING",
        "CONNECT {}\r\nSUB > 1\r\nPING",
    ] {
        let mut client = server.client();
        assert!(!client.info().contains("auth_required"), "{}", client.info());
        client.send(attempt);
        assert_eq!(client.closed(), "-ERR 'Authorization Violation'\r\n", "{attempt}");
    }
    assert_eq!(server.traffic().messages_in, 0);
    eventually_equal(|| server.router().unwrap().subscriptions, 0);
}

/// That somebody may be nobody in particular does not mean that it may say nothing at all.
#[test]
fn saying_nothing_is_told_also_where_nothing_need_be_proven() {
    let server = server()
        .credentials(web_only())
        .auth_timeout(Duration::from_millis(100))
        .start();
    assert_eq!(server.client().closed(), "-ERR 'Authentication Timeout'\r\n");
}

/// A hashed password is checked elsewhere; what comes behind a wrong one is not looked at.
#[test]
fn by_a_hashed_password() {
    let hash = vagus_auth::password::hash("s3cret", 4).unwrap();
    let server = server().credentials(Credentials::Token(hash)).start();
    let mut client = server.client();
    client.send("CONNECT {\"verbose\":false,\"auth_token\":\"s3cret\"}\r\nSUB a 1\r\nPUB a 0\r\n\r\nPING");
    assert_eq!(client.message().subject, "a");
    client.expect("PONG");
    let mut stranger = server.client();
    stranger.send("CONNECT {\"auth_token\":\"guess\"}\r\nSUB a 1\r\nPING");
    assert_eq!(stranger.closed(), "-ERR 'Authorization Violation'\r\n");
}

/// A user sees and says what it is permitted, and no more, also through wildcards and queue groups.
#[test]
fn by_permissions() {
    let list = |subjects: &[&str]| subjects.iter().map(ToString::to_string).collect::<Vec<_>>();
    let user = |name: &str, permissions: Option<Permissions>| User {
        proof: Proof::Password {
            name: name.to_owned(),
            password: "pw".to_owned(),
        },
        permissions: permissions.map(Arc::new),
        connection_types: ConnectionTypes::default(),
        account: None,
        requires_proxy: false,
    };
    let limited = Permissions {
        subscribe: Rules {
            deny: list(&["a.secret"]),
            ..Rules::default()
        },
        allow_responses: Some(ResponsePermission::default()),
        ..Permissions::default()
    };
    let credentials = Credentials::Users {
        users: vec![user("all", None), user("some", Some(limited))].into(),
        no_auth_user: None,
        default_permissions: None,
    };
    let server = server().arbiters(2).credentials(credentials).start();
    let login = |name: &str| {
        let connect = format!("{{\"verbose\":false,\"pedantic\":false,\"user\":\"{name}\",\"pass\":\"pw\"}}");
        server.client().connect(&connect)
    };
    let (mut all, mut some, mut beside) = (login("all"), login("some"), login("all"));
    some.send("SUB a.* 1\r\nSUB a.> workers 2");
    some.sync_silent();
    beside.send("SUB a.> workers 1");
    beside.sync_silent();
    all.send(
        "PUB a.open 1\r\nx\r\nPUB a.secret 1\r\nx\r\n"
            .repeat(20)
            .trim_end(),
    );
    all.sync_silent();
    // The group passes on what one member may not see; the plain subscription gets everything else.
    let (seen, others) = (some.sync_messages(), beside.sync_messages());
    assert!(seen.iter().all(|message| message.subject == "a.open"));
    assert_eq!(seen.iter().filter(|message| message.sid == "1").count(), 20);
    let secrets = others
        .iter()
        .filter(|message| message.subject == "a.secret")
        .count();
    assert_eq!(secrets, 20);
    assert_eq!(seen.len() + others.len(), 20 + 40);
    // It may answer what it was asked, once, and publish nothing else.
    all.send("SUB answers 1\r\nPUB a.open answers 1\r\n?");
    all.sync_silent();
    let asked: Vec<_> = some
        .sync_messages()
        .into_iter()
        .chain(beside.sync_messages())
        .collect();
    assert_eq!(asked.len(), 2);
    some.send("PUB answers 1\r\n!");
    some.sync_silent();
    assert_eq!(all.message().subject, "answers");
    some.send("PUB answers 1\r\n!");
    some.expect("-ERR 'Permissions Violation for Publish to \"answers\"'");
}
