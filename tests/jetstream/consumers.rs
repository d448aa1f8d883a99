//! Consumers deliver what streams hold, and know after a kill what was acknowledged.

use crate::world::{Folder, ask_json, asker, end, process};
use rustix::process::Signal;
use serde_json::json;
use vagus_test_support::{Client, Message};

const MESSAGES: usize = 20;

/// A stream with some messages.
#[track_caller]
fn fill(client: &mut Client) {
    let config = json!({"name": "S", "subjects": ["a.>"]}).to_string();
    ask_json(client, "$JS.API.STREAM.CREATE.S", &config);
    for number in 0..MESSAGES {
        let acknowledged = ask_json(client, &format!("a.{number}"), "x");
        assert_eq!(acknowledged["seq"], number + 1);
    }
}

#[track_caller]
fn create(client: &mut Client, config: &serde_json::Value) {
    let name = config["name"].as_str().unwrap();
    let request = json!({"stream_name": "S", "config": config}).to_string();
    let created = ask_json(client, &format!("$JS.API.CONSUMER.CREATE.S.{name}"), &request);
    assert!(created["error"].is_null(), "{created}");
}

#[track_caller]
fn fetch(client: &mut Client, count: usize) -> Vec<Message> {
    let request = json!({"batch": count, "no_wait": true}).to_string();
    let length = request.len();
    client.send(&format!(
        "PUB $JS.API.CONSUMER.MSG.NEXT.S.C inbox {length}\r\n{request}"
    ));
    client.messages(count)
}

/// Says that a message is done with, and waits until that is on disk.
#[track_caller]
fn acknowledge(client: &mut Client, message: &Message) {
    let to = message.reply.clone().unwrap();
    client.send(&format!("PUB {to} inbox 4\r\n+ACK"));
    assert_eq!(&*client.message().payload, b"");
}

#[test]
fn what_was_acknowledged_is_so_after_a_kill() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let mut client = asker(server.client());
    fill(&mut client);
    create(
        &mut client,
        &json!({"name": "C", "durable_name": "C", "ack_policy": "explicit"}),
    );
    let fetched = fetch(&mut client, 5);
    let subjects: Vec<_> = fetched.iter().map(|message| message.subject.clone()).collect();
    assert_eq!(subjects, ["a.0", "a.1", "a.2", "a.3", "a.4"]);
    for message in &fetched[..3] {
        acknowledge(&mut client, message);
    }
    end(server, Signal::KILL);

    let mut server = process(&folder);
    let mut client = asker(server.client());
    let info = ask_json(&mut client, "$JS.API.CONSUMER.INFO.S.C", "");
    assert_eq!(info["ack_floor"]["stream_seq"], 3, "{info}");
    assert_eq!(info["num_ack_pending"], 2);
    assert_eq!(info["num_pending"], MESSAGES - 5);
    let fetched = fetch(&mut client, 2);
    assert_eq!(fetched[0].subject, "a.5");
}

/// What is pushed waits until somebody listens.
#[test]
fn messages_are_pushed_to_who_listens() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let mut client = asker(server.client());
    fill(&mut client);
    create(
        &mut client,
        &json!({"name": "P", "durable_name": "P", "deliver_subject": "to.me", "ack_policy": "none"}),
    );
    let info = ask_json(&mut client, "$JS.API.CONSUMER.INFO.S.P", "");
    assert_eq!(info["num_pending"], MESSAGES, "{info}");
    assert!(info["push_bound"].is_null());
    let mut listener = server.client().connect(r#"{"verbose":false,"headers":true}"#);
    listener.send("SUB to.* 1");
    let pushed = listener.messages(MESSAGES);
    for (number, message) in pushed.iter().enumerate() {
        assert_eq!(message.subject, format!("a.{number}"));
    }
    let info = ask_json(&mut client, "$JS.API.CONSUMER.INFO.S.P", "");
    assert_eq!(info["push_bound"], true, "{info}");
}

/// Clients take what they have not been sent by then for what is still to come.
#[test]
fn what_is_told_to_be_delivered_has_been_sent() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let mut client = asker(server.client());
    fill(&mut client);
    client.subscribe("pushed.*", "5");
    for number in 0..40 {
        let config = json!({"name": format!("C{number}"), "deliver_subject": format!("pushed.{number}"),
            "ack_policy": "none", "mem_storage": true});
        let request = json!({"stream_name": "S", "config": config}).to_string();
        let length = request.len();
        client.send(&format!(
            "PUB $JS.API.CONSUMER.CREATE.S.C{number} inbox {length}\r\n{request}\r\nPUB $JS.API.CONSUMER.INFO.S.C{number} inbox 0\r\n"
        ));
        let (mut sent, mut answers) = (0, 0);
        while answers < 2 || sent < MESSAGES as u64 {
            let message = client.message();
            if message.sid == "5" {
                sent += 1;
                continue;
            }
            answers += 1;
            let info: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
            let delivered = info["delivered"]["consumer_seq"].as_u64();
            assert!(
                delivered.is_none_or(|delivered| delivered <= sent),
                "{sent}: {info}"
            );
        }
        client.send(&format!("PUB $JS.API.CONSUMER.DELETE.S.C{number} inbox 0\r\n"));
        client.message();
    }
}
