use crate::{named, publish};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use vagus_test_support::{Client, server};

const SUBSCRIPTIONS: usize = 300_000;

/// Its event is bounded, and others have their turns while it is made and delivered.
#[test]
fn a_message_for_very_many_is_traced_in_many_turns() {
    let server = server().arbiters(1).start();
    let mut wide = named(&server, "wide");
    let subscriptions: String = (0..SUBSCRIPTIONS)
        .map(|sid| format!("SUB wide {sid}\r\n"))
        .collect();
    wide.send_bytes(subscriptions.as_bytes());
    wide.sync_silent();
    let mut listener = named(&server, "listener");
    listener.subscribe("dest", "1");
    let mut publisher = named(&server, "publisher");
    let mut beside = named(&server, "beside");
    beside.subscribe("beside", "1");
    for lines in ["", "Accept-Encoding: gzip\r\n"] {
        let done = AtomicBool::new(false);
        let lines = format!("Nats-Trace-Only: true\r\n{lines}");
        let (mut rounds, mut event) = (0, None);
        thread::scope(|scope| {
            publish(&mut publisher, "wide", &lines, "hi");
            scope.spawn(|| {
                event = Some(listener.message());
                done.store(true, Ordering::SeqCst);
            });
            while !done.load(Ordering::SeqCst) {
                exchange(&mut beside);
                rounds += 1;
            }
        });
        assert!(rounds >= 20, "{rounds}");
        publisher.sync_silent();
        let event = event.unwrap();
        if event.headers.is_some() {
            assert!(event.payload.len() < 200_000, "{}", event.payload.len());
            continue;
        }
        assert!(event.payload.len() < 1_100_000, "{}", event.payload.len());
        let event: Value = serde_json::from_slice(&event.payload).unwrap();
        let told = event["events"].as_array().unwrap().len() - 1;
        let omitted = event["omitted"].as_u64().unwrap() as usize;
        assert_eq!(told + omitted, SUBSCRIPTIONS);
    }
    wide.sync_silent();
}

fn exchange(client: &mut Client) {
    client.send("PUB beside 2\r\nhi");
    client.expect("MSG beside 1 2\r\nhi");
}
