//! What is asked of a stream may be large: nobody else waits for all of it, and it comes to what it should.

use crate::world::{Folder, ask_json, asker, end, process};
use rustix::process::Signal;
use serde_json::{Value, json};
use vagus_test_support::{Client, Process};

/// More than a stream looks at in one turn.
const SUBJECTS: usize = 6000;

/// So many consumers are wished for at once.
const CONSUMERS: usize = 2000;

#[track_caller]
fn create(client: &mut Client) {
    let config = json!({"name": "S", "subjects": ["a.>"], "storage": "file"}).to_string();
    let created = ask_json(client, "$JS.API.STREAM.CREATE.S", &config);
    assert_eq!(created["did_create"], true, "{created}");
}

/// Publishes one message on each of as many subjects.
#[track_caller]
fn publish(client: &mut Client) {
    for number in 0..SUBJECTS {
        client.send(&format!("PUB a.{}.{number} inbox 1\r\nx", number % 10));
    }
    for _ in 0..SUBJECTS {
        let acknowledged = client.message();
        let acknowledged = String::from_utf8_lossy(&acknowledged.payload).into_owned();
        assert!(
            acknowledged.starts_with(r#"{"stream":"S","seq":"#),
            "{acknowledged}"
        );
    }
}

/// A server with a stream that has two messages of each subject.
#[track_caller]
fn filled(folder: &Folder) -> (Process, Client) {
    let mut server = process(folder);
    let mut client = asker(server.client());
    create(&mut client);
    for _ in 0..2 {
        publish(&mut client);
    }
    (server, client)
}

fn consumer(name: &str) -> String {
    let config = json!({
        "durable_name": name, "ack_policy": "explicit", "deliver_policy": "last_per_subject", "filter_subject": "a.>",
    });
    json!({"stream_name": "S", "config": config}).to_string()
}

#[track_caller]
fn pending(client: &mut Client) -> Value {
    ask_json(client, "$JS.API.CONSUMER.INFO.S.C", "")["num_pending"].clone()
}

#[test]
fn who_begins_with_the_last_of_thousands_of_subjects_has_them_also_after_a_kill() {
    let folder = Folder::new("jetstream");
    let (server, mut client) = filled(&folder);
    let made = ask_json(&mut client, "$JS.API.CONSUMER.DURABLE.CREATE.S.C", &consumer("C"));
    assert_eq!(made["num_pending"], SUBJECTS, "{made}");
    // A message goes, and with it one that is to come.
    let gone = ask_json(
        &mut client,
        "$JS.API.STREAM.PURGE.S",
        r#"{"filter":"a.7.*","keep":1}"#,
    );
    assert_eq!(gone["purged"], 2 * SUBJECTS / 10 - 1, "{gone}");
    let left = SUBJECTS - SUBJECTS / 10 + 1;
    assert_eq!(pending(&mut client), left);
    end(server, Signal::KILL);
    let mut server = process(&folder);
    let mut client = asker(server.client());
    assert_eq!(pending(&mut client), left);
    end(server, Signal::TERM);
    let mut server = process(&folder);
    assert_eq!(pending(&mut asker(server.client())), left);
}

#[test]
fn limits_that_are_lowered_and_purges_have_all_go_that_are_too_many() {
    let folder = Folder::new("jetstream");
    let (server, mut client) = filled(&folder);
    let config = |limit: &str, most: usize| {
        json!({"name": "S", "subjects": ["a.>"], "storage": "file", limit: most}).to_string()
    };
    let update = "$JS.API.STREAM.UPDATE.S";
    let updated = ask_json(&mut client, update, &config("max_msgs_per_subject", 1));
    assert_eq!(updated["state"]["messages"], SUBJECTS, "{updated}");
    assert_eq!(updated["state"]["first_seq"], SUBJECTS + 1);
    let updated = ask_json(&mut client, update, &config("max_msgs", 3000));
    assert_eq!(updated["state"]["messages"], 3000, "{updated}");
    end(server, Signal::KILL);
    let mut server = process(&folder);
    let mut client = asker(server.client());
    let info = ask_json(
        &mut client,
        "$JS.API.STREAM.INFO.S",
        r#"{"subjects_filter":"a.*.*"}"#,
    );
    assert_eq!(info["state"]["messages"], 3000, "{}", info["state"]["messages"]);
    assert_eq!(info["state"]["subjects"].as_object().unwrap().len(), 3000);
}

#[test]
fn what_one_asks_does_not_wait_for_what_another_has_done_by_the_thousand() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let mut client = asker(server.client());
    create(&mut client);
    let mut flooding = asker(server.client());
    let mut flood = String::new();
    for number in 0..CONSUMERS {
        let wanted = consumer(&format!("C{number}"));
        let subject = format!("$JS.API.CONSUMER.DURABLE.CREATE.S.C{number}");
        flood += &format!("PUB {subject} flood.{number} {}\r\n{wanted}\r\n", wanted.len());
    }
    flooding.send_bytes(flood.as_bytes());
    // The server has taken all of it.
    flooding.sync();
    let info = ask_json(&mut client, "$JS.API.STREAM.INFO.S", "");
    let made = info["state"]["consumer_count"].as_u64().unwrap();
    assert!(made < CONSUMERS as u64, "{made}");
}
