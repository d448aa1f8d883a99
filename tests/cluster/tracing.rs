//! Who asks where a message goes is told by each server that it comes to, and how it has come there.

use crate::peer::Route;
use crate::world::{await_interest, member, servers};
use serde_json::Value;
use vagus_test_support::{Client, TestServer, eventually, server};

/// Publishes `hi` with these lines of headers beside the one by which its trace is sent to `dest`.
fn publish(client: &mut Client, subject: &str, lines: &str) {
    let headers = format!("NATS/1.0\r\nNats-Trace-Dest: dest\r\n{lines}\r\n");
    let (header_size, size) = (headers.len(), headers.len() + 2);
    client.send(&format!("HPUB {subject} {header_size} {size}\r\n{headers}hi"));
}

/// What the events of two servers say, in a line each, that of the first server first; without numbers of connections.
fn told(client: &mut Client) -> [String; 2] {
    let mut events: Vec<Value> = client
        .messages(2)
        .iter()
        .map(|message| serde_json::from_slice(&message.payload).unwrap())
        .collect();
    events.sort_by_key(|event| event["request"]["header"]["Nats-Trace-Hop"].is_array());
    let line = |event: &Value| {
        let hops = (&event["hops"], &event["request"]["header"]["Nats-Trace-Hop"][0]);
        let shown = |what: &Value| {
            let mut what = what.as_object().unwrap().clone();
            what.remove("ts");
            what.remove("cid");
            let words: Vec<String> = what
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            words.join(" ").replace('"', "")
        };
        let happened: Vec<String> = event["events"].as_array().unwrap().iter().map(shown).collect();
        let server = event["server"]["name"].as_str().unwrap();
        format!("{server}: hops {} by {}: {}", hops.0, hops.1, happened.join(", ")).replace('"', "")
    };
    [line(&events[0]), line(&events[1])]
}

#[test]
fn both_servers_tell() {
    let servers = servers(2);
    let mut listener = servers[0].connected();
    listener.subscribe("dest", "1");
    let mut subscriber = servers[1].connected();
    subscriber.send("SUB a.* 1\r\nSUB a.b 2");
    subscriber.join("a.b", "q", "3");
    await_interest(&servers[0], 4);
    await_interest(&servers[1], 4);
    let mut publisher = servers[0].connected();
    for (lines, delivered) in [("", 3), ("Nats-Trace-Only: true\r\n", 0)] {
        publish(&mut publisher, "a.b", lines);
        let [first, second] = told(&mut listener);
        assert_eq!(
            first,
            "a: hops 1 by null: acc=$G kind=0 subj=a.b type=in, hop=1 kind=1 name=b type=eg"
        );
        let (came, left) = second.split_once(", ").unwrap();
        assert_eq!(came, "b: hops null by 1: acc=$G kind=1 name=a subj=a.b type=in");
        let mut left: Vec<_> = left.split(", ").collect();
        left.sort();
        assert_eq!(
            left,
            [
                "kind=0 queue=q sub=a.b type=eg",
                "kind=0 sub=a.* type=eg",
                "kind=0 sub=a.b type=eg"
            ]
        );
        // The event has come behind the message.
        assert_eq!(subscriber.sync_messages().len(), delivered);
    }
}

/// A server that knows nothing of traces is not sent what is only to be traced.
#[test]
fn a_server_that_does_not_trace_is_sent_what_is_delivered() {
    let server = member("a", &[]).start();
    let mut without = Route::introduced_as("NO", &server, r#","proto":2"#);
    let mut with = Route::introduced_as("NW", &server, r#","proto":3"#);
    for route in [&mut without, &mut with] {
        route.say("RS+ $G a.b");
    }
    let mut listener = server.connected();
    listener.subscribe("dest", "1");
    await_interest(&server, 3);
    let mut publisher = server.connected();
    for lines in ["", "Nats-Trace-Only: true\r\n"] {
        publish(&mut publisher, "a.b", lines);
        let event = listener.message();
        let event: Value = serde_json::from_slice(&event.payload).unwrap();
        assert_eq!(event["hops"], 2);
        let egress = event["events"].as_array().unwrap()[1..].iter();
        let error_of = |name: &str| {
            let mut named = egress.clone().filter(|egress| egress["name"] == name);
            named.next().unwrap()["error"].clone()
        };
        assert_eq!(error_of("NW"), Value::Null);
        let expected = match lines {
            "" => {
                "Message delivered but remote does not support message tracing so no trace event generated from there"
            }
            _ => "Not delivered because remote does not support message tracing",
        };
        assert_eq!(error_of("NO"), expected);
    }
    publisher.publish("a.b", b"end");
    for (route, copies) in [(&mut without, 1), (&mut with, 2)] {
        for _ in 0..copies {
            route.line_with("HMSG $G a.b ");
            assert!(route.line_with("Nats-Trace-Hop: ").len() > 16);
            route.expect(&["", "hi"]);
        }
        route.expect(&["RMSG $G a.b 3", "end"]);
    }
}

/// As for any message, those queue groups are served that the line names, and an event says by which hop it has come.
#[test]
fn what_another_server_passes_on_is_traced() {
    let server = member("a", &[]).start();
    let mut client = server.connected();
    client.send("SUB a q 2\r\nSUB a p 3\r\nSUB dest 4");
    client.sync_silent();
    let mut route = Route::introduced(&server, r#","proto":3"#);
    let headers = "NATS/1.0\r\nNats-Trace-Dest: dest\r\nNats-Trace-Hop: 7.1\r\n\r\n";
    let (header_size, size) = (headers.len(), headers.len() + 2);
    route.say(&format!("HMSG $G a | p {header_size} {size}\r\n{headers}hi"));
    let message = client.message();
    assert_eq!((&*message.sid, message.text()), ("3", "hi"));
    let event: Value = serde_json::from_slice(&client.message().payload).unwrap();
    assert_eq!(event["request"]["header"]["Nats-Trace-Hop"][0], "7.1");
    assert_eq!(event["events"].as_array().unwrap().len(), 2, "{event}");
    assert_eq!(event["events"][1]["queue"], "p");
    client.sync_silent();
}

/// A request goes on in another account, and from there to another server: what that one tells comes back to who asks.
#[test]
fn events_come_back_from_other_accounts() {
    let start = |name: &str, routes: &str| -> TestServer {
        let text = format!(
            "server_name: {name}
            cluster {{ name: tests, listen: \"127.0.0.1:-1\", routes: [{routes}] }}
            accounts {{
                A {{ users: [{{user: a, password: p}}], imports: [{{service: {{account: B, subject: help}}}}] }}
                B {{ users: [{{user: b, password: p}}], exports: [{{service: help, allow_trace: true}}] }}
            }}"
        );
        server().configured(&text).arbiters(2).start()
    };
    let first = start("a", "");
    let second = start(
        "b",
        &format!("\"nats-route://{}\"", first.cluster_address().unwrap()),
    );
    let enter = |server: &TestServer, user: &str| {
        let connect = format!(r#"{{"verbose":false,"headers":true,"user":"{user}","pass":"p"}}"#);
        let mut client = server.client().connect(&connect);
        client.sync_silent();
        client
    };
    let mut responder = enter(&second, "b");
    responder.subscribe("help", "1");
    let mut asker = enter(&first, "a");
    asker.subscribe("inbox", "9");
    eventually(|| {
        asker.send("PUB help inbox 0\r\n");
        asker.sync_silent();
        !responder.sync_messages().is_empty()
    });
    asker.subscribe("dest", "1");
    publish(&mut asker, "help", "");
    let [near, far] = told(&mut asker);
    assert_eq!(
        near,
        "a: hops 1 by null: acc=A kind=0 subj=help type=in, acc=B from=help to=help type=si, hop=1 kind=1 name=b type=eg"
    );
    assert_eq!(
        far,
        "b: hops null by 1: acc=B kind=1 name=a subj=help type=in, kind=0 sub=help type=eg"
    );
}
