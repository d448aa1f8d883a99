//! Connections show who they are and what passed, in the order and by the part that is asked for.

use serde_json::Value;
use vagus_auth::credentials::Credentials;
use vagus_test_support::{Client, TestServer, server};

/// A client that calls itself this.
fn named(server: &TestServer, name: &str) -> Client {
    let connect = format!(
        r#"{{"verbose":false,"headers":true,"no_responders":true,"name":"{name}","lang":"tea","version":"1.2"}}"#
    );
    let mut client = server.client().connect(&connect);
    client.sync_silent();
    client
}

fn connections(server: &TestServer, query: &str) -> Vec<Value> {
    let connz = server.get(&format!("/connz?{query}")).json();
    let connections = connz["connections"].as_array().unwrap().clone();
    assert_eq!(connz["num_connections"], connections.len());
    connections
}

fn names(server: &TestServer, query: &str) -> Vec<String> {
    let name = |connection: &Value| connection["name"].as_str().unwrap_or("").to_owned();
    connections(server, query).iter().map(name).collect()
}

#[test]
fn show_who_they_are_and_what_passed() {
    let server = server().arbiters(2).monitoring().start();
    let mut subscriber = named(&server, "subscriber");
    subscriber.send("SUB a.b 1\r\nSUB a.* workers 22\r\nUNSUB 22 7");
    subscriber.sync_silent();
    let mut publisher = named(&server, "publisher");
    publisher.send("PUB a.b 5\r\nhello\r\nHPUB a.c 12 14\r\nNATS/1.0\r\n\r\nhi");
    publisher.sync_silent();
    subscriber.sync_messages();
    let shown = connections(&server, "sort=cid");
    let text = serde_json::to_string(&shown[0]).unwrap();
    for (field, value) in [
        ("cid", Value::from(1)),
        ("kind", "Client".into()),
        ("type", "nats".into()),
        ("ip", "127.0.0.1".into()),
        ("name", "subscriber".into()),
        ("lang", "tea".into()),
        ("version", "1.2".into()),
        ("subscriptions", 2.into()),
        ("in_msgs", 0.into()),
        ("out_msgs", 3.into()),
        ("out_bytes", 24.into()),
        ("pending_bytes", 0.into()),
    ] {
        assert_eq!(shown[0][field], value, "{field} of {text}");
    }
    assert_eq!(
        (&shown[1]["in_msgs"], &shown[1]["in_bytes"]),
        (&2.into(), &19.into())
    );
    for field in ["start", "last_activity", "rtt", "uptime", "idle"] {
        assert!(shown[0][field].is_string(), "{field} of {text}");
    }
    for field in [
        "authorized_user",
        "subscriptions_list",
        "stop",
        "reason",
        "stalls",
    ] {
        assert!(shown[0].get(field).is_none(), "{field} of {text}");
    }
    assert_ne!(shown[0]["port"], shown[1]["port"]);
    let listed = connections(&server, "subs=1&cid=1");
    assert_eq!(listed[0]["subscriptions_list"].to_string(), r#"["a.b","a.*"]"#);
    let detailed = connections(&server, "subs=detail&cid=1");
    assert_eq!(
        detailed[0]["subscriptions_list_detail"].to_string(),
        r#"[{"cid":1,"msgs":1,"sid":"1","subject":"a.b"},{"cid":1,"max":7,"msgs":2,"qgroup":"workers","sid":"22","subject":"a.*"}]"#
    );
}

/// The last activity of a subscriber is a delivery, of a publisher a message; what is said beside messages is none.
#[test]
fn show_when_they_were_active() {
    let server = server().arbiters(2).monitoring().start();
    let mut subscriber = named(&server, "subscriber");
    subscriber.subscribe("a", "1");
    let mut publisher = named(&server, "publisher");
    let active = |cid: usize| {
        connections(&server, &format!("cid={cid}"))[0]["last_activity"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let before = [active(1), active(2)];
    for client in [&mut subscriber, &mut publisher] {
        client.sync_silent();
    }
    assert_eq!(before, [active(1), active(2)]);
    publisher.publish("a", b"x");
    subscriber.message();
    let after = [active(1), active(2)];
    assert!(
        before[0] < after[0] && before[1] < after[1],
        "{before:?} {after:?}"
    );
}

#[test]
fn are_sorted_and_paged() {
    let server = server().arbiters(2).monitoring().start();
    let mut clients: Vec<Client> = ["a", "b", "c"].iter().map(|name| named(&server, name)).collect();
    // c has most subscriptions, b has published most messages, a most bytes.
    for (client, (subscriptions, messages, payload)) in
        clients
            .iter_mut()
            .zip([(1, 1, "longest of all"), (2, 3, "x"), (3, 2, "y")])
    {
        for sid in 0..subscriptions {
            client.send(&format!("SUB {sid} {sid}"));
        }
        for _ in 0..messages {
            client.publish("nobody", payload.as_bytes());
        }
        client.sync_silent();
    }
    for (order, expected) in [
        ("", ["a", "b", "c"]),
        ("cid", ["a", "b", "c"]),
        ("start", ["a", "b", "c"]),
        ("subs", ["c", "b", "a"]),
        ("msgs_from", ["b", "c", "a"]),
        ("bytes_from", ["a", "b", "c"]),
        ("msgs_to", ["a", "b", "c"]),
        ("last", ["c", "b", "a"]),
        ("idle", ["a", "b", "c"]),
        ("uptime", ["c", "b", "a"]),
    ] {
        let query = format!("sort={order}");
        assert_eq!(names(&server, &query), expected, "{order}");
        let query = format!("sort={order}&limit=1&offset=1");
        assert_eq!(names(&server, &query), expected[1..2], "{order}");
    }
    for order in ["pending", "bytes_to", "rtt"] {
        assert_eq!(names(&server, &format!("sort={order}")).len(), 3, "{order}");
    }
    let page = server.get("/connz?offset=2&limit=5").json();
    assert_eq!(
        ["num_connections", "total", "offset", "limit"].map(|field| page[field].as_u64().unwrap()),
        [1, 3, 2, 5]
    );
    assert_eq!(names(&server, "offset=3"), [""; 0]);
    assert_eq!(names(&server, "offset=-1&limit=-1&sort=subs").len(), 3);
}

#[test]
fn nonsense_is_refused() {
    let server = server().monitoring().start();
    for (query, text) in [
        ("sort=colour", "invalid sorting option: colour"),
        ("sort=stop", "sort by stop only valid on closed connections"),
        (
            "sort=reason&state=any",
            "sort by reason only valid on closed connections",
        ),
        ("state=weird", "Error decoding state for weird"),
        (
            "limit=x",
            r#"Error decoding int for 'limit': strconv.Atoi: parsing "x": invalid syntax"#,
        ),
        (
            "cid=-1",
            r#"Error decoding uint64 for 'cid': strconv.ParseUint: parsing "-1": invalid syntax"#,
        ),
        (
            "subs=x",
            r#"Error decoding boolean for 'subs': strconv.ParseBool: parsing "x": invalid syntax"#,
        ),
    ] {
        let answer = server.get(&format!("/connz?{query}"));
        assert_eq!((answer.status, &*answer.body), (400, text), "{query}");
    }
}

#[test]
fn are_found_by_user() {
    let server = server()
        .credentials(Credentials::User {
            name: "ada".to_owned(),
            password: "engine".to_owned(),
        })
        .monitoring()
        .start();
    let mut ada = server
        .client()
        .connect(r#"{"verbose":false,"user":"ada","pass":"engine","name":"a"}"#);
    ada.sync_silent();
    assert_eq!(names(&server, "user=ada"), ["a"]);
    assert_eq!(names(&server, "user=charles"), [""; 0]);
    assert_eq!(names(&server, "acc=$G"), ["a"]);
    let shown = connections(&server, "auth=true");
    assert_eq!(shown[0]["authorized_user"], "ada");
    assert!(connections(&server, "")[0].get("authorized_user").is_none());
    let text = server.get("/connz?auth=true&subs=detail").body + &server.get("/varz").body;
    assert!(!text.contains("engine"), "{text}");
    assert_eq!(server.get("/varz").json()["auth_required"], true);
    let nobody = server.get("/connz?acc=NONE").json();
    assert!(nobody["connections"].is_null());
    assert_eq!(names(&server, "mqtt_client=x"), [""; 0]);
}

/// A token is a secret.
#[test]
fn hide_tokens() {
    let server = server().token("hush").monitoring().start();
    let mut client = server
        .client()
        .connect(r#"{"verbose":false,"auth_token":"hush"}"#);
    client.sync_silent();
    let answer = server.get("/connz?auth=1");
    assert_eq!(answer.json()["connections"][0]["authorized_user"], "[REDACTED]");
    assert!(!answer.body.contains("hush"), "{}", answer.body);
}

/// However many there are, and whatever is asked, they are all found once.
#[test]
fn many_are_asked_in_parts() {
    const MANY: usize = 300;
    let server = server().arbiters(2).monitoring().start();
    let mut clients: Vec<Client> = (0..MANY)
        .map(|number| named(&server, &number.to_string()))
        .collect();
    for (number, client) in clients.iter_mut().enumerate() {
        for sid in 0..number % 7 {
            client.send(&format!("SUB {number}.{sid} {sid}"));
        }
        client.sync_silent();
    }
    let shown = connections(&server, "sort=subs&subs=1");
    assert_eq!(shown.len(), MANY);
    let counts: Vec<u64> = shown
        .iter()
        .map(|one| one["subscriptions"].as_u64().unwrap())
        .collect();
    assert!(counts.is_sorted_by(|one, other| one >= other), "{counts:?}");
    for one in &shown {
        let listed = one
            .get("subscriptions_list")
            .map_or(0, |list| list.as_array().unwrap().len());
        assert_eq!(one["subscriptions"], listed);
    }
    let mut paged = Vec::new();
    for offset in (0..MANY).step_by(77) {
        paged.extend(names(&server, &format!("offset={offset}&limit=77")));
    }
    let expected: Vec<String> = (0..MANY).map(|number| number.to_string()).collect();
    assert_eq!(paged, expected);
}
