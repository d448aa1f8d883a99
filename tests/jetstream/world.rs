//! Servers that keep streams, and clients who ask.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use vagus_test_support::{Client, Message, Process, TestServer, spawn_binary};

/// Where answers go.
const INBOX: &str = "inbox";

/// A folder for the streams of one test, which goes with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("vagus-jetstream-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // There may have been nothing in it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server of its own process, which keeps streams there.
#[track_caller]
pub(crate) fn process(folder: &Folder) -> Process {
    let folder = folder.path().to_str().unwrap();
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
