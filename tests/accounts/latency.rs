//! How long requests to a service take is told to those who export it.

use crate::world::client;
use vagus_test_support::{Client, Message, TestServer, server};

/// A exports a service of which it is told how long it takes, on `told.svc`; B asks.
fn configuration(sampling: &str, more: &str, share: bool) -> String {
    format!(
        "accounts {{
            A {{
                users: [{{user: a, password: p}}]
                exports: [{{service: svc, latency: {{sampling: {sampling}, subject: told.svc}}{more}}}]
            }}
            B {{
                users: [{{user: b, password: p}}]
                imports: [{{service: {{account: A, subject: svc}}, share: {share}}}]
            }}
        }}"
    )
}

fn ask(requester: &mut Client, headers: &str) {
    match headers {
        "" => requester.send("PUB svc inbox 0\r\n"),
        headers => {
            let length = headers.len();
            requester.send(&format!("HPUB svc inbox {length} {length}\r\n{headers}"));
        }
    }
    requester.sync();
}

fn answer(responder: &mut Client) {
    for question in responder.sync_messages() {
        responder.publish(&question.reply.unwrap(), b"yes");
    }
    responder.sync();
}

fn event(message: Message) -> serde_json::Value {
    assert_eq!(message.subject, "told.svc");
    serde_json::from_slice(&message.payload).unwrap()
}

#[test]
fn an_answered_request_is_told_of_with_who_asked_and_answered() {
    for share in [false, true] {
        let server = server()
            .configured(&configuration("100", "", share))
            .arbiters(2)
            .start();
        let [mut a, mut listener, mut b] = ["a", "a", "b"].map(|user| client(&server, user));
        a.subscribe("svc", "1");
        listener.subscribe("told.>", "1");
        listener.sync_silent();
        b.subscribe("inbox", "9");
        ask(&mut b, "");
        answer(&mut a);
        let event = event(listener.message());
        assert_eq!(event["type"], "io.nats.server.metric.v1.service_latency");
        assert_eq!(
            (&event["status"], &event["requestor"]["acc"]),
            (&200.into(), &"B".into())
        );
        assert_eq!(
            event["requestor"]["user"],
            if share {
                "b".into()
            } else {
                serde_json::Value::Null
            }
        );
        let responder = &event["responder"];
        assert_eq!(
            (&responder["acc"], &responder["user"]),
            (&"A".into(), &"a".into())
        );
        let (service, total) = (
            event["service"].as_u64().unwrap(),
            event["total"].as_u64().unwrap(),
        );
        // What a round trip took is taken off.
        assert!(total > 0 && total >= service, "{event}");
        let start: String = event["start"].as_str().unwrap().to_owned();
        assert!(
            start.ends_with('Z') && *start < *event["timestamp"].as_str().unwrap(),
            "{event}"
        );
        listener.sync_silent();
    }
}

#[test]
fn each_import_of_a_service_shares_what_it_says() {
    let text = configuration("100", "", false).replace(
        "share: false}]",
        "share: false}, {service: {account: A, subject: svc}, to: open, share: true}]",
    );
    let server = server().configured(&text).start();
    let [mut a, mut b] = ["a", "b"].map(|user| client(&server, user));
    a.subscribe("svc", "1");
    b.subscribe("inbox", "9");
    let mut listener = client(&server, "a");
    listener.subscribe("told.>", "1");
    listener.sync_silent();
    for (subject, user) in [("svc", None), ("open", Some("b"))] {
        b.send(&format!("PUB {subject} inbox 0\r\n"));
        b.sync();
        answer(&mut a);
        let event = event(listener.message());
        assert_eq!(event["requestor"]["user"].as_str(), user, "{subject}");
    }
}

#[test]
fn so_is_one_that_nobody_answers() {
    let text = configuration("100", ", threshold: \"10ms\"", false);
    let server = server().configured(&text).start();
    let [mut a, mut listener, mut b] = ["a", "a", "b"].map(|user| client(&server, user));
    listener.subscribe("told.>", "1");
    listener.sync_silent();
    b.subscribe("inbox", "9");
    ask(&mut b, "");
    let told = event(listener.message());
    assert_eq!(
        (&told["status"], &told["description"]),
        (&503.into(), &"Service Unavailable".into())
    );
    a.subscribe("svc", "1");
    a.sync_silent();
    ask(&mut b, "");
    let told = event(listener.message());
    assert_eq!(
        (&told["status"], &told["description"]),
        (&504.into(), &"Service Timeout".into())
    );
    b.send("PUB svc 0\r\n");
    b.sync();
    let told = event(listener.message());
    assert_eq!(
        (&told["status"], &told["description"]),
        (&400.into(), &"Bad Request".into())
    );
}

#[test]
fn headers_say_which_are_measured() {
    let server = server().configured(&configuration("headers", "", false)).start();
    let [mut a, mut listener, mut b] = ["a", "a", "b"].map(|user| client(&server, user));
    a.subscribe("svc", "1");
    listener.subscribe("told.>", "1");
    listener.sync_silent();
    b.subscribe("inbox", "9");
    for headers in [
        "",
        "NATS/1.0\r\nA: b\r\n\r\n",
        "NATS/1.0\r\nX-B3-Sampled: 0\r\n\r\n",
    ] {
        ask(&mut b, headers);
        answer(&mut a);
    }
    ask(&mut b, "NATS/1.0\r\nX-B3-Sampled: 1\r\nA: b\r\n\r\n");
    answer(&mut a);
    let event = event(listener.message());
    assert_eq!(event["header"], serde_json::json!({"X-B3-Sampled": ["1"]}));
    listener.sync_silent();
}

/// Who asks, hears the answers on subjects of this pattern, and asks for one of them.
fn asker(server: &TestServer, pattern: &str) -> Client {
    let mut asker = client(server, "b");
    asker.subscribe(pattern, "9");
    asker.send("PUB svc inbox.1 0\r\n");
    asker.sync();
    asker
}

#[test]
fn so_is_one_that_nobody_waits_for_any_more() {
    let server = server()
        .configured(&configuration("100", "", true))
        .arbiters(2)
        .start();
    let [mut a, mut listener] = ["a", "a"].map(|user| client(&server, user));
    a.subscribe("svc", "1");
    listener.subscribe("told.>", "1");
    listener.sync_silent();
    for pattern in ["inbox.1", "inbox.*", "*.1"] {
        for leaves in [true, false] {
            let mut asker = asker(&server, pattern);
            match leaves {
                true => drop(asker),
                false => {
                    asker.send("UNSUB 9");
                    asker.sync();
                }
            }
            let told = event(listener.message());
            assert_eq!(
                (&told["status"], &told["description"]),
                (&408.into(), &"Request Timeout".into())
            );
            assert_eq!(
                (&told["requestor"]["user"], &told["responder"]),
                (&"b".into(), &serde_json::Value::Null)
            );
            let times = ["service", "system", "total"].map(|time| told[time].as_u64());
            assert_eq!(times, [Some(0); 3]);
        }
    }
    // The answers come too late: nobody is told of them.
    answer(&mut a);
    listener.sync_silent();
}

#[test]
fn one_that_others_wait_for_is_answered() {
    let server = server()
        .configured(&configuration("100", "", false))
        .arbiters(2)
        .start();
    let [mut a, mut listener, mut other] = ["a", "a", "b"].map(|user| client(&server, user));
    a.subscribe("svc", "1");
    listener.subscribe("told.>", "1");
    listener.sync_silent();
    other.subscribe("inbox.>", "1");
    other.sync_silent();
    let mut asker = asker(&server, "inbox.1");
    asker.send("UNSUB 9");
    asker.sync();
    answer(&mut a);
    assert_eq!(event(listener.message())["status"], 200);
    assert_eq!(other.message().subject, "inbox.1");
}
