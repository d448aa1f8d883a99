//! A subject with traffic has an actor that knows it; without traffic it has none.

use vagus_test_support::{Client, TestServer, eventually, server};

fn names(server: &TestServer) -> Vec<String> {
    let mut names: Vec<String> = server
        .hot_subjects()
        .into_iter()
        .map(|subject| subject.subject)
        .collect();
    names.sort();
    names
}

fn publish(client: &mut Client, subject: &str, count: usize) {
    client.send_bytes(format!("PUB {subject} 4\r\nfour\r\n").repeat(count).as_bytes());
    client.send("PING");
    client.until_pong();
}

/// It is born by traffic, counts every message since, sees interest change, and is gone when nothing has
/// been published for ten seconds.
#[test]
fn are_born_by_traffic_and_end_without() {
    let server = server().arbiters(2).start();
    let mut publisher = server.connected_on(0);
    let mut subscribers = [0, 1].map(|arbiter| server.connected_on(arbiter));
    for subscriber in &mut subscribers {
        subscriber.send("SUB hot.* 1\r\nSUB hot.1 workers 2");
        subscriber.sync_silent();
    }
    // What comes once is not counted: a subject is noticed when it comes again.
    for subject in ["hot.1", "hot.2", "cold"] {
        publish(&mut publisher, subject, 1);
    }
    publish(&mut publisher, "hot.1", 1_000);
    publish(&mut publisher, "hot.2", 500);
    publish(&mut publisher, "cold", 20);
    eventually(|| names(&server) == ["hot.1", "hot.2"]);
    let subject = |name: &str| {
        server
            .hot_subjects()
            .into_iter()
            .find(|subject| subject.subject == name)
    };
    // An arbiter may report in the middle of a thousand.
    for (name, messages) in [("hot.1", 1_000), ("hot.2", 500)] {
        eventually(|| subject(name).is_some_and(|subject| subject.messages >= messages));
        let subject = subject(name).unwrap();
        assert!(subject.messages <= messages + 1, "{subject:?}");
        assert_eq!(subject.payload, subject.messages * 4);
    }
    assert_eq!(
        subject("hot.1").unwrap().deliveries,
        3,
        "two connections and a group"
    );
    assert_eq!(subject("hot.2").unwrap().deliveries, 2);
    // It keeps its fan-out up to date.
    subscribers[1].send("UNSUB 1");
    subscribers[1].send("PING");
    subscribers[1].until_pong();
    eventually(|| subject("hot.2").is_some_and(|subject| subject.deliveries == 1));
    assert_eq!(server.router().unwrap().hot_subjects, 2);
    eventually(|| server.hot_subjects().is_empty());
    assert_eq!(server.router().unwrap().hot_subjects, 0);
    // And born again.
    publish(&mut publisher, "hot.1", 100);
    eventually(|| names(&server) == ["hot.1"]);
    assert!(subject("hot.1").unwrap().messages <= 100, "it counts anew");
}
