//! No more handshakes begin in a second than may; who has to wait is told so.

use crate::world::{CONNECT, World};
use vagus_test_support::server;

const TOLD: &str = "-ERR 'Connection throttling is active. Please try again later.'\r\n";

#[test]
fn those_beyond_are_told() {
    let world = World::new();
    let server = server()
        .tls(world.with(|tls| tls.connection_rate_limit = 2))
        .start();
    // Those before may have been in another second, but of three in a row that come in one, one is told.
    let told = (0..100).find_map(|_| {
        let mut clients: Vec<_> = (0..3).map(|_| server.client()).collect();
        let mut last = clients.pop()?;
        last.end();
        Some(last.closed()).filter(|said| !said.is_empty())
    });
    assert_eq!(told.as_deref(), Some(TOLD));
}

#[test]
fn who_keeps_to_it_comes_in() {
    let world = World::new();
    let server = server()
        .tls(world.with(|tls| tls.connection_rate_limit = 1))
        .start();
    let mut client = server.client().secured(&world.connector()).connect(CONNECT);
    client.sync_silent();
}
