//! What a client has published, without waiting for an acknowledgement, is seen in the answer to what it asks then.

use crate::world::{Folder, INBOX, ask, ask_json, asker, process};
use serde_json::{Value, json};
use vagus_test_support::{Client, Message, Process};

/// So often each is tried: what is published is never the same distance ahead.
const ROUNDS: usize = 40;

/// So many messages are published each time.
const MESSAGES: usize = 5;

fn with_stream(folder: &Folder, storage: &str) -> (Process, Client) {
    let mut server = process(folder);
    let mut client = asker(server.client());
    let config = json!({"name": "S", "subjects": ["a.>"], "storage": storage, "allow_direct": true});
    let created = ask_json(&mut client, "$JS.API.STREAM.CREATE.S", &config.to_string());
    assert_eq!(created["did_create"], true, "{created}");
    let config = json!({"stream_name": "S", "config": {"durable_name": "C", "ack_policy": "none"}});
    let created = ask_json(
        &mut client,
        "$JS.API.CONSUMER.DURABLE.CREATE.S.C",
        &config.to_string(),
    );
    assert_eq!(created["name"], "C", "{created}");
    (server, client)
}

/// Messages of this payload on `a.b`, to which nobody wants an answer.
fn published(payload: usize) -> String {
    let payload = payload.to_string();
    format!("PUB a.b {}\r\n{payload}\r\n", payload.len()).repeat(MESSAGES)
}

fn asked(subject: &str, body: &str) -> String {
    format!("PUB {subject} {INBOX} {}\r\n{body}\r\n", body.len())
}

fn json_of(message: &Message) -> Value {
    serde_json::from_slice(&message.payload).unwrap()
}

/// Publishes and asks, in one write.
#[track_caller]
fn publish_and_ask(client: &mut Client, round: usize, subject: &str, body: &str) -> Message {
    client.send_bytes((published(round) + &asked(subject, body)).as_bytes());
    client.message()
}

#[test]
fn who_asks_about_a_stream_or_consumer_sees_what_he_has_published() {
    for storage in ["file", "memory"] {
        let folder = Folder::new("jetstream");
        let (_server, mut client) = with_stream(&folder, storage);
        for round in 0..ROUNDS {
            let before = 3 * MESSAGES * round;
            let info = json_of(&publish_and_ask(&mut client, round, "$JS.API.STREAM.INFO.S", ""));
            assert_eq!(info["state"]["messages"], before + MESSAGES, "{info}");
            let info = json_of(&publish_and_ask(
                &mut client,
                round,
                "$JS.API.CONSUMER.INFO.S.C",
                "",
            ));
            assert_eq!(info["num_pending"], before + 2 * MESSAGES, "{info}");
            let listed = json_of(&publish_and_ask(&mut client, round, "$JS.API.STREAM.LIST", ""));
            let state = &listed["streams"][0]["state"];
            assert_eq!(state["messages"], before + 3 * MESSAGES, "{state}");
        }
    }
}

#[test]
fn another_client_sees_it_once_the_server_has_taken_it() {
    let folder = Folder::new("jetstream");
    let (mut server, mut client) = with_stream(&folder, "file");
    let mut other = asker(server.client());
    for round in 0..ROUNDS {
        client.send_bytes(published(round).as_bytes());
        client.sync();
        let info = ask_json(&mut other, "$JS.API.STREAM.INFO.S", "");
        assert_eq!(info["state"]["messages"], MESSAGES * (round + 1), "{info}");
    }
}

#[test]
fn who_asks_for_a_message_gets_the_one_that_he_has_published() {
    let folder = Folder::new("jetstream");
    let (_server, mut client) = with_stream(&folder, "file");
    for round in 0..ROUNDS {
        let last = r#"{"last_by_subj":"a.b"}"#;
        let got = json_of(&publish_and_ask(
            &mut client,
            round,
            "$JS.API.STREAM.MSG.GET.S",
            last,
        ));
        assert_eq!(got["message"]["seq"], MESSAGES * (4 * round + 1), "{got}");
        let directly = [
            ("$JS.API.DIRECT.GET.S", last.to_owned()),
            ("$JS.API.DIRECT.GET.S.a.b", String::new()),
            (
                "$JS.API.DIRECT.GET.S",
                format!(r#"{{"seq":{}}}"#, MESSAGES * (4 * round + 4)),
            ),
        ];
        for ((subject, body), nth) in directly.into_iter().zip(2..) {
            let got = publish_and_ask(&mut client, round, subject, &body);
            let headers = got.headers.unwrap_or_default();
            let sequence = format!("Nats-Sequence: {}\r\n", MESSAGES * (4 * round + nth));
            assert!(headers.contains(&sequence), "{sequence} {headers}");
        }
    }
}

/// More ask than are answered in one turn of the stream, and than may wait.
#[test]
fn however_often_somebody_asks_directly_he_is_answered() {
    const QUESTIONS: usize = 1500;
    let folder = Folder::new("jetstream");
    let (_server, mut client) = with_stream(&folder, "file");
    client.send_bytes(published(0).as_bytes());
    ask_json(&mut client, "$JS.API.STREAM.INFO.S", "");
    client.send_bytes((published(1) + &asked("$JS.API.DIRECT.GET.S.a.b", "").repeat(QUESTIONS)).as_bytes());
    let answers = client.messages(QUESTIONS);
    let is_new = |answer: &&Message| answer.payload == b"1";
    let is_one = |answer: &Message| matches!(&*answer.payload, b"0" | b"1");
    assert!(answers.iter().all(is_one));
    assert!(answers.iter().filter(is_new).count() >= 1000);
}

#[test]
fn who_pulls_without_waiting_gets_what_he_has_published() {
    let folder = Folder::new("jetstream");
    let (_server, mut client) = with_stream(&folder, "file");
    let pull = json!({"batch": MESSAGES + 1, "no_wait": true}).to_string();
    for round in 0..ROUNDS {
        let first = publish_and_ask(&mut client, round, "$JS.API.CONSUMER.MSG.NEXT.S.C", &pull);
        let payload = round.to_string();
        assert_eq!(first.payload, payload.as_bytes(), "{first:?}");
        for _ in 1..MESSAGES {
            assert_eq!(client.message().payload, payload.as_bytes());
        }
        let status = client.message();
        let headers = status.headers.unwrap_or_default();
        assert!(headers.starts_with("NATS/1.0 404 No Messages"), "{headers}");
    }
}

#[test]
fn what_is_done_is_done_after_what_was_published() {
    let folder = Folder::new("jetstream");
    let (_server, mut client) = with_stream(&folder, "file");
    for round in 0..ROUNDS {
        let purged = json_of(&publish_and_ask(&mut client, round, "$JS.API.STREAM.PURGE.S", ""));
        assert_eq!(purged["purged"], MESSAGES, "{purged}");
        let policy = json!({"deliver_policy": "new", "ack_policy": "none", "name": "N", "mem_storage": true});
        let wanted = json!({"stream_name": "S", "config": policy}).to_string();
        let made = json_of(&publish_and_ask(
            &mut client,
            round,
            "$JS.API.CONSUMER.CREATE.S.N",
            &wanted,
        ));
        assert_eq!(made["num_pending"], 0, "{made}");
        assert_eq!(
            made["delivered"]["stream_seq"],
            MESSAGES * (2 * round + 2),
            "{made}"
        );
        let gone = ask(&mut client, "$JS.API.CONSUMER.DELETE.S.N", "");
        assert_eq!(json_of(&gone)["success"], true);
        ask(&mut client, "$JS.API.STREAM.PURGE.S", "");
    }
}

/// However much is published all the time, who asks is answered.
#[test]
fn who_asks_does_not_wait_for_what_is_published_after_that() {
    let folder = Folder::new("jetstream");
    let (mut server, mut client) = with_stream(&folder, "file");
    let config = json!({"name": "S", "subjects": ["a.>"], "storage": "file", "max_msgs": 1000});
    ask_json(&mut client, "$JS.API.STREAM.UPDATE.S", &config.to_string());
    let mut publishing = server.client().connect(r#"{"verbose":false}"#);
    let endless = std::thread::spawn(move || {
        let payload = "x".repeat(16 << 10);
        let many = format!("PUB a.c {}\r\n{payload}\r\n", payload.len()).repeat(50);
        // Until the server ends.
        while publishing.try_send_bytes(many.as_bytes()) {}
    });
    let mut last = 0;
    for round in 0..ROUNDS {
        let info = json_of(&publish_and_ask(&mut client, round, "$JS.API.STREAM.INFO.S", ""));
        let now = info["state"]["last_seq"].as_u64().unwrap();
        assert!(now >= last + MESSAGES as u64, "{now} {last}");
        last = now;
    }
    drop(server);
    endless.join().unwrap();
}
