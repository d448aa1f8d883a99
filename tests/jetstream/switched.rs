//! A server begins and ends to keep streams while it runs, as its configuration says.

use crate::world::{Folder, INBOX, ask, ask_json, asker};
use serde_json::{Value, json};
use vagus_test_support::{Client, Frame, TestServer, server};

fn keeping(folder: &Folder) -> String {
    let folder = folder.path().display();
    format!("store_dir: '{folder}', jetstream {{ domain: hub }}")
}

/// A client that is told how the server changes, ready to ask.
#[track_caller]
fn told(server: &TestServer) -> Client {
    let connect = r#"{"verbose":false,"headers":true,"no_responders":true,"protocol":1}"#;
    let mut client = server.client().connect(connect);
    client.send("PING");
    client.expect("PONG");
    // As of nats-server, it is told again what it was told when it came.
    info(&mut client);
    client.subscribe(INBOX, "9");
    client
}

/// What the client is told next of the server.
#[track_caller]
fn info(client: &mut Client) -> Value {
    match client.next_frame() {
        Frame::Info(info) => serde_json::from_str(&info).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn has_nobody_to_ask(client: &mut Client, subject: &str) {
    let answer = ask(client, subject, "");
    let headers = answer.headers.unwrap_or_default();
    assert!(headers.starts_with("NATS/1.0 503"), "{subject}: {headers}");
}

fn messages(client: &mut Client, stream: &str) -> Value {
    let info = ask_json(client, &format!("$JS.API.STREAM.INFO.{stream}"), "");
    match info["error"]["err_code"].as_u64() {
        None => info["state"]["messages"].clone(),
        Some(code) => json!({ "error": code }),
    }
}

fn create(client: &mut Client, stream: &str, storage: &str) {
    let config = json!({"name": stream, "subjects": [format!("{stream}.>")], "storage": storage});
    let created = ask_json(
        client,
        &format!("$JS.API.STREAM.CREATE.{stream}"),
        &config.to_string(),
    );
    assert_eq!(created["did_create"], true, "{created}");
}

#[test]
fn a_server_begins_and_ends_to_keep_streams() {
    let folder = Folder::new("jetstream");
    let server = server().configured("").start();
    let mut client = told(&server);
    has_nobody_to_ask(&mut client, "$JS.API.INFO");

    server.reconfigure(&keeping(&folder));
    let told = info(&mut client);
    assert_eq!(
        (&told["jetstream"], &told["domain"]),
        (&json!(true), &json!("hub"))
    );
    // Who is told of streams can ask for them.
    create(&mut client, "FILES", "file");
    create(&mut client, "MEMORY", "memory");
    for number in 1..=100 {
        for stream in ["FILES", "MEMORY"] {
            assert_eq!(ask_json(&mut client, &format!("{stream}.a"), "x")["seq"], number);
        }
    }

    server.reconfigure("");
    assert_eq!(info(&mut client)["jetstream"], Value::Null);
    // What is left of streams is on its way out.
    eventually_nobody(&server);
    for subject in [
        "$JS.API.INFO",
        "$JS.hub.API.INFO",
        "FILES.a",
        "$JS.API.DIRECT.GET.FILES",
    ] {
        has_nobody_to_ask(&mut client, subject);
    }

    for round in 1..=3 {
        server.reconfigure(&keeping(&folder));
        assert_eq!(info(&mut client)["jetstream"], true);
        assert_eq!(messages(&mut client, "FILES"), 99 + round);
        assert_eq!(messages(&mut client, "MEMORY"), json!({ "error": 10059 }));
        assert_eq!(ask_json(&mut client, "FILES.a", "x")["seq"], 100 + round);
        server.reconfigure("");
        info(&mut client);
    }
}

/// Waits until nobody has any interest in streams.
fn eventually_nobody(server: &TestServer) {
    let mut other = asker(server.client());
    // What is answered still is answered to nobody else.
    other.subscribe("other", "10");
    vagus_test_support::eventually(|| {
        for subject in ["FILES.a", "$JS.API.INFO"] {
            other.send(&format!("PUB {subject} other 0\r\n"));
        }
        let answers = other.sync_messages();
        let is_refusal = |headers: &String| headers.starts_with("NATS/1.0 503");
        let headers = answers.iter().filter_map(|answer| answer.headers.as_ref());
        headers.filter(|headers| is_refusal(headers)).count() == 2
    });
}

#[test]
fn a_folder_is_left_to_others_and_not_taken_from_them() {
    let folder = Folder::new("jetstream");
    let first = server().configured(&keeping(&folder)).start();
    let mut client = told(&first);
    create(&mut client, "S", "file");
    assert_eq!(ask_json(&mut client, "S.a", "x")["seq"], 1);
    first.reconfigure("");
    info(&mut client);

    // It has it as soon as the other has left it.
    let second = server().configured("").start();
    vagus_test_support::eventually(|| second.try_reconfigure(&keeping(&folder)).is_ok());
    let mut other = asker(second.client());
    assert_eq!(messages(&mut other, "S"), 1);
    assert_eq!(ask_json(&mut other, "S.a", "x")["seq"], 2);

    let refused = first.try_reconfigure(&(keeping(&folder) + ", max_payload: 5000"));
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.ends_with("jetstream is in use by another server"),
        "{refused}"
    );
    has_nobody_to_ask(&mut client, "$JS.API.INFO");
    assert!(first.client().info().contains(r#""max_payload":1048576"#));

    second.shutdown();
    first.reconfigure(&keeping(&folder));
    assert_eq!(info(&mut client)["jetstream"], true);
    assert_eq!(messages(&mut client, "S"), 2);
}
