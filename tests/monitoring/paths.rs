//! Paths are taken by the letter, with any method; what is not there is said so.

use vagus_test_support::{http, server};

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
    let refused = std::net::TcpStream::connect(address);
    assert!(refused.is_err(), "somebody still listens at {address}");
}
