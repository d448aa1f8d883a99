//! Proxies that the server trusts vouch for clients by signing their nonces; some users may come by them alone.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use vagus_auth::nkey::{KeyPair, Kind};
use vagus_test_support::{Client, TestServer, eventually, server};

/// A server with such a user and another, which trusts one proxy.
fn text(proxy: &KeyPair) -> String {
    format!(
        "proxies {{ trusted: [{{key: {}}}] }}
        authorization {{ users: [{{user: vouched, password: p, proxy_required: true}}, {{user: free, password: p}}] }}",
        proxy.public()
    )
}

fn proxy() -> KeyPair {
    KeyPair::generate(Kind::Server).unwrap()
}

/// A client that logs in by a proxy, if by one.
fn login(server: &TestServer, user: &str, by: Option<&KeyPair>) -> Client {
    let mut client = server.client();
    let (_, nonce) = client
        .info()
        .split_once(r#""nonce":""#)
        .expect("there is a nonce");
    let nonce = nonce.split('"').next().unwrap_or_default();
    let signature = by.map_or(String::new(), |key| {
        let signature = URL_SAFE_NO_PAD.encode(key.sign(nonce.as_bytes()).unwrap());
        format!(r#","proxy_sig":"{signature}""#)
    });
    client.send(&format!(
        "CONNECT {{\"verbose\":false,\"user\":\"{user}\",\"pass\":\"p\"{signature}}}\r\nPING"
    ));
    client
}

/// How many connections have ended for this reason, once so many have ended at all.
fn ended(server: &TestServer, reason: &str, all: usize) -> usize {
    let reasons = || {
        let shown = server.get("/connz?state=closed").json();
        let reason = |closed: &Value| closed["reason"].as_str().map(ToOwned::to_owned);
        let closed = shown["connections"].as_array().cloned().unwrap_or_default();
        closed.iter().filter_map(reason).collect::<Vec<_>>()
    };
    eventually(|| reasons().len() == all);
    reasons().iter().filter(|ended| *ended == reason).count()
}

#[test]
fn who_has_to_come_by_a_proxy_does() {
    let (trusted, stranger) = (proxy(), proxy());
    let server = server().configured(&text(&trusted)).monitoring().start();
    let mut vouched = login(&server, "vouched", Some(&trusted));
    vouched.expect("PONG");
    let shown = server.get("/connz").json()["connections"][0]["proxy"].to_string();
    assert_eq!(shown, format!(r#"{{"key":"{}"}}"#, trusted.public()));
    let shown = server.get("/varz").json()["proxies"].to_string();
    assert_eq!(
        shown,
        format!(r#"{{"trusted":[{{"key":"{}"}}]}}"#, trusted.public())
    );
    // Whoever may come without may come by one that is trusted.
    login(&server, "free", Some(&trusted)).expect("PONG");
    login(&server, "free", None).expect("PONG");
    eventually(|| server.connections().len() == 1);
    let refused = "-ERR 'Authorization Violation'\r\n";
    assert_eq!(login(&server, "vouched", None).closed(), refused);
    assert_eq!(ended(&server, "Proxy Required", 3), 1);
    for user in ["vouched", "free"] {
        assert_eq!(login(&server, user, Some(&stranger)).closed(), refused);
    }
    assert_eq!(ended(&server, "Proxy Not Trusted", 5), 2);
    vouched.sync_silent();
}

#[test]
fn those_of_a_proxy_that_is_not_trusted_any_more_leave() {
    let (first, second) = (proxy(), proxy());
    let server = server().configured(&text(&first)).monitoring().start();
    let mut vouched = login(&server, "vouched", Some(&first));
    vouched.expect("PONG");
    let mut free = login(&server, "free", None);
    free.expect("PONG");
    server.reconfigure(&text(&second));
    assert_eq!(vouched.closed(), "-ERR 'Authorization Violation'\r\n");
    assert_eq!(ended(&server, "Proxy Not Trusted", 1), 1);
    free.sync_silent();
    login(&server, "vouched", Some(&second)).expect("PONG");
}

#[test]
fn who_presents_the_one_token_may_have_to_come_by_one() {
    let trusted = proxy();
    let text = format!(
        "proxies {{ trusted: [{{key: {}}}] }}, authorization {{ token: t, proxy_required: true }}",
        trusted.public()
    );
    let server = server().configured(&text).start();
    let mut client = server.client();
    client.send("CONNECT {\"auth_token\":\"t\"}\r\nPING");
    assert_eq!(client.closed(), "-ERR 'Authorization Violation'\r\n");
}
