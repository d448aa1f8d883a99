//! Operators have the streams of an account deleted, also of one that may have none any more.

use crate::world::{Folder, ask_json, user};
use serde_json::{Value, json};
use vagus_test_support::{Client, eventually, server};

#[track_caller]
fn create(client: &mut Client, name: &str) {
    let config = json!({"name": name, "subjects": [name]}).to_string();
    let created = ask_json(client, &format!("$JS.API.STREAM.CREATE.{name}"), &config);
    assert!(created["error"].is_null(), "{created}");
    assert_eq!(ask_json(client, name, "x")["seq"], 1);
}

#[track_caller]
fn purge(operator: &mut Client, account: &str) {
    let purged = ask_json(operator, &format!("$JS.API.ACCOUNT.PURGE.{account}"), "");
    assert_eq!(
        purged,
        json!({"type": "io.nats.jetstream.api.v1.account_purge_response", "initiated": true})
    );
}

#[track_caller]
fn streams(client: &mut Client) -> Value {
    let answer = ask_json(client, "$JS.API.STREAM.NAMES", "");
    assert!(answer["error"].is_null(), "{answer}");
    answer["total"].clone()
}

/// What has been answered by now, if anything is: what is asked while it changes who answers may be lost, or answered late.
#[track_caller]
fn answer(client: &mut Client) -> Value {
    client.send("PUB $JS.API.STREAM.NAMES early 0\r\n");
    let answers = client.sync_messages();
    let answer = answers.last().map(|answer| answer.payload.clone());
    serde_json::from_slice(&answer.unwrap_or_default()).unwrap_or_default()
}

#[test]
fn accounts_are_purged() {
    let folder = Folder::new("jetstream");
    let configured = |of_a: &str| {
        format!(
            "store_dir: '{}', jetstream: enabled
             accounts {{
                A {{ users: [{{user: a, password: p}}], jetstream: {of_a} }}
                B {{ users: [{{user: b, password: p}}], jetstream: enabled }}
                SYS {{ users: [{{user: sys, password: p}}] }}
             }}
             system_account: SYS",
            folder.path().display()
        )
    };
    let server = server().configured(&configured("enabled")).start();
    let (mut a, mut b) = (user(&server, "a"), user(&server, "b"));
    let mut operator = user(&server, "sys");
    let mut early = user(&server, "a");
    early.subscribe("early", "8");
    create(&mut a, "ONE");
    create(&mut a, "TWO");
    create(&mut b, "ONE");
    purge(&mut operator, "A");
    purge(&mut operator, "UNKNOWN");
    assert_eq!(streams(&mut a), 0);
    assert_eq!(streams(&mut b), 1);
    // It goes on.
    create(&mut a, "ONE");

    // What rests on disk goes, too.
    server.reconfigure(&configured("disabled"));
    eventually(|| answer(&mut early)["error"]["err_code"] == 10039);
    purge(&mut operator, "A");
    server.reconfigure(&configured("enabled"));
    eventually(|| {
        let answer = answer(&mut early);
        answer["error"].is_null() && answer["total"] == 0
    });
    assert_eq!(streams(&mut a), 0);
    assert_eq!(streams(&mut b), 1);

    // Nobody else orders that, and the system account has no streams.
    for subject in ["STREAM.NAMES", "STREAM.CREATE.S", "CONSUMER.MSG.NEXT.S.C"] {
        let refused = ask_json(&mut operator, &format!("$JS.API.{subject}"), "");
        assert_eq!(refused["error"]["err_code"], 10039, "{refused}");
        assert_eq!(refused["type"], "io.nats.jetstream.api.v1.system_response");
    }
    let refused = ask_json(&mut operator, "$JS.API.ACCOUNT.PURGE.a/b", "");
    assert_eq!(refused["error"]["err_code"], 10051, "{refused}");
}
