//! Connections that ended are remembered for a while: why they ended, and what they had done.

use serde_json::Value;
use vagus_test_support::{TestServer, eventually, server};

fn closed(server: &TestServer, query: &str, count: u64) -> Vec<Value> {
    let path = format!("/connz?state=closed&{query}");
    eventually(|| server.get("/connz?state=closed").json()["total"] == count);
    server.get(&path).json()["connections"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn are_remembered_as_they_were() {
    let server = server().arbiters(2).monitoring().start();
    let mut leaves = server
        .client()
        .connect(r#"{"verbose":false,"name":"leaves","lang":"tea","user":"u"}"#);
    leaves.send("SUB x.y 3\r\nPUB x.y 5\r\nhello");
    leaves.expect("MSG x.y 3 5\r\nhello");
    leaves.sync_silent();
    drop(leaves);
    let shown = closed(&server, "subs=1", 1);
    let one = &shown[0];
    for (field, value) in [
        ("reason", Value::from("Client Closed")),
        ("name", "leaves".into()),
        ("in_msgs", 1.into()),
        ("out_msgs", 1.into()),
        ("out_bytes", 5.into()),
        ("subscriptions", 1.into()),
    ] {
        assert_eq!(one[field], value, "{field} of {one}");
    }
    assert_eq!(one["subscriptions_list"].to_string(), r#"["x.y"]"#);
    assert!(one["start"].as_str().unwrap() < one["stop"].as_str().unwrap());
    assert!(one.get("authorized_user").is_none());
    assert_eq!(closed(&server, "auth=1", 1)[0]["authorized_user"], "u");
    assert_eq!(
        closed(&server, "subs=detail", 1)[0]["subscriptions_list_detail"][0]["msgs"],
        1
    );
    // Open ones are shown apart, or with them.
    let mut stays = server.connected();
    stays.sync_silent();
    assert_eq!(server.get("/connz").json()["total"], 1);
    for state in ["any", "ALL"] {
        let all = server.get(&format!("/connz?state={state}")).json();
        assert_eq!((&all["total"], &all["num_connections"]), (&2.into(), &2.into()));
    }
    assert_eq!(
        server.get("/connz?state=any&cid=1").json()["connections"][0]["reason"],
        "Client Closed"
    );
    assert_eq!(server.get("/connz?state=any&cid=2").json()["num_connections"], 1);
    assert_eq!(server.get("/connz?cid=1").json()["num_connections"], 0);
}

/// By reason, by the time of their end, and no more than are to be remembered.
#[test]
fn are_sorted_and_forgotten() {
    let server = server().monitoring().max_closed_clients(3).start();
    for said in ["", "NONSENSE\r\n", "", "PUB\r\n"] {
        let mut client = server.client();
        client.try_send_bytes(b"CONNECT {}\r\n");
        client.try_send_bytes(said.as_bytes());
        if said.is_empty() {
            client.end();
        }
        client.closed();
        let ended = server.monitor().unwrap();
        eventually(|| server.monitor().unwrap().connections == 0 || ended.connections == 0);
    }
    let shown = closed(&server, "sort=reason", 3);
    let reasons: Vec<&str> = shown.iter().map(|one| one["reason"].as_str().unwrap()).collect();
    assert_eq!(
        reasons,
        ["Client Closed", "Protocol Violation", "Protocol Violation"]
    );
    let stopped = closed(&server, "sort=stop", 3);
    let numbers: Vec<u64> = stopped.iter().map(|one| one["cid"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [4, 3, 2]);
    assert_eq!(server.get("/varz").json()["total_connections"], 4);
}

/// A connection that is cut off because it takes nothing is counted as a slow consumer, and so are the pauses that
/// others made for it.
#[test]
fn slow_consumers_are_counted() {
    let server = server().monitoring().max_pending(1 << 20).start();
    let mut slow = server.connected_with_little_room();
    slow.subscribe("a", "1");
    let mut publisher = server.connected();
    let payload = vec![b'x'; 100_000];
    for _ in 0..100 {
        publisher.publish("a", &payload);
    }
    publisher.sync_silent();
    let shown = closed(&server, "", 1);
    assert_eq!(shown[0]["reason"], "Slow Consumer (Pending Bytes)");
    let varz = server.get("/varz").json();
    assert_eq!(
        (&varz["slow_consumers"], &varz["slow_consumer_stats"]["clients"]),
        (&1.into(), &1.into())
    );
    let stalls = shown[0]["stalls"].as_u64().unwrap();
    assert!(stalls > 0, "{}", shown[0]);
    assert!(varz["stalled_clients"].as_u64().unwrap() > 0, "{varz}");
}
