//! What is published comes to those who are subscribed to what its subject is mapped to, and to nobody else.

use crate::CONNECT;
use vagus_test_support::server;

#[test]
fn functions_make_subjects_of_subjects() {
    let server = server()
        .configured(
            r#"mappings {
                literal: other
                "swapped.*.*": "s.$2.{{wildcard(1)}}"
                "rest.*.>": "r.$1.>"
                "sharded.*": "shard.{{partition(10,1)}}.$1"
                "cut.*": "c.{{splitFromLeft(1,2)}}.{{Right(1,1)}}"
                "split.*": "t.{{split(1,-)}}"
                "chained": "literal"
            }"#,
        )
        .start();
    let mut client = server.client().connect(CONNECT);
    client.subscribe(">", "1");
    for (published, delivered) in [
        ("literal", "other"),
        ("swapped.a.b", "s.b.a"),
        ("rest.a.b.c", "r.a.b.c"),
        ("sharded.foo", "shard.3.foo"),
        ("cut.abcd", "c.ab.cd.d"),
        ("split.a-b-c", "t.a.b.c"),
        // Once only.
        ("chained", "literal"),
        // Nothing is said of these.
        ("swapped.a", "swapped.a"),
        ("literal.a", "literal.a"),
    ] {
        // The second has the control line of the first.
        client.send(&format!("PUB {published} 1\r\n1\r\nPUB {published} 1\r\n2"));
        client.expect(&format!("MSG {delivered} 1 1\r\n1"));
        client.expect(&format!("MSG {delivered} 1 1\r\n2"));
    }
}

#[test]
fn those_who_are_subscribed_to_the_source_get_nothing() {
    let server = server().configured("mappings { a: b }").start();
    let mut client = server.client().connect(CONNECT);
    client.subscribe("a", "1");
    client.publish("a", b"x");
    client.sync_silent();
    // A subscription is to the subject that it names.
    client.subscribe("b", "2");
    client.publish("a", b"x");
    client.expect("MSG b 2 1\r\nx");
}

#[test]
fn requests_are_answered_by_those_who_serve_what_they_are_mapped_to() {
    let server = server().configured("mappings { request: service }").start();
    let mut client = server.client().connect(CONNECT);
    client.subscribe("answers", "9");
    client.send("PUB request answers 1\r\n?");
    client.expect("HMSG answers 9 39 39\r\nNATS/1.0 503\r\nNats-Subject: service\r\n\r\n");
    let mut responder = server.client().connect(CONNECT);
    responder.join("service", "workers", "1");
    client.send("PUB request answers 1\r\n?");
    responder.expect("MSG service 1 answers 1\r\n?");
    responder.send("PUB answers 1\r\n!");
    client.expect("MSG answers 9 1\r\n!");
}

#[test]
fn headers_and_odd_spacing_stay_as_they_are() {
    let server = server().configured(r#"mappings { "a.*": "b.$1" }"#).start();
    let mut client = server.client().connect(CONNECT);
    client.subscribe("b.*", "1");
    client.send("HPUB a.x 18 19\r\nNATS/1.0\r\nk: v\r\n\r\nx");
    client.expect("HMSG b.x 1 18 19\r\nNATS/1.0\r\nk: v\r\n\r\nx");
    client.send("pub \t a.y   1\r\ny");
    client.expect("MSG b.y 1 1\r\ny");
}

/// It is where a message is published that has to be permitted, as in nats-server; and what is reserved for servers stays so.
#[test]
fn the_subject_it_is_mapped_to_has_to_be_permitted() {
    let server = server()
        .configured(
            r#"
            authorization { users: [{user: u, password: p, permissions: {publish: [x, open], subscribe: ">"}}] }
            mappings { x: hidden, y: open, z: "$NRG.z" }
            "#,
        )
        .start();
    let mut client = server
        .client()
        .connect(r#"{"verbose":false,"user":"u","pass":"p"}"#);
    client.subscribe(">", "1");
    client.send("PUB x 1\r\n1\r\nPUB x 1\r\n1");
    for _ in 0..2 {
        client.expect(r#"-ERR 'Permissions Violation for Publish to "hidden"'"#);
    }
    client.send("PUB z 1\r\n1");
    client.expect(r#"-ERR 'Permissions Violation for Publish to "$NRG.z"'"#);
    client.send("PUB y 1\r\n2");
    client.expect("MSG open 1 1\r\n2");
}
