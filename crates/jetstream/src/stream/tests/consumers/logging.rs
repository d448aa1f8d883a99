//! When what consumers have done is written into the log.

use super::{Desk, desk};
use crate::held::InMemory;
use crate::stream::Stream;
use crate::stream::entry::{Entry, decode};
use crate::time::MILLISECOND;

impl Desk {
    /// Delivers a message, of which nothing is proposed yet.
    fn deliver_one(&mut self) {
        self.pull("r", "1");
        while self.at_work(|scene, around| scene.stream.deliver(around)) {}
    }

    /// Has the stream be what the log says.
    fn read_log(&mut self) {
        let config = self.scene.stream.config().clone();
        let held = InMemory::new(config.storage);
        let mut read = Stream::new(config, 1, super::super::START, "", held);
        for entry in decode(self.scene.log.clone().into()).unwrap() {
            read.apply(entry, &super::super::zone);
        }
        self.scene.stream = read;
    }

    fn may_propose_later(&mut self) -> bool {
        let now = self.scene.now;
        self.scene.stream.may_propose_later(now)
    }
}

fn with_messages(settings: &str) -> Desk {
    let mut desk = desk(settings);
    desk.consumer("");
    desk.publish(&["p.a", "p.b", "p.c"]);
    desk.effects();
    desk
}

#[test]
fn it_waits_a_moment_for_more() {
    let mut desk = with_messages("");
    assert!(!desk.may_propose_later());
    desk.deliver_one();
    assert!(desk.may_propose_later());
    desk.scene.pass(MILLISECOND - 1);
    desk.ack([1]);
    desk.deliver_one();
    assert!(desk.may_propose_later());
    let due = desk.scene.now.after(1);
    assert_eq!(desk.scene.stream.wake_at(), Some(due));
    desk.scene.pass(1);
    assert!(!desk.may_propose_later());
    assert!(matches!(desk.scene.commit()[..], [Entry::Consumer(_)]));
    assert_ne!(desk.scene.stream.wake_at(), Some(due));
}

#[test]
fn it_does_not_wait_longer_when_the_clock_is_set_back() {
    let mut desk = with_messages("");
    desk.deliver_one();
    assert!(desk.may_propose_later());
    desk.scene.pass(-5 * MILLISECOND);
    assert!(!desk.may_propose_later());
}

#[test]
fn it_goes_with_what_somebody_waits_for() {
    let mut desk = with_messages("");
    desk.deliver_one();
    assert!(desk.may_propose_later());
    desk.say_to("C", 1, "+ACK", "answer");
    assert!(!desk.may_propose_later());
}

#[test]
fn messages_that_go_by_it_do_not_wait() {
    let mut desk = with_messages(r#","retention":"workqueue""#);
    desk.deliver_one();
    assert!(desk.may_propose_later());
    desk.ack([1]);
    assert!(!desk.may_propose_later());
}

/// The log says that it has gone, and then that it had been delivered.
#[test]
fn what_goes_before_its_delivery_is_written_is_below_the_floor() {
    let mut desk = with_messages("");
    desk.deliver_one();
    desk.scene.delete(1);
    let expected = desk.info_of("C").ack_floor;
    assert_eq!((expected.consumer, expected.stream), (1, 1));
    desk.read_log();
    let floor = desk.info_of("C").ack_floor;
    assert_eq!((floor.consumer, floor.stream), (1, 1));
}

/// What it has passed does not come when it wants others, also after a restart.
#[test]
fn how_far_it_has_looked_is_written_when_it_wants_others() {
    let mut desk = desk("");
    desk.consumer(r#","filter_subject":"p.a""#);
    desk.publish(&["p.a", "p.b"]);
    desk.pull("r", r#"{"batch":2,"no_wait":true}"#);
    desk.effects();
    desk.consumer(r#","filter_subject":"p.b""#);
    desk.publish(&["p.b"]);
    assert_eq!(desk.info_of("C").num_pending, 1);
    desk.read_log();
    assert_eq!(desk.info_of("C").num_pending, 1);
}
