//! Subscriptions are counted, listed and found by a subject.

use serde_json::Value;
use vagus_test_support::{Client, TestServer, eventually, server};

fn listed(server: &TestServer, query: &str) -> Vec<String> {
    let subsz = server.get(&format!("/subsz?subs=1&{query}")).json();
    let show = |one: &Value| {
        format!(
            "{} {} {} {}",
            one["cid"],
            one["subject"].as_str().unwrap(),
            one["sid"].as_str().unwrap(),
            one["qgroup"].as_str().unwrap_or("-")
        )
    };
    subsz.get("subscriptions_list").map_or(Vec::new(), |list| {
        list.as_array().unwrap().iter().map(show).collect()
    })
}

fn subscribed(server: &TestServer) -> [Client; 2] {
    let mut clients = [server.connected(), server.connected()];
    clients[0].send("SUB sz.alpha 1\r\nSUB sz.* workers 2\r\nSUB > 3\r\nUNSUB 3");
    clients[1].send("SUB sz.> 1");
    for client in &mut clients {
        client.sync_silent();
    }
    clients
}

#[test]
fn are_listed() {
    let server = server().arbiters(2).monitoring().start();
    let _clients = subscribed(&server);
    let all = ["1 sz.alpha 1 -", "1 sz.* 2 workers", "2 sz.> 1 -"];
    assert_eq!(listed(&server, ""), all);
    assert_eq!(listed(&server, "limit=1"), all[..1]);
    assert_eq!(listed(&server, "offset=1&limit=1"), all[1..2]);
    assert_eq!(listed(&server, "offset=2"), all[2..]);
    assert_eq!(listed(&server, "offset=3"), [""; 0]);
    assert_eq!(listed(&server, "acc=$G"), all);
    assert_eq!(listed(&server, "acc=NONE"), [""; 0]);
    let one = server.get("/subscriptionsz?subs=1&limit=1").json();
    assert_eq!((&one["total"], &one["limit"]), (&3.into(), &1.into()));
    assert_eq!(one["subscriptions_list"][0]["account"], "$G");
    assert!(server.get("/subsz").json().get("subscriptions_list").is_none());
}

#[test]
fn are_found_by_a_subject() {
    let server = server().arbiters(2).monitoring().start();
    let _clients = subscribed(&server);
    assert_eq!(
        listed(&server, "test=sz.alpha"),
        ["1 sz.alpha 1 -", "1 sz.* 2 workers", "2 sz.> 1 -"]
    );
    assert_eq!(listed(&server, "test=sz.a.b"), ["2 sz.> 1 -"]);
    assert_eq!(
        listed(&server, "test=sz.alpha&offset=1&limit=1"),
        ["1 sz.* 2 workers"]
    );
    assert_eq!(listed(&server, "test=other"), [""; 0]);
    for (asked, subject) in [("sz.*", "sz.*"), ("sz..a", "sz..a"), ("%3E", ">")] {
        let answer = server.get(&format!("/subsz?test={asked}"));
        let text = format!("invalid test subject, must be valid publish subject: {subject}");
        assert_eq!((answer.status, answer.body), (400, text));
    }
}

#[test]
fn are_counted() {
    let server = server().monitoring().start();
    let mut clients = subscribed(&server);
    let subsz = server.get("/subsz").json();
    let figure = |name: &str| subsz[name].as_u64().unwrap();
    assert_eq!(
        ["num_subscriptions", "num_inserts", "num_removes", "num_matches"].map(figure),
        [3, 4, 1, 0]
    );
    for _ in 0..4 {
        clients[1].publish("sz.alpha", b"");
        clients[1].message();
    }
    clients[1].sync_silent();
    let subsz = server.get("/subsz").json();
    assert_eq!(subsz["num_matches"], 4);
    let rate = subsz["cache_hit_rate"].as_f64().unwrap();
    assert!((0.25..1.0).contains(&rate), "{rate}");
    // A fan-out that is held shows once the arbiter has looked.
    eventually(|| {
        let subsz = server.get("/subsz").json();
        (&subsz["num_cache"], &subsz["max_fanout"], &subsz["avg_fanout"]) == (&1.into(), &3.into(), &3.into())
    });
}
