//! Who listens is told of each request to the API, and how it was answered.

use crate::world::{Folder, INBOX, ask_json, asker, process};
use serde_json::{Value, json};

#[test]
fn requests_and_their_answers_are_told() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let mut client = asker(server.client());
    let mut auditor = server.client().connect(r#"{"verbose":false,"headers":true}"#);
    auditor.subscribe("$JS.EVENT.ADVISORY.API", "1");
    auditor.sync_silent();
    let body = r#"{"name":"S","subjects":["s"]}"#;
    for (subject, body) in [
        ("$JS.API.STREAM.CREATE.S", body),
        ("$JS.API.STREAM.INFO.NONE", ""),
        ("$JS.API.STREAM.NAMES", ""),
    ] {
        let answer = ask_json(&mut client, subject, body);
        let told: Value = serde_json::from_slice(&auditor.message().payload).unwrap();
        assert_eq!(told["type"], "io.nats.jetstream.advisory.v1.api_audit");
        assert_eq!(told["subject"], subject, "{told}");
        assert_eq!(told["client"]["acc"], "$G");
        assert_eq!(told["request"].as_str().unwrap_or_default(), body);
        let response: Value = serde_json::from_str(told["response"].as_str().unwrap()).unwrap();
        assert_eq!(response, answer);
    }
    // What is not answered is not told either: the next that comes is of what is asked behind it.
    client.send(&format!("PUB $JS.API.NOTHING {INBOX} 0\r\n"));
    let info = ask_json(&mut client, "$JS.API.INFO", "");
    assert_eq!(info["streams"], json!(1));
    let told: Value = serde_json::from_slice(&auditor.message().payload).unwrap();
    assert_eq!(told["subject"], "$JS.API.INFO");
}
