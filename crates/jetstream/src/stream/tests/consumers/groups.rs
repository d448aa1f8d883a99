//! Requests of groups, of which some come before others.

use super::desk;
use crate::error::ApiError;
use crate::time::SECOND;

#[test]
fn those_of_the_lowest_number_come_first() {
    let mut desk = desk("");
    desk.consumer(r#","priority_policy":"prioritized","priority_groups":["A"]"#);
    for (reply, priority) in [("two", 2), ("one", 1), ("also", 1)] {
        let body = format!(r#"{{"batch":2,"group":"A","priority":{priority}}}"#);
        desk.pull(reply, &body);
    }
    desk.publish(&["p.1", "p.2", "p.3", "p.4", "p.5"]);
    let mut sent = desk.sent();
    sent.sort_by_key(|sent| sent.split('.').nth(3).unwrap().to_owned());
    let to: Vec<&str> = sent.iter().map(|sent| sent.split(' ').next().unwrap()).collect();
    assert_eq!(to, ["one", "also", "one", "also", "two"]);
}

#[test]
fn some_are_served_only_if_there_is_enough() {
    let mut desk = desk("");
    desk.consumer(r#","priority_policy":"overflow","priority_groups":["A"]"#);
    desk.pull("few", r#"{"batch":1,"group":"A","min_pending":3}"#);
    desk.pull("acks", r#"{"batch":1,"group":"A","min_ack_pending":1}"#);
    desk.publish(&["p.1", "p.2"]);
    assert_eq!(desk.sent(), [""; 0]);
    desk.publish(&["p.3"]);
    let sent = desk.sent();
    assert_eq!(sent, ["few p.1 1.1.1.2 p.1", "acks p.2 1.2.2.1 p.2"]);
}

#[test]
fn one_client_is_served_until_it_stays_away() {
    let mut desk = desk("");
    desk.consumer(
        r#","priority_policy":"pinned_client","priority_groups":["A"],"priority_timeout":1000000000"#,
    );
    desk.publish(&["p.1", "p.2", "p.3", "p.4"]);
    desk.pull("one", r#"{"batch":1,"group":"A"}"#);
    let sent = desk.sent();
    let pin = sent[1]
        .split_once("Nats-Pin-Id: ")
        .unwrap()
        .1
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    assert!(sent[0].starts_with("Pinned { group: \"A\""), "{sent:?}");
    assert_eq!(pin.len(), 22);
    desk.pull("two", r#"{"batch":1,"group":"A"}"#);
    desk.pull("one", r#"{"batch":1,"group":"A","id":"other"}"#);
    assert_eq!(desk.sent(), ["one = 423 Nats-Pin-Id mismatch"]);
    desk.pull("one", &format!(r#"{{"batch":1,"group":"A","id":"{pin}"}}"#));
    let sent = desk.sent();
    assert_eq!(sent, [format!("one p.2 1.2.2.2 Nats-Pin-Id: {pin} p.2")]);
    let sent = desk.pass(2 * SECOND);
    assert!(
        sent[0].contains("timeout") && sent[2].starts_with("two p.3"),
        "{sent:?}"
    );
    assert_eq!(desk.unpin("B"), Err(ApiError::CONSUMER_GROUP_UNKNOWN));
    desk.pull("three", r#"{"batch":1,"group":"A"}"#);
    desk.unpin("A").unwrap();
    let sent = desk.sent();
    assert!(
        sent[0].contains("admin") && sent[2].starts_with("three p.4"),
        "{sent:?}"
    );
}
