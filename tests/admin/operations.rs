//! What administrators have done.

use crate::{JSON, open, with};
use std::sync::{Arc, Mutex};
use vagus::{LameDuckPhase, LogControl, LogLevels};
use vagus_test_support::{eventually, http, send, server};

#[test]
fn a_connection_is_closed() {
    let server = server().set(with(open())).start();
    let address = server.admin_address().unwrap();
    let mut client = server.connected();
    let mut other = server.connected();
    let cid = server.connections()[0].id;
    let path = format!("/v1/connections/{cid}");
    assert_eq!(http(address, "DELETE", &path, &[]).status, 204);
    client.closed();
    other.sync_silent();
    eventually(|| {
        let closed = server.monitor().unwrap().closed;
        closed.get("Kicked") == Some(&1)
    });
    assert_eq!(http(address, "DELETE", &path, &[]).status, 404);
    assert_eq!(http(address, "DELETE", "/v1/connections/me", &[]).status, 404);
}

/// Also while it has not said what there has to be known of it.
#[test]
fn a_connection_that_is_about_to_be_open_is_closed() {
    let server = server().set(with(open())).proxy_protocol().start();
    let address = server.admin_address().unwrap();
    let mut client = server.client();
    eventually(|| !server.connections().is_empty());
    let path = format!("/v1/connections/{}", server.connections()[0].id);
    assert_eq!(http(address, "DELETE", &path, &[]).status, 204);
    client.closed();
    eventually(|| server.monitor().unwrap().closed.get("Kicked") == Some(&1));
    assert!(server.connections().is_empty());
    assert_eq!(http(address, "DELETE", &path, &[]).status, 404);
}

#[test]
fn lame_duck_mode_is_entered_once() {
    let server = server().set(with(open())).start();
    let address = server.admin_address().unwrap();
    let _client = server.connected();
    assert_eq!(send(address, "POST", "/v1/lame-duck", &[JSON], "").status, 202);
    eventually(|| server.lame_duck().unwrap().phase != LameDuckPhase::Off);
    assert_eq!(
        http(address, "POST", "/v1/lame-duck", &[("X-Vagus", "1")]).status,
        409
    );
}

struct Log(Mutex<LogLevels>);

impl LogControl for Log {
    fn levels(&self) -> LogLevels {
        *self.0.lock().unwrap()
    }

    fn set_levels(&self, levels: LogLevels) {
        *self.0.lock().unwrap() = levels;
    }
}

#[test]
fn the_log_is_set() {
    let log = Arc::new(Log(Mutex::new(LogLevels {
        debug: true,
        trace: false,
    })));
    let server = server().set(with(open())).log(log.clone()).start();
    let address = server.admin_address().unwrap();
    let shown = http(address, "GET", "/v1/log", &[]).body;
    assert_eq!(shown, r#"{"debug":true,"trace":false}"#);
    let wanted = r#"{"debug":false,"trace":true}"#;
    assert_eq!(send(address, "PUT", "/v1/log", &[JSON], wanted).body, wanted);
    assert_eq!(
        log.levels(),
        LogLevels {
            debug: false,
            trace: true
        }
    );
    for nonsense in [
        "",
        "{}",
        r#"{"debug":1,"trace":true}"#,
        r#"{"debug":true,"trace":true,"x":1}"#,
    ] {
        let answer = send(address, "PUT", "/v1/log", &[JSON], nonsense);
        assert_eq!(answer.status, 400, "{nonsense}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    assert_eq!(
        http(address, "DELETE", "/v1/log", &[]).header("allow"),
        "GET, PUT"
    );
}

#[test]
fn a_log_that_is_not_ours_cannot_be_set() {
    let server = server().set(with(open())).start();
    let address = server.admin_address().unwrap();
    assert_eq!(http(address, "GET", "/v1/log", &[]).status, 503);
}
