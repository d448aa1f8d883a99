//! Connections of which only one direction lives: what was said before counts, and nothing stays.

use vagus_test_support::server;

/// The peer ends its stream behind complete frames: they are carried out, and the connection ends.
#[test]
fn after_what_was_complete() {
    let server = server().arbiters(2).start();
    let mut listener = server.connected();
    listener.subscribe("a", "1");
    for _ in 0..50 {
        let mut client = server.connected();
        client.send("SUB b 1\r\nPUB a 2\r\nhi");
        client.end();
        listener.expect("MSG a 1 2\r\nhi");
        client.closed();
    }
    assert_eq!(
        server
            .monitor()
            .unwrap()
            .closed
            .keys()
            .copied()
            .collect::<Vec<_>>(),
        ["Client Closed"]
    );
    drop(listener);
    server.expect_nothing_left();
}

/// It ends its stream in the middle of a frame.
#[test]
fn amid_a_frame() {
    let server = server().start();
    let mut listener = server.connected();
    listener.subscribe(">", "1");
    for beginning in ["PUB a 5\r\nhel", "PUB a 5", "SUB", "PUB a 100000\r\nxxx"] {
        let mut client = server.connected();
        client.send_bytes(beginning.as_bytes());
        client.end();
        assert_eq!(client.closed(), "");
    }
    listener.sync_silent();
    drop(listener);
    server.expect_nothing_left();
}

/// It ends its stream and never reads what it is sent: nothing is kept for it.
#[test]
fn by_one_that_does_not_read() {
    let server = server().arbiters(2).start();
    let mut publisher = server.connected();
    let mut half_closed = Vec::new();
    for _ in 0..5 {
        let mut client = server.connected_with_little_room();
        client.subscribe("a", "1");
        half_closed.push(client);
    }
    for _ in 0..8 {
        publisher.publish("a", &vec![b'x'; 1024 * 1024]);
    }
    publisher.sync_silent();
    for client in &mut half_closed {
        client.end();
    }
    drop(publisher);
    // Before they are dropped: their sockets are open all the while.
    server.expect_nothing_left();
    server.expect_to_serve();
    drop(half_closed);
}
