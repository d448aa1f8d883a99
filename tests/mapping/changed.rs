//! Mappings change while clients publish: what they send once that is reported done goes by the new ones.

use crate::CONNECT;
use vagus_test_support::server;

#[test]
fn what_is_published_from_then_on_goes_by_the_new_ones() {
    let server = server().configured("mappings { a: b }").start();
    let mut client = server.client().connect(CONNECT);
    client.subscribe(">", "1");
    let mut check = |delivered: &str| {
        client.publish("a", b"x");
        client.expect(&format!("MSG {delivered} 1 1\r\nx"));
    };
    check("b");
    server.reconfigure("mappings { a: c, d: e }");
    check("c");
    server.reconfigure("");
    check("a");
    server.reconfigure("mappings { a: f }");
    check("f");
}

/// None is lost, none comes twice, and their order is that in which they were published.
#[test]
fn what_is_published_meanwhile_goes_by_one_or_the_other() {
    const MESSAGES: usize = 50_000;
    let server = server().configured("mappings { a: b }").arbiters(2).start();
    let mut subscriber = server.client().connect(CONNECT);
    subscriber.subscribe("b", "1");
    subscriber.subscribe("c", "2");
    let (_reader, mut writer) = server.client().connect(CONNECT).split();
    let publishing = std::thread::spawn(move || {
        for number in 0..MESSAGES {
            writer.publish("a", number.to_string().as_bytes());
        }
        writer
    });
    let mut received = 0;
    let mut turns = 0;
    while received < MESSAGES {
        for message in subscriber.messages((MESSAGES - received).min(5_000)) {
            assert_eq!(message.text(), received.to_string());
            received += 1;
        }
        turns += 1;
        let subject = if turns % 2 == 1 { "c" } else { "b" };
        server.reconfigure(&format!("mappings {{ a: {subject} }}"));
    }
    publishing.join().unwrap();
    subscriber.sync_silent();
}
