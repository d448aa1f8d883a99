use super::{Delivered, Mailbox, Messages, TAKEN_AT_ONCE};
use crate::arbiter::Arbiters;
use crate::moment::Moment;
use crate::outbox::{Outbox, WhenFull};
use bytes::Bytes;
use futures_util::task::{ArcWake, waker};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use vagus_protocol::error::CloseReason;
use vagus_protocol::neutral;
use vagus_routing::ConnectionKind;

#[derive(Default)]
struct Woken(AtomicUsize);

impl ArcWake for Woken {
    fn wake_by_ref(woken: &Arc<Self>) {
        woken.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn mailbox(max_pending: usize, when_full: WhenFull) -> Mailbox {
    Mailbox::new(&Arbiters::new(1), ConnectionKind::Service, max_pending, when_full)
}

fn encoded(number: u32, payload: &[u8]) -> Vec<u8> {
    let parts: [&[u8]; 4] = [
        &neutral::before_subject(number, 3),
        b"a.b",
        &neutral::sizes(0, 0, payload.len()),
        payload,
    ];
    parts.concat()
}

/// Leaves what one turn of a publisher brings.
fn push(outbox: &Outbox, messages: &[Vec<u8>]) {
    let chunk = Bytes::from(messages.concat());
    let payload = chunk.len() as u64;
    let pushed = outbox.push(
        &mut vec![chunk],
        messages.len() as u64,
        payload,
        Moment::default(),
    );
    if pushed.unattended {
        outbox.wake_owner();
    }
}

fn payloads(messages: Messages) -> Vec<Vec<u8>> {
    messages.map(|message| message.parts().payload.to_vec()).collect()
}

#[test]
fn the_owner_is_woken_once_for_what_comes() {
    let mut mailbox = mailbox(usize::MAX, WhenFull::CutOff);
    let woken = Arc::new(Woken::default());
    let task = waker(woken.clone());
    let mut task = Context::from_waker(&task);
    let count = || woken.0.load(Ordering::SeqCst);
    assert!(mailbox.poll_next(&mut task).is_pending());
    for number in 0..3 {
        push(&mailbox.outbox().clone(), &[encoded(number, b"x")]);
    }
    assert_eq!(count(), 1, "it is going to look");
    let Poll::Ready(Delivered::Messages(messages)) = mailbox.poll_next(&mut task) else {
        panic!("there is something");
    };
    let numbers: Vec<_> = messages.map(|message| message.parts().subscription).collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert!(mailbox.poll_next(&mut task).is_pending());
    push(&mailbox.outbox().clone(), &[encoded(3, b"x")]);
    assert_eq!(count(), 2);
    mailbox.outbox().close(CloseReason::ServerShutdown);
    assert_eq!(count(), 3);
    assert_eq!(
        mailbox.poll_ended(&mut task),
        Poll::Ready(CloseReason::ServerShutdown)
    );
}

/// Turns of all sizes, of which the small are put together: no message is cut in two, and none is lost.
#[test]
fn messages_stay_whole_however_they_come() {
    let mut mailbox = mailbox(usize::MAX, WhenFull::CutOff);
    let outbox = mailbox.outbox().clone();
    let mut expected = Vec::new();
    for number in 0..3_000_usize {
        let lengths = match number % 7 {
            0 => vec![1_500, 3],
            1 => vec![0],
            2 => vec![900],
            _ => vec![number % 300, number % 11],
        };
        let messages: Vec<_> = lengths.iter().map(|length| vec![number as u8; *length]).collect();
        let encoded: Vec<_> = messages.iter().map(|payload| encoded(1, payload)).collect();
        push(&outbox, &encoded);
        expected.extend(messages);
    }
    let task = futures_util::task::noop_waker();
    let mut task = Context::from_waker(&task);
    let mut came = Vec::new();
    let mut takes = 0;
    while let Poll::Ready(Delivered::Messages(messages)) = mailbox.poll_next(&mut task) {
        came.extend(payloads(messages));
        takes += 1;
    }
    assert!(came == expected);
    let bytes: usize = expected.iter().map(|payload| payload.len() + 23).sum();
    assert!(
        takes >= bytes / (TAKEN_AT_ONCE + 64 * 1024),
        "{takes} for {bytes}"
    );
    assert_eq!(outbox.traffic().pending, 0);
}

#[test]
fn parts_are_passed_on_without_a_copy() {
    let mut mailbox = mailbox(usize::MAX, WhenFull::CutOff);
    push(
        &mailbox.outbox().clone(),
        &[encoded(1, b"one"), encoded(2, b"two")],
    );
    let task = futures_util::task::noop_waker();
    let Poll::Ready(Delivered::Messages(mut messages)) = mailbox.poll_next(&mut Context::from_waker(&task))
    else {
        panic!("there is something");
    };
    let first = messages.next().unwrap();
    let payload = first.share(first.parts().payload);
    assert_eq!(payload, "one");
    assert_eq!(payload.as_ptr(), first.parts().payload.as_ptr());
    assert_eq!(messages.next().unwrap().parts().payload, b"two");
    assert!(messages.next().is_none());
}

#[test]
fn nothing_is_kept_for_an_owner_that_is_gone() {
    let mailbox = mailbox(usize::MAX, WhenFull::Pause);
    let outbox = mailbox.outbox().clone();
    push(&outbox, &[encoded(1, b"x")]);
    drop(mailbox);
    push(&outbox, &[encoded(1, b"x")]);
    assert!(outbox.is_closed());
    assert_eq!(outbox.traffic().pending, 0);
}

/// Of what came with it nothing is kept.
#[test]
fn a_message_that_is_detached_is_the_same_in_memory_of_its_own() {
    let chunk = Bytes::from([encoded(1, b"one"), encoded(2, b"two")].concat());
    let mut messages = Messages::new(vec![chunk.clone()]);
    let message = messages.next().unwrap();
    let detached = message.detached();
    assert_eq!(detached, message);
    drop((message, messages));
    assert!(chunk.is_unique());
    assert_eq!(detached.parts().payload, b"one");
}

#[test]
fn it_is_known_how_much_has_come_and_how_much_of_that_is_taken() {
    let mut mailbox = mailbox(usize::MAX, WhenFull::Pause);
    assert_eq!((mailbox.taken(), mailbox.end()), (0, 0));
    let one = encoded(1, &[b'x'; TAKEN_AT_ONCE]);
    let length = one.len() as u64;
    for _ in 0..3 {
        push(&mailbox.outbox().clone(), std::slice::from_ref(&one));
    }
    assert_eq!((mailbox.taken(), mailbox.end()), (0, 3 * length));
    let task = futures_util::task::noop_waker();
    for taken in 1..=3 {
        assert!(mailbox.poll_next(&mut Context::from_waker(&task)).is_ready());
        assert_eq!((mailbox.taken(), mailbox.end()), (taken * length, 3 * length));
    }
    assert!(mailbox.poll_next(&mut Context::from_waker(&task)).is_pending());
}
