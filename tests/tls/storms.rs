//! Handshakes by the hundred are spread over the arbiters before any is over, and cost nobody else more than a turn.

use crate::world::{CONNECT, World};
use std::net::TcpStream;
use std::thread;
use vagus_test_support::{Client, eventually, server};

const STORM: usize = 200;

/// None of them has said anything yet.
#[test]
fn are_spread() {
    let world = World::new();
    let server = server().tls(world.settings.clone()).arbiters(2).start();
    let storm: Vec<TcpStream> = (0..STORM)
        .map(|_| TcpStream::connect(server.client_address()).unwrap())
        .collect();
    eventually(|| server.monitor().unwrap().connections == STORM);
    for count in server.listener().unwrap().connections {
        assert!(count >= STORM as u64 / 4, "{count}");
    }
    drop(storm);
    server.expect_nothing_left();
}

#[test]
fn end_well_beside_traffic() {
    let world = World::new();
    let server = server().tls(world.settings.clone()).arbiters(2).start();
    let mut beside = server.client().secured(&world.connector()).connect(CONNECT);
    beside.subscribe("beside", "1");
    beside.sync_silent();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..STORM / 4 {
                    let client = Client::to(server.client_address());
                    let client = client.secured(&world.connector());
                    if number % 2 == 0 {
                        client.connect(CONNECT).sync_silent();
                    }
                }
            });
        }
        for number in 0..STORM {
            let number = number.to_string();
            beside.publish("beside", number.as_bytes());
            assert_eq!(beside.message().text(), number);
        }
    });
    drop(beside);
    server.expect_nothing_left();
    assert_eq!(server.monitor().unwrap().total_connections, STORM as u64 + 1);
}
