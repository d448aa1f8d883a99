//! What is logged, and where to, changes while the server runs.

use crate::file::Configured;
use std::fs;
use vagus_test_support::eventually;

#[test]
fn levels_and_lines() {
    let mut server = Configured::start("debug: false\n");
    server.reload("debug: true, trace: true\n", 2);
    server.process.log_line("[INF] Reloaded: debug = true");
    server.process.log_line("[INF] Reloaded: trace = true");
    let mut client = server.client().connect(r#"{"verbose":false}"#);
    client.sync_silent();
    server.process.log_line("[DBG] ");
    server.process.log_line("[TRC] ");
}

#[test]
fn somebody_who_is_connected_is_traced_too() {
    let mut server = Configured::start("max_payload: 1024\n");
    let mut client = server.client().connect(r#"{"verbose":false}"#);
    client.sync_silent();
    server.reload("trace: true\n", 2);
    client.sync_silent();
    server.process.log_line("<<- [PING]");
    client.subscribe("a", "1");
    client.send("PUB a 1\r\nx");
    client.expect("MSG a 1 1\r\nx");
    server.process.log_line("->> [MSG a 1 1]");
}

#[test]
fn headers_are_traced_alone_from_then_on() {
    let mut server = Configured::start("trace: true\n");
    let mut client = server.client().connect(r#"{"verbose":false,"headers":true}"#);
    let message = "HPUB a 23 29\r\nNATS/1.0\r\nkey: word\r\n\r\nhidden";
    client.send(message);
    client.sync_silent();
    server
        .process
        .log_line("MSG_PAYLOAD: [\"NATS/1.0\\r\\nkey: word\\r\\n\\r\\nhidden\"]");
    server.reload("trace: true, trace_headers: true\n", 2);
    client.send(message);
    client.sync_silent();
    server
        .process
        .log_line("MSG_PAYLOAD: [\"NATS/1.0\\r\\nkey: word\\r\\n\\r\\n\"]");
}

#[test]
fn another_file() {
    let mut server = Configured::start("max_payload: 1024\n");
    let file = server.path().with_file_name("server.log");
    server.write(&format!("log_file: '{}'\n", file.display()));
    server.hang_up();
    server.process.log_line("Reloaded: log_file = ");
    eventually(|| fs::read_to_string(&file).is_ok_and(|text| text.contains("Reloaded server configuration")));
}
