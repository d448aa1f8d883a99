//! Where TLS may be spoken and need not be, both are served on one port.

use crate::world::{CONNECT, World};
use std::time::Duration;
use vagus_test_support::server;

#[test]
fn both_kinds() {
    let world = World::new();
    let server = server().tls(world.with(|tls| tls.allow_non_tls = true)).start();
    let mut plain = server.client();
    assert!(
        plain.info().contains(r#""tls_available":true"#),
        "{}",
        plain.info()
    );
    assert!(!plain.info().contains("tls_required"), "{}", plain.info());
    plain.send(&format!("CONNECT {CONNECT}"));
    plain.subscribe("both", "1");
    let mut secured = server.client().secured(&world.connector()).connect(CONNECT);
    secured.subscribe("both", "1");
    plain.send("PUB both 5\r\nplain");
    secured.send("PUB both 6\r\nsecret");
    for client in [&mut plain, &mut secured] {
        let mut payloads: Vec<_> = client
            .messages(2)
            .into_iter()
            .map(|message| message.payload)
            .collect();
        payloads.sort();
        assert_eq!(payloads, [b"plain".to_vec(), b"secret".to_vec()]);
    }
}

/// Who says nothing for as long as a handshake may take is taken for one without TLS.
#[test]
fn a_silent_client_is_a_plain_one() {
    let world = World::new();
    let settings = world.with(|tls| {
        tls.allow_non_tls = true;
        tls.timeout = Duration::from_millis(20);
    });
    let server = server()
        .tls(settings)
        .pings(Duration::from_millis(20), 1_000)
        .start();
    let mut client = server.client();
    client.show_pings();
    client.expect("PING");
}
