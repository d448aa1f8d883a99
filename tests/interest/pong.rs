//! PONG after SUB means that the subscription is in force for every publisher, PONG after UNSUB that not one
//! message more comes, whatever publishers on other arbiters do at that moment.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use vagus_test_support::{Client, Frame, Message, TestServer, server};

/// Numbers that somebody publishes all the time while a test runs.
#[derive(Default)]
struct Flood {
    /// The number that is sent next.
    next: AtomicU64,
    /// Numbers before this one have been read by the subscriber.
    read: AtomicU64,
    done: AtomicBool,
}

impl Flood {
    /// The publisher is no further ahead of a subscriber that counts what it reads: otherwise it would read
    /// old numbers most of the time, and ever older ones.
    const AHEAD_AT_MOST: u64 = 1000;

    /// Publishes on `flood` until the test has ended, well or not.
    fn during(&self, publisher: Client, test: impl FnOnce()) {
        struct Finally<'a>(&'a AtomicBool);
        impl Drop for Finally<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        thread::scope(|scope| {
            scope.spawn(move || self.run(publisher));
            let _finally = Finally(&self.done);
            test();
        });
    }

    fn run(&self, mut publisher: Client) {
        while !self.done.load(Ordering::SeqCst) {
            if self.next.load(Ordering::SeqCst)
                > self
                    .read
                    .load(Ordering::SeqCst)
                    .saturating_add(Self::AHEAD_AT_MOST)
            {
                thread::yield_now();
                continue;
            }
            let mut batch = String::new();
            for _ in 0..20 {
                let number = self.next.fetch_add(1, Ordering::SeqCst).to_string();
                batch.push_str(&format!("PUB flood {}\r\n{number}\r\n", number.len()));
            }
            publisher.send_bytes(batch.as_bytes());
            publisher.sync_silent();
        }
    }

    /// The subscriber has read this message.
    fn has_read(&self, message: &Message) {
        self.read.store(message.number(), Ordering::SeqCst);
    }

    fn has_read_all(&self, frames: Vec<Frame>) {
        for message in messages(frames) {
            self.has_read(&message);
        }
    }
}

fn messages(frames: Vec<Frame>) -> Vec<Message> {
    frames
        .into_iter()
        .map(|frame| match frame {
            Frame::Message(message) => message,
            other => panic!("messages are expected, not {other:?}"),
        })
        .collect()
}

fn pairs() -> [(usize, usize); 4] {
    [(0, 0), (0, 1), (1, 0), (1, 1)]
}

fn with_pairs(check: impl Fn(&TestServer, Client, Client)) {
    for (publishers, subscribers) in pairs() {
        let server = server().arbiters(2).start();
        let (mut first, mut second) = (None, None);
        // The first arbiter is filled up before the second gets any.
        for arbiter in [0, 1] {
            if publishers == arbiter {
                first = Some(server.connected_on(arbiter));
            }
            if subscribers == arbiter {
                second = Some(server.connected_on(arbiter));
            }
        }
        check(&server, first.unwrap(), second.unwrap());
    }
}

/// What is published after the PONG arrives, though the publisher has had the fan-out of the subject for long.
#[test]
fn after_sub_means_in_force() {
    with_pairs(|_, publisher, mut subscriber| {
        let flood = Flood::default();
        // Nobody reads between one subscription and the next.
        flood.read.store(u64::MAX, Ordering::SeqCst);
        flood.during(publisher, || {
            for round in 0..150 {
                let sid = round.to_string();
                subscriber.send(&format!("SUB flood {sid}\r\nPING"));
                let before = messages(subscriber.until_pong());
                // What is sent from now on is sent after the PONG came.
                let in_force = flood.next.load(Ordering::SeqCst);
                let first = before.into_iter().next().unwrap_or_else(|| subscriber.message());
                assert_eq!(first.sid, sid, "only this subscription is left");
                let number = first.number();
                assert!(
                    number <= in_force,
                    "the first message is number {number}, though number {in_force} was sent after the PONG"
                );
                subscriber.send(&format!("UNSUB {sid}"));
                subscriber.sync();
            }
        });
    });
}

/// After the PONG not one message with that sid comes: neither before the next PONG nor the one after it,
/// though other subscriptions of the same connection to the same subject get them all the time.
#[test]
fn after_unsub_means_nothing_more() {
    with_pairs(|_, publisher, mut subscriber| {
        subscriber.subscribe("flood", "stays");
        let flood = Flood::default();
        flood.during(publisher, || {
            for round in 0..150 {
                let (subject, sid) = (["flood", "*", ">", "flood workers"][round % 4], round.to_string());
                subscriber.send(&format!("SUB {subject} {sid}\r\nPING"));
                flood.has_read_all(subscriber.until_pong());
                // In the middle of messages to both.
                loop {
                    let message = subscriber.message();
                    flood.has_read(&message);
                    if message.sid == sid {
                        break;
                    }
                }
                subscriber.send(&format!("UNSUB {sid}"));
                flood.has_read_all(subscriber.sync());
                for _ in 0..50 {
                    let message = subscriber.message();
                    assert_eq!(message.sid, "stays", "a message after the PONG: {message:?}");
                    flood.has_read(&message);
                }
            }
        });
    });
}

/// A message that is skipped by the one subscription is not lost to the other: what stays has no gaps.
#[test]
fn the_coming_and_going_of_one_subscription_costs_another_nothing() {
    with_pairs(|_, publisher, mut subscriber| {
        subscriber.subscribe("flood", "stays");
        let mut awaited = 0;
        let flood = Flood::default();
        flood.during(publisher, || {
            let mut round = 0;
            // Whichever of the two threads is slower, there are rounds amid messages.
            while round < 150 || awaited < 1_000 {
                round += 1;
                subscriber.send(&format!("SUB flood {round}"));
                let mut came = messages(subscriber.sync());
                subscriber.send(&format!("UNSUB {round}"));
                came.extend(messages(subscriber.sync()));
                for message in came.iter().filter(|message| message.sid == "stays") {
                    assert_eq!(message.number(), awaited);
                    awaited += 1;
                    flood.has_read(message);
                }
            }
        });
    });
}

/// SUB, PUB, UNSUB, PUB in one go: the first is delivered, the second is not.
#[test]
fn a_connection_hears_itself_between_sub_and_unsub() {
    let server = server().arbiters(2).start();
    for arbiter in [0, 1] {
        let mut client = server.connected_on(arbiter);
        for round in 0..100 {
            client.send(&format!(
                "SUB me.{round} {round}\r\nPUB me.{round} 3\r\none\r\nUNSUB {round}\r\nPUB me.{round} 3\r\ntwo\r\nPING"
            ));
            client.expect(&format!("MSG me.{round} {round} 3\r\none\r\nPONG"));
        }
        client.sync_silent();
    }
}

/// The same in a queue group, whose membership another actor decides.
#[test]
fn a_member_hears_itself_between_sub_and_unsub() {
    let server = server().arbiters(2).start();
    for arbiter in [0, 1] {
        let mut client = server.connected_on(arbiter);
        for round in 0..100 {
            client.send(&format!(
                "SUB me g {round}\r\nPUB me 3\r\none\r\nUNSUB {round}\r\nPUB me 3\r\ntwo\r\nPING"
            ));
            client.expect(&format!("MSG me {round} 3\r\none\r\nPONG"));
        }
        client.sync_silent();
    }
}
