//! Users of the configuration who have keys, or a token, log in over HTTP.

use crate::{address, state};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::net::SocketAddr;
use vagus_auth::nkey::{KeyPair, Kind};
use vagus_test_support::{Answer, TestServer, eventually, http, send, server};

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn configured(authorization: &str) -> String {
    format!("{authorization}\nconnectors: [{{id: web, type: HTTP, listen: '127.0.0.1:-1'}}]")
}

fn started(authorization: &str) -> (TestServer, SocketAddr) {
    let server = server().configured(&configured(authorization)).start();
    eventually(|| state(&server, "web").address.is_some());
    let address = address(&server, "web");
    (server, address)
}

fn sign(address: SocketAddr, key: &KeyPair, said: &KeyPair) -> Answer {
    let nonce = http(address, "GET", "/v1/nonce", &[]).body;
    let signature = URL_SAFE_NO_PAD.encode(key.sign(nonce.as_bytes()).unwrap());
    let body = format!(
        r#"{{"nkey":"{}","nonce":"{nonce}","sig":"{signature}"}}"#,
        said.public()
    );
    send(address, "POST", "/v1/login", &[JSON], &body)
}

fn publish(address: SocketAddr, authorization: &str) -> u16 {
    send(
        address,
        "POST",
        "/v1/publish/a",
        &[("Authorization", authorization)],
        "hi",
    )
    .status
}

#[test]
fn who_has_the_key_is_in_until_a_reload_has_it_no_more() {
    let (key, other) = (
        KeyPair::generate(Kind::User).unwrap(),
        KeyPair::generate(Kind::User).unwrap(),
    );
    let users = |key: &KeyPair| {
        format!(
            "accounts {{A {{users: [{{nkey: {}}}, {{user: b, password: p}}]}}}}",
            key.public()
        )
    };
    let (server, address) = started(&users(&key));
    for (signs, says) in [(&other, &key), (&other, &other), (&key, &other)] {
        assert_eq!(sign(address, signs, says).status, 401);
    }
    let said = sign(address, &key, &key).json();
    assert_eq!(said["account"], "A");
    let bearer = format!("Bearer {}", said["token"].as_str().unwrap());
    assert_eq!(publish(address, &bearer), 200);
    server.reconfigure(&configured(&(users(&key) + "\nmax_payload: 1000")));
    assert_eq!(publish(address, &bearer), 200);
    server.reconfigure(&configured(&users(&other)));
    assert_eq!(publish(address, &bearer), 401);
    // `b:p`
    assert_eq!(publish(address, "Basic Yjpw"), 200);
}

#[test]
fn a_token_of_the_configuration_is_a_bearers() {
    let (server, address) = started("authorization {token: secret}");
    assert_eq!(publish(address, "Bearer secret"), 200);
    assert_eq!(publish(address, "Bearer other"), 401);
    let shown = state(&server, "web");
    assert_eq!(
        (shown.errors, shown.last_error.as_deref()),
        (1, Some("127.0.0.1 - Authorization Violation"))
    );
    assert_eq!(http(address, "POST", "/v1/publish/a", &[]).status, 401);
    let said = send(
        address,
        "POST",
        "/v1/login",
        &[JSON],
        r#"{"auth_token":"secret"}"#,
    )
    .json();
    let bearer = format!("Bearer {}", said["token"].as_str().unwrap());
    assert_eq!(publish(address, &bearer), 200);
}

/// What is asked for without a login is small and costs no memory.
#[test]
fn a_flood_of_nonces_keeps_nobody_out() {
    let key = KeyPair::generate(Kind::User).unwrap();
    let (_server, address) = started(&format!("authorization {{users: [{{nkey: {}}}]}}", key.public()));
    let mut given: Vec<String> = (0..500)
        .map(|_| http(address, "GET", "/v1/nonce", &[]).body)
        .collect();
    given.sort_unstable();
    given.dedup();
    assert_eq!(given.len(), 500);
    assert_eq!(sign(address, &key, &key).status, 200);
    let long = format!(r#"{{"jwt":"{}"}}"#, "x".repeat(64 * 1024));
    assert_eq!(send(address, "POST", "/v1/login", &[JSON], &long).status, 413);
}
