//! What monitoring tells of streams is what they hold, whoever asks.

use crate::world::{Folder, ask_json, user};
use serde_json::{Value, json};
use std::fs;
use vagus_test_support::{Client, TestServer, eventually, server};

/// Accounts with streams, one without, and one that asks.
fn keeping(folder: &Folder) -> TestServer {
    let text = format!(
        "server_name: solo
         store_dir: '{}', jetstream {{ max_mem: 64MB, max_file: 1GB, limits {{ max_ack_pending: 500 }} }}
         accounts {{
            A {{ users: [{{user: a, password: p}}], jetstream: enabled }}
            B {{ users: [{{user: b, password: p}}], jetstream {{ max_mem: 1MB, max_file: 1MB }} }}
            C {{ users: [{{user: c, password: p}}] }}
            SYS {{ users: [{{user: sys, password: p}}] }}
         }}
         system_account: SYS",
        folder.path().display()
    );
    server().configured(&text).monitoring().start()
}

#[track_caller]
fn done(client: &mut Client, subject: &str, request: &Value) {
    let answer = ask_json(client, subject, &request.to_string());
    assert!(answer["error"].is_null(), "{subject}: {answer}");
}

/// Makes a stream of three messages, two of which its consumer has delivered.
#[track_caller]
fn fill(client: &mut Client, name: &str, storage: &str) {
    let subject = name.to_lowercase();
    let config = json!({"name": name, "subjects": [format!("{subject}.>")], "storage": storage});
    done(client, &format!("$JS.API.STREAM.CREATE.{name}"), &config);
    for number in 1..=3 {
        done(client, &format!("{subject}.{number}"), &json!(number));
    }
    let consumer = json!({"stream_name": name, "config": {"durable_name": "C", "ack_policy": "explicit"}});
    let create = format!("$JS.API.CONSUMER.DURABLE.CREATE.{name}.C");
    done(client, &create, &consumer);
    let next = format!("$JS.API.CONSUMER.MSG.NEXT.{name}.C");
    client.send(&format!("PUB {next} inbox 1\r\n2"));
    client.messages(2);
}

#[test]
fn jsz_tells_of_accounts_streams_and_consumers() {
    let folder = Folder::new("jetstream");
    let server = keeping(&folder);
    let mut a = user(&server, "a");
    fill(&mut a, "ONE", "file");
    fill(&mut a, "TWO", "memory");

    let jsz = server.get("/jsz").json();
    for (key, expected) in [
        ("accounts", 2),
        ("streams", 2),
        ("consumers", 2),
        ("messages", 6),
        ("total", 2),
    ] {
        assert_eq!(jsz[key], expected, "{key}: {jsz}");
    }
    assert_eq!(
        jsz["bytes"],
        jsz["memory"].as_u64().unwrap() + jsz["storage"].as_u64().unwrap()
    );
    assert_eq!(jsz["config"]["max_memory"], 64 << 20);
    assert_eq!(jsz["limits"], json!({"max_ack_pending": 500}));
    assert!(jsz["api"]["total"].as_u64().unwrap() >= 4, "{jsz}");
    assert!(jsz["account_details"].is_null() && jsz["streams_leader"].is_null());

    let jsz = server.get("/jsz?acc=A&consumers=true").json();
    let [account] = &jsz["account_details"].as_array().unwrap()[..] else {
        panic!("one account is asked for: {jsz}");
    };
    assert_eq!((&account["name"], &account["id"]), (&json!("A"), &json!("A")));
    let [one, two] = &account["stream_detail"].as_array().unwrap()[..] else {
        panic!("it has two streams: {account}");
    };
    assert_eq!((&one["name"], &two["name"]), (&json!("ONE"), &json!("TWO")));
    assert_eq!(one["state"]["messages"], 3);
    assert_eq!(one["cluster"]["leader"], "solo");
    assert!(one["config"].is_null());
    let consumer = &one["consumer_detail"][0];
    assert_eq!(consumer["num_pending"], 1, "{consumer}");
    assert_eq!(consumer["num_ack_pending"], 2);
    assert!(consumer["config"].is_null());
    // What nats-server does not tell.
    assert_eq!(consumer["waits"], "no_request");
    for age in ["lag_seconds", "oldest_unacknowledged_seconds"] {
        assert!(consumer[age].as_f64().unwrap() > 0.0, "{age}: {consumer}");
    }

    let jsz = server.get("/jsz?consumers=1&config=1&raft=1&limit=1").json();
    assert_eq!(
        (&jsz["streams_leader"], &jsz["consumers_leader"]),
        (&json!(2), &json!(2))
    );
    let detail = &jsz["account_details"][0]["stream_detail"][1];
    assert_eq!(detail["config"]["storage"], "memory");
    assert_eq!(detail["consumer_detail"][0]["config"]["durable_name"], "C");
    assert!(jsz["account_details"][1].is_null());

    let jsz = server.get("/jsz?streams=1&stream-offset=1&stream-limit=1").json();
    let streams = jsz["account_details"][0]["stream_detail"].as_array().unwrap();
    assert_eq!((streams.len(), &streams[0]["name"]), (1, &json!("TWO")));
    let jsz = server.get("/jsz?accounts=1&offset=1").json();
    assert_eq!(jsz["account_details"][0]["name"], "B");
    assert_eq!(jsz["account_details"][0]["reserved_memory"], 1 << 20);
    assert!(jsz["account_details"][1].is_null());
}

/// Mirrors and sources are shown as STREAM.INFO shows them.
#[test]
fn jsz_tells_how_far_copies_are() {
    let folder = Folder::new("jetstream");
    let server = keeping(&folder);
    let mut a = user(&server, "a");
    fill(&mut a, "ONE", "file");
    let create = |name: &str| format!("$JS.API.STREAM.CREATE.{name}");
    done(
        &mut a,
        &create("COPY"),
        &json!({"name": "COPY", "mirror": {"name": "ONE"}}),
    );
    done(
        &mut a,
        &create("SUM"),
        &json!({"name": "SUM", "sources": [{"name": "ONE"}]}),
    );
    let jsz = || server.get("/jsz?acc=A&streams=1").json()["account_details"][0]["stream_detail"].clone();
    // By name: COPY, ONE, SUM.
    eventually(|| jsz()[0]["mirror"]["active"].as_i64() > Some(0));
    eventually(|| jsz()[2]["sources"][0]["active"].as_i64() > Some(0));
    let shown = jsz();
    assert_eq!(shown[0]["mirror"]["name"], "ONE", "{shown}");
    assert_eq!(shown[2]["sources"][0]["name"], "ONE", "{shown}");
    assert!(
        shown[1]["mirror"].is_null() && shown[1]["sources"].is_null(),
        "{shown}"
    );
}

/// Consumers are shown a few at a time, all of them.
#[test]
fn jsz_tells_of_all_consumers() {
    let folder = Folder::new("jetstream");
    let server = keeping(&folder);
    let mut a = user(&server, "a");
    done(
        &mut a,
        "$JS.API.STREAM.CREATE.MANY",
        &json!({"name": "MANY", "storage": "memory"}),
    );
    let names: Vec<String> = (0..150).map(|number| format!("C{number:03}")).collect();
    for name in &names {
        let consumer =
            json!({"stream_name": "MANY", "config": {"durable_name": name, "ack_policy": "explicit"}});
        let create = format!("$JS.API.CONSUMER.DURABLE.CREATE.MANY.{name}");
        done(&mut a, &create, &consumer);
    }
    let jsz = server.get("/jsz?acc=A&consumers=1").json();
    let shown = jsz["account_details"][0]["stream_detail"][0]["consumer_detail"].as_array();
    let shown: Vec<&str> = shown
        .unwrap()
        .iter()
        .filter_map(|shown| shown["name"].as_str())
        .collect();
    assert_eq!(shown, names);
}

#[test]
fn health_knows_what_there_is() {
    let folder = Folder::new("jetstream");
    let server = keeping(&folder);
    fill(&mut user(&server, "a"), "ONE", "memory");
    for query in [
        "",
        "js-enabled-only=1",
        "js-server-only=1",
        "js-meta-only=1",
        "account=A",
        "account=B",
        "account=A&stream=ONE",
        "account=A&stream=ONE&consumer=C",
        "account=NONE&js-server-only=1",
        "account=NONE&js-enabled-only=1",
    ] {
        let answer = server.get(&format!("/healthz?{query}"));
        assert_eq!(
            (answer.status, &*answer.body),
            (200, r#"{"status":"ok"}"#),
            "{query}"
        );
    }
    for (query, error) in [
        ("account=C", r#"JetStream account "C" not found"#),
        (
            "account=A&stream=NONE",
            r#"JetStream stream "NONE" not found on account "A""#,
        ),
        (
            "account=A&stream=ONE&consumer=NONE",
            r#"JetStream consumer "NONE" not found for stream "ONE" on account "A""#,
        ),
    ] {
        let answer = server.get(&format!("/healthz?{query}"));
        let told: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(answer.status, 404, "{query}");
        assert_eq!(told, json!({"status": "unavailable", "error": error}), "{query}");
    }
    let answer = server.get("/healthz?account=A&stream=ONE&consumer=NONE&details=1");
    let told: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(told["status"], "error");
    let [detail] = &told["errors"].as_array().unwrap()[..] else {
        panic!("one thing is not there: {told}");
    };
    assert_eq!(
        (
            &detail["type"],
            &detail["account"],
            &detail["stream"],
            &detail["consumer"]
        ),
        (&json!("CONSUMER"), &json!("A"), &json!("ONE"), &json!("NONE"))
    );
}

/// A stream that cannot be opened any more is not forgotten.
#[test]
fn health_knows_what_could_not_be_opened() {
    let folder = Folder::new("jetstream");
    let server = keeping(&folder);
    fill(&mut user(&server, "a"), "ONE", "file");
    server.shutdown();
    for file in ["meta.a", "meta.b"] {
        let path = folder.path().join("jetstream/A/streams/ONE").join(file);
        if path.exists() {
            fs::write(path, "nothing that anybody can read").unwrap();
        }
    }

    let server = keeping(&folder);
    let answer = server.get("/healthz");
    assert_eq!(answer.status, 503, "{answer:?}");
    let expected = r#"{"status":"unavailable","error":"JetStream stream 'A > ONE' could not be recovered"}"#;
    assert_eq!(answer.body, expected);
    assert_eq!(server.get("/healthz?account=A&stream=ONE").status, 503);
    for query in ["account=B", "js-enabled-only=1", "js-server-only=1"] {
        assert_eq!(server.get(&format!("/healthz?{query}")).status, 200, "{query}");
    }
    let metrics = server.get("/metrics").body;
    assert!(metrics.contains(r#"value="error"} 0"#), "{metrics}");
}

#[test]
fn the_server_says_what_it_keeps() {
    let folder = Folder::new("jetstream");
    let server = keeping(&folder);
    fill(&mut user(&server, "a"), "ONE", "file");

    let varz = server.get("/varz").json();
    let jetstream = &varz["jetstream"];
    let store = folder.path().join("jetstream");
    assert_eq!(jetstream["config"]["store_dir"], store.to_str().unwrap());
    assert_eq!(jetstream["config"]["max_storage"], 1 << 30);
    assert_eq!(jetstream["config"]["sync_interval"], 120_000_000_000_u64);
    assert!(jetstream["stats"]["storage"].as_u64().unwrap() > 0, "{jetstream}");
    assert_eq!(jetstream["stats"]["api"]["level"], 4);
    assert_eq!(jetstream["limits"], json!({"max_ack_pending": 500}));
    for (account, is_enabled) in [("A", true), ("C", false)] {
        let accountz = server.get(&format!("/accountz?acc={account}")).json();
        assert_eq!(accountz["account_detail"]["jetstream_enabled"], is_enabled);
    }
}

/// Who asks in the system account is told the same.
#[test]
fn the_system_account_is_told_the_same() {
    let folder = Folder::new("jetstream");
    let server = keeping(&folder);
    fill(&mut user(&server, "a"), "ONE", "file");
    let mut sys = user(&server, "sys");

    let statsz = ask_json(&mut sys, "$SYS.REQ.SERVER.PING.STATSZ", "");
    assert_eq!(statsz["server"]["jetstream"], true);
    let jetstream = &statsz["statsz"]["jetstream"];
    assert_eq!(jetstream["config"]["max_storage"], 1 << 30, "{statsz}");
    assert!(jetstream["config"]["store_dir"].is_null(), "{statsz}");
    assert_eq!(jetstream["stats"]["accounts"], 2);

    let jsz = ask_json(
        &mut sys,
        "$SYS.REQ.SERVER.PING.JSZ",
        r#"{"account":"A","consumer":true}"#,
    );
    let stream = &jsz["data"]["account_details"][0]["stream_detail"][0];
    assert_eq!(stream["consumer_detail"][0]["name"], "C", "{jsz}");
    let jsz = ask_json(&mut sys, "$SYS.REQ.ACCOUNT.A.JSZ", r#"{"streams":true}"#);
    assert_eq!(jsz["data"]["stream_detail"][0]["name"], "ONE", "{jsz}");
    for (account, error) in [
        ("C", r#"account "C" not jetstream enabled"#),
        ("NONE", r#"account "NONE" not found"#),
    ] {
        let jsz = ask_json(&mut sys, &format!("$SYS.REQ.ACCOUNT.{account}.JSZ"), "");
        assert_eq!(jsz["error"]["description"], error);
    }

    let health = ask_json(
        &mut sys,
        "$SYS.REQ.SERVER.PING.HEALTHZ",
        r#"{"account":"A","stream":"ONE"}"#,
    );
    assert_eq!(health["data"], json!({"status": "ok", "status_code": 200}));
    let health = ask_json(&mut sys, "$SYS.REQ.SERVER.PING.HEALTHZ", r#"{"account":"NONE"}"#);
    assert_eq!(health["data"]["status_code"], 404, "{health}");
}
