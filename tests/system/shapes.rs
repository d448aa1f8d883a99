//! Events have the members that those of nats-server 2.14 have, and no others: tools read them by strict schemas.

use crate::world::{client, json};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use vagus_test_support::{Client, server};

/// A exports a service of which it is told how long it takes; B asks, and tells who it is.
const TEXT: &str = "
    server_name: solo
    accounts {
        A {
            users: [{user: a, password: p}]
            exports: [
                {service: svc, latency: {sampling: 100, subject: told}}
                {service: quick, latency: {sampling: 100, subject: told}, threshold: \"10ms\"}
            ]
        }
        B {
            users: [{user: b, password: p}]
            imports: [
                {service: {account: A, subject: svc}, share: true}
                {service: {account: A, subject: quick}}
            ]
        }
        SYS { users: [{user: sys, password: p}] }
    }
    system_account: SYS
";

const SERVER: &str =
    "name host id ver feature_flags{js_ack_fc_v2 js_raft_delete_range} jetstream flags seq time";

const CLIENT: &str = "start host id acc user name lang ver name_tag kind client_type";

const PASSED: &str = "msgs bytes";

/// What a service, and who exports it, is told of a client.
const PARTY: &str = "start host id acc user name lang ver rtt server kind client_type";

/// The members of a document, those of objects behind a dot; of lists, of what is in them.
fn members(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = format!("{path}{name}");
                members(value, &format!("{path}."), found);
                found.insert(path);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| members(value, path, found)),
        _ => {}
    }
}

/// The same of a description: names, each with `{…}` if it has members itself.
fn described(text: &str) -> BTreeSet<String> {
    let (mut found, mut path) = (BTreeSet::new(), Vec::new());
    let spaced = text.replace('{', " { ").replace('}', " } ");
    let mut last = "";
    for word in spaced.split_whitespace() {
        match word {
            "{" => path.push(last),
            "}" => {
                path.pop();
            }
            name => {
                let full: Vec<&str> = path.iter().copied().chain([name]).collect();
                found.insert(full.join("."));
                last = name;
            }
        }
    }
    found
}

#[track_caller]
fn check(event: &Value, kind: &str, expected: &str) {
    if !kind.is_empty() {
        assert_eq!(event["type"], kind);
    }
    let mut found = BTreeSet::new();
    members(event, "", &mut found);
    assert_eq!(found, described(expected), "{event}");
}

/// Waits for one event on each of these subjects.
fn events(client: &mut Client, wanted: &[String]) -> BTreeMap<String, Value> {
    let mut events = BTreeMap::new();
    while !wanted.iter().all(|subject| events.contains_key(subject)) {
        let message = client.message();
        events.insert(message.subject.clone(), json(&message));
    }
    events
}

#[test]
fn of_connections_and_of_the_server() {
    let server = server().configured(TEXT).start();
    let mut sys = client(&server, "sys");
    sys.subscribe("$SYS.ACCOUNT.>", "1");
    sys.subscribe("$SYS.SERVER.>", "2");
    sys.sync_silent();
    client(&server, "a").end();
    let mut wrong = server
        .client()
        .connect(r#"{"verbose":false,"user":"a","pass":"wrong","name":"n","lang":"l","version":"1"}"#);
    wrong.closed();
    let id = server.id().to_owned();
    let [connect, disconnect, conns] =
        ["CONNECT", "DISCONNECT", "SERVER.CONNS"].map(|what| format!("$SYS.ACCOUNT.A.{what}"));
    let older = "$SYS.SERVER.ACCOUNT.A.CONNS".to_owned();
    let [refused, statsz, shutdown] =
        ["CLIENT.AUTH.ERR", "STATSZ", "SHUTDOWN"].map(|what| format!("$SYS.SERVER.{id}.{what}"));
    let wanted = [&connect, &disconnect, &conns, &older, &refused, &statsz].map(Clone::clone);
    let events = events(&mut sys, &wanted);

    check(
        &events[&connect],
        "io.nats.server.advisory.v1.client_connect",
        &format!("type id timestamp server{{{SERVER}}} client{{{CLIENT}}}"),
    );
    let ended = format!(
        "type id timestamp server{{{SERVER}}} client{{{CLIENT} rtt stop}} sent{{{PASSED}}} received{{{PASSED}}} reason"
    );
    for subject in [&disconnect, &refused] {
        check(
            &events[subject],
            "io.nats.server.advisory.v1.client_disconnect",
            &ended,
        );
    }
    let passed = format!("{PASSED} routes{{{PASSED}}} gateways{{{PASSED}}} leafs{{{PASSED}}}");
    for subject in [&conns, &older] {
        check(
            &events[subject],
            "io.nats.server.advisory.v1.account_connections",
            &format!(
                "type id timestamp server{{{SERVER}}} acc name conns leafnodes total_conns num_subscriptions \
                 sent{{{passed}}} received{{{passed}}} slow_consumers"
            ),
        );
    }
    check(
        &events[&statsz],
        "",
        &format!(
            "server{{{SERVER}}} statsz{{start mem cores cpu connections total_connections active_accounts \
             subscriptions sent{{{PASSED}}} received{{{PASSED}}} sent_to_clients{{{PASSED}}} \
             received_from_clients{{{PASSED}}} slow_consumers active_servers gomaxprocs}}"
        ),
    );
    server.shutdown();
    let last = self::events(&mut sys, std::slice::from_ref(&shutdown));
    check(&last[&shutdown], "", SERVER);
}

#[test]
fn of_lame_duck_mode() {
    let second = Duration::from_secs(1);
    let server = server().configured(TEXT).lame_duck(second, second / 2).start();
    let mut sys = client(&server, "sys");
    sys.subscribe("$SYS.SERVER.*.LAMEDUCK", "1");
    sys.sync_silent();
    assert!(server.enter_lame_duck_mode());
    check(&json(&sys.message()), "", SERVER);
}

#[test]
fn of_how_long_services_take() {
    let server = server().configured(TEXT).start();
    let [mut listener, mut service, mut asker] = ["a", "a", "b"].map(|user| client(&server, user));
    listener.subscribe("told", "1");
    listener.sync_silent();
    asker.subscribe("inbox", "9");
    let mut told = |expected: &str, status: u16| {
        let event = json(&listener.message());
        assert_eq!(event["status"], status);
        check(
            &event,
            "io.nats.server.metric.v1.service_latency",
            &format!("type id timestamp status {expected} start service system total"),
        );
    };
    let requestor = format!("requestor{{{PARTY}}}");
    let unshared = "description requestor{acc rtt}";
    asker.send("PUB svc 0\r\n");
    told(&format!("description {requestor}"), 400);
    asker.send("PUB quick inbox 0\r\n");
    told(unshared, 503);
    service.subscribe("svc", "1");
    service.subscribe("quick", "2");
    service.sync_silent();
    asker.send("PUB quick inbox 0\r\n");
    told(unshared, 504);
    service.message();
    asker.send("PUB svc inbox 0\r\n");
    let question = service.message();
    service.publish(&question.reply.unwrap(), b"yes");
    told(&format!("{requestor} responder{{{PARTY}}}"), 200);
    asker.send("PUB svc inbox 0\r\n\r\nUNSUB 9");
    told(&format!("description {requestor}"), 408);

    let headers = question.headers.unwrap();
    let (_, info) = headers.split_once("Nats-Request-Info: ").unwrap();
    let info: Value = serde_json::from_str(info.lines().next().unwrap()).unwrap();
    check(&info, "", PARTY);
}
