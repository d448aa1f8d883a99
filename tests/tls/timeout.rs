//! Who does not end a handshake in time is sent away, and counts as a connection until then.

use crate::world::World;
use std::time::{Duration, Instant};
use vagus_test_support::{Client, server};
use vagus_tls::HandshakeFirst;

const TIMEOUT: Duration = Duration::from_millis(300);

#[test]
fn of_a_handshake() {
    let world = World::new();
    for first in [HandshakeFirst::Off, HandshakeFirst::On] {
        let settings = world.with(|tls| {
            tls.timeout = TIMEOUT;
            tls.handshake_first = first;
        });
        let server = server().tls(settings).start();
        for begun in [b"".as_slice(), b"\x16\x03\x01\x02\x00\x01"] {
            let start = Instant::now();
            let mut client = Client::silent(server.client_address());
            client.send_bytes(begun);
            if first == HandshakeFirst::Off {
                client.read_info();
            }
            assert_eq!(client.closed(), "");
            assert!(start.elapsed() >= TIMEOUT, "{:?}", start.elapsed());
        }
        server.expect_nothing_left();
        let monitor = server.monitor().unwrap();
        assert_eq!(monitor.closed.get("TLS Handshake Failure"), Some(&2));
        assert_eq!(monitor.total_connections, 2);
    }
}

#[test]
fn those_under_way_count() {
    let world = World::new();
    let server = server().tls(world.settings.clone()).max_connections(1).start();
    let first = server.client();
    let mut second = server.client();
    assert_eq!(second.closed(), "-ERR 'maximum connections exceeded'\r\n");
    drop(first);
    // What it held is free again, without a handshake.
    vagus_test_support::eventually(|| {
        let client = server.client();
        client.try_secured(&world.connector()).is_ok()
    });
}
