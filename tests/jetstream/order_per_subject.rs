//! Messages of a subject are worked on one after the other, however many clients there are, and what a kill interrupts goes on.

use crate::world::{Folder, ask, ask_json, asker, end, process};
use rustix::process::Signal;
use serde_json::json;
use std::collections::BTreeMap;
use vagus_test_support::{Client, Message, eventually, server};

const SUBJECTS: usize = 5;
const MESSAGES: usize = 100;

/// What a message is about: the first subject is the one that nearly all are.
fn subject(number: usize) -> String {
    let subject = if number % 4 == 3 {
        1 + number / 4 % (SUBJECTS - 1)
    } else {
        0
    };
    format!("a.{subject}")
}

#[track_caller]
fn fill(client: &mut Client) {
    let config = json!({"name": "S", "subjects": ["a.>"], "retention": "workqueue"}).to_string();
    let created = ask_json(client, "$JS.API.STREAM.CREATE.S", &config);
    assert!(created["error"].is_null(), "{created}");
    for number in 0..MESSAGES {
        // The first subject is the one that nearly all messages are about.
        let subject = if number % 4 == 3 {
            1 + number / 4 % (SUBJECTS - 1)
        } else {
            0
        };
        ask_json(client, &format!("a.{subject}"), &number.to_string());
    }
    let consumer = json!({"stream_name": "S", "config": {
        "durable_name": "C", "ack_policy": "explicit", "ack_wait": 60_000_000_000_u64,
        "metadata": {"vagus.max_ack_pending_per_subject": "1"},
    }});
    let created = ask_json(
        client,
        "$JS.API.CONSUMER.DURABLE.CREATE.S.C",
        &consumer.to_string(),
    );
    assert!(created["error"].is_null(), "{created}");
}

/// Asks for all that may be delivered now.
fn ask_for_more(client: &mut Client) {
    let request = json!({"batch": 1000, "expires": 60_000_000_000_u64}).to_string();
    let length = request.len();
    client.send(&format!(
        "PUB $JS.API.CONSUMER.MSG.NEXT.S.C inbox {length}\r\n{request}"
    ));
}

fn sequence(message: &Message) -> u64 {
    let reply = message.reply.as_deref().unwrap();
    reply.split('.').nth(5).unwrap().parse().unwrap()
}

/// What each subject has unacknowledged.
type Open = BTreeMap<String, Message>;

#[track_caller]
fn take(open: &mut Open, last: &mut BTreeMap<String, u64>, message: Message) {
    let subject = message.subject.clone();
    let number = sequence(&message);
    let before = last.insert(subject.clone(), number);
    assert!(before.is_none_or(|before| before <= number), "{subject} in order");
    assert!(
        open.insert(subject.clone(), message).is_none(),
        "{subject}: one at a time"
    );
}

#[test]
fn subjects_are_worked_on_in_order_and_a_kill_changes_nothing() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let mut client = asker(server.client());
    fill(&mut client);
    ask_for_more(&mut client);
    let (mut open, mut last) = (Open::new(), BTreeMap::new());
    for message in client.messages(SUBJECTS) {
        take(&mut open, &mut last, message);
    }
    // The others are worked on to their end while the first waits.
    let others = (0..MESSAGES).map(subject).filter(|subject| subject != "a.0");
    let mut left: Vec<String> = others.skip(SUBJECTS - 1).collect();
    while open.len() > 1 {
        let subject = open.keys().find(|subject| *subject != "a.0").unwrap().clone();
        let message = open.remove(&subject).unwrap();
        client.send(&format!("PUB {} 4\r\n+ACK", message.reply.unwrap()));
        if let Some(place) = left.iter().position(|other| *other == subject) {
            left.remove(place);
            take(&mut open, &mut last, client.message());
        }
    }
    assert!(left.is_empty());
    let stuck = open.remove("a.0").unwrap();
    let mut client = asker(server.client());
    eventually(|| {
        let info = ask_json(&mut client, "$JS.API.CONSUMER.INFO.S.C", "");
        assert_eq!(info["num_pending"], MESSAGES - MESSAGES / 4 - 1, "{info}");
        info["num_ack_pending"] == 1
    });
    // What is confirmed is on disk, and all before it.
    let reply = stuck.reply.clone().unwrap();
    let confirmed = ask(&mut client, &reply, "+WPI");
    assert_eq!(&*confirmed.payload, b"");
    end(server, Signal::KILL);

    let mut server = process(&folder);
    let mut client = asker(server.client());
    ask_for_more(&mut client);
    let info = ask_json(&mut client, "$JS.API.CONSUMER.INFO.S.C", "");
    assert_eq!(info["num_pending"], MESSAGES - MESSAGES / 4 - 1, "{info}");
    client.send(&format!("PUB {reply} 4\r\n+ACK"));
    for _ in 1..MESSAGES - MESSAGES / 4 {
        take(&mut open, &mut last, client.message());
        let reply = open.remove("a.0").unwrap().reply.unwrap();
        client.send(&format!("PUB {reply} 4\r\n+ACK"));
    }
    eventually(|| {
        let info = ask_json(&mut client, "$JS.API.STREAM.INFO.S", "");
        info["state"]["messages"] == 0
    });
}

#[test]
fn monitoring_says_what_waits_for_what() {
    let folder = Folder::new("jetstream");
    let text = format!("store_dir: '{}', jetstream {{}}", folder.path().display());
    let server = server().configured(&text).monitoring().start();
    let mut client = asker(server.client());
    fill(&mut client);
    ask_for_more(&mut client);
    client.messages(SUBJECTS);
    let jsz = server.get("/jsz?consumers=true").json();
    let consumer = &jsz["account_details"][0]["stream_detail"][0]["consumer_detail"][0];
    assert_eq!(consumer["waits"], "max_ack_pending_per_subject", "{consumer}");
    assert_eq!(consumer["behind_others"]["subjects"], SUBJECTS, "{consumer}");
    assert_eq!(consumer["behind_others"]["messages"], MESSAGES - SUBJECTS);
    assert_eq!(consumer["num_pending"], MESSAGES - SUBJECTS);
}
