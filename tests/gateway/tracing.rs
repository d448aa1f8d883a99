//! Messages are traced from cluster to cluster: each server tells its part, and by which hop a message has come.

use crate::peer::{FakeCluster, Peer};
use crate::world::{await_gateways, gateway, two};
use serde_json::Value;
use vagus_test_support::{Client, eventually, subscribed};

const TRACE_ONLY: &str = "Nats-Trace-Only: true\r\n";

/// Publishes `hi` with these lines of headers beside the one by which its trace is sent to `dest`.
fn publish(client: &mut Client, subject: &str, lines: &str) {
    let headers = format!("NATS/1.0\r\nNats-Trace-Dest: dest\r\n{lines}\r\n");
    let (header_size, size) = (headers.len(), headers.len() + 2);
    client.send(&format!("HPUB {subject} {header_size} {size}\r\n{headers}hi"));
}

/// What an event says, in a line, without numbers of connections.
fn line(event: &Value) -> String {
    let happened = event["events"].as_array().unwrap().iter().map(|what| {
        let mut what = what.as_object().unwrap().clone();
        what.remove("ts");
        what.remove("cid");
        let words = what.iter().map(|(name, value)| format!("{name}={value}"));
        words.collect::<Vec<_>>().join(" ")
    });
    let happened = happened.collect::<Vec<_>>().join(", ");
    let (server, hop) = (
        &event["server"]["name"],
        &event["request"]["header"]["Nats-Trace-Hop"][0],
    );
    format!("{server}: hops {} by {hop}: {happened}", event["hops"]).replace('"', "")
}

/// The lines of two events, that of the first server first.
fn told(client: &mut Client) -> [String; 2] {
    let read = |client: &mut Client| -> Value {
        let message = client.message();
        assert_eq!(message.subject, "dest");
        serde_json::from_slice(&message.payload).unwrap()
    };
    let mut events = [read(client), read(client)];
    events.sort_by_key(|event| event["request"]["header"]["Nats-Trace-Hop"].is_array());
    [line(&events[0]), line(&events[1])]
}

#[test]
fn servers_of_both_clusters_tell() {
    let [a, b] = two();
    for (here, there, names) in [(&a, &b, ["a", "b"]), (&b, &a, ["b", "a"])] {
        let mut listener = subscribed(here, "dest 1", &[there]);
        let mut subscriber = subscribed(there, "s.* 1", &[here]);
        let mut publisher = here.connected();
        for (lines, delivered) in [("", 1), (TRACE_ONLY, 0)] {
            publish(&mut publisher, "s.t", lines);
            let [first, second] = told(&mut listener);
            let [near, far] = names;
            assert_eq!(
                first,
                format!(
                    "{near}: hops 1 by null: acc=$G kind=0 subj=s.t type=in, hop=1 kind=2 name={far} type=eg"
                )
            );
            assert_eq!(
                second,
                format!(
                    "{far}: hops null by 1: acc=$G kind=2 name={near} subj=s.t type=in, kind=0 sub=s.* type=eg"
                )
            );
            // The event has come behind the message.
            assert_eq!(subscriber.sync_messages().len(), delivered);
        }
    }
}

/// One that knows nothing of traces is not sent what is only to be traced.
#[test]
fn a_server_that_does_not_trace_is_sent_what_is_delivered() {
    let fake = FakeCluster::new();
    let server = gateway("a", "A", &[("X", fake.address().port())]).start();
    let (mut peer, ..) = fake.greet("X", r#","gateway_iom":true"#);
    let mut client = server.connected();
    client.subscribe("dest", "1");
    peer.want("X", &["s"]);
    eventually(|| {
        client.send("PUB s 5\r\nprobe");
        client.sync_silent();
        server.traffic().messages_out > 0
    });
    for (lines, error) in [
        (
            "",
            "Message delivered but remote does not support message tracing so no trace event generated from there",
        ),
        (
            TRACE_ONLY,
            "Not delivered because remote does not support message tracing",
        ),
    ] {
        publish(&mut client, "s", lines);
        let event: Value = serde_json::from_slice(&client.message().payload).unwrap();
        assert_eq!(event["events"][1]["error"], error, "{event}");
    }
    client.send("PUB s 3\r\nend");
    let mut copies = 0;
    loop {
        match &*peer.line() {
            "end" => break,
            "hi" => copies += 1,
            _ => {}
        }
    }
    assert_eq!(copies, 1);
}

/// What another cluster sends is traced on, by the hop that it says.
#[test]
fn what_another_cluster_sends_is_traced() {
    let server = gateway("a", "A", &[]).start();
    let mut client = server.connected();
    client.send("SUB s q 2\r\nSUB s p 3\r\nSUB dest 4");
    client.sync_silent();
    let mut peer = Peer::of(&server, "X");
    await_gateways(&server, 0, 1);
    let headers = "NATS/1.0\r\nNats-Trace-Dest: dest\r\nNats-Trace-Hop: 7.1\r\n\r\n";
    let (header_size, size) = (headers.len(), headers.len() + 2);
    peer.say(&format!("HMSG $G s | p {header_size} {size}\r\n{headers}hi"));
    let message = client.message();
    assert_eq!((&*message.sid, message.text()), ("3", "hi"));
    let event: Value = serde_json::from_slice(&client.message().payload).unwrap();
    assert_eq!(event["request"]["header"]["Nats-Trace-Hop"][0], "7.1");
    assert_eq!(event["events"][0]["kind"], 2, "{event}");
    assert_eq!(event["events"][1]["queue"], "p", "{event}");
    assert_eq!(event["events"].as_array().unwrap().len(), 2, "{event}");
}
