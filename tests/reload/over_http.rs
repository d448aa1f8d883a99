//! The configuration over HTTP: shown without secrets, changed by those who may, and gone back to.

use crate::file::Configured;
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use vagus_test_support::{Answer, http, send};

/// `ann:secret`
const ANN: (&str, &str) = ("Authorization", "Basic YW5uOnNlY3JldA==");
/// `bob:look`
const BOB: (&str, &str) = ("Authorization", "Basic Ym9iOmxvb2s=");
const JSON: (&str, &str) = ("Content-Type", "application/json");

const ADMIN: &str = "admin {
  listen: '127.0.0.1:-1'
  users: [{user: ann, password: secret, role: admin}, {user: bob, password: look, role: read}]
}
";

struct Administrated {
    server: Configured,
    address: SocketAddr,
}

fn start(text: &str) -> Administrated {
    let mut server = Configured::start(&format!("{ADMIN}{text}"));
    let line = server.process.log_line("Starting admin service on ");
    let address = line
        .rsplit(' ')
        .next()
        .unwrap()
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    Administrated { server, address }
}

impl Administrated {
    fn get(&self, path: &str) -> Answer {
        http(self.address, "GET", path, &[BOB])
    }

    fn state(&self) -> Value {
        self.get("/v1/config").json()
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        send(self.address, method, path, &[ANN, JSON], body)
    }

    fn max_payload(&mut self) -> String {
        let info = self.server.client().info().to_owned();
        info.split("\"max_payload\":")
            .nth(1)
            .unwrap()
            .split(',')
            .next()
            .unwrap()
            .to_owned()
    }
}

#[test]
fn secrets_stay_here() {
    let server = start("PW: hush1\nauthorization { user: u, password: $PW, timeout: 3 } # by letter\n");
    let text = http(server.address, "GET", "/v1/config?format=text", &[BOB]);
    let (json, history) = (server.get("/v1/config"), server.get("/v1/config/history"));
    for answer in [&text, &json, &history] {
        assert_eq!(answer.status, 200, "{answer:?}");
        for secret in ["hush1", "secret\"", "look\""] {
            assert!(!answer.body.contains(secret), "{answer:?}");
        }
    }
    let administrators = http(server.address, "GET", "/v1/config?format=text", &[ANN]);
    assert!(
        administrators.body.contains("PW: \"********\"") && administrators.body.contains("password: $PW"),
        "{administrators:?}"
    );
    // A comment may hold what was a secret once.
    assert!(!text.body.contains("by letter"), "{}", text.body);
    let text = http(server.address, "GET", "/v1/config?format=text", &[ANN]);
    assert!(!text.body.contains("hush1"), "{}", text.body);
    assert!(text.body.contains("# by letter"), "{}", text.body);
    let state = json.json();
    assert_eq!(state["document"]["authorization"]["password"], "********");
    assert_eq!(state["document"]["authorization"]["timeout"], 3);
    let settings = state["settings"].as_array().unwrap();
    let setting = |key: &str| settings.iter().find(|one| one["key"] == key).unwrap().clone();
    assert_eq!(
        setting("max_payload"),
        json!({"key": "max_payload", "value": 1_048_576, "reloads": true})
    );
    assert_eq!(setting("port")["reloads"], false);
    assert_eq!(
        json.header("etag"),
        format!("\"{}\"", state["etag"].as_str().unwrap())
    );
}

#[test]
fn only_administrators_change_it() {
    let mut server = start("max_payload: 1000\n");
    for (headers, status) in [(vec![JSON], 401), (vec![JSON, BOB], 403)] {
        for method in ["PUT", "PATCH"] {
            let answer = send(
                server.address,
                method,
                "/v1/config",
                &headers,
                r#"{"max_payload":2000}"#,
            );
            assert_eq!(answer.status, status, "{method}");
        }
    }
    assert_eq!(server.max_payload(), "1000");
}

#[test]
fn single_keys() {
    let mut server = start("# as agreed\nmax_payload: 1000 # small\n");
    let before = fs::read_to_string(server.server.path()).unwrap();
    let dry = server
        .send("PATCH", "/v1/config?dry_run=true", r#"{"max_payload":2000}"#)
        .json();
    assert_eq!(
        (&dry["dry_run"], &dry["version"], &dry["changes"]),
        (
            &json!(true),
            &json!(1),
            &json!([{"key": "max_payload", "old": 1000, "new": 2000}])
        )
    );
    assert_eq!(dry["prospects"]["connections"], 0);
    assert_eq!(server.max_payload(), "1000");

    let done = server
        .send("PATCH", "/v1/config", r#"{"max_payload":2000}"#)
        .json();
    assert_eq!(
        (&done["version"], &done["persisted"]),
        (&json!(2), &json!("memory"))
    );
    assert_eq!(server.max_payload(), "2000");
    assert_eq!(fs::read_to_string(server.server.path()).unwrap(), before);
    assert_eq!(server.state()["persisted"], false);

    // The file says something else than what holds: a change of it would bring in more than was asked for.
    let answer = server.send("PATCH", "/v1/config?persist=file", r#"{"max_payload":3000}"#);
    assert_eq!(answer.status, 409, "{}", answer.body);
    let answer = send(
        server.address,
        "POST",
        "/v1/config/reload",
        &[ANN, ("X-Vagus", "1")],
        "",
    )
    .json();
    assert_eq!(answer["persisted"], "file");
    assert_eq!(server.max_payload(), "1000");
    let done = server
        .send(
            "PATCH",
            "/v1/config?persist=file",
            r#"{"max_payload":3000,"ping_max":7}"#,
        )
        .json();
    assert_eq!(done["persisted"], "file");
    assert_eq!(server.max_payload(), "3000");
    let after = fs::read_to_string(server.server.path()).unwrap();
    assert_eq!(after, before.replace("1000", "3000") + "ping_max: 7\n");
}

#[test]
fn the_whole_of_it() {
    let mut server = start("authorization { user: u, password: hush }\n");
    // As it is shown, with masks, and one key more.
    let shown = http(server.address, "GET", "/v1/config?format=text", &[ANN]).body;
    let etag = server.get("/v1/config").header("etag").to_owned();
    let text = format!("{shown}max_payload: 2000\n");
    let headers = [ANN, ("If-Match", etag.as_str())];
    let done = send(server.address, "PUT", "/v1/config?persist=file", &headers, &text).json();
    assert_eq!(
        done["changes"],
        json!([{"key": "max_payload", "old": 1_048_576, "new": 2000}])
    );
    let written = fs::read_to_string(server.server.path()).unwrap();
    assert!(
        written.contains("password: \"hush\"") && written.contains("max_payload: 2000"),
        "{written}"
    );
    assert!(!written.contains("********"), "{written}");
    let mut client = server
        .server
        .client()
        .connect(r#"{"verbose":false,"user":"u","pass":"hush"}"#);
    client.sync_silent();

    let answer = send(server.address, "PUT", "/v1/config", &headers, &text);
    assert_eq!(answer.status, 412, "somebody else was faster: {}", answer.body);
    let answer = server.send("PUT", "/v1/config", "authorization { token: '********' }");
    assert_eq!(answer.status, 422, "{}", answer.body);
    let answer = server.send("PUT", "/v1/config", "colour: blue");
    assert_eq!(answer.status, 422);
    assert!(
        answer.body.contains(r#"unknown field \"colour\""#),
        "{}",
        answer.body
    );
    let answer = server.send(
        "PATCH",
        "/v1/config",
        r#"{"server_name":"other","max_payload":5}"#,
    );
    assert_eq!(answer.status, 409);
    assert!(
        answer
            .body
            .contains("config reload not supported for server_name"),
        "{}",
        answer.body
    );
    assert_eq!(server.max_payload(), "2000");
    assert_eq!(fs::read_to_string(server.server.path()).unwrap(), written);
}

#[test]
fn what_would_become_of_connections() {
    let mut server = start(
        "authorization { users: [{user: a, password: p}, {user: b, password: p}, {user: c, password: p}] }\n",
    );
    let mut clients = ["a", "b", "c"].map(|user| {
        let login = format!(r#"{{"verbose":false,"user":"{user}","pass":"p"}}"#);
        server.server.client().connect(&login)
    });
    for client in &mut clients {
        client.send("SUB x 1\r\nSUB y 2");
        client.sync_silent();
    }
    let patch = r#"{"authorization":{"users":[{"user":"a","password":"********"},
        {"user":"b","password":"********","permissions":{"subscribe":"x"}}]},"max_connections":1}"#;
    let dry = server.send("PATCH", "/v1/config?dry_run=true", patch).json();
    assert_eq!(
        dry["prospects"],
        json!({
            "connections": 3,
            "connections_closed_unauthorized": 1,
            "connections_closed_no_room": 1,
            "connections_restricted": 1,
            "subscriptions_ended": 1,
        })
    );
    for client in &mut clients {
        client.sync_silent();
    }
    server.send("PATCH", "/v1/config", patch).json();
    assert_eq!(clients[2].closed(), "");
    clients[0].sync_silent();
}

#[test]
fn back_to_what_was() {
    let mut server = start("max_payload: 1000\n");
    for size in [2000, 3000] {
        server
            .send("PATCH", "/v1/config", &format!(r#"{{"max_payload":{size}}}"#))
            .json();
    }
    let refused = server.send("PATCH", "/v1/config", r#"{"max_payload":"many"}"#);
    assert_eq!(refused.status, 422);
    let done = server
        .send("POST", "/v1/config/rollback", r#"{"version":1}"#)
        .json();
    assert_eq!(
        (&done["version"], &done["persisted"]),
        (&json!(4), &json!("file"))
    );
    assert_eq!(server.max_payload(), "1000");
    assert_eq!(
        server
            .send("POST", "/v1/config/rollback", r#"{"version":77}"#)
            .status,
        404
    );

    // Why something was refused is for those who could have proposed it.
    let seen = server.get("/v1/config/history").json();
    assert_eq!(seen["attempts"][0]["refused"], "why is for administrators");
    let history = http(server.address, "GET", "/v1/config/history", &[ANN]).json();
    let attempts: Vec<_> = history["attempts"].as_array().unwrap().iter().collect();
    assert_eq!(attempts[0]["refused"], "there is no version 77 to go back to");
    assert_eq!(
        (
            &attempts[1]["by"],
            &attempts[1]["origin"],
            &attempts[1]["version"]
        ),
        (&json!("ann"), &json!("rollback to 1"), &json!(4))
    );
    assert_eq!(
        attempts[1]["changes"],
        json!([{"key": "max_payload", "old": 3000, "new": 1000}])
    );
    assert_eq!(attempts.len(), 6);
    let numbers: Vec<_> = history["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["version"].clone())
        .collect();
    assert_eq!(json!(numbers), json!([4, 3, 2, 1]));
    server
        .server
        .process
        .log_line("Audit: configuration by \"ann\" from keys: changed max_payload, version 2");
    server
        .server
        .process
        .log_line("Audit: configuration by \"ann\" from rollback to 1: changed max_payload, version 4");
}

/// An administrator from afar neither reads nor writes what the machine has besides.
#[test]
fn files_of_the_machine_are_out_of_reach() {
    let mut server = start("max_payload: 1000\n");
    let folder = server.server.path().parent().unwrap().to_owned();
    let beside = folder.with_extension("beside");
    fs::write(&beside, "very_hidden:x:0\n").unwrap();
    fs::write(folder.join("inner"), "very_hidden:x:0\n").unwrap();
    let name = beside.file_name().unwrap().to_str().unwrap().to_owned();
    let reach = "named by its file";
    for (text, told) in [
        (format!("include ../{name}\n"), "not in the folder"),
        ("include ../nothing-at-all\n".to_owned(), "not in the folder"),
        (
            "include ../../../../../../etc/passwd\n".to_owned(),
            "not in the folder",
        ),
        ("include inner\n".to_owned(), "is in the log"),
        ("log_file: /tmp/vagus-made-from-afar\n".to_owned(), reach),
        (format!("log_file: '{}'\n", server.server.path().display()), reach),
        ("pid_file: /tmp/vagus-made-from-afar\n".to_owned(), reach),
        ("ports_file_dir: /tmp\n".to_owned(), reach),
        (
            "remote_syslog: 'unix:///tmp/vagus-made-from-afar'\n".to_owned(),
            reach,
        ),
        (
            "tls { cert_file: /etc/passwd, key_file: /etc/passwd }\n".to_owned(),
            reach,
        ),
        ("tls { ca_file: /etc/passwd }\n".to_owned(), reach),
        ("server_name: $PATH\n".to_owned(), "cannot be found"),
    ] {
        for query in ["", "?dry_run=true", "?persist=file"] {
            let path = format!("/v1/config{query}");
            let answer = server.send("PUT", &path, &format!("{ADMIN}{text}"));
            assert_eq!(answer.status, 422, "{text} {}", answer.body);
            assert!(answer.body.contains(told), "{text} {}", answer.body);
            assert!(!answer.body.contains("very_hidden"), "{}", answer.body);
        }
    }
    let answer = server.send(
        "PATCH",
        "/v1/config",
        r#"{"log_file":"/tmp/vagus-made-from-afar"}"#,
    );
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert!(fs::metadata("/tmp/vagus-made-from-afar").is_err());
    fs::remove_file(&beside).unwrap();
    assert_eq!(server.max_payload(), "1000");
    // What is in the folder can be named.
    let log = folder.join("new.log").display().to_string();
    server
        .send("PATCH", "/v1/config", &json!({ "log_file": log }).to_string())
        .json();
    assert!(fs::metadata(log).is_ok());
}

/// No single key locks every client out.
#[test]
fn nobody_is_locked_out_from_afar() {
    let mut server = start("max_payload: 1000\n");
    for patch in [
        r#"{"max_control_line":1}"#,
        r#"{"max_pending":1,"max_payload":1}"#,
        r#"{"ping_interval":"1ns"}"#,
        r#"{"write_deadline":"1ns"}"#,
    ] {
        let answer = server.send("PATCH", "/v1/config", patch);
        assert_eq!(answer.status, 422, "{patch} {}", answer.body);
        assert!(answer.body.contains("no client"), "{}", answer.body);
    }
    server.send("PATCH", "/v1/config", r#"{"max_payload":1}"#).json();
    assert_eq!(server.max_payload(), "1");
}
