//! A subscriber that reads slowly, and in bursts, gets everything, in order and undamaged: though writes end
//! anywhere in a message and go on much later, and publishers are slowed down, so that reads begin anywhere.

use crate::numbered::{END, Pace, Plan, Received};
use std::thread;
use vagus_test_support::{eventually, server};

const MAX_PENDING: usize = 32 * 1024 * 1024;

/// From this much on that waits for somebody who still reads, those who publish to it pause.
const PAUSE_FROM: usize = MAX_PENDING / 4;

/// How much the subscriber reads when it does.
const BURST: usize = 3 * 1024 * 1024;

/// The subscriber reads in bursts, each only once so much waits for it that publishers pause.
fn check(plans: &[Plan], publishers_on: &[usize]) {
    let size: usize = plans.iter().map(Plan::size).sum();
    // Never so much that the subscriber is given up.
    assert!(
        PAUSE_FROM + BURST < size && size < MAX_PENDING,
        "{size} bytes do not fit the test"
    );
    let server = server().arbiters(2).max_pending(MAX_PENDING).start();
    let mut subscriber = server.connected_with_little_room();
    subscriber.subscribe("slow.>", "1");
    subscriber.subscribe(END, "end");
    let publishers: Vec<_> = publishers_on
        .iter()
        .map(|arbiter| server.connected_on(*arbiter))
        .collect();
    thread::scope(|scope| {
        let published: Vec<_> = plans
            .iter()
            .zip(publishers)
            .map(|(plan, publisher)| scope.spawn(move || plan.publish(publisher, Pace::Flood)))
            .collect();
        let (mut reader, _writer) = subscriber.split();
        let mut received = Received::default();
        let mut slow = 0;
        while !received.is_complete(plans) {
            let all_published = || published.iter().all(|published| published.is_finished());
            eventually(|| all_published() || server.most_pending() > PAUSE_FROM);
            slow += usize::from(server.most_pending() > PAUSE_FROM);
            let mut burst = 0;
            while burst < BURST && !received.is_complete(plans) {
                let message = reader.message();
                burst += message.payload.len();
                received.take(message, plans);
            }
        }
        assert!(slow > 1, "the subscriber was slow {slow} times");
        received.assert_complete(&[("1", "slow.>")], plans);
    });
}

/// The subscriber reads all the time, through a system that takes a few KiB at once: whatever is written to it
/// is written in part, while others on both arbiters bring more.
#[test]
fn while_more_comes() {
    let subjects = ["slow.a", "slow.b", "slow.c.d"];
    let server = server().arbiters(2).start();
    let mut subscriber = server.connected_with_little_room();
    subscriber.subscribe("slow.>", "1");
    subscriber.subscribe(END, "end");
    let publishers = [0, 1, 1].map(|arbiter| server.connected_on(arbiter));
    let plans: Vec<Plan> = (0..publishers.len())
        .map(|number| Plan::random(number, 4_000, &subjects, 20 * 1024))
        .collect();
    thread::scope(|scope| {
        for (plan, publisher) in plans.iter().zip(publishers) {
            scope.spawn(move || plan.publish(publisher, Pace::Drops));
        }
        let (mut reader, _writer) = subscriber.split();
        let received = Received::read(&mut reader, &plans);
        received.assert_complete(&[("1", "slow.>")], &plans);
    });
}

#[test]
fn of_messages_of_all_sizes() {
    let subjects = ["slow.a", "slow.b", "slow.c.d"];
    for arbiter in [0, 1] {
        check(&[Plan::random(0, 1_400, &subjects, 100 * 1024)], &[arbiter]);
    }
}

#[test]
fn of_several_publishers() {
    let subjects = ["slow.a", "slow.b", "slow.c.d"];
    let plans: Vec<Plan> = (0..4)
        .map(|number| Plan::random(number, 350, &subjects, 100 * 1024))
        .collect();
    check(&plans, &[0, 1, 0, 1]);
}

/// With what stands before it, a payload is just over what one read takes.
#[test]
fn of_64_kib_each() {
    let lengths: Vec<usize> = (0..330).map(|number| 64 * 1024 - number % 40).collect();
    check(&[Plan::with_lengths(0, "slow.large", &lengths)], &[0]);
}

#[test]
fn of_a_mebibyte_each() {
    let lengths: Vec<usize> = (0..40)
        .map(|number| if number % 2 == 0 { 1024 * 1024 - 64 } else { number })
        .collect();
    check(&[Plan::with_lengths(0, "slow.large", &lengths)], &[1]);
}
