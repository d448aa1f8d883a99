//! A disk that takes nothing for a while, as a real one does: the server says so, and goes on by itself.

use crate::world::{Folder, ask_json, asker, end, process};
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use vagus_test_support::{Process, eventually, spawn_binary};

/// A server that keeps streams there, and where it is asked how it is.
fn monitored(folder: &Folder) -> (Process, String) {
    let folder = folder.path().to_str().unwrap();
    let mut server = spawn_binary!("-js", "-sd", folder, "-a", "127.0.0.1", "-p", "-1", "-m", "-1");
    let line = server.log_line("Starting http monitor on ");
    let address = line.rsplit(' ').next().unwrap().to_owned();
    (server, address)
}

/// What is answered there, with its status.
#[track_caller]
fn health(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// No file of a process may have more bytes than this from now on; None: as many as there are.
#[track_caller]
fn limit_files(process: &Process, bytes: Option<u64>) {
    let id = Pid::from_raw(process.id().cast_signed());
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(id, Resource::Fsize, limit).unwrap();
}

#[test]
fn health_says_that_nothing_can_be_written_and_all_acknowledged_is_there() {
    let folder = Folder::new("jetstream");
    let (mut server, address) = monitored(&folder);
    let mut client = asker(server.client());
    let config = r#"{"name":"S","subjects":["s"]}"#;
    assert!(ask_json(&mut client, "$JS.API.STREAM.CREATE.S", config)["error"].is_null());
    assert_eq!(ask_json(&mut client, "s", "x")["seq"], 1);
    assert!(health(&address).contains("200 OK"));

    limit_files(&server, Some(1000));
    // Who asks while something is on its way that comes to nothing is answered.
    client.send("PUB s 4\r\nlost");
    let info = ask_json(&mut client, "$JS.API.STREAM.INFO.S", "");
    assert_eq!(info["state"]["messages"], 1, "{info}");
    let refused = ask_json(&mut client, "s", "lost");
    assert_eq!(refused["error"]["err_code"], 10077, "{refused}");
    let answer = health(&address);
    assert!(answer.contains("503 Service Unavailable"), "{answer}");
    // What there is can be read.
    let got = ask_json(&mut client, "$JS.API.STREAM.MSG.GET.S", r#"{"seq":1}"#);
    assert_eq!(got["message"]["subject"], "s", "{got}");

    limit_files(&server, None);
    let mut taken = Value::Null;
    eventually(|| {
        taken = ask_json(&mut client, "s", "y");
        taken["error"].is_null()
    });
    assert_eq!(taken["seq"], 2, "{taken}");
    eventually(|| health(&address).contains("200 OK"));
    end(server, Signal::KILL);

    let mut server = process(&folder);
    let mut client = asker(server.client());
    let info = ask_json(&mut client, "$JS.API.STREAM.INFO.S", "");
    assert_eq!(info["state"]["messages"], 2, "{info}");
}
