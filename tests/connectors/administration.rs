//! Connectors are shown, pause, come and go over HTTP.

use crate::peer::Peer;
use crate::{address, state};
use serde_json::Value;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use vagus_configs::{Admin, Port};
use vagus_test_support::{Process, TestServer, eventually, http, send, server, spawn_binary};

const JSON: (&str, &str) = ("Content-Type", "application/json");
const MARKED: (&str, &str) = ("X-Vagus", "1");

fn started() -> TestServer {
    let text = "connectors: [{id: lines, type: JSONLinesToNATS, listen: '127.0.0.1:-1', subject: s}]";
    server()
        .configured(text)
        .monitoring()
        .set(|config| {
            let mut admin = Admin::default();
            admin.listen.port = Port::Free;
            config.admin = Some(admin);
        })
        .start()
}

fn order(server: &TestServer, method: &str, path: &str, body: &str) -> (u16, String) {
    let answer = send(
        server.admin_address().unwrap(),
        method,
        path,
        &[JSON, MARKED],
        body,
    );
    (answer.status, answer.body)
}

#[test]
fn how_they_stand_is_shown() {
    let server = started();
    Peer::to(address(&server, "lines")).send(b"{}\n{}\n");
    eventually(|| state(&server, "lines").msg_in == 2);
    let list = http(server.admin_address().unwrap(), "GET", "/v1/connectors", &[]).json();
    let shown = &list["connectors"][0];
    assert_eq!(
        (&shown["id"], &shown["type"]),
        (&"lines".into(), &"JSONLinesToNATS".into())
    );
    assert_eq!((&shown["msg_in"], &shown["bytes_in"]), (&2.into(), &4.into()));
    let varz = server.get("/varz").json();
    assert_eq!(varz["connectors"][0]["id"], "lines");
    let metrics = server.get("/metrics").body;
    let expected =
        "vagus_connector_published_messages_total{connector=\"lines\",type=\"JSONLinesToNATS\"} 2\n";
    assert!(metrics.contains(expected), "{metrics}");
    assert!(!metrics.contains("gnatsd_varz_connectors"));
}

#[test]
fn one_pauses_and_goes_on() {
    let server = started();
    let place = address(&server, "lines");
    let mut peer = Peer::to(place);
    peer.send(b"{}\n");
    eventually(|| state(&server, "lines").msg_in == 1);
    assert_eq!(order(&server, "POST", "/v1/connectors/lines/pause", "").0, 204);
    peer.expect_end();
    eventually(|| state(&server, "lines").state == "paused");
    eventually(|| TcpStream::connect(place).is_err());
    // To pause it twice changes nothing.
    assert_eq!(order(&server, "POST", "/v1/connectors/lines/pause", "").0, 204);
    assert_eq!(order(&server, "POST", "/v1/connectors/lines/resume", "").0, 204);
    eventually(|| state(&server, "lines").state == "running");
    eventually(|| TcpStream::connect(address(&server, "lines")).is_ok());
    Peer::to(address(&server, "lines")).send(b"{}\n");
    eventually(|| state(&server, "lines").msg_in == 2);
    assert_eq!(order(&server, "POST", "/v1/connectors/none/pause", "").0, 404);
}

/// A server with a file that can be written, and its admin service.
struct Filed {
    _process: Process,
    address: SocketAddr,
    folder: PathBuf,
}

impl Filed {
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("vagus-connectors-admin-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("server.conf");
        let text = "admin: '127.0.0.1:-1'
            connectors: [{id: lines, type: JSONLinesToNATS, listen: '127.0.0.1:-1', subject: s}]";
        fs::write(&file, text).unwrap();
        let mut process = spawn_binary!("-a", "127.0.0.1", "-p", "-1", "-c", file.to_str().unwrap());
        let line = process.log_line("Starting admin service on ");
        let address = line
            .trim()
            .rsplit(' ')
            .next()
            .unwrap()
            .trim_start_matches("http://");
        let address = address.parse().unwrap();
        process.client_address();
        Self {
            _process: process,
            address,
            folder,
        }
    }

    fn order(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let answer = send(self.address, method, path, &[JSON, MARKED], body);
        (answer.status, answer.body)
    }

    /// A connector as it is shown, if it is there.
    fn shown(&self, id: &str) -> Option<Value> {
        let list = http(self.address, "GET", "/v1/connectors", &[]).json();
        let connectors = list["connectors"].as_array().unwrap();
        connectors.iter().find(|shown| shown["id"] == id).cloned()
    }
}

impl Drop for Filed {
    fn drop(&mut self) {
        // What is left of it is in the way of nobody.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn one_comes_and_goes() {
    let server = Filed::start();
    let lines = server.shown("lines").unwrap();
    let mut peer = Peer::to(lines["address"].as_str().unwrap().parse().unwrap());
    let published = || server.shown("lines").unwrap()["msg_in"].as_u64();
    peer.send(b"{}\n");
    eventually(|| published() == Some(1));
    let document = r#"{"type": "ForwardToNATS", "listen": "127.0.0.1:-1", "shared_key": "hush"}"#;
    let (status, said) = server.order("PUT", "/v1/connectors/logs?persist=file", document);
    assert_eq!(status, 200, "{said}");
    assert_eq!(server.shown("logs").unwrap()["type"], "ForwardToNATS");
    let config = http(server.address, "GET", "/v1/config", &[]).body;
    assert!(
        config.contains("shared_key") && !config.contains("hush"),
        "{config}"
    );
    let file = fs::read_to_string(server.folder.join("server.conf")).unwrap();
    assert!(
        file.contains("hush") && file.contains("JSONLinesToNATS"),
        "{file}"
    );
    // The other one has not been touched.
    peer.send(b"{}\n");
    eventually(|| published() == Some(2));
    let (status, said) = server.order("PUT", "/v1/connectors/logs", r#"{"type": "ForwardToKafka"}"#);
    assert_eq!(status, 422, "{said}");
    assert_eq!(server.order("PUT", "/v1/connectors/logs", "[]").0, 400);
    let (status, said) = server.order("DELETE", "/v1/connectors/logs", "");
    assert_eq!(status, 200, "{said}");
    assert_eq!(server.order("DELETE", "/v1/connectors/logs", "").0, 404);
    assert!(server.shown("logs").is_none() && server.shown("lines").is_some());
}
