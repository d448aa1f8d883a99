//! Streams and consumers are shown as they are, and emptied, paused and deleted by administrators alone.

use crate::{ANN, BOB, JSON, protected, with};
use serde_json::{Value, json};
use vagus_test_support::{Answer, Client, Folder, TestServer, http, send, server};

fn started(folder: &Folder) -> TestServer {
    let text = format!(
        "store_dir: '{}', jetstream: enabled
         accounts {{
            A {{ users: [{{user: a, password: p}}], jetstream: enabled }}
            B {{ users: [{{user: b, password: p}}], jetstream: enabled }}
         }}",
        folder.path().display()
    );
    server().configured(&text).set(with(protected())).start()
}

#[track_caller]
fn user(server: &TestServer, name: &str) -> Client {
    let connect =
        json!({"verbose": false, "headers": true, "no_responders": true, "user": name, "pass": "p"});
    let mut client = server.client().connect(&connect.to_string());
    client.subscribe("inbox", "9");
    client
}

#[track_caller]
fn ask(client: &mut Client, subject: &str, request: &Value) -> Value {
    let payload = request.to_string();
    client.send(&format!("PUB {subject} inbox {}\r\n{payload}", payload.len()));
    let answer: Value = serde_json::from_slice(&client.message().payload).unwrap();
    assert!(answer["error"].is_null(), "{subject}: {answer}");
    answer
}

/// A stream of three messages, with a consumer.
#[track_caller]
fn fill(client: &mut Client) {
    let config = json!({"name": "ORDERS", "subjects": ["orders.>"], "description": "what is bought"});
    ask(client, "$JS.API.STREAM.CREATE.ORDERS", &config);
    for subject in ["orders.new", "orders.new", "orders.paid"] {
        ask(client, subject, &json!({"of": subject}));
    }
    let consumer =
        json!({"stream_name": "ORDERS", "config": {"durable_name": "BILLS", "ack_policy": "explicit"}});
    ask(client, "$JS.API.CONSUMER.DURABLE.CREATE.ORDERS.BILLS", &consumer);
}

const ORDERS: &str = "/v1/accounts/A/streams/ORDERS";

#[track_caller]
fn get(server: &TestServer, path: &str) -> Value {
    http(server.admin_address().unwrap(), "GET", path, &[BOB]).json()
}

fn order(server: &TestServer, method: &str, path: &str, body: &Value, who: (&str, &str)) -> Answer {
    send(
        server.admin_address().unwrap(),
        method,
        path,
        &[who, JSON],
        &body.to_string(),
    )
}

#[test]
fn are_listed_over_all_accounts() {
    let folder = Folder::new("admin-streams");
    let server = started(&folder);
    fill(&mut user(&server, "a"));
    let mut b = user(&server, "b");
    for name in ["KV_BUCKET", "OBJ_STORE", "PLAIN"] {
        ask(
            &mut b,
            &format!("$JS.API.STREAM.CREATE.{name}"),
            &json!({"name": name, "storage": "memory"}),
        );
    }
    let list = get(&server, "/v1/streams");
    assert_eq!(list["total"], 4);
    let orders = &list["streams"][0];
    for (key, value) in [
        ("account", json!("A")),
        ("name", json!("ORDERS")),
        ("kind", json!("stream")),
        ("description", json!("what is bought")),
        ("subjects", json!(["orders.>"])),
        ("storage", json!("file")),
        ("messages", json!(3)),
        ("subject_count", json!(2)),
        ("last_sequence", json!(3)),
        ("consumers", json!(1)),
        ("max_messages", json!(-1)),
        ("failure", json!(null)),
    ] {
        assert_eq!(orders[key], value, "{key}");
    }
    let kinds: Vec<_> = (1..4)
        .map(|place| list["streams"][place]["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["key-value", "objects", "stream"]);
    let some = get(&server, "/v1/streams?account=B&find=L&sort=name");
    assert_eq!(
        (&some["total"], &some["streams"][0]["name"]),
        (&json!(1), &json!("PLAIN"))
    );
    let part = get(&server, "/v1/streams?sort=name&offset=1&limit=2");
    assert_eq!(part["streams"].as_array().unwrap().len(), 2);
    assert_eq!(part["streams"][0]["name"], "OBJ_STORE");
    let address = server.admin_address().unwrap();
    for (path, status) in [
        ("/v1/streams?account=NONE", 404),
        ("/v1/streams?sort=luck", 400),
        ("/v1/accounts/A/streams/NONE", 404),
        ("/v1/accounts/NONE/streams/ORDERS", 404),
    ] {
        assert_eq!(http(address, "GET", path, &[BOB]).status, status, "{path}");
    }
    assert_eq!(http(address, "GET", "/v1/streams", &[]).status, 401);
}

#[test]
fn are_shown_with_what_they_hold() {
    let folder = Folder::new("admin-streams");
    let server = started(&folder);
    fill(&mut user(&server, "a"));
    let stream = get(&server, ORDERS);
    assert_eq!(stream["config"]["subjects"], json!(["orders.>"]));
    assert_eq!(
        (&stream["state"]["messages"], &stream["failure"]),
        (&json!(3), &json!(null))
    );
    let subjects = get(&server, &format!("{ORDERS}/subjects?filter=orders.n*"));
    assert_eq!(subjects["total"], 0, "a star is a token: {subjects}");
    let subjects = get(&server, &format!("{ORDERS}/subjects"));
    assert_eq!(
        subjects["subjects"],
        json!([{"subject": "orders.new", "messages": 2}, {"subject": "orders.paid", "messages": 1}])
    );
    let address = server.admin_address().unwrap();
    for (wanted, sequence) in [
        ("sequence=1", 1),
        ("last_for=orders.new", 2),
        ("sequence=2&next_for=orders.paid", 3),
    ] {
        let message = http(address, "GET", &format!("{ORDERS}/message?{wanted}"), &[ANN]).json();
        assert_eq!(message["seq"], sequence, "{wanted}");
    }
    for (wanted, who, status) in [("sequence=9", ANN, 404), ("", ANN, 400), ("sequence=1", BOB, 403)] {
        let answer = http(address, "GET", &format!("{ORDERS}/message?{wanted}"), &[who]);
        assert_eq!(answer.status, status, "{wanted}");
    }
}

#[test]
fn say_why_consumers_wait() {
    let folder = Folder::new("admin-streams");
    let server = started(&folder);
    let mut a = user(&server, "a");
    fill(&mut a);
    let consumers = get(&server, &format!("{ORDERS}/consumers"));
    assert_eq!(consumers["total"], 1);
    let bills = &consumers["consumers"][0];
    assert_eq!(
        (&bills["name"], &bills["waits"]),
        (&json!("BILLS"), &json!("no_request"))
    );
    assert_eq!(bills["num_pending"], 3);
    assert!(bills["lag_seconds"].as_f64().unwrap() > 0.0, "{bills}");
    assert_eq!(bills["oldest_unacknowledged_seconds"], 0.0);

    let consumer = format!("{ORDERS}/consumers/BILLS");
    let pause = json!({"seconds": 3600});
    assert_eq!(
        order(&server, "POST", &format!("{consumer}/pause"), &pause, BOB).status,
        403
    );
    assert_eq!(
        order(&server, "POST", &format!("{consumer}/pause"), &pause, ANN).status,
        204
    );
    assert_eq!(get(&server, &consumer)["waits"], "paused");
    assert_eq!(
        order(&server, "POST", &format!("{consumer}/resume"), &json!({}), ANN).status,
        204
    );
    assert_eq!(get(&server, &consumer)["waits"], "no_request");

    a.send("PUB $JS.API.CONSUMER.MSG.NEXT.ORDERS.BILLS inbox 1\r\n2");
    a.messages(2);
    assert_eq!(get(&server, &consumer)["num_ack_pending"], 2);
    let reset = order(&server, "POST", &format!("{consumer}/reset"), &json!({}), ANN).json();
    assert_eq!(reset["sequence"], 1);
    assert_eq!(get(&server, &consumer)["num_pending"], 3);

    assert_eq!(order(&server, "DELETE", &consumer, &json!({}), BOB).status, 403);
    assert_eq!(order(&server, "DELETE", &consumer, &json!({}), ANN).status, 204);
    let address = server.admin_address().unwrap();
    assert_eq!(http(address, "GET", &consumer, &[BOB]).status, 404);
}

#[test]
fn are_emptied_and_deleted_by_administrators_alone() {
    let folder = Folder::new("admin-streams");
    let server = started(&folder);
    fill(&mut user(&server, "a"));
    let purge = format!("{ORDERS}/purge");
    for (method, path) in [
        ("POST", &*purge),
        ("DELETE", &*format!("{ORDERS}/messages/1")),
        ("DELETE", ORDERS),
    ] {
        assert_eq!(
            order(&server, method, path, &json!({}), BOB).status,
            403,
            "{path}"
        );
    }
    assert_eq!(get(&server, ORDERS)["state"]["messages"], 3);
    assert_eq!(
        order(
            &server,
            "DELETE",
            &format!("{ORDERS}/messages/1"),
            &json!({}),
            ANN
        )
        .status,
        204
    );
    let purged = order(&server, "POST", &purge, &json!({"subject": "orders.new"}), ANN).json();
    assert_eq!(purged["purged"], 1);
    assert_eq!(
        order(&server, "POST", &purge, &json!({"befor": 7}), ANN).status,
        400
    );
    assert_eq!(get(&server, ORDERS)["state"]["messages"], 1);
    assert_eq!(order(&server, "DELETE", ORDERS, &json!({}), ANN).status, 204);
    assert_eq!(get(&server, "/v1/streams")["total"], 0);
    assert_eq!(order(&server, "DELETE", ORDERS, &json!({}), ANN).status, 404);
}
