//! However many are connected, and whatever they do, a probe is told how the server is.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use vagus_test_support::{http, server};

/// More than there are places.
const MANY: usize = 300;

fn ask(stream: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
}

fn each(address: SocketAddr, act: impl Fn(&mut TcpStream)) -> Vec<TcpStream> {
    let connect = |_| {
        let mut stream = TcpStream::connect(address).unwrap();
        act(&mut stream);
        stream
    };
    (0..MANY).map(connect).collect()
}

#[test]
fn connections_that_are_kept_keep_nobody_out() {
    let server = server().monitoring().start();
    let address = server.monitor_address().unwrap();
    let idle = each(address, |stream| {
        ask(stream, "/healthz");
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
    });
    assert_eq!(server.get("/healthz").status, 200);
    drop(idle);
}

#[test]
fn connections_that_ask_nothing_keep_nobody_out() {
    let server = server().monitoring().start();
    let address = server.monitor_address().unwrap();
    let silent = each(address, |_| {});
    assert_eq!(server.get("/healthz").status, 200);
    let halves = each(address, |stream| stream.write_all(b"GET / HT").unwrap());
    assert_eq!(server.get("/healthz").status, 200);
    drop((silent, halves));
}

#[test]
fn those_who_do_not_read_keep_nobody_out() {
    let server = server().monitoring().start();
    let address = server.monitor_address().unwrap();
    let deaf = each(address, |stream| {
        for _ in 0..100 {
            let request = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
            // Who has had to go cannot ask for more.
            let _ = stream.write_all(request.as_bytes());
        }
    });
    let answer = http(address, "GET", "/healthz", &[]);
    assert_eq!((answer.status, &*answer.body), (200, r#"{"status":"ok"}"#));
    drop(deaf);
}

/// The newcomer is served, also where everybody is being served.
#[test]
fn streams_keep_nobody_out() {
    let server = server().monitoring().start();
    let address = server.monitor_address().unwrap();
    let following = each(address, |stream| {
        ask(stream, "/v1/events");
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
    });
    assert_eq!(server.get("/healthz").status, 200);
    drop(following);
}
