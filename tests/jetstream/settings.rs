//! What a configuration says of streams is what holds of them.

use crate::world::{Folder, ask, ask_json, asker, user};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use vagus_test_support::{Client, ServerBuilder, eventually, server};

#[track_caller]
fn create(client: &mut Client, name: &str, storage: &str) -> Value {
    let config = json!({"name": name, "storage": storage}).to_string();
    ask_json(client, &format!("$JS.API.STREAM.CREATE.{name}"), &config)
}

#[test]
fn accounts_keep_what_they_may() {
    let folder = Folder::new("jetstream");
    let configured = |streams: usize| {
        format!(
            "store_dir: '{}', jetstream: enabled
             accounts {{
                A {{ users: [{{user: a, password: p}}], jetstream {{ max_streams: {streams} }} }}
                B {{ users: [{{user: b, password: p}}] }}
             }}",
            folder.path().display()
        )
    };
    let server = server().configured(&configured(1)).start();
    let mut may = user(&server, "a");
    assert_eq!(create(&mut may, "ONE", "memory")["did_create"], true);
    assert_eq!(create(&mut may, "TWO", "memory")["error"]["err_code"], 10027);

    let mut may_not = user(&server, "b");
    eventually(|| !ask(&mut may_not, "$JS.API.INFO", "").payload.is_empty());
    for (subject, kind) in [
        ("INFO", "account_info"),
        ("STREAM.NAMES", "stream_names"),
        ("STREAM.CREATE.S", "stream_create"),
        ("CONSUMER.CREATE.S.C", "consumer_create"),
        ("CONSUMER.CREATE.S.C.a.b.c", "consumer_create"),
        ("CONSUMER.DURABLE.CREATE.S.C", "consumer_create"),
        ("CONSUMER.INFO.S.C", "consumer_info"),
    ] {
        let answer = ask_json(&mut may_not, &format!("$JS.API.{subject}"), "{}");
        assert_eq!(answer["error"]["err_code"], 10039, "{subject}: {answer}");
        assert_eq!(
            answer["type"],
            format!("io.nats.jetstream.api.v1.{kind}_response")
        );
    }
    // Consumers and streams that are not there do not listen.
    for subject in ["CONSUMER.MSG.NEXT.S.C", "DIRECT.GET.S"] {
        assert_eq!(ask(&mut may_not, &format!("$JS.API.{subject}"), "").payload, b"");
    }

    server.reconfigure(&configured(2));
    assert_eq!(create(&mut may, "TWO", "memory")["did_create"], true);
}

/// Consumers are counted where nothing but the server says how many there may be, from the next one on.
#[test]
fn a_stream_has_as_many_consumers_as_the_server_says() {
    let folder = Folder::new("jetstream");
    let configured = |most: i64| {
        let folder = folder.path().display();
        format!("store_dir: '{folder}', jetstream {{ limits {{ default_max_consumers: {most} }} }}")
    };
    let server = server().configured(&configured(1)).start();
    let mut client = asker(server.client());
    for (stream, max_consumers) in [("S", -1), ("OWN", 2)] {
        let config = json!({"name": stream, "storage": "memory", "max_consumers": max_consumers});
        ask_json(
            &mut client,
            &format!("$JS.API.STREAM.CREATE.{stream}"),
            &config.to_string(),
        );
    }
    let mut consumer = |stream: &str, name: &str| {
        let config = json!({"stream_name": stream, "config": {"name": name, "ack_policy": "explicit"}});
        let subject = format!("$JS.API.CONSUMER.CREATE.{stream}.{name}");
        ask_json(&mut client, &subject, &config.to_string())["error"]["err_code"].as_u64()
    };
    assert_eq!(consumer("S", "A"), None);
    assert_eq!(consumer("S", "B"), Some(10026));
    // One that is there is no other.
    assert_eq!(consumer("S", "A"), None);
    assert_eq!(consumer("OWN", "A"), None);
    assert_eq!(consumer("OWN", "B"), None);
    assert_eq!(consumer("OWN", "C"), Some(10026));
    server.reconfigure(&configured(-1));
    assert_eq!(consumer("S", "B"), None);
}

#[test]
fn accounts_begin_to_keep_streams_while_the_server_runs() {
    let folder = Folder::new("jetstream");
    let configured = |jetstream: &str| {
        format!(
            "store_dir: '{}', jetstream: enabled
             accounts {{
                A {{ users: [{{user: a, password: p}}], jetstream: enabled }}
                B {{ users: [{{user: b, password: p}}], jetstream: {jetstream} }}
             }}",
            folder.path().display()
        )
    };
    let server = server().configured(&configured("disabled")).start();
    let asking = |name: &str| {
        let mut client = user(&server, name);
        client.subscribe("early", "8");
        client
    };
    let mut client = asking("b");
    let answers = |client: &mut Client| {
        // What is asked while it changes who answers may be lost, or be answered when others are asking.
        client.send("PUB $JS.API.INFO early 0\r\n");
        client.sync_messages().iter().any(|answer| {
            let answer: Value = serde_json::from_slice(&answer.payload).unwrap_or_default();
            answer["type"].is_string() && answer["error"].is_null()
        })
    };
    assert!(!answers(&mut client));
    server.reconfigure(&configured("enabled"));
    eventually(|| answers(&mut client));
    let mut client = user(&server, "b");
    let config = json!({"name": "S", "subjects": ["s.>"]}).to_string();
    let created = ask_json(&mut client, "$JS.API.STREAM.CREATE.S", &config);
    assert_eq!(created["did_create"], true, "{created}");
    assert_eq!(ask_json(&mut client, "s.a", "x")["seq"], 1);
    let consumer =
        json!({"stream_name": "S", "config": {"durable_name": "C", "ack_policy": "explicit"}}).to_string();
    let created = ask_json(&mut client, "$JS.API.CONSUMER.DURABLE.CREATE.S.C", &consumer);
    assert!(created["error"].is_null(), "{created}");

    // Others have not noticed.
    let mut other = asking("a");
    eventually(|| answers(&mut other));
}

/// Whether a file in the folder, or in one in it, has this.
fn is_in_files(folder: &Path, text: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => is_in_files(&path, text),
            false => fs::read(&path)
                .unwrap()
                .windows(text.len())
                .any(|part| part == text),
        }
    })
}

/// A server that keeps streams there, set like this.
fn keeping(folder: &Folder, settings: &str) -> ServerBuilder {
    let folder = folder.path().display();
    server().configured(&format!("store_dir: '{folder}', jetstream {{ {settings} }}"))
}

const PAYLOAD: &str = "nobody is to read this";

/// Has a server keep a message, and end.
#[track_caller]
fn keep_a_message(folder: &Folder, settings: &str) {
    let running = keeping(folder, settings).start();
    let mut client = asker(running.client());
    assert_eq!(create(&mut client, "S", "file")["did_create"], true);
    let acknowledged = ask(&mut client, "S", PAYLOAD);
    assert!(acknowledged.payload.starts_with(b"{\"stream\""));
}

#[test]
fn nobody_reads_in_encrypted_files() {
    let plain = Folder::new("jetstream");
    keep_a_message(&plain, "");
    assert!(is_in_files(plain.path(), PAYLOAD.as_bytes()));

    let folder = Folder::new("jetstream");
    keep_a_message(&folder, "key: s3cret");
    assert!(!is_in_files(folder.path(), PAYLOAD.as_bytes()));

    assert!(keeping(&folder, "key: another").try_start().is_err());

    let running = keeping(&folder, "key: new, prev_key: s3cret").start();
    let mut client = asker(running.client());
    let got = ask_json(&mut client, "$JS.API.STREAM.MSG.GET.S", r#"{"seq":1}"#);
    assert_eq!(got["message"]["subject"], "S", "{got}");
}
