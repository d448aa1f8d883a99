//! Over HTTP the broker's users read what streams keep, and put, get, delete and watch keys.

use crate::world::{Folder, ask_json, asker};
use serde_json::Value;
use std::net::SocketAddr;
use vagus_test_support::{Answer, Client, Events, TestServer, eventually, http, send, server};

/// A server with a bucket `B`, and where HTTP is spoken.
#[track_caller]
fn started(folder: &Folder, users: &str) -> (TestServer, SocketAddr, Client) {
    let folder = folder.path().display();
    let text = format!(
        "jetstream {{ store_dir: '{folder}' }}\nconnectors: [{{id: web, type: HTTP, listen: '127.0.0.1:-1'}}]\n{users}"
    );
    let server = server().configured(&text).start();
    let address = || {
        let connectors = server.connectors();
        let web = connectors.iter().find(|connector| connector.id == "web")?;
        web.address.clone()
    };
    eventually(|| address().is_some());
    let address = address().unwrap().parse().unwrap();
    let mut owner = asker(server.client());
    let bucket =
        r#"{"name":"KV_B","subjects":["$KV.B.>"],"max_msgs_per_subject":5,"allow_rollup_hdrs":true}"#;
    let created = ask_json(&mut owner, "$JS.API.STREAM.CREATE.KV_B", bucket);
    assert!(created.get("error").is_none(), "{created}");
    (server, address, owner)
}

fn put(address: SocketAddr, key: &str, headers: &[(&str, &str)], value: &str) -> Answer {
    send(address, "PUT", &format!("/v1/kv/B/{key}"), headers, value)
}

fn entry(events: &mut Events) -> Value {
    let (name, data) = events.next_event();
    assert_eq!(name, "entry", "{data}");
    serde_json::from_str(&data).unwrap()
}

#[test]
fn what_a_stream_keeps_is_read_by_sequence_and_by_subject() {
    let folder = Folder::new("jetstream");
    let (_server, address, mut owner) = started(&folder, "");
    let created = ask_json(
        &mut owner,
        "$JS.API.STREAM.CREATE.S",
        r#"{"name":"S","subjects":["s.>"]}"#,
    );
    assert!(created.get("error").is_none(), "{created}");
    let path = "/v1/publish/s.a?ack=true";
    let header = ("X-Nats-Header", "Kind: first");
    assert_eq!(send(address, "POST", path, &[header], "one").status, 200);
    assert_eq!(send(address, "POST", path, &[], "two").status, 200);
    let first = http(address, "GET", "/v1/streams/S/messages/1", &[]);
    assert_eq!((first.status, &*first.body), (200, "one"));
    assert_eq!(first.header("x-nats-header"), "Kind: first");
    assert_eq!(first.header("x-nats-subject"), "s.a");
    assert_eq!(first.header("etag"), "\"1\"");
    let last = http(address, "GET", "/v1/streams/S/last/s.a", &[]);
    assert_eq!((last.status, &*last.body), (200, "two"));
    assert_eq!(last.header("x-nats-sequence"), "2");
    for (path, status) in [
        ("/v1/streams/S/messages/9", 404),
        ("/v1/streams/S/last/s.b", 404),
        ("/v1/streams/NONE/messages/1", 404),
        ("/v1/streams/S/messages/x", 404),
        ("/v1/streams/S.T/messages/1", 400),
    ] {
        assert_eq!(http(address, "GET", path, &[]).status, status, "{path}");
    }
}

#[test]
fn keys_are_put_got_and_deleted() {
    let folder = Folder::new("jetstream");
    let (_server, address, _owner) = started(&folder, "");
    let said = put(address, "a/b", &[], "blue");
    assert_eq!((said.status, &*said.body), (200, r#"{"revision":1}"#));
    assert_eq!(said.header("etag"), "\"1\"");
    let got = http(address, "GET", "/v1/kv/B/a/b", &[]);
    assert_eq!((got.status, &*got.body), (200, "blue"));
    assert_eq!(got.header("etag"), "\"1\"");
    assert_eq!(http(address, "GET", "/v1/kv/B/c", &[]).status, 404);
    assert_eq!(http(address, "GET", "/v1/kv/NONE/c", &[]).status, 404);
    assert_eq!(put(address, "a..b", &[], "").status, 400);
    for purge in ["", "?purge=true"] {
        let path = format!("/v1/kv/B/a/b{purge}");
        assert_eq!(send(address, "DELETE", &path, &[], "").status, 200);
        assert_eq!(http(address, "GET", "/v1/kv/B/a/b", &[]).status, 404);
    }
    let info = http(address, "GET", "/v1/streams/KV_B/messages/1", &[]);
    assert_eq!(info.status, 404, "its history has gone");
}

#[test]
fn a_key_is_changed_on_a_condition() {
    let folder = Folder::new("jetstream");
    let (_server, address, _owner) = started(&folder, "");
    let absent = [("If-None-Match", "*")];
    assert_eq!(put(address, "k", &absent, "1").status, 200);
    assert_eq!(put(address, "k", &absent, "2").status, 412);
    assert_eq!(put(address, "k", &[("If-Match", "\"7\"")], "2").status, 412);
    assert_eq!(put(address, "k", &[("If-Match", "\"1\"")], "2").status, 200);
    assert_eq!(put(address, "k", &[("If-Match", "1")], "2").status, 400);
    assert_eq!(send(address, "DELETE", "/v1/kv/B/k", &[], "").status, 200);
    assert_eq!(
        put(address, "k", &absent, "3").status,
        200,
        "a deleted key is none"
    );
    assert_eq!(http(address, "GET", "/v1/kv/B/k", &[]).body, "3");
}

#[test]
fn who_watches_is_told_what_is_there_and_what_becomes_of_it() {
    let folder = Folder::new("jetstream");
    let (_server, address, _owner) = started(&folder, "");
    for (key, value) in [("a.1", "x"), ("a.1", "y"), ("b", "z")] {
        assert_eq!(put(address, key, &[], value).status, 200);
    }
    let mut events = Events::of(address, "/v1/kv/B?keys=a.*");
    assert_eq!(events.next_event().0, "subscribed");
    let told = entry(&mut events);
    let expected = r#"{"key":"a.1","operation":"put","revision":2,"value":"y"}"#;
    assert_eq!(told.to_string(), expected);
    assert_eq!(events.next_event().0, "current");
    assert_eq!(send(address, "DELETE", "/v1/kv/B/a.1", &[], "").status, 200);
    let told = entry(&mut events);
    let expected = r#"{"key":"a.1","operation":"delete","revision":4}"#;
    assert_eq!(told.to_string(), expected);
    let mut empty = Events::of(address, "/v1/kv/B?keys=c");
    assert_eq!(empty.next_event().0, "subscribed");
    assert_eq!(empty.next_event().0, "current", "there is none");
}

#[test]
fn users_read_and_write_what_their_permissions_let_them() {
    let folder = Folder::new("jetstream");
    let users = "authorization { users: [
        {user: ann, password: p, permissions: {publish: ['$KV.B.a', '$JS.API.STREAM.MSG.GET.KV_B'], subscribe: '_INBOX.>'}}
        {user: owner, password: p}] }\nno_auth_user: owner";
    let (_server, address, _owner) = started(&folder, users);
    // `ann:p`
    let ann = ("Authorization", "Basic YW5uOnA=");
    assert_eq!(put(address, "a", &[ann], "1").status, 200);
    assert_eq!(put(address, "b", &[ann], "1").status, 403);
    assert_eq!(http(address, "GET", "/v1/kv/B/a", &[ann]).body, "1");
    assert_eq!(http(address, "GET", "/v1/kv/B", &[ann]).status, 403);
    assert_eq!(http(address, "GET", "/v1/kv/OTHER/a", &[ann]).status, 403);
}
