//! Who asks where a message goes is told: all of it, behind the message, at nobody's cost.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod events;
#[cfg(test)]
mod wide;

#[cfg(test)]
use serde_json::Value;
#[cfg(test)]
use vagus_test_support::{Client, Message, TestServer};

/// A client of this name that understands headers.
#[cfg(test)]
fn named(server: &TestServer, name: &str) -> Client {
    let connect = format!(r#"{{"verbose":false,"headers":true,"no_responders":true,"name":"{name}"}}"#);
    let mut client = server.client().connect(&connect);
    client.sync_silent();
    client
}

/// Publishes a message with these lines of headers beside the one by which its trace is sent to `dest`.
#[cfg(test)]
fn publish(client: &mut Client, subject: &str, lines: &str, payload: &str) {
    let headers = format!("NATS/1.0\r\nNats-Trace-Dest: dest\r\n{lines}\r\n");
    let (header_size, size) = (headers.len(), headers.len() + payload.len());
    client.send(&format!(
        "HPUB {subject} {header_size} {size}\r\n{headers}{payload}"
    ));
}

/// What an event says happened: how the message came in, then each place it left for, sorted, without times and numbers
/// of connections.
#[cfg(test)]
#[track_caller]
fn told(message: &Message) -> Vec<String> {
    let event: Value = serde_json::from_slice(&message.payload).expect("an event is JSON");
    let shown = |event: &Value| {
        let event = event.as_object().expect("an event is an object");
        let said: Vec<_> = event
            .iter()
            .filter(|(name, _)| !matches!(&***name, "ts" | "cid" | "kind"))
            .map(|(_, value)| value.as_str().expect("all else is text"))
            .collect();
        said.join(" ")
    };
    let mut told: Vec<_> = event["events"].as_array().unwrap().iter().map(shown).collect();
    told[1..].sort();
    told
}
