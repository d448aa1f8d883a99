//! What becomes of messages for the owner of a mailbox that has no room for them.

use super::outlets::{SOMEBODY, messages};
use super::*;
use crate::mailbox::{Delivered, Mailbox};
use crate::outbox::WhenFull;
use futures_util::task::noop_waker;
use std::task::{Context, Poll};

/// A message of a hundred bytes for an owner, each in a turn of its own; whether it was taken.
fn publish_numbered(world: &mut World, number: usize) -> bool {
    let taken = world.publish(&format!("PUB a 100\r\n{number:0100}\r\n"), SOMEBODY);
    world.next_turn();
    taken
}

fn numbers(owner: &mut Mailbox) -> Vec<usize> {
    messages(owner)
        .iter()
        .map(|message| {
            std::str::from_utf8(message.parts().payload)
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect()
}

#[test]
fn the_oldest_make_room_if_the_owner_wants_it_so() {
    let mut world = World::new();
    let mut owner = world.owner(100_000, WhenFull::DropOldest);
    world.own(&owner, "a", 1);
    for number in 0..5_000 {
        assert!(publish_numbered(&mut world, number));
    }
    let left = numbers(&mut owner);
    assert!((500..900).contains(&left.len()), "{}", left.len());
    let first = 5_000 - left.len();
    assert_eq!(left, (first..5_000).collect::<Vec<_>>());
    assert_eq!(owner.outbox().lost(), first as u64);
    assert!(publish_numbered(&mut world, 7));
    assert_eq!(numbers(&mut owner), [7]);
}

#[test]
fn messages_are_refused_if_the_owner_wants_it_so() {
    let mut world = World::new();
    let mut owner = world.owner(1_000, WhenFull::Refuse);
    world.own(&owner, "a", 1);
    let outcomes: Vec<_> = (0..100)
        .map(|number| publish_numbered(&mut world, number))
        .collect();
    let accepted = outcomes.iter().take_while(|taken| **taken).count();
    assert!((7..=9).contains(&accepted), "{accepted}");
    assert!(outcomes[accepted..].iter().all(|taken| !taken));
    assert_eq!(owner.outbox().lost(), 100 - accepted as u64);
    assert_eq!(numbers(&mut owner), (0..accepted).collect::<Vec<_>>());
    // And in a queue group another takes it.
    let client = world.client();
    let member = |outbox: &Arc<Outbox>| {
        Arc::new(ConnectionSubscription::new(
            b"b",
            Some(b"q"),
            b"1",
            outbox.clone(),
        ))
    };
    let members = [member(owner.outbox()), member(&client)];
    world
        .account
        .interest()
        .change()
        .set_group(b"b", b"q", members.into());
    world.account.interest().versions().bump(b"b");
    while publish_numbered(&mut world, 0) {}
    for _ in 0..50 {
        assert!(world.publish("PUB b 0\r\n\r\n", SOMEBODY));
    }
    world.next_turn();
    assert_eq!(taken(&client), "MSG b 1 0\r\n\r\n".repeat(50));
    assert!(!owner.outbox().is_closed());
}

#[test]
fn a_publisher_waits_if_the_owner_wants_it_so() {
    let mut world = World::new();
    let mut owner = world.owner(1_000, WhenFull::Pause);
    world.own(&owner, "a", 1);
    let mut published = 0;
    let message = parsed("PUB a 1\r\nx\r\n");
    loop {
        world.delivery.staging.begin_turn(Moment::default());
        if !world
            .delivery
            .goes_on(&world.account, Some(&message), from(SOMEBODY))
        {
            break;
        }
        assert!(publish_numbered(&mut world, published));
        published += 1;
    }
    assert!((7..=9).contains(&published), "{published}");
    let pause = world.delivery.staging.take_pause().expect("there is a reason");
    assert!(pause.required && !pause.length.is_zero());
    assert!(!world.delivery.is_unfinished());
    // Others are not kept waiting.
    world.delivery.staging.begin_turn(Moment::default());
    world.publish("PUB b 0\r\n\r\n", SOMEBODY);
    assert_eq!(world.delivery.staging.take_pause(), None);
    world.next_turn();
    assert_eq!(numbers(&mut owner), (0..published).collect::<Vec<_>>());
    assert!(publish_numbered(&mut world, published));
    assert_eq!(numbers(&mut owner), [published]);
    assert_eq!(owner.outbox().lost(), 0);
}

#[test]
fn an_owner_that_is_slow_is_cut_off_if_it_wants_it_so() {
    let mut world = World::new();
    let mut owner = world.owner(1_000, WhenFull::CutOff);
    world.own(&owner, "a", 1);
    for number in 0..20 {
        publish_numbered(&mut world, number);
    }
    let waker = noop_waker();
    let next = owner.poll_next(&mut Context::from_waker(&waker));
    assert!(
        matches!(
            next,
            Poll::Ready(Delivered::Ended(CloseReason::SlowConsumerPendingBytes))
        ),
        "{next:?}"
    );
}
