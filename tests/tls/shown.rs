//! A connection counts and is shown from its acceptance on, and what becomes of it in the handshake is remembered.

use crate::world::World;
use vagus_test_support::{Client, eventually, eventually_equal, server};

#[test]
fn in_the_handshake_and_after_it() {
    let world = World::new();
    let server = server()
        .tls(world.settings.clone())
        .arbiters(2)
        .max_connections(2)
        .start();
    let shown = || {
        let monitor = server.monitor().unwrap();
        (monitor.connections, monitor.total_connections)
    };
    let mut silent = server.client();
    eventually_equal(shown, (1, 1));
    let mut begun = server.client();
    begun.send_bytes(&[0x16, 3, 1]);
    eventually_equal(shown, (2, 2));
    let ids: Vec<u64> = server
        .connections()
        .iter()
        .map(|connection| connection.id)
        .collect();
    assert_eq!(ids, [1, 2]);
    let state = server.connections().remove(0);
    assert_eq!((state.subscriptions, state.tls), (0, None));

    let mut refused = server.client();
    assert_eq!(refused.closed(), "-ERR 'maximum connections exceeded'\r\n");
    eventually_equal(shown, (2, 3));
    silent.end();
    begun.end();
    eventually_equal(shown, (0, 3));
    drop(refused);
    let mut plain = Client::silent(server.client_address());
    plain.read_info();
    plain.send("CONNECT {}");
    assert_eq!(plain.closed(), "");
    eventually_equal(shown, (0, 4));
    let closed = server.monitor().unwrap().closed;
    let expected = [("Maximum Connections Exceeded", 1), ("TLS Handshake Failure", 3)];
    assert_eq!(closed, expected.into());
    // One that comes through counts once.
    let client = server.client().secured(&world.connector());
    eventually(|| {
        server
            .connections()
            .iter()
            .any(|connection| connection.tls.is_some())
    });
    assert_eq!(shown(), (1, 5));
    drop(client);
    server.expect_nothing_left();
}
