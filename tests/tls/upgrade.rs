//! INFO comes in the clear and says so; then the client begins TLS, of version 1.2 or 1.3, and everything is as
//! without.

use crate::world::{CONNECT, World};
use openssl::ssl::SslVersion;
use vagus_test_support::server;

#[test]
fn after_info() {
    let world = World::new();
    let server = server().tls(world.settings.clone()).start();
    for (version, name) in [(SslVersion::TLS1_2, "1.2"), (SslVersion::TLS1_3, "1.3")] {
        let client = server.client();
        assert!(
            client.info().contains(r#""tls_required":true"#),
            "{}",
            client.info()
        );
        assert!(!client.info().contains("tls_verify"), "{}", client.info());
        let options = format!(r#"{{"verbose":false,"name":"{name}"}}"#);
        let mut client = client
            .secured(&world.connector().version(version))
            .connect(&options);
        client.subscribe("greetings", "1");
        client.send("PUB greetings 5\r\nhello");
        client.expect("MSG greetings 1 5\r\nhello");
        client.sync_silent();
        let facts = server.connection(name).unwrap().tls.unwrap();
        assert_eq!((facts.version, facts.first), (name, false));
        assert!(facts.cipher_suite.starts_with("TLS_"), "{}", facts.cipher_suite);
        assert!(facts.peer_certificates.is_empty());
    }
    server.expect_nothing_left();
}

#[test]
fn an_older_version_is_not_spoken() {
    let world = World::new();
    let server = server().tls(world.settings.clone()).start();
    let refused = server
        .client()
        .try_secured(&world.connector().version(SslVersion::TLS1_1));
    assert!(refused.is_err());
    server.expect_nothing_left();
}

/// What a client has sent behind its part of the handshake, and behind CONNECT, is not lost.
#[test]
fn everything_at_once() {
    let world = World::new();
    let server = server().tls(world.settings.clone()).start();
    let mut client = server.client().secured(&world.connector());
    let payload = "x".repeat(40_000);
    let everything = format!(
        "CONNECT {CONNECT}\r\nSUB at.once 1\r\nPUB at.once 40000\r\n{payload}\r\nPUB at.once 2\r\nhi\r\nPING"
    );
    client.send(&everything);
    client.expect(&format!(
        "MSG at.once 1 40000\r\n{payload}\r\nMSG at.once 1 2\r\nhi\r\nPONG"
    ));
}

#[test]
fn a_plain_client_is_sent_away() {
    let world = World::new();
    let server = server().tls(world.settings.clone()).start();
    let mut client = server.client();
    client.send("CONNECT {}\r\nPING");
    assert_eq!(client.closed(), "");
    server.expect_nothing_left();
}
