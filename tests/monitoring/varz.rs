//! The server as a whole: who it is, what it is set to, and what passed.

use vagus_test_support::{eventually, server};

#[test]
fn says_who_it_is() {
    let server = server().monitoring().max_payload(1000).start();
    let varz = server.get("/varz").json();
    assert_eq!(varz["server_id"], server.id());
    assert_eq!(varz["server_name"], server.name());
    assert_eq!(varz["port"], server.client_address().port());
    assert_eq!(varz["http_port"], server.monitor_address().unwrap().port());
    assert_eq!(varz["http_host"], "127.0.0.1");
    assert_eq!(varz["max_payload"], 1000);
    assert_eq!(varz["ping_interval"], 120_000_000_000_u64);
    assert_eq!(
        varz["auth_timeout"].to_string(),
        "2",
        "whole numbers have no point"
    );
    assert!(varz["mem"].as_u64().unwrap() > 1_000_000);
    assert!(varz["start"].as_str().unwrap() <= varz["now"].as_str().unwrap());
    let names: Vec<&str> = varz.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(names.len() > 55, "{names:?}");
}

/// Indented by two spaces, which people and scripts read line by line.
#[test]
fn is_indented() {
    let server = server().monitoring().start();
    let body = server.get("/varz").body;
    assert!(body.starts_with("{\n  \"server_id\": \"N"), "{body}");
    assert!(body.ends_with("\n}"), "{body}");
}

#[test]
fn counts_what_passes() {
    let server = server().monitoring().start();
    let mut publisher = server.connected();
    let mut subscriber = server.connected();
    subscriber.send("SUB a 1\r\nSUB > 2");
    subscriber.sync_silent();
    publisher.send("PUB a 5\r\nhello\r\nHPUB b 12 14\r\nNATS/1.0\r\n\r\nhi");
    publisher.sync_silent();
    assert_eq!(subscriber.sync_messages().len(), 3);
    let varz = server.get("/varz").json();
    let figures = [
        "connections",
        "subscriptions",
        "in_msgs",
        "in_bytes",
        "out_msgs",
        "out_bytes",
    ];
    assert_eq!(
        figures.map(|name| varz[name].as_u64().unwrap()),
        [2, 2, 2, 19, 3, 24]
    );
    assert_eq!(varz["in_client_msgs"], 2);
    drop(publisher);
    eventually(|| server.get("/varz").json()["connections"] == 1);
    let varz = server.get("/varz").json();
    assert_eq!(
        (&varz["total_connections"], &varz["in_msgs"]),
        (&2.into(), &2.into())
    );
}

/// Each page counts how often it was asked for, this time included.
#[test]
fn counts_requests() {
    let server = server().monitoring().start();
    server.get("/healthz");
    server.get("/vars");
    let counts = &server.get("/varz").json()["http_req_stats"];
    assert_eq!(counts.to_string(), r#"{"/healthz":1,"/varz":2}"#);
}
