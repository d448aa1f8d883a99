//! Headers reach those who understand them, byte for byte; others get the payload alone.

use vagus_test_support::{Client, TestServer, server};

const HEADERS: &str = "NATS/1.0\r\nOne: 1\r\nOne:  2 \r\nempty:\r\n\r\n";

fn without_headers(server: &TestServer) -> Client {
    let mut client = server.client().connect(r#"{"verbose":false,"headers":false}"#);
    client.sync_silent();
    client
}

fn publish(publisher: &mut Client, subject: &str, payload: &str) {
    let (headers, all) = (HEADERS.len(), HEADERS.len() + payload.len());
    publisher.send(&format!("HPUB {subject} {headers} {all}\r\n{HEADERS}{payload}"));
}

fn with(subject: &str, sid: &str, payload: &str) -> String {
    let (headers, all) = (HEADERS.len(), HEADERS.len() + payload.len());
    format!("HMSG {subject} {sid} {headers} {all}\r\n{HEADERS}{payload}")
}

fn stripped(subject: &str, sid: &str, payload: &str) -> String {
    format!("MSG {subject} {sid} {}\r\n{payload}", payload.len())
}

/// Three who understand beside three who do not, all with the same sid, and one of each with its own.
#[test]
fn are_stripped_for_those_who_do_not_understand_them() {
    let server = server().arbiters(2).start();
    for arbiter in [0, 1] {
        let mut publisher = server.connected_on(arbiter);
        let mut understand: Vec<Client> = (0..4).map(|_| server.connected()).collect();
        let mut do_not: Vec<Client> = (0..4).map(|_| without_headers(&server)).collect();
        for clients in [&mut understand, &mut do_not] {
            for (number, client) in clients.iter_mut().enumerate() {
                client.subscribe("a.*", if number == 3 { "own" } else { "1" });
            }
        }
        for payload in ["first", "", "third"] {
            publish(&mut publisher, "a.b", payload);
            publisher.publish("a.b", b"plain");
        }
        publisher.sync_silent();
        for number in 0..4 {
            let sid = if number == 3 { "own" } else { "1" };
            for payload in ["first", "", "third"] {
                understand[number].expect(&with("a.b", sid, payload));
                understand[number].expect(&stripped("a.b", sid, "plain"));
                do_not[number].expect(&stripped("a.b", sid, payload));
                do_not[number].expect(&stripped("a.b", sid, "plain"));
            }
        }
    }
}

/// Whichever member of a queue group gets a message gets it as it understands it.
#[test]
fn are_stripped_in_queue_groups() {
    let server = server().arbiters(2).start();
    let mut publisher = server.connected_on(0);
    let mut understands = server.connected_on(0);
    let mut does_not = without_headers(&server);
    understands.join("jobs", "workers", "1");
    does_not.join("jobs", "workers", "1");
    for _ in 0..200 {
        publish(&mut publisher, "jobs", "job");
    }
    publisher.sync_silent();
    let came = [understands.sync_messages(), does_not.sync_messages()];
    assert_eq!(came[0].len() + came[1].len(), 200);
    assert!(came.iter().all(|messages| !messages.is_empty()));
    assert!(
        came[0]
            .iter()
            .all(|message| message.headers.as_deref() == Some(HEADERS))
    );
    assert!(came[1].iter().all(|message| message.headers.is_none()));
    assert!(came.iter().flatten().all(|message| message.text() == "job"));
}

/// A reply subject stays where it is, with headers and without.
#[test]
fn stand_beside_a_reply_subject() {
    let server = server().start();
    let mut publisher = server.connected();
    let mut understands = server.connected();
    let mut does_not = without_headers(&server);
    understands.subscribe("a", "1");
    does_not.subscribe("a", "1");
    publisher.send("HPUB a answers.here 12 14\r\nNATS/1.0\r\n\r\nhi");
    understands.expect("HMSG a 1 answers.here 12 14\r\nNATS/1.0\r\n\r\nhi");
    does_not.expect("MSG a 1 answers.here 2\r\nhi");
}

/// A client may say after it has subscribed that it understands headers: its subscriptions go by it from then on.
#[test]
fn may_be_asked_for_later() {
    let server = server().arbiters(2).start();
    let mut publisher = server.connected_on(0);
    for accepts in [true, false, true, false] {
        let mut client = server.client();
        client.send("SUB a 1");
        client.expect("+OK");
        let mut expect = |client: &mut Client, accepts: bool| {
            // Again and again: the publisher comes to know how to deliver it.
            for _ in 0..4 {
                publish(&mut publisher, "a", "hi");
                let expected = if accepts { with } else { stripped };
                client.expect(&expected("a", "1", "hi"));
            }
        };
        expect(&mut client, false);
        client.send(&format!(r#"CONNECT {{"verbose":false,"headers":{accepts}}}"#));
        client.sync_silent();
        expect(&mut client, accepts);
        // A client that says it again begins anew.
        client.send(&format!(r#"CONNECT {{"headers":{}}}"#, !accepts));
        client.sync_silent();
        client.subscribe("a", "1");
        client.sync_silent();
        expect(&mut client, !accepts);
    }
}

/// A server that offers no headers takes none.
#[test]
fn are_not_taken_where_they_are_not_offered() {
    let server = server().without_headers().start();
    let mut client = server.client().connect(r#"{"verbose":false,"headers":true}"#);
    assert!(!client.info().contains(r#""headers":true"#), "{}", client.info());
    client.send("HPUB a 12 12\r\nNATS/1.0\r\n\r\n");
    assert_eq!(client.closed(), "");
}
