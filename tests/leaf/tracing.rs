//! Messages are traced over links, each server tells its part, and mapped ones are, too.

use crate::world::{OF_SERVERS, await_interest, await_links, hub, leaf};
use vagus_test_support::{Client, TestServer};

fn publish(client: &mut Client, subject: &str) {
    let header = "NATS/1.0\r\nNats-Trace-Dest: told\r\n\r\n";
    let size = header.len();
    client.send(&format!("HPUB {subject} {size} {}\r\n{header}.", size + 1));
}

fn check(here: &TestServer, there: &TestServer, names: (&str, &str)) {
    let mut subscriber = there.connected();
    subscriber.send("SUB a 1\r\nSUB told 2");
    subscriber.sync_silent();
    await_interest(here, OF_SERVERS + 2);
    publish(&mut here.connected(), "a");
    let mut delivered = None;
    let mut events = Vec::new();
    while delivered.is_none() || events.len() < 2 {
        let message = subscriber.message();
        match &*message.subject {
            "a" => delivered = Some(message.payload.clone()),
            _ => events.push(String::from_utf8(message.payload.clone()).unwrap()),
        }
    }
    assert!(delivered.is_some());
    events.sort_by_key(|event| event.contains("Nats-Trace-Hop"));
    let (first, second) = (&events[0], &events[1]);
    assert!(first.contains(&format!(r#""name":"{}""#, names.0)), "{first}");
    assert!(first.contains(r#""hops":1"#), "{first}");
    assert!(second.contains(&format!(r#""name":"{}""#, names.1)), "{second}");
    drop(subscriber);
    await_interest(here, OF_SERVERS);
}

#[test]
fn both_ends_of_a_link_tell() {
    let hub = hub("hub").start();
    let leaf = leaf("edge", &[hub.leafnode_address().unwrap()]).start();
    for server in [&hub, &leaf] {
        await_links(server, 1);
        await_interest(server, OF_SERVERS);
    }
    check(&leaf, &hub, ("edge", "hub"));
    check(&hub, &leaf, ("hub", "edge"));
}
