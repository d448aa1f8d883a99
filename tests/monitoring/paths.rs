//! Paths are taken by the letter, with any method; what is not there is said so.

use std::io::{Read, Write};
use std::net::TcpStream;
use vagus_test_support::{TestServer, http, server};

#[test]
fn are_taken_by_the_letter() {
    let server = server().monitoring().start();
    for path in ["/nothing", "/VARZ", "/varz/", "/varz/x"] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, &*answer.body),
            (404, "404 page not found\n"),
            "{path}"
        );
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    }
    let answer = server.get("//varz?a=b");
    assert_eq!((answer.status, answer.header("location")), (307, "/varz?a=b"));
}

#[test]
fn methods_do_not_matter() {
    let server = server().monitoring().start();
    let address = server.monitor_address().unwrap();
    for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = http(address, method, "/healthz", &[]);
        assert_eq!(
            (answer.status, &*answer.body),
            (200, r#"{"status":"ok"}"#),
            "{method}"
        );
    }
    let answer = http(address, "HEAD", "/healthz", &[]);
    assert_eq!((answer.status, &*answer.body), (200, ""));
    assert_eq!(answer.header("content-type"), "application/json");
}

#[test]
fn may_be_below_another() {
    let server = server().monitoring().http_base_path("nats/").start();
    assert_eq!(server.get("/nats/healthz").status, 200);
    for path in ["/healthz", "/", "/natshealthz"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    assert_eq!(server.get("/nats/varz").json()["http_base_path"], "nats/");
}

/// Pages of other hosts may read them; none is sent as a script, whatever is asked for.
#[test]
fn other_hosts_may_read_them() {
    let server = server().monitoring().start();
    let answer = server.get("/healthz?callback=show.it");
    assert_eq!(answer.body, r#"{"status":"ok"}"#);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

/// The port is free again when the server is gone, and another server may have it.
#[test]
fn the_port_is_given_back() {
    let first = server().monitoring().start();
    let address = first.monitor_address().unwrap();
    first.shutdown();
    let refused = TcpStream::connect(address);
    assert!(refused.is_err(), "somebody still listens at {address}");
}

/// What browsers and tools send is taken, though no URL may hold it.
#[test]
fn odd_urls_are_taken() {
    let server = server().monitoring().start();
    for path in [
        "/subsz?test=a.>",
        "/connz?user=<é\"`{|}^\\",
        "/varz?a;b",
        "/varz?%zz",
        "/%76arz",
        "/varz?#",
    ] {
        assert_ne!(server.get(path).status, 404, "{path}");
        assert_ne!(server.get(path).status, 505, "{path}");
        if !path.starts_with("/subsz") {
            assert_eq!(server.get(path).status, 200, "{path}");
        }
    }
    let refused = server.get("/subsz?test=a.>").body;
    assert_eq!(
        refused,
        "invalid test subject, must be valid publish subject: a.>"
    );
}

fn raw(server: &TestServer, request: &str) -> String {
    let mut stream = TcpStream::connect(server.monitor_address().unwrap()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_later_version_is_spoken_like_the_known_one() {
    let server = server().monitoring().start();
    let answer = raw(
        &server,
        "GET /healthz HTTP/1.2\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

/// A nonsense request is told what is wrong with it, behind the answers to what made sense.
#[test]
fn a_refusal_says_why() {
    let server = server().monitoring().start();
    for (request, end) in [
        ("nonsense\r\n\r\n", "400 Bad Request: malformed request line"),
        (
            "GET /% HTTP/1.1\r\nHost: a\r\n\r\n",
            "400 Bad Request: invalid URL escape",
        ),
        (
            "GET / HTTP/1.1\r\n\r\n",
            "400 Bad Request: missing required Host header",
        ),
        (
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            "505 HTTP Version Not Supported: unsupported HTTP version",
        ),
    ] {
        let answer = raw(&server, request);
        assert!(answer.ends_with(end), "{request:?} {answer}");
        let both = raw(
            &server,
            &format!("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n{request}"),
        );
        assert!(both.contains(r#"{"status":"ok"}HTTP/1.1 "#), "{both}");
        assert!(both.ends_with(end), "{both}");
    }
}
