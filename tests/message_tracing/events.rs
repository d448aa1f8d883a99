use crate::{named, publish, told};
use vagus_test_support::{Frame, server};

/// Members of queue groups, subscriptions with equal sids, on both arbiters.
#[test]
fn tell_of_each_subscription_that_a_message_goes_to() {
    let server = server().arbiters(2).start();
    let mut listener = named(&server, "listener");
    listener.subscribe("dest", "1");
    listener.subscribe("after", "2");
    let mut clients: Vec<_> = ["one", "two", "three", "four"]
        .map(|name| named(&server, name))
        .into();
    for client in &mut clients {
        client.subscribe("a.*", "1");
        client.subscribe("a.>", "1x");
    }
    clients[0].join("a.b", "q", "2");
    let mut publisher = named(&server, "publisher");
    for (lines, delivered) in [("", 9), ("Nats-Trace-Only: true\r\n", 0)] {
        publish(&mut publisher, "a.b", lines, "hi");
        publisher.publish("after", b"!");
        publisher.sync_silent();
        let event = listener.message();
        assert_eq!(
            told(&event),
            [
                "$G publisher a.b in",
                "four a.* eg",
                "four a.> eg",
                "one a.* eg",
                "one a.> eg",
                "one q a.b eg",
                "three a.* eg",
                "three a.> eg",
                "two a.* eg",
                "two a.> eg",
            ]
        );
        assert_eq!(event.subject, "dest");
        // What is published behind the message comes behind its event.
        listener.expect("MSG after 2 1\r\n!");
        let came: Vec<_> = clients
            .iter_mut()
            .flat_map(|client| client.sync_messages())
            .collect();
        assert_eq!(came.len(), delivered);
        assert!(came.iter().all(|message| message.text() == "hi"));
    }
}

#[test]
fn tell_who_is_who() {
    let server = server().start();
    let mut listener = named(&server, "");
    listener.subscribe("dest", "1");
    let mut publisher = named(&server, "p");
    publish(&mut publisher, "dest", "A: 1\r\n", "hi");
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let message = listener.message();
        if message.text() == "hi" {
            continue;
        }
        let event: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
        let info: serde_json::Value = serde_json::from_str(publisher.info()).unwrap();
        assert_eq!(event["server"]["id"], info["server_id"]);
        assert_eq!(event["server"]["name"], info["server_name"]);
        assert_eq!(event["server"]["ver"], info["version"]);
        assert_eq!(event["server"]["seq"], 1);
        assert_eq!(event["request"]["header"]["A"][0], "1");
        assert_eq!(event["request"]["header"]["Nats-Trace-Dest"][0], "dest");
        numbers.extend(
            event["events"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| event["cid"].clone()),
        );
    }
    let number = |client: &vagus_test_support::Client| {
        let info: serde_json::Value = serde_json::from_str(client.info()).unwrap();
        info["client_id"].clone()
    };
    assert_eq!(numbers, [number(&publisher), number(&listener)]);
}

#[test]
fn tell_that_nobody_takes_it_as_the_requester_is_told() {
    let server = server().start();
    let mut listener = named(&server, "listener");
    listener.subscribe("dest", "1");
    let mut requester = named(&server, "requester");
    requester.subscribe("answers", "1");
    for lines in ["", "Nats-Trace-Only: 1\r\n"] {
        publish(&mut requester, "nobody answers", lines, "hi");
        requester.expect("HMSG answers 1 38 38\r\nNATS/1.0 503\r\nNats-Subject: nobody\r\n\r\n");
        assert_eq!(told(&listener.message()), ["$G requester nobody in"]);
    }
}

#[test]
fn tell_why_a_message_goes_nowhere() {
    let server = server().max_payload(1_000).start();
    let mut listener = named(&server, "listener");
    listener.subscribe("dest", "1");
    listener.subscribe(">", "2");
    let mut publisher = named(&server, "p");
    publish(&mut publisher, "_GR_.x", "", "hi");
    let refused = "Permissions Violation for Publish to \"_GR_.x\"";
    assert_eq!(publisher.next_frame(), Frame::Error(refused.to_owned()));
    publish(&mut publisher, "large", "", &"x".repeat(1_000));
    assert_eq!(publisher.closed(), "-ERR 'Maximum Payload Violation'\r\n");
    for (subject, error) in [("_GR_.x", refused), ("large", "maximum payload exceeded")] {
        let mut events = listener.messages(2);
        events.sort_by(|one, other| one.sid.cmp(&other.sid));
        for event in events {
            assert_eq!(event.subject, "dest");
            let expected = format!("{} $G p {subject} in", error);
            let mut words: Vec<_> = told(&event).remove(0).split(' ').map(str::to_owned).collect();
            let mut expected: Vec<_> = expected.split(' ').map(str::to_owned).collect();
            words.sort();
            expected.sort();
            assert_eq!(words, expected);
        }
    }
    assert!(listener.sync_messages().is_empty());
}

#[test]
fn are_written_as_they_are_accepted() {
    let server = server().start();
    let mut listener = named(&server, "listener");
    listener.subscribe("dest", "1");
    let mut publisher = named(&server, "p");
    for (accepted, said, begin) in [
        ("snappy", "snappy", &b"\xff\x06\0\0sNaPpY"[..]),
        ("gzip", "gzip", b"\x1f\x8b"),
        ("else", "identity", b"{\"server\":"),
    ] {
        publish(
            &mut publisher,
            "a",
            &format!("Accept-Encoding: {accepted}\r\n"),
            "hi",
        );
        let event = listener.message();
        let headers = format!("NATS/1.0\r\nContent-Encoding: {said}\r\n\r\n");
        assert_eq!(event.headers.as_deref(), Some(&*headers));
        assert!(event.payload.starts_with(begin), "{event:?}");
    }
}
