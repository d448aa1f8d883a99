//! Streams get the messages of others, of their account or another, and go on after a kill exactly where they were.

use crate::world::{Folder, INBOX, ask, ask_json, asker, end, process};
use rustix::process::Signal;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use vagus_test_support::{Client, Message, TestServer, server};

#[track_caller]
fn create(client: &mut Client, config: &serde_json::Value) {
    let name = config["name"].as_str().unwrap();
    let created = ask_json(
        client,
        &format!("$JS.API.STREAM.CREATE.{name}"),
        &config.to_string(),
    );
    assert_eq!(created["did_create"], true, "{created}");
}

/// Has a client that is not connected yet listen to what a stream has and gets, from its first message on.
#[track_caller]
fn follow(client: &mut Client, listener: Client, user: &str, stream: &str) -> Client {
    static FOLLOWERS: AtomicU32 = AtomicU32::new(0);
    let name = format!("F{}", FOLLOWERS.fetch_add(1, Ordering::Relaxed));
    let to = format!("seen.{name}");
    let connect = json!({"verbose": false, "headers": true, "user": user, "pass": "p"});
    let mut listener = listener.connect(&connect.to_string());
    listener.subscribe(&to, "7");
    let config = json!({"name": name, "deliver_subject": to, "ack_policy": "none"});
    let request = json!({"stream_name": stream, "config": config}).to_string();
    let created = ask_json(
        client,
        &format!("$JS.API.CONSUMER.CREATE.{stream}.{name}"),
        &request,
    );
    assert!(created["error"].is_null(), "{created}");
    listener
}

/// Sequences and payloads.
fn shown(messages: &[Message]) -> Vec<String> {
    let shown = messages.iter().map(|message| {
        let reply = message.reply.clone().unwrap();
        let sequence = reply.split('.').nth(5).unwrap().to_owned();
        format!("{sequence} {}", String::from_utf8_lossy(&message.payload))
    });
    shown.collect()
}

#[track_caller]
fn publish(client: &mut Client, payloads: &[&str]) {
    for payload in payloads {
        let acknowledged = ask_json(client, "o.a", payload);
        assert!(acknowledged["error"].is_null(), "{acknowledged}");
    }
}

#[test]
fn what_is_got_is_exact_after_a_kill() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let mut client = asker(server.client());
    create(&mut client, &json!({"name": "O", "subjects": ["o.*"]}));
    create(&mut client, &json!({"name": "M", "mirror": {"name": "O"}}));
    create(&mut client, &json!({"name": "A", "sources": [{"name": "O"}]}));
    publish(&mut client, &["one", "two"]);
    for stream in ["M", "A"] {
        let mut listener = follow(&mut client, server.client(), "", stream);
        assert_eq!(shown(&listener.messages(2)), ["1 one", "2 two"]);
    }
    end(server, Signal::KILL);

    let mut server = process(&folder);
    let mut client = asker(server.client());
    publish(&mut client, &["three"]);
    for stream in ["M", "A"] {
        let mut listener = follow(&mut client, server.client(), "", stream);
        assert_eq!(shown(&listener.messages(3)), ["1 one", "2 two", "3 three"]);
    }
    let info = ask_json(&mut client, "$JS.API.STREAM.INFO.M", "");
    assert_eq!(
        (&info["mirror"]["lag"], &info["mirror"]["error"]),
        (&json!(0), &json!(null))
    );
    let info = ask_json(&mut client, "$JS.API.STREAM.INFO.A", "");
    assert_eq!(info["sources"][0]["name"], "O");
}

/// Nothing of a work queue is lost, or there twice, where another stream gets it.
#[test]
fn a_work_queue_is_emptied_into_another_stream() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let mut client = asker(server.client());
    create(
        &mut client,
        &json!({"name": "O", "subjects": ["o.*"], "retention": "workqueue"}),
    );
    create(&mut client, &json!({"name": "A", "sources": [{"name": "O"}]}));
    publish(&mut client, &["one", "two", "three"]);
    let mut listener = follow(&mut client, server.client(), "", "A");
    assert_eq!(shown(&listener.messages(3)), ["1 one", "2 two", "3 three"]);
    end(server, Signal::KILL);
    let mut server = process(&folder);
    let mut client = asker(server.client());
    publish(&mut client, &["four"]);
    let mut listener = follow(&mut client, server.client(), "", "A");
    assert_eq!(
        shown(&listener.messages(4)),
        ["1 one", "2 two", "3 three", "4 four"]
    );
}

#[track_caller]
fn user(server: &TestServer, name: &str) -> Client {
    let connect =
        json!({"verbose": false, "headers": true, "no_responders": true, "user": name, "pass": "p"});
    let mut client = server.client().connect(&connect.to_string());
    client.subscribe("inbox", "9");
    client
}

#[test]
fn streams_of_another_account_are_reached_by_what_it_exports() {
    let folder = Folder::new("jetstream");
    let server = server()
        .configured(&format!(
            "store_dir: '{}', jetstream: enabled
             accounts {{
                A {{
                    users: [{{user: a, password: p}}], jetstream: enabled
                    exports: [
                        {{ service: '$JS.API.CONSUMER.>', response_type: stream }}
                        {{ service: '$JS.FC.>' }}
                        {{ stream: 'to.b.>' }}
                    ]
                }}
                B {{
                    users: [{{user: b, password: p}}], jetstream: enabled
                    imports: [
                        {{ service: {{ account: A, subject: '$JS.API.CONSUMER.>' }}, to: 'a.api.CONSUMER.>' }}
                        {{ service: {{ account: A, subject: '$JS.FC.>' }} }}
                        {{ stream: {{ account: A, subject: 'to.b.>' }} }}
                    ]
                }}
             }}",
            folder.path().display()
        ))
        .start();
    let mut owner = user(&server, "a");
    create(&mut owner, &json!({"name": "O", "subjects": ["o.*"]}));
    publish(&mut owner, &["one", "two"]);
    let mut client = user(&server, "b");
    let external = json!({"api": "a.api", "deliver": "to.b"});
    create(
        &mut client,
        &json!({"name": "M", "mirror": {"name": "O", "external": external}}),
    );
    create(
        &mut client,
        &json!({"name": "S", "sources": [{"name": "O", "external": external}]}),
    );
    publish(&mut owner, &["three"]);
    for stream in ["M", "S"] {
        let mut listener = follow(&mut client, server.client(), "b", stream);
        assert_eq!(shown(&listener.messages(3)), ["1 one", "2 two", "3 three"]);
    }
}

/// A copy answers who asks for messages of its origin directly, if it may.
#[test]
fn a_copy_answers_for_its_origin() {
    let folder = Folder::new("jetstream");
    let mut server = process(&folder);
    let mut client = asker(server.client());
    create(
        &mut client,
        &json!({"name": "O", "subjects": ["o.*"], "allow_direct": true}),
    );
    create(
        &mut client,
        &json!({"name": "M", "mirror": {"name": "O"}, "mirror_direct": true}),
    );
    publish(&mut client, &["one"]);
    let mut listener = follow(&mut client, server.client(), "", "M");
    listener.messages(1);
    let mut names = BTreeSet::new();
    while names.len() < 2 {
        let answer = ask(&mut client, "$JS.API.DIRECT.GET.O.o.a", "");
        assert_eq!(answer.payload, b"one");
        let headers = answer.headers.unwrap();
        let name = headers.split("Nats-Stream: ").nth(1).unwrap().chars().next();
        names.insert(name.unwrap());
    }
}

/// A server of 2.15 asks by the identity of the stream: it is told when that is another one, and needs no other server for it.
#[test]
fn who_knows_a_stream_by_its_identity_learns_that_it_is_another() {
    let folder = Folder::new("jetstream");
    let server = server()
        .configured(&format!(
            "jetstream {{ store_dir: '{}' }}",
            folder.path().display()
        ))
        .start();
    let mut client = asker(server.client());
    create(&mut client, &json!({"name": "O", "subjects": ["o.>"]}));
    let consumer = json!({"stream_name": "O", "config": {
        "ack_policy": "none", "deliver_subject": "d", "direct": true, "inactive_threshold": 5_000_000_000_u64,
    }});
    let body = consumer.to_string();
    let asked = |client: &mut Client, identity: Option<&str>| {
        let identity = identity.map_or(String::new(), |identity| {
            format!("Nats-Stream-Identity: {identity}\r\n")
        });
        let headers = format!("NATS/1.0\r\nNats-Required-Api-Level: 5\r\n{identity}\r\n");
        client.send(&format!(
            "HPUB $JS.API.CONSUMER.CREATE.O {INBOX} {} {}\r\n{headers}{body}",
            headers.len(),
            headers.len() + body.len()
        ));
        let answer = client.message();
        let text: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
        let headers = answer.headers.unwrap_or_default();
        let said = headers.split("Nats-Stream-Identity: ").nth(1);
        let said = said.map(|said| said.trim_end().to_owned());
        (text["error"]["err_code"].as_u64(), said)
    };
    let (error, first) = asked(&mut client, Some(""));
    assert_eq!(error, None);
    let first = first.unwrap();
    assert_eq!(asked(&mut client, Some(&first)), (None, Some(first.clone())));
    // Who does not say so asks for what is not known here.
    assert_eq!(asked(&mut client, None), (Some(10185), None));
    ask_json(&mut client, "$JS.API.STREAM.DELETE.O", "");
    create(&mut client, &json!({"name": "O", "subjects": ["o.>"]}));
    assert_eq!(asked(&mut client, Some(&first)).0, Some(10225));
    let (error, second) = asked(&mut client, Some(""));
    assert_eq!(error, None);
    assert_ne!(second.unwrap(), first);
}
