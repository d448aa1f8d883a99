//! Accounts may have messages traced that belong to a trace of somebody else's; and events tell of mappings.

use vagus_test_support::{Client, TestServer, server};

const CONFIGURATION: &str = r#"
    mappings { a: b }
    accounts {
        A { users: [{user: a, password: p}], msg_trace: "traces.of-a" }
        B { users: [{user: b, password: p, permissions: {publish: [x]}}], msg_trace { dest: "traces.of-b", sampling: 100% } }
        C { users: [{user: c, password: p}] }
    }
    authorization { users: [{user: g, password: p}] }
"#;

const SAMPLED: &str = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn client(server: &TestServer, user: &str) -> Client {
    let connect = format!(r#"{{"verbose":false,"headers":true,"user":"{user}","pass":"p"}}"#);
    server.client().connect(&connect)
}

fn publish(client: &mut Client, subject: &str, line: &str) {
    let headers = format!("NATS/1.0\r\n{line}\r\n\r\n");
    let size = headers.len();
    client.send(&format!("HPUB {subject} {size} {size}\r\n{headers}"));
}

#[test]
fn an_account_says_where_traces_of_others_go() {
    let server = server().configured(CONFIGURATION).start();
    let mut a = client(&server, "a");
    a.subscribe(">", "1");
    publish(&mut a, "x", SAMPLED);
    assert_eq!(a.message().subject, "x");
    let event = a.message();
    assert_eq!(event.subject, "traces.of-a");
    let event = String::from_utf8(event.payload).unwrap();
    assert!(event.contains(r#""header":{"traceparent":["00-"#), "{event}");
    assert!(event.contains(r#""acc":"A","subj":"x"}"#), "{event}");
    // What is not sampled is not traced.
    publish(&mut a, "y", &SAMPLED.replace("-01", "-00"));
    assert_eq!(a.message().subject, "y");
    a.sync_silent();
    // Nor is anything where the account says nothing.
    let mut c = client(&server, "c");
    c.subscribe(">", "1");
    publish(&mut c, "x", SAMPLED);
    assert_eq!(c.message().subject, "x");
    c.sync_silent();
}

/// As in nats-server, who may not publish where its account has traces sent is told so, and its message goes nowhere.
#[test]
fn nobody_has_traces_sent_where_it_may_not_publish() {
    let server = server().configured(CONFIGURATION).start();
    let mut b = client(&server, "b");
    b.subscribe(">", "1");
    publish(&mut b, "x", SAMPLED);
    b.expect(r#"-ERR 'Permissions Violation for Publish to "traces.of-b"'"#);
    b.sync_silent();
}

#[test]
fn an_event_tells_what_a_subject_is_mapped_to() {
    let server = server().configured(CONFIGURATION).start();
    let mut g = client(&server, "g");
    g.subscribe(">", "1");
    publish(&mut g, "a", "Nats-Trace-Dest: traces");
    assert_eq!(g.message().subject, "b");
    let event = g.message();
    assert_eq!(event.subject, "traces");
    let event = String::from_utf8(event.payload).unwrap();
    let (_, behind) = event
        .split_once(r#""subj":"a"},{"type":"sm","ts":""#)
        .expect(&event);
    assert!(behind.contains(r#"Z","to":"b"},{"type":"eg","#), "{event}");
}
