//! Totals as they are sampled.

use crate::{open, with};
use serde_json::Value;
use vagus_test_support::{Events, server};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn samples_come_in_order_the_old_ones_first() {
    let server = server().monitoring().set(with(open())).start();
    let mut client = server.connected();
    client.subscribe("a", "1");
    client.send("PUB a 3\r\nabc");
    client.expect("MSG a 1 3\r\nabc");
    for address in [server.admin_address(), server.monitor_address()] {
        let mut events = Events::of(address.unwrap(), "/v1/events");
        let (name, history) = events.next_event();
        assert_eq!(name, "history");
        let mut last = json(&history)
            .as_array()
            .unwrap()
            .last()
            .map_or(0, |sample| sample[0].as_u64().unwrap());
        loop {
            let (name, sample) = events.next_event();
            assert_eq!(name, "sample");
            let sample = json(&sample);
            assert!(sample[0].as_u64().unwrap() > last, "{sample}");
            last = sample[0].as_u64().unwrap();
            assert_eq!(sample.as_array().unwrap().len(), 10);
            // Connections and subscriptions; what passed is counted by the arbiter before it is delivered.
            if sample[5] == 1 && sample[6] == 1 {
                let passed: Vec<u64> = (1..5).map(|at| sample[at].as_u64().unwrap()).collect();
                assert_eq!(passed, [1, 1, 3, 3]);
                break;
            }
        }
    }
}
