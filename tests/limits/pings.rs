//! A silent peer is asked whether it is there, and given up when it does not answer.

use std::time::Duration;
use vagus_test_support::{Frame, eventually_equal, server};

const SHORT: Duration = Duration::from_millis(50);

#[test]
fn a_client_that_answers_stays() {
    let server = server().pings(SHORT, 1).start();
    let mut client = server.connected();
    client.show_pings();
    for _ in 0..6 {
        client.expect("PING");
        client.send("PONG");
    }
    // Not even the PONG counts as traffic that is delivered.
    assert_eq!(server.connections()[0].messages_in, 0);
}

#[test]
fn a_client_that_does_not_is_told_and_closed() {
    let server = server().pings(SHORT, 3).start();
    let mut silent = server.connected();
    silent.show_pings();
    silent.expect("PING\r\nPING\r\nPING\r\n-ERR 'Stale Connection'");
    assert_eq!(silent.closed(), "");
    let closed = || server.monitor().unwrap().closed.get("Stale Connection").copied();
    eventually_equal(closed, Some(1));
    server.expect_nothing_left();
}

/// Also one that never said CONNECT.
#[test]
fn a_client_that_never_connects_is_asked_too() {
    let server = server().pings(SHORT, 1).start();
    let mut silent = server.client();
    silent.show_pings();
    silent.expect("PING\r\n-ERR 'Stale Connection'");
    assert_eq!(silent.closed(), "");
}

/// A client that is sent messages all the time and does not read them is not forgotten either.
#[test]
fn being_sent_messages_is_no_answer() {
    let server = server().pings(SHORT, 2).start();
    let mut silent = server.connected();
    silent.subscribe("a", "1");
    let mut publisher = server.client().connect(r#"{"verbose":false}"#);
    let closed = || server.monitor().unwrap().closed.get("Stale Connection").copied();
    while closed().is_none() {
        publisher.send("PUB a 1\r\nx\r\nPONG");
        publisher.sync_silent();
    }
    // The messages and the last words can still be read.
    loop {
        match silent.next_frame() {
            Frame::Message(_) => {}
            Frame::Error(text) => break assert_eq!(text, "Stale Connection"),
            other => panic!("{other:?}"),
        }
    }
}
