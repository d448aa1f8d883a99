//! What becomes of the server and its clients is told.

use crate::world::{asker, client, json, start};
use std::collections::BTreeMap;
use std::time::Duration;
use vagus_test_support::{Message, server};

#[test]
fn clients_come_and_go() {
    let server = start();
    let mut sys = asker(&server);
    sys.subscribe("$SYS.ACCOUNT.A.CONNECT", "1");
    sys.subscribe("$SYS.ACCOUNT.A.DISCONNECT", "2");
    sys.sync_silent();
    let mut a = client(&server, "a");
    let came = json(&sys.message());
    assert_eq!(came["type"], "io.nats.server.advisory.v1.client_connect");
    assert_eq!(came["server"]["name"], "solo");
    let who = &came["client"];
    for (field, value) in [
        ("acc", "A"),
        ("user", "a"),
        ("name", "a"),
        ("lang", "rust"),
        ("ver", "1.2"),
        ("name_tag", "A"),
        ("kind", "Client"),
        ("client_type", "nats"),
        ("host", "127.0.0.1"),
    ] {
        assert_eq!(who[field], value, "{field}");
    }
    a.publish("x", b"payload");
    a.sync_silent();
    a.end();
    let went = json(&sys.message());
    assert_eq!(went["type"], "io.nats.server.advisory.v1.client_disconnect");
    assert_eq!(went["client"]["id"], who["id"]);
    assert_eq!(
        (&went["sent"]["msgs"], &went["sent"]["bytes"]),
        (&1.into(), &7.into())
    );
    assert_eq!(went["received"]["msgs"], 0);
    assert_eq!(went["reason"], "Client Closed");
    assert!(went["client"]["rtt"].as_u64().is_some_and(|rtt| rtt > 0));
    assert_ne!(came["id"], went["id"]);
}

/// In the order of nats-server, which tools that read them line by line know.
#[test]
fn events_have_the_order_of_nats_server() {
    let server = start();
    let mut sys = asker(&server);
    sys.subscribe("$SYS.ACCOUNT.A.>", "1");
    sys.sync_silent();
    client(&server, "a").end();
    let mut events: Vec<Message> = Vec::new();
    let wanted = ["A.CONNECT", "DISCONNECT", "SERVER.CONNS"];
    while !wanted
        .iter()
        .all(|wanted| events.iter().any(|event| event.subject.ends_with(wanted)))
    {
        events.push(sys.message());
    }
    let order = |subject: &str, fields: &[&str]| {
        let event = events
            .iter()
            .find(|event| event.subject.ends_with(subject))
            .unwrap();
        let places: Vec<usize> = fields
            .iter()
            .map(|field| {
                event
                    .text()
                    .find(&format!("\"{field}\":"))
                    .unwrap_or_else(|| panic!("{field}: {event:?}"))
            })
            .collect();
        assert!(places.is_sorted(), "{event:?}");
    };
    order(
        "A.CONNECT",
        &[
            "type",
            "id",
            "timestamp",
            "server",
            "client",
            "start",
            "acc",
            "user",
            "lang",
            "name_tag",
            "kind",
            "client_type",
        ],
    );
    order(
        "DISCONNECT",
        &[
            "type",
            "id",
            "timestamp",
            "server",
            "client",
            "start",
            "rtt",
            "stop",
            "name_tag",
            "kind",
            "sent",
            "received",
            "reason",
        ],
    );
    order(
        "SERVER.CONNS",
        &[
            "type",
            "timestamp",
            "server",
            "acc",
            "conns",
            "leafnodes",
            "num_subscriptions",
        ],
    );
}

#[test]
fn logins_that_fail_are_told() {
    let server = start();
    let mut sys = asker(&server);
    sys.subscribe("$SYS.SERVER.*.CLIENT.AUTH.ERR", "1");
    sys.sync_silent();
    let mut wrong = server
        .client()
        .connect(r#"{"verbose":false,"user":"a","pass":"wrong"}"#);
    assert_eq!(wrong.closed(), "-ERR 'Authorization Violation'\r\n");
    let event = sys.message();
    assert_eq!(
        event.subject,
        format!("$SYS.SERVER.{}.CLIENT.AUTH.ERR", server.id())
    );
    let event = json(&event);
    assert_eq!(event["type"], "io.nats.server.advisory.v1.client_disconnect");
    assert_eq!(event["reason"], "Authentication Failure");
    assert_eq!(event["client"]["user"], "a");
    // It never was in its account.
    assert_eq!(event["client"]["acc"], "$G");
    assert!(!event.to_string().contains("wrong"), "no password is told");
}

#[test]
fn numbers_of_connections_are_told_by_both_names() {
    let server = start();
    let mut sys = asker(&server);
    sys.subscribe("$SYS.ACCOUNT.A.SERVER.CONNS", "1");
    sys.subscribe("$SYS.SERVER.ACCOUNT.A.CONNS", "2");
    sys.sync_silent();
    let _first = client(&server, "a");
    let _second = client(&server, "a");
    // Of several who come at once only the last may be told.
    let mut counts = BTreeMap::new();
    while counts.values().filter(|count| **count == 2).count() < 2 {
        let event = sys.message();
        let count = json(&event)["conns"].as_u64().unwrap();
        assert!(count <= 2, "{event:?}");
        counts.insert(event.sid, count);
    }
}

#[test]
fn figures_are_told_without_being_asked_for() {
    let server = start();
    let mut sys = asker(&server);
    sys.subscribe("$SYS.SERVER.*.STATSZ", "1");
    let event = sys.message();
    assert_eq!(event.subject, format!("$SYS.SERVER.{}.STATSZ", server.id()));
    assert_eq!(json(&event)["statsz"]["active_servers"], 1);
    // Who asks without an address has them told to everybody.
    sys.send("PUB $SYS.REQ.SERVER.PING.STATSZ 0\r\n");
    assert!(json(&sys.message())["statsz"].is_object());
}

/// The last thing that is heard of a server.
#[test]
fn the_end_is_told() {
    let server = start();
    let mut sys = asker(&server);
    sys.subscribe("$SYS.SERVER.*.SHUTDOWN", "1");
    sys.sync_silent();
    let id = server.id().to_owned();
    server.shutdown();
    let event = sys.message();
    assert_eq!(event.subject, format!("$SYS.SERVER.{id}.SHUTDOWN"));
    assert_eq!(json(&event)["id"], id.as_str());
}

#[test]
fn lame_duck_mode_is_told() {
    let second = Duration::from_secs(1);
    let server = server()
        .configured(crate::world::ACCOUNTS)
        .lame_duck(second, second / 2)
        .start();
    let mut sys = asker(&server);
    sys.subscribe("$SYS.SERVER.*.LAMEDUCK", "1");
    sys.sync_silent();
    assert!(server.enter_lame_duck_mode());
    let event = sys.message();
    assert_eq!(event.subject, format!("$SYS.SERVER.{}.LAMEDUCK", server.id()));
    assert_eq!(json(&event)["name"], "solo");
}

/// Who is refused would have been in the global account, as nats-server has it.
#[test]
fn the_global_account_is_told_of_logins_that_failed() {
    let text = "
        authorization { users: [{user: g, password: p}] }
        accounts { SYS { users: [{user: sys, password: p}] }, A { users: [{user: a, password: p}] } }
        system_account: SYS
    ";
    let server = server().configured(text).start();
    let [mut g, mut a] = ["g", "a"].map(|user| {
        let mut client = client(&server, user);
        client.subscribe("$SYS.ACCOUNT.CLIENT.AUTH.ERR", "1");
        client.sync_silent();
        client
    });
    let mut wrong = server
        .client()
        .connect(r#"{"user":"a","pass":"wrong","name":"w"}"#);
    wrong.expect("-ERR 'Authorization Violation'");
    let event = json(&g.message());
    assert_eq!(event["type"], "io.nats.server.advisory.v1.client_disconnect");
    assert_eq!(event["client"]["acc"], "$G");
    assert_eq!(event["client"]["user"], "a");
    assert_eq!(event["client"]["name"], "w");
    assert_eq!(event["reason"], "Authentication Failure");
    a.sync_silent();
}
