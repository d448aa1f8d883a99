//! Servers that keep streams, and clients who ask.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::path::Path;
use vagus_test_support::{Client, Message, Process, TestServer, spawn_binary};

pub(crate) use vagus_test_support::Folder;

/// Where answers go.
pub(crate) const INBOX: &str = "inbox";

/// A server of its own process, which keeps streams there.
#[track_caller]
pub(crate) fn process(folder: &Folder) -> Process {
    process_in(folder.path())
}

/// The same where the folder, or what is in its place, is somewhere else.
pub(crate) fn process_in(folder: &Path) -> Process {
    let folder = folder.to_str().unwrap();
    spawn_binary!("-js", "-sd", folder, "-a", "127.0.0.1", "-p", "-1")
}

/// Sends a signal to a server, and waits for its end.
#[track_caller]
pub(crate) fn end(mut process: Process, signal: Signal) {
    let id = Pid::from_raw(process.id().cast_signed()).unwrap();
    kill_process(id, signal).unwrap();
    process.wait();
}

/// A client that is ready to ask.
#[track_caller]
pub(crate) fn asker(mut client: Client) -> Client {
    client = client.connect(r#"{"verbose":false,"headers":true,"no_responders":true}"#);
    client.subscribe(INBOX, "9");
    client
}

/// A client of this user, ready to ask.
#[track_caller]
pub(crate) fn user(server: &TestServer, name: &str) -> Client {
    let connect =
        json!({"verbose": false, "headers": true, "no_responders": true, "user": name, "pass": "p"});
    let mut client = server.client().connect(&connect.to_string());
    client.subscribe(INBOX, "9");
    client
}

/// What comes back.
#[track_caller]
pub(crate) fn ask(client: &mut Client, subject: &str, payload: &str) -> Message {
    client.send(&format!("PUB {subject} {INBOX} {}\r\n{payload}", payload.len()));
    client.message()
}

/// What comes back, as JSON.
#[track_caller]
pub(crate) fn ask_json(client: &mut Client, subject: &str, payload: &str) -> Value {
    let message = ask(client, subject, payload);
    serde_json::from_slice(&message.payload).unwrap()
}
