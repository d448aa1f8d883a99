//! What a stream keeps is brought, at least once, however often servers and connectors begin anew.

use crate::bringing::{listening, next};
use crate::peer::Peer;
use crate::state;
use serde_json::{Value, json};
use vagus_forward::message::acknowledgement;
use vagus_test_support::streams::ask;
use vagus_test_support::{Client, Folder, TestServer, eventually, server};

const INBOX: &str = "inbox";

fn started(folder: &Folder, address: &str, keys: &str) -> TestServer {
    let text = format!(
        "jetstream: {{store_dir: '{}'}}
         connectors: [{{id: out, type: JetStreamToForward, stream: S, servers: '{address}', require_ack: true,
           retry_wait: '10ms', retry_max_interval: '20ms', flush_interval: '5ms' {keys}}}]",
        folder.path().display()
    );
    server().configured(&text).start()
}

fn asker(server: &TestServer) -> Client {
    let mut client = server.connected();
    client.subscribe(INBOX, "9");
    client
}

#[track_caller]
fn create_stream(client: &mut Client) {
    let made = ask(
        client,
        ("$JS.API.STREAM.CREATE.S", INBOX),
        &json!({"name": "S", "subjects": ["logs.>"]}),
    );
    assert!(made["error"].is_null(), "{made}");
}

/// Publishes numbers, each of which the stream has when this is over.
#[track_caller]
fn publish(client: &mut Client, subject: &str, numbers: std::ops::Range<usize>) {
    for number in numbers {
        assert!(ask(client, (subject, INBOX), &json!({ "n": number }))["error"].is_null());
    }
}

fn records(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!(r#"{{"n":{number}}}"#)).collect()
}

/// Takes so many, and says of each that it is there.
#[track_caller]
fn taken(peer: &mut Peer, count: usize) -> Vec<String> {
    let mut come = Vec::new();
    while come.len() < count {
        let (_, chunk, records) = next(peer);
        come.extend(records);
        peer.send(&acknowledgement(&chunk.unwrap()));
    }
    come
}

#[track_caller]
fn consumer(client: &mut Client) -> Value {
    ask(client, ("$JS.API.CONSUMER.INFO.S.out", INBOX), &Value::Null)
}

#[test]
fn what_a_stream_has_kept_is_brought_and_acknowledged() {
    let (folder, (listener, address)) = (Folder::new("connectors"), listening());
    let server = started(&folder, &address, "");
    // There is no stream yet: it is looked for until there is.
    eventually(|| state(&server, "out").last_error.as_deref() == Some("stream not found"));
    let mut client = asker(&server);
    create_stream(&mut client);
    publish(&mut client, "logs.a", 0..50);
    let mut peer = Peer::at(&listener);
    let (tag, chunk, mut come) = next(&mut peer);
    assert_eq!(tag, "logs.a");
    // Nothing is acknowledged before the peer has it.
    assert_eq!(consumer(&mut client)["ack_floor"]["stream_seq"], 0);
    peer.send(&acknowledgement(&chunk.unwrap()));
    let left = 50 - come.len();
    come.extend(taken(&mut peer, left));
    assert_eq!(come, records(0..50));
    eventually(|| consumer(&mut client)["ack_floor"]["stream_seq"] == 50);
    assert_eq!(consumer(&mut client)["num_ack_pending"], 0);
    eventually(|| state(&server, "out").msg_out == 50);
    assert_eq!(state(&server, "out").kind, "JetStreamToForward");
}

/// What the peer had not said it has is there again, in its order, after the server was away; and what came after it.
#[test]
fn what_was_not_acknowledged_comes_again_after_a_restart() {
    let (folder, (listener, address)) = (Folder::new("connectors"), listening());
    let server = started(&folder, &address, "");
    let mut client = asker(&server);
    create_stream(&mut client);
    publish(&mut client, "logs.a", 0..10);
    let mut peer = Peer::at(&listener);
    assert_eq!(taken(&mut peer, 10), records(0..10));
    publish(&mut client, "logs.a", 10..15);
    let (_, _, come) = next(&mut peer);
    assert_eq!(come[0], r#"{"n":10}"#);
    drop((client, server, peer));
    let server = started(&folder, &address, "");
    let mut client = asker(&server);
    publish(&mut client, "logs.a", 15..20);
    let mut peer = Peer::at(&listener);
    assert_eq!(taken(&mut peer, 10), records(10..20));
    eventually(|| consumer(&mut client)["ack_floor"]["stream_seq"] == 20);
    assert_eq!(
        state(&server, "out").last_error,
        None,
        "it begins when the stream is there"
    );
}

#[test]
fn a_part_of_a_stream_is_brought_by_the_consumer_that_is_named() {
    let (folder, (listener, address)) = (Folder::new("connectors"), listening());
    let server = started(&folder, &address, ", subject: 'logs.b', durable_name: NAMED");
    let mut client = asker(&server);
    create_stream(&mut client);
    publish(&mut client, "logs.a", 0..5);
    publish(&mut client, "logs.b", 5..8);
    let mut peer = Peer::at(&listener);
    assert_eq!(taken(&mut peer, 3), records(5..8));
    let mut named = || {
        ask(
            &mut client,
            ("$JS.API.CONSUMER.INFO.S.NAMED", INBOX),
            &Value::Null,
        )
    };
    assert_eq!(named()["config"]["filter_subject"], "logs.b");
    eventually(|| named()["num_ack_pending"] == 0);
    // It is made again if somebody deletes it, and has all of it again.
    let deleted = ask(
        &mut client,
        ("$JS.API.CONSUMER.DELETE.S.NAMED", INBOX),
        &Value::Null,
    );
    assert_eq!(deleted["success"], true);
    let mut peer = Peer::at(&listener);
    assert_eq!(taken(&mut peer, 3), records(5..8));
}
