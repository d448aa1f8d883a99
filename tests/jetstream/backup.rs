//! Streams are backed up and made again, as they were when that began, whatever becomes of them meanwhile.

use crate::world::{Folder, INBOX, ask, ask_json, asker, end, process};
use rustix::process::Signal;
use serde_json::{Value, json};
use vagus_test_support::{Client, Message};

/// How many keys a stream has.
const KEYS: usize = 200;

#[track_caller]
fn create(client: &mut Client, config: &Value) {
    let name = config["name"].as_str().unwrap();
    let created = ask_json(
        client,
        &format!("$JS.API.STREAM.CREATE.{name}"),
        &config.to_string(),
    );
    assert_eq!(created["did_create"], true, "{created}");
}

/// Text that hardly gets shorter by compression.
fn text(seed: usize) -> String {
    let mut number = seed as u64 + 1;
    let letters = std::iter::repeat_with(|| {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + ((number >> 33) % 90) as u8)
    });
    letters.take(500).collect()
}

#[track_caller]
fn put_all(client: &mut Client, from: usize) {
    // All at once: who takes a backup is waited for as long as he may take for a piece, whatever the disk does meanwhile.
    for key in 0..KEYS {
        let text = text(from + key);
        client.send(&format!("PUB s.{key} {INBOX} {}\r\n{text}", text.len()));
    }
    for message in client.messages(KEYS) {
        let acknowledged = parsed(&message);
        assert!(acknowledged["error"].is_null(), "{acknowledged}");
    }
}

/// What the stream has of each key.
#[track_caller]
fn all(client: &mut Client) -> Vec<Value> {
    let get = |key: usize| {
        let request = json!({"last_by_subj": format!("s.{key}")}).to_string();
        ask_json(client, "$JS.API.STREAM.MSG.GET.S", &request)["message"].clone()
    };
    (0..KEYS).map(get).collect()
}

/// Backs the stream up; after the first piece something is done.
#[track_caller]
fn back_up(
    client: &mut Client,
    receiver: &mut Client,
    meanwhile: impl FnOnce(&mut Client),
) -> (Value, Vec<Vec<u8>>) {
    receiver.subscribe("pieces", "5");
    receiver.sync_silent();
    let request = json!({"deliver_subject": "pieces", "chunk_size": 1024, "window_size": 1024});
    let begun = ask_json(client, "$JS.API.STREAM.SNAPSHOT.S", &request.to_string());
    assert!(begun["error"].is_null(), "{begun}");
    let (mut pieces, mut meanwhile) = (Vec::new(), Some(meanwhile));
    loop {
        let Message {
            payload,
            reply,
            headers,
            ..
        } = receiver.message();
        if payload.is_empty() {
            assert_eq!(headers.as_deref(), Some("NATS/1.0 204\r\n\r\n"));
            return (begun, pieces);
        }
        pieces.push(payload);
        if let Some(meanwhile) = meanwhile.take() {
            meanwhile(client);
        }
        receiver.publish(&reply.unwrap(), b"");
    }
}

#[track_caller]
fn restore(client: &mut Client, config: &Value, pieces: &[Vec<u8>]) -> Value {
    let request = json!({"config": config}).to_string();
    let begun = ask_json(client, "$JS.API.STREAM.RESTORE.S", &request);
    let to = begun["deliver_subject"].as_str().unwrap().to_owned();
    for piece in pieces {
        client.send_bytes(format!("PUB {to} inbox {}\r\n", piece.len()).as_bytes());
        client.send_bytes(piece);
        client.send_bytes(b"\r\n");
        let answer = client.message();
        if !answer.payload.is_empty() {
            return parsed(&answer);
        }
    }
    parsed(&ask(client, &to, ""))
}

#[track_caller]
fn parsed(answer: &Message) -> Value {
    let read = serde_json::from_slice(&answer.payload);
    read.unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

fn config(storage: &str) -> Value {
    json!({"name": "S", "subjects": ["s.*"], "max_msgs_per_subject": 1, "storage": storage})
}

#[test]
fn a_backup_is_what_the_stream_was_when_it_began() {
    for storage in ["file", "memory"] {
        let folder = Folder::new("jetstream");
        let mut server = process(&folder);
        let mut client = asker(server.client());
        create(&mut client, &config(storage));
        put_all(&mut client, 0);
        let consumer = json!({"durable_name": "C", "ack_policy": "explicit"});
        let request = json!({"stream_name": "S", "config": consumer}).to_string();
        ask_json(&mut client, "$JS.API.CONSUMER.DURABLE.CREATE.S.C", &request);
        client.send("PUB $JS.API.CONSUMER.MSG.NEXT.S.C inbox 1\r\n3");
        let fetched = client.messages(3);
        ask(&mut client, fetched[0].reply.as_ref().unwrap(), "+ACK");
        let before = all(&mut client);

        let mut receiver = server.client().connect(r#"{"verbose":false,"headers":true}"#);
        let (begun, pieces) = back_up(&mut client, &mut receiver, |client| {
            put_all(client, 1000);
            ask_json(client, "$JS.API.STREAM.PURGE.S", "");
        });
        assert!(pieces.len() > 50, "{}", pieces.len());
        assert_eq!(begun["state"]["messages"], KEYS);
        ask_json(&mut client, "$JS.API.STREAM.DELETE.S", "");

        let restored = restore(&mut client, &begun["config"], &pieces);
        assert_eq!(restored["state"]["messages"], KEYS, "{restored}");
        assert_eq!(all(&mut client), before);
        let info = ask_json(&mut client, "$JS.API.CONSUMER.INFO.S.C", "");
        assert_eq!(info["delivered"]["stream_seq"], 3, "{info}");
        assert_eq!(
            (&info["ack_floor"]["stream_seq"], &info["num_ack_pending"]),
            (&json!(1), &json!(2))
        );
        // It is a stream like any other again, also after a kill.
        ask_json(&mut client, "s.0", "new");
        if storage == "file" {
            end(server, Signal::KILL);
            server = process(&folder);
            client = asker(server.client());
            let info = ask_json(&mut client, "$JS.API.STREAM.INFO.S", "");
            assert_eq!(info["state"]["last_seq"], KEYS + 1, "{info}");
            assert_eq!(all(&mut client)[1..], before[1..]);
            let info = ask_json(&mut client, "$JS.API.CONSUMER.INFO.S.C", "");
            assert_eq!(info["ack_floor"]["stream_seq"], 1, "{info}");
        }
    }
}

/// Nothing stays of what cannot be restored, and nothing is restored over what there is.
#[test]
fn what_is_no_backup_leaves_nothing_behind() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let mut client = asker(server.client());
    create(&mut client, &config("file"));
    put_all(&mut client, 0);
    let mut receiver = server.client().connect(r#"{"verbose":false,"headers":true}"#);
    let (begun, mut pieces) = back_up(&mut client, &mut receiver, |_| {});
    let request = json!({"config": begun["config"]}).to_string();
    let refused = ask_json(&mut client, "$JS.API.STREAM.RESTORE.S", &request);
    assert_eq!(refused["error"]["err_code"], 10130, "{refused}");
    ask_json(&mut client, "$JS.API.STREAM.DELETE.S", "");
    let whole = pieces.clone();
    let middle = pieces.len() / 2;
    pieces[middle][100] ^= 1;
    let damaged = restore(&mut client, &begun["config"], &pieces);
    assert_eq!(damaged["error"]["err_code"], 10062, "{damaged}");
    let cut_off = restore(&mut client, &begun["config"], &whole[..middle]);
    assert_eq!(
        cut_off["error"]["description"], "restore failed: the backup is not complete",
        "{cut_off}"
    );
    let none = restore(&mut client, &begun["config"], &[b"nothing".to_vec()]);
    assert_eq!(none["error"]["err_code"], 10062, "{none}");
    let restored = restore(&mut client, &begun["config"], &whole);
    assert_eq!(restored["state"]["messages"], KEYS, "{restored}");
}
