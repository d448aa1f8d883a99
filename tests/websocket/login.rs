//! Who may connect, and how it says who it is.

use crate::client::{CONNECT, WebSocketClient, serving};
use vagus_test_support::TestServer;

const USERS: &str = "authorization { users: [
    { user: any, password: a }
    { user: page, password: p, allowed_connection_types: [WEBSOCKET] }
    { user: tool, password: t, allowed_connection_types: [STANDARD] }
] }";

/// Whether a client gets in that has these headers and says this.
#[track_caller]
fn check(server: &TestServer, headers: &[(&str, &str)], connect: &str, gets_in: bool) {
    let (mut client, _) = WebSocketClient::informed(server, headers);
    client.send(connect);
    match gets_in {
        true => client.expect("PONG\r\n"),
        false => {
            client.expect("-ERR 'Authorization Violation'\r\n");
            client.expect_closed(1008, "Authentication Failure");
        }
    }
}

fn as_user(name: &str, password: &str) -> String {
    format!("CONNECT {{\"verbose\":false,\"user\":\"{name}\",\"pass\":\"{password}\"}}\r\nPING\r\n")
}

#[test]
fn those_who_may_as_other_clients_may_here() {
    let server = serving("", USERS);
    check(&server, &[], &as_user("any", "a"), true);
    check(&server, &[], &as_user("page", "p"), true);
    check(&server, &[], &as_user("tool", "t"), false);
    check(&server, &[], &as_user("any", "b"), false);
    check(&server, &[], CONNECT, false);
    check(&server, &[], "PING\r\n", false);
}

#[test]
fn cookies_say_what_connect_does_not() {
    let cookies = "user_cookie: user, pass_cookie: pass, token_cookie: token";
    let server = serving(cookies, USERS);
    let good = [("Cookie", "user=page; pass=p")];
    check(&server, &good, CONNECT, true);
    check(&server, &good, &as_user("any", "a"), true);
    check(&server, &good, &as_user("any", "p"), false);
    check(&server, &[("Cookie", "user=page; pass=x")], CONNECT, false);
    check(&server, &[("Cookie", "User=page; Pass=p")], CONNECT, false);
    let server = serving(cookies, "authorization { token: secret }");
    check(&server, &[("Cookie", "token=secret")], CONNECT, true);
    check(&server, &[("Cookie", "token=wrong")], CONNECT, false);
    check(&server, &[("Cookie", "user=secret")], CONNECT, false);
}

#[test]
fn others_may_connect_here_than_elsewhere() {
    for own in ["user: w, password: x", "token: t"] {
        let server = serving(&format!("authorization {{ {own} }}"), "");
        let (_, info) = WebSocketClient::informed(&server, &[]);
        assert!(info.contains(r#""auth_required":true"#), "{info}");
        check(&server, &[], CONNECT, false);
        let right = match own.starts_with("token") {
            true => "CONNECT {\"verbose\":false,\"auth_token\":\"t\"}\r\nPING\r\n".to_owned(),
            false => as_user("w", "x"),
        };
        check(&server, &[], &right, true);
        server.expect_to_serve();
    }
    let server = serving(
        "authorization { user: w, password: x }",
        "authorization { user: u, password: v }",
    );
    check(&server, &[], &as_user("w", "x"), true);
    check(&server, &[], &as_user("u", "v"), false);
    let mut other = server.client();
    other.send(r#"CONNECT {"user":"w","pass":"x"}"#);
    other.expect("-ERR 'Authorization Violation'");
}

#[test]
fn who_says_nothing_is_somebody_here_alone() {
    let server = serving("no_auth_user: any", USERS);
    let (_, info) = WebSocketClient::informed(&server, &[]);
    assert!(!info.contains("auth_required"), "{info}");
    check(&server, &[], CONNECT, true);
    check(&server, &[], "PING\r\n", true);
    check(&server, &[], &as_user("page", "p"), true);
    let mut other = server.client();
    other.send("CONNECT {}");
    other.expect("-ERR 'Authorization Violation'");
}

#[test]
fn who_says_nothing_for_long_is_sent_away() {
    let server = serving("authorization { user: w, password: x, timeout: 0.1 }", "");
    let (mut client, _) = WebSocketClient::informed(&server, &[]);
    client.expect("-ERR 'Authentication Timeout'\r\n");
    client.expect_closed(1008, "Authentication Timeout");
}

#[test]
fn the_silent_are_asked_as_often_as_is_said() {
    let server = serving("ping_interval: 50ms", "ping_max: 1000000");
    let mut client = WebSocketClient::connected(&server);
    for _ in 0..3 {
        client.expect("PING\r\n");
    }
}
