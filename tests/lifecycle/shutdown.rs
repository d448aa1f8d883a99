//! A server that stops closes everything at once: its connections, whatever they are doing, and its port,
//! which the next may have.

use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use vagus_test_support::{Client, HeldPort, eventually, server};

#[test]
fn closes_idle_connections_at_once() {
    let server = server().arbiters(2).start();
    let mut clients: Vec<Client> = (0..130).map(|_| server.connected()).collect();
    clients.push(server.client());
    let address = server.client_address();
    server.shutdown();
    for client in &mut clients {
        assert_eq!(client.closed(), "");
    }
    assert!(TcpStream::connect(address).is_err(), "the port is closed");
}

/// Also those that publish, that are sent much and do not read, and that are in the middle of a frame.
#[test]
fn closes_busy_connections_at_once() {
    let server = server().arbiters(2).start();
    let mut stuck = server.connected_with_little_room();
    stuck.subscribe("flood", "1");
    let mut amid = server.connected();
    amid.send_bytes(b"PUB a 500000\r\nx");
    let publishers = [0, 1].map(|arbiter| server.connected_on(arbiter));
    let published = AtomicUsize::new(0);
    thread::scope(|scope| {
        for mut publisher in publishers {
            let published = &published;
            scope.spawn(move || {
                let batch = format!("PUB flood 1000\r\n{}\r\n", "x".repeat(1000)).repeat(20);
                while publisher.try_send_bytes(batch.as_bytes()) {
                    published.fetch_add(20, Ordering::SeqCst);
                }
            });
        }
        eventually(|| published.load(Ordering::SeqCst) > 5_000);
        server.shutdown();
    });
    stuck.closed();
    amid.closed();
}

/// The next server has the port at once, though connections to it were just closed, and clients that come
/// back are served.
#[test]
fn frees_the_port() {
    let held = HeldPort::new();
    let address = held.address();
    let first = server().port(address.port()).start();
    let mut clients: Vec<Client> = (0..20).map(|_| first.connected()).collect();
    first.shutdown();
    for round in 0..5 {
        let next = server().port(address.port()).arbiters(1 + round % 2).start();
        assert_eq!(next.client_address(), address);
        for client in &mut clients {
            // The old connection ended with the old server.
            client.closed();
            *client = next.connected();
        }
        next.expect_to_serve();
        next.shutdown();
    }
}

/// Two cannot have one port; who comes second says so, and the first goes on.
#[test]
fn not_before_it_stops() {
    let first = server().start();
    let mut config = vagus::Config::default();
    config.clients.listen.host = "127.0.0.1".to_owned();
    config.clients.listen.port = vagus_configs::Port::Fixed(first.client_address().port());
    let error = vagus::Server::start(config)
        .expect_err("the port is taken")
        .to_string();
    assert!(error.contains(&first.client_address().to_string()), "{error}");
    first.expect_to_serve();
}

/// A server that is dropped stops as well.
#[test]
fn happens_when_it_is_dropped() {
    let server = server().arbiters(2).start();
    let mut client = server.connected();
    drop(server);
    assert_eq!(client.closed(), "");
}
