//! What the log says of streams is what tools look for.

use crate::world::{Folder, ask_json, asker, end, process};
use rustix::process::Signal;
use serde_json::json;

#[test]
fn where_streams_are_and_what_was_found() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    server.log_line("] Starting JetStream");
    let line = server.log_line("  Store Directory: ");
    let store = folder.path().join("jetstream");
    assert!(
        line.ends_with(&format!("{:?}", store.to_str().unwrap())),
        "{line}"
    );
    server.log_line("  API Level:       4");
    server.log_line(" to start JetStream");
    let mut client = asker(server.client());
    let created = ask_json(
        &mut client,
        "$JS.API.STREAM.CREATE.S",
        &json!({"name": "S"}).to_string(),
    );
    assert!(created["error"].is_null(), "{created}");
    for sequence in 1..=3 {
        assert_eq!(ask_json(&mut client, "S", "x")["seq"], sequence);
    }
    end(server, Signal::TERM);

    let mut server = process(&folder);
    let line = server.log_line("  Restored: ");
    assert!(line.contains("streams 1, consumers 0, messages 3 ("), "{line}");
}
