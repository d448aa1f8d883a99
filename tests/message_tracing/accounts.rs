//! Traces of requests to services of other accounts: they go on there where the export allows it.

use crate::{publish, told};
use vagus_test_support::{Client, TestServer, server};

const ACCOUNTS: &str = "
    accounts {
        A {
            users: [{user: a, password: p}]
            imports: [
                {service: {account: B, subject: \"svc.*\"}, to: \"my.*\"}
                {service: {account: C, subject: silent}}
                {service: {account: B, subject: chain}}
            ]
        }
        B {
            users: [{user: b, password: p}]
            exports: [{service: \"svc.*\", allow_trace: true}, {service: chain, allow_trace: true}]
            imports: [{service: {account: C, subject: deep}, to: chain}]
        }
        C {
            users: [{user: c, password: p}]
            exports: [{service: silent}, {service: deep, allow_trace: true}]
        }
    }";

fn enter(server: &TestServer, user: &str, subjects: &[&str]) -> Client {
    let options = format!(
        r#"{{"verbose":false,"user":"{user}","pass":"p","name":"{user}","headers":true,"no_responders":true}}"#
    );
    let mut client = server.client().connect(&options);
    for (sid, subject) in (1..).zip(subjects) {
        client.subscribe(subject, &sid.to_string());
    }
    client.sync_silent();
    client
}

/// Lines whose words and which themselves may come in any order.
fn in_order(lines: &[impl AsRef<str>]) -> Vec<String> {
    let sorted = lines.iter().map(|line| {
        let mut words: Vec<&str> = line.as_ref().split(' ').collect();
        words.sort_unstable();
        words.join(" ")
    });
    let mut lines: Vec<String> = sorted.collect();
    lines.sort();
    lines
}

#[test]
fn are_traced_where_the_export_allows_it() {
    let server = server().configured(ACCOUNTS).start();
    let mut listener = enter(&server, "a", &["dest"]);
    let mut asker = enter(&server, "a", &["answers"]);
    let mut near = enter(&server, "b", &["svc.x", "chain"]);
    near.join("svc.*", "q", "9");
    near.sync_silent();
    let mut far = enter(&server, "c", &["silent", "deep"]);
    for lines in ["", "Nats-Trace-Only: true\r\n"] {
        let is_delivered = lines.is_empty();
        for (subject, expected, copies) in [
            (
                "my.x answers",
                &["A a my.x in", "B my.x svc.x si", "b B svc.* q eg", "b B svc.x eg"][..],
                [2, 0],
            ),
            ("silent answers", &["A a silent in", "C silent silent si"], [0, 1]),
            (
                "chain answers",
                &[
                    "A a chain in",
                    "B chain chain si",
                    "C chain deep si",
                    "b B chain eg",
                    "c C deep eg",
                ],
                [1, 1],
            ),
            (
                "my.other answers",
                &["A a my.other in", "B my.other svc.other si", "b B svc.* q eg"],
                [1, 0],
            ),
        ] {
            publish(&mut asker, subject, lines, "hi");
            let event = told(&listener.message());
            assert_eq!(in_order(&event), in_order(expected), "{subject} {lines}");
            let mut is_answered = false;
            for (client, is_near, copies) in [(&mut near, true, copies[0]), (&mut far, false, copies[1])] {
                let came = client.sync_messages();
                assert_eq!(came.len(), if is_delivered { copies } else { 0 }, "{subject}");
                if let Some(message) = came.into_iter().next() {
                    // Nobody traces it a second time, but where it may go on to other servers, which send their events to
                    // where answers come; and who answers is heard.
                    let headers = message.headers.unwrap();
                    let destination = if is_near { "_R_." } else { "trace disabled" };
                    let line = format!("Nats-Trace-Dest: {destination}");
                    assert!(headers.contains(&line), "{headers}");
                    if !is_answered {
                        client.publish(&message.reply.unwrap(), b"so");
                        let answer = asker.message();
                        assert_eq!((&*answer.subject, answer.text()), ("answers", "so"));
                        is_answered = true;
                    }
                }
            }
            asker.sync_messages();
        }
    }
}

#[test]
fn tell_that_nobody_is_there() {
    let server = server().configured(ACCOUNTS).start();
    let mut listener = enter(&server, "a", &["dest"]);
    let mut asker = enter(&server, "a", &["answers"]);
    for lines in ["", "Nats-Trace-Only: true\r\n"] {
        publish(&mut asker, "my.x answers", lines, "hi");
        let answer = asker.message();
        assert!(answer.headers.unwrap().starts_with("NATS/1.0 503"));
        let event = told(&listener.message());
        assert_eq!(event.len(), 2, "{event:?}");
    }
}
