//! Where the handshake comes first nothing is said before it; where it may, a client that waits gets INFO.

use crate::world::{CONNECT, World};
use std::time::Duration;
use vagus_test_support::{Client, PATIENCE, server};
use vagus_tls::HandshakeFirst;

#[test]
fn info_comes_through_tls() {
    let world = World::new();
    let settings = world.with(|tls| tls.handshake_first = HandshakeFirst::On);
    let server = server().tls(settings).start();
    let mut client = Client::silent(server.client_address()).secured(&world.connector());
    client.read_info();
    assert!(
        client.info().contains(r#""tls_required":true"#),
        "{}",
        client.info()
    );
    assert!(
        client.info().contains(r#""client_ip":"127.0.0.1""#),
        "{}",
        client.info()
    );
    let mut client = client.connect(r#"{"verbose":false,"name":"first"}"#);
    client.sync_silent();
    assert!(server.connection("first").unwrap().tls.unwrap().first);
}

#[test]
fn a_plain_client_hears_nothing() {
    let world = World::new();
    let settings = world.with(|tls| tls.handshake_first = HandshakeFirst::On);
    let server = server().tls(settings).start();
    let mut client = Client::silent(server.client_address());
    client.send("CONNECT {}\r\nPING");
    assert_eq!(client.closed(), "");
    server.expect_nothing_left();
}

/// A client of either kind is served; none is mistaken for the other.
#[test]
fn whichever_comes() {
    let world = World::new();
    for allow_non_tls in [false, true] {
        let settings = |first| {
            world.with(|tls| {
                tls.handshake_first = first;
                tls.allow_non_tls = allow_non_tls;
            })
        };
        // So long that a client that begins at once is in time on any machine.
        let patient = server().tls(settings(HandshakeFirst::Auto(PATIENCE))).start();
        let mut client = Client::silent(patient.client_address()).secured(&world.connector());
        client.read_info();
        assert!(
            client.info().contains(r#""tls_required":true"#),
            "{}",
            client.info()
        );
        let mut client = client.connect(CONNECT);
        client.sync_silent();

        let hasty = server()
            .tls(settings(HandshakeFirst::Auto(Duration::from_millis(1))))
            .start();
        // It reads INFO, so it waits.
        let client = hasty.client();
        let required = client.info().contains(r#""tls_required":true"#);
        assert_eq!(required, !allow_non_tls, "{}", client.info());
        let mut client = client.secured(&world.connector()).connect(CONNECT);
        client.sync_silent();
        if allow_non_tls {
            hasty.connected().sync_silent();
        }
    }
}
