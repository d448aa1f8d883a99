//! A server with a system account and another one, and clients who ask.

use serde_json::Value;
use vagus_test_support::{Client, Message, TestServer, server};

/// Who the users of the server are.
pub(crate) const ACCOUNTS: &str = "
    server_name: solo
    server_tags: [\"region:eu\"]
    accounts {
        SYS { users: [{user: sys, password: p}] }
        A { users: [{user: a, password: p}] }
    }
    system_account: SYS
";

/// Where answers go.
const INBOX: &str = "inbox";

/// A server with these accounts.
pub(crate) fn start() -> TestServer {
    server().configured(ACCOUNTS).start()
}

/// A client of this user, which calls itself so.
#[track_caller]
pub(crate) fn client(server: &TestServer, user: &str) -> Client {
    let options = format!(
        r#"{{"verbose":false,"user":"{user}","pass":"p","name":"{user}","lang":"rust","version":"1.2","headers":true,"no_responders":true}}"#
    );
    let mut client = server.client().connect(&options);
    client.sync_silent();
    client
}

/// A system user, ready to ask.
#[track_caller]
pub(crate) fn asker(server: &TestServer) -> Client {
    let mut client = client(server, "sys");
    client.subscribe(INBOX, "9");
    client.sync_silent();
    client
}

/// What comes back.
#[track_caller]
pub(crate) fn ask(client: &mut Client, subject: &str, payload: &str) -> Message {
    client.send(&format!("PUB {subject} {INBOX} {}\r\n{payload}", payload.len()));
    loop {
        let message = client.message();
        if message.sid == "9" {
            return message;
        }
    }
}

/// What comes back, as JSON.
#[track_caller]
pub(crate) fn ask_json(client: &mut Client, subject: &str, payload: &str) -> Value {
    json(&ask(client, subject, payload))
}

/// A message that is JSON.
#[track_caller]
pub(crate) fn json(message: &Message) -> Value {
    serde_json::from_slice(&message.payload).unwrap_or_else(|error| panic!("{error}: {message:?}"))
}

/// Whether a message says that nobody answers.
pub(crate) fn says_nobody(message: &Message) -> bool {
    message
        .headers
        .as_deref()
        .is_some_and(|headers| headers.starts_with("NATS/1.0 503"))
}

/// The number of a client among the connections of the server.
#[track_caller]
pub(crate) fn number(server: &TestServer, name: &str) -> u64 {
    server.connection(name).expect("it is connected").id
}
