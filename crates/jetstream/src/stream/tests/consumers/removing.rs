//! When messages go, consumers that they do not concern cost nothing, however many there are.

use super::super::config;
use super::{Desk, desk};
use crate::api::PurgeRequest;
use crate::held::Messages;

const CONSUMERS: usize = 100;

/// Consumers that each keep the first message, and some the second.
fn many() -> Desk {
    let mut desk = desk("");
    desk.publish(&["p.a", "p.b", "p.c"]);
    for number in 0..CONSUMERS {
        let name = format!("C{number}");
        desk.consumer_named(&name, "");
        desk.pull_from(&name, "r", if number < 3 { "2" } else { "1" });
    }
    desk.effects();
    desk
}

#[test]
fn a_message_that_goes_is_told_to_those_that_keep_something_of_it() {
    let mut desk = many();
    let mut looked_at = |sequence, subject: &str| {
        let consumers = &mut desk.scene.stream.consumers;
        consumers.looked_at_for(sequence, subject.as_bytes())
    };
    assert_eq!(
        [looked_at(1, "p.a"), looked_at(2, "p.b"), looked_at(3, "p.c")],
        [CONSUMERS, 3, 0]
    );
    desk.scene.delete(2);
    for (name, unacknowledged) in [("C0", 1), ("C3", 1)] {
        assert_eq!(desk.info_of(name).num_ack_pending, unacknowledged);
    }
    desk.say_to("C1", 1, "+ACK", "");
    desk.delete("C2");
    let consumers = &mut desk.scene.stream.consumers;
    assert_eq!(consumers.looked_at_for(1, b"p.a"), CONSUMERS - 2);
    assert_eq!(consumers.looked_at_for(2, b"p.b"), 0);
}

#[test]
fn who_keeps_what_is_the_same_after_a_restart_and_when_few_are_left() {
    let mut desk = many();
    desk.read_again();
    let consumers = &mut desk.scene.stream.consumers;
    assert_eq!(consumers.looked_at_for(2, b"p.b"), 3);
    for number in 0..CONSUMERS - 1 {
        desk.delete(&format!("C{number}"));
    }
    let consumers = &mut desk.scene.stream.consumers;
    assert_eq!(consumers.looked_at_for(1, b"p.a"), 1);
    desk.scene.delete(1);
    assert_eq!(desk.info_of(&format!("C{}", CONSUMERS - 1)).num_ack_pending, 0);
}

/// What waits for others of its subject is not noted message by message.
#[test]
fn what_waits_is_found_by_what_is_wanted() {
    let mut desk = desk("");
    for (name, filter) in [("C", "p.a"), ("D", "p.b"), ("E", "p.c")] {
        let settings = r#","metadata":{"vagus.max_ack_pending_per_subject":"1"},"filter_subject":"F""#
            .replace('F', filter);
        desk.consumer_named(name, &settings);
    }
    desk.publish(&["p.a", "p.a", "p.b", "p.b", "p.c"]);
    for name in ["C", "D", "E"] {
        desk.pull_from(name, "r", "5");
    }
    desk.effects();
    let consumers = &mut desk.scene.stream.consumers;
    assert_eq!(consumers.looked_at_for(2, b"p.a"), 1);
    assert_eq!(consumers.looked_at_for(4, b"p.b"), 1);
    desk.scene.delete(2);
    desk.say_to("C", 1, "+ACK", "");
    desk.effects();
    let info = desk.info_of("C");
    assert_eq!((info.num_pending, info.num_ack_pending), (0, 0));
}

#[test]
fn a_purge_is_told_to_those_that_look_for_what_goes() {
    let mut desk = many();
    let concerned = |desk: &mut Desk, filter: &str, first, left| {
        desk.effects();
        let consumers = &desk.scene.stream.consumers;
        consumers.concerned_by_purge(filter.as_bytes(), first, left).len()
    };
    desk.consumer_named("A", r#","filter_subject":"p.a""#);
    assert_eq!(concerned(&mut desk, "p.c", 1, 4), 0);
    assert_eq!(concerned(&mut desk, "p.a", 1, 4), 1);
    assert_eq!(concerned(&mut desk, "p.*", 1, 4), 1);
    assert_eq!(concerned(&mut desk, ">", 3, 3), CONSUMERS - 3 + 1);
    desk.scene.purge(&PurgeRequest::default());
    // Now they are behind it.
    assert_eq!(concerned(&mut desk, ">", 4, 4), 0);
    for name in ["A", "C0", "C9"] {
        let info = desk.info_of(name);
        assert_eq!((info.delivered.stream, info.num_pending), (3, 0), "{name}");
    }
}

/// Consumers are told of messages that go together as of those that go one by one.
#[test]
fn what_is_to_come_is_less_when_a_limit_is_lowered() {
    let mut desk = desk("");
    desk.consumer_named("ALL", "");
    desk.consumer_named("SOME", r#","filter_subject":"p.a""#);
    desk.publish(&["p.a", "p.b"].repeat(10));
    assert_eq!(
        ["ALL", "SOME"].map(|name| desk.info_of(name).num_pending),
        [20, 10]
    );
    desk.pull_from("SOME", "r", "1");
    for (most, left, pending) in [(15, 15, [15, 7]), (3, 3, [3, 1])] {
        let settings = format!(r#","max_msgs":{most}"#);
        desk.scene.stream.request_update(config(&settings), 1);
        desk.scene.commit();
        assert_eq!(desk.scene.stream.held().count(), left);
        assert_eq!(
            ["ALL", "SOME"].map(|name| desk.info_of(name).num_pending),
            pending
        );
        assert_eq!(desk.info_of("SOME").num_ack_pending, 0);
    }
}
