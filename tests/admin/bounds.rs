//! The limits of requests over HTTP, in bytes and time.

use crate::{JSON, open, with};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use vagus_test_support::{Answer, eventually, send, server};

/// The longest document, in bytes; there is room for two of them.
const LONGEST: usize = 96 * 1024 * 1024;

/// The length of a document that is counted, in bytes.
const COUNTED: usize = 100 * 1024;

/// Longer than any deadline.
const LONG: Duration = Duration::from_secs(120);

fn connect(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// One that announces a document, and sends the beginning of it.
fn sender(address: SocketAddr, length: usize) -> TcpStream {
    let head = format!("POST /v1/publish HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n");
    connect(
        address,
        &format!("{head}Content-Length: {length}\r\n\r\n{{\"subject\":"),
    )
}

fn publish(address: SocketAddr, payload: usize) -> Answer {
    let document = format!(r#"{{"subject":"a","payload":"{}"}}"#, "x".repeat(payload));
    send(address, "POST", "/v1/publish", &[JSON], &document)
}

#[test]
fn documents_that_come_in_have_a_bound_together() {
    let server = server().set(with(open())).start();
    let address = server.admin_address().unwrap();
    let senders = [sender(address, LONGEST), sender(address, LONGEST)];
    let refused = || publish(address, COUNTED);
    eventually(|| refused().status == 503);
    assert_eq!(refused().header("retry-after"), "1");
    assert_eq!(publish(address, 10).status, 200, "small ones are not counted");
    drop(senders);
    eventually(|| publish(address, COUNTED).status == 200);
}

#[test]
fn a_document_that_is_too_long_is_not_waited_for() {
    let server = server().set(with(open())).start();
    let mut sender = sender(server.admin_address().unwrap(), LONGEST + 1);
    let mut status = [0; 12];
    sender.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
}

/// What was said to one that goes on with nothing, and when it was.
fn told(mut stream: TcpStream) -> (String, Duration) {
    let start = Instant::now();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).unwrap();
    (String::from_utf8(said).unwrap(), start.elapsed())
}

#[test]
fn a_head_has_to_come_in_time() {
    let server = server().set(with(open())).start();
    let address = server.admin_address().unwrap();
    let (said, when) = told(connect(address, "GET /v1/session HTTP/1.1\r\nHost: a\r\n"));
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    assert!((4..60).contains(&when.as_secs()), "{when:?}");
}

#[test]
fn a_body_has_to_come_in_time() {
    let server = server().set(with(open())).start();
    let (said, when) = told(sender(server.admin_address().unwrap(), 1000));
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    assert!((29..90).contains(&when.as_secs()), "{when:?}");
}
