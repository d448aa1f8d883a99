//! Users whose accounts an operator has signed log in over HTTP.

use crate::world::{TestAccount, TestOperator, TestUser, now};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::net::SocketAddr;
use vagus_auth::nkey::KeyPair;
use vagus_test_support::{Answer, Events, TestServer, eventually, http, send, server};

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn with_http(configuration: &str) -> String {
    format!("{configuration}\nconnectors: [{{id: web, type: HTTP, listen: '127.0.0.1:-1'}}]")
}

fn started(operator: &TestOperator, accounts: &[&TestAccount]) -> (TestServer, SocketAddr) {
    let server = server()
        .configured(&with_http(&operator.configuration(accounts)))
        .start();
    let place = || server.connectors().first().and_then(|web| web.address.clone());
    eventually(|| place().is_some());
    let address = place().unwrap().parse().unwrap();
    (server, address)
}

fn nonce(address: SocketAddr) -> String {
    let given = http(address, "GET", "/v1/nonce", &[]);
    assert_eq!((given.status, given.header("cache-control")), (200, "no-store"));
    given.body
}

fn present(address: SocketAddr, token: &str, nonce: &str, key: &KeyPair) -> Answer {
    let signature = URL_SAFE_NO_PAD.encode(key.sign(nonce.as_bytes()).unwrap());
    let body = format!(r#"{{"jwt":"{token}","nonce":"{nonce}","sig":"{signature}"}}"#);
    send(address, "POST", "/v1/login", &[JSON], &body)
}

#[track_caller]
fn log_in(address: SocketAddr, user: &TestUser) -> String {
    let said = present(address, &user.token, &nonce(address), &user.key).json();
    assert_eq!(said["user"], user.key.public());
    said["token"].as_str().unwrap().to_owned()
}

fn publish(address: SocketAddr, subject: &str, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let path = format!("/v1/publish/{subject}");
    send(address, "POST", &path, &[("Authorization", &bearer)], "hi")
}

#[test]
fn who_has_signed_a_nonce_gets_a_token_and_may_do_what_it_may() {
    let (operator, account, other) = (TestOperator::new(), TestAccount::new(), TestAccount::new());
    let (server, address) = started(&operator, &[&account, &other]);
    let user = account.user(|user| {
        user.nats.limits.permissions.publish.allow = vec!["a.>".to_owned()];
        user.nats.limits.payload = 8;
    });
    let token = log_in(address, &user);
    let mut listens = account.user(|_| {}).enter(&server);
    let mut elsewhere = other.user(|_| {}).enter(&server);
    for client in [&mut listens, &mut elsewhere] {
        client.subscribe("a.b", "1");
        client.sync();
    }
    assert_eq!(publish(address, "a.b", &token).body, r#"{"delivered":true}"#);
    listens.expect("MSG a.b 1 2\r\nhi");
    elsewhere.sync_silent();
    assert_eq!(publish(address, "b", &token).status, 403);
    let bearer = format!("Bearer {token}");
    let long = send(
        address,
        "POST",
        "/v1/publish/a.b",
        &[("Authorization", &bearer)],
        "123456789",
    );
    assert_eq!(long.status, 413);
    // It is not the token of a user that is a proof.
    for token in [&*user.token, "x", &format!("{token}x")] {
        assert_eq!(publish(address, "a.b", token).status, 401);
    }
    assert_eq!(http(address, "POST", "/v1/publish/a.b", &[]).status, 401);
    let end = http(address, "DELETE", "/v1/login", &[("Authorization", &bearer)]);
    assert_eq!(end.status, 204);
    assert_eq!(publish(address, "a.b", &token).status, 401);
    let again = http(address, "DELETE", "/v1/login", &[("Authorization", &bearer)]);
    assert_eq!(again.status, 401);
}

#[test]
fn a_nonce_is_signed_once_and_by_the_key_of_the_token() {
    let (operator, account, stranger) = (TestOperator::new(), TestAccount::new(), TestAccount::new());
    let (_server, address) = started(&operator, &[&account]);
    let (user, other) = (account.user(|_| {}), account.user(|_| {}));
    let once = nonce(address);
    assert_eq!(present(address, &user.token, &once, &other.key).status, 401);
    // What somebody else tried in vain is not used up.
    assert_eq!(present(address, &user.token, &once, &user.key).status, 200);
    assert_eq!(present(address, &user.token, &once, &user.key).status, 401);
    assert_eq!(present(address, &other.token, &once, &other.key).status, 401);
    for made_up in ["", "nonce", &"A".repeat(32)] {
        assert_eq!(present(address, &user.token, made_up, &user.key).status, 401);
    }
    let of_nobody = stranger.user(|_| {});
    let expired = account.user(|user| user.expires = now() - 1);
    let elsewhere = account.user(|user| user.nats.limits.source_networks.0 = vec!["192.0.2.0/24".to_owned()]);
    for user in [&of_nobody, &expired, &elsewhere] {
        assert_eq!(
            present(address, &user.token, &nonce(address), &user.key).status,
            401
        );
    }
    for (body, status) in [
        ("{", 400),
        (r#"{"secret":"s"}"#, 400),
        ("{}", 401),
        (r#"{"jwt":"x"}"#, 401),
    ] {
        let answer = send(address, "POST", "/v1/login", &[JSON], body);
        assert_eq!(answer.status, status, "{body}");
        assert!(!answer.body.contains("secret"), "{}", answer.body);
    }
}

#[test]
fn a_bearers_token_is_enough_where_the_account_has_that() {
    let (operator, mut account) = (TestOperator::new(), TestAccount::new());
    let (server, address) = started(&operator, &[&account]);
    let bearer = account.user(|user| user.nats.limits.bearer = true);
    assert_eq!(publish(address, "a", &bearer.token).status, 200);
    account.claims.nats.limits.disallow_bearer = true;
    server.reconfigure(&with_http(&operator.configuration(&[&account])));
    assert_eq!(publish(address, "a", &bearer.token).status, 401);
}

#[test]
fn who_is_revoked_or_has_expired_is_out() {
    let (operator, mut account) = (TestOperator::new(), TestAccount::new());
    let (server, address) = started(&operator, &[&account]);
    let (revoked, stays, bearer) = (
        account.user(|_| {}),
        account.user(|_| {}),
        account.user(|user| user.nats.limits.bearer = true),
    );
    let short = account.user(|user| user.expires = now() + 3);
    let said = present(address, &short.token, &nonce(address), &short.key).json();
    assert!(said["expires_in"].as_u64().unwrap() <= 3, "{said}");
    let brief = said["token"].as_str().unwrap();
    let (goes, remains) = (log_in(address, &revoked), log_in(address, &stays));
    let follow = |token: &str| {
        let bearer = format!("Bearer {token}");
        let mut events = Events::with(address, "/v1/subscribe?subject=a", &[("Authorization", &bearer)]);
        assert_eq!(events.next_event().0, "subscribed");
        events
    };
    let (mut ends, mut goes_on, mut runs_out) = (follow(&goes), follow(&remains), follow(brief));
    assert_eq!(publish(address, "x", &bearer.token).status, 200);
    let revocations = &mut account.claims.nats.revocations.0;
    revocations.insert(revoked.key.public().to_owned(), now());
    revocations.insert(bearer.key.public().to_owned(), now());
    server.reconfigure(&with_http(&operator.configuration(&[&account])));
    let out = publish(address, "x", &goes);
    assert_eq!(out.status, 401);
    assert!(out.body.contains("User Authentication Revoked"), "{}", out.body);
    assert_eq!(publish(address, "x", &bearer.token).status, 401);
    assert_eq!(publish(address, "x", &remains).status, 200);
    assert_eq!(ends.next_event().0, "end");
    assert_eq!(runs_out.next_event().0, "end");
    let out = publish(address, "x", brief);
    assert_eq!(out.status, 401);
    assert_eq!(publish(address, "a", &remains).status, 200);
    assert_eq!(goes_on.next_event().0, "message");
}
