use crate::{Client, TestServer, eventually};

/// Subscribes at one server, and returns once publishers at the others reach it: interest is told in the order in which it came.
///
/// # Panics
/// When they do not for too long.
pub fn subscribed(at: &TestServer, subscription: &str, known_by: &[&TestServer]) -> Client {
    let mut client = at.connected();
    client.send(&format!("SUB {subscription}\r\nSUB known.* known"));
    client.sync_silent();
    for (number, server) in known_by.iter().enumerate() {
        let mut publisher = server.connected();
        let subject = format!("known.{number}");
        eventually(|| {
            publisher.send(&format!("PUB {subject} 0\r\n"));
            publisher.sync_silent();
            let came = client.sync_messages();
            came.iter().any(|message| message.subject == subject)
        });
        publisher.send("PUB known.last 0\r\n");
        while client.message().subject != "known.last" {}
    }
    client.send("UNSUB known");
    client.sync_silent();
    client
}
