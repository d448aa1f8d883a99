//! UNSUB with a maximum is exact: that many messages since SUB, however many publish them at the same time, and
//! then the sid is free again.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use vagus_test_support::{Client, eventually_equal, server};

/// Publishes this often on a subject, some at a time.
fn publish(mut publisher: Client, subject: &str, times: usize) -> Client {
    let frame = format!("PUB {subject} 1\r\nx\r\n");
    for _ in 0..times / 50 {
        publisher.send_bytes(frame.repeat(50).as_bytes());
        publisher.sync_silent();
    }
    publisher
}

/// How many messages with this sid have come by now.
fn count(client: &mut Client, sid: &str) -> usize {
    client
        .sync_messages()
        .iter()
        .filter(|message| message.sid == sid)
        .count()
}

/// Four publishers on two arbiters, and limited subscriptions of every kind beside unlimited ones.
#[test]
fn is_exact_with_several_publishers() {
    const EACH: usize = 1_000;
    for (subscription, max) in [
        ("flood", 1),
        ("flood", 777),
        ("*", 778),
        ("flood workers", 1_001),
        (">", 3_999),
    ] {
        let server = server().arbiters(2).start();
        let publishers = [0, 0, 1, 1].map(|arbiter| server.connected_on(arbiter));
        let mut subscribers = [0, 1].map(|arbiter| server.connected_on(arbiter));
        let mut others = [server.connected(), server.connected()];
        for other in &mut others {
            other.subscribe("flood", "7");
        }
        for subscriber in &mut subscribers {
            subscriber.send(&format!(
                "SUB {subscription} 7\r\nUNSUB 7 {max}\r\nSUB flood stays"
            ));
            subscriber.sync_silent();
        }
        thread::scope(|scope| {
            for publisher in publishers {
                scope.spawn(|| publish(publisher, "flood", EACH));
            }
        });
        for subscriber in &mut subscribers {
            let came = subscriber.sync_messages();
            let of = |sid: &str| came.iter().filter(|message| message.sid == sid).count();
            assert_eq!((of("7"), of("stays")), (max, 4 * EACH), "{subscription} {max}");
        }
        for other in &mut others {
            assert_eq!(count(other, "7"), 4 * EACH);
        }
        eventually_equal(|| server.router().unwrap().subscriptions, 4);
    }
}

/// Two members at their maximum and no third: what is over goes to nobody.
#[test]
fn is_exact_for_all_members_of_a_group() {
    let server = server().arbiters(2).start();
    let mut members = [0, 1].map(|arbiter| server.connected_on(arbiter));
    let publishers = [0, 1].map(|arbiter| server.connected_on(arbiter));
    for member in &mut members {
        member.send("SUB flood workers 1\r\nUNSUB 1 300");
        member.sync_silent();
    }
    thread::scope(|scope| {
        for publisher in publishers {
            scope.spawn(|| publish(publisher, "flood", 500));
        }
    });
    assert_eq!(members.each_mut().map(|member| count(member, "1")), [300, 300]);
    eventually_equal(|| server.router().unwrap().queue_groups, 0);
}

/// The maximum comes while messages do, by fan-outs that were resolved without it. Until it is in force fewer
/// are published than it allows.
#[test]
fn is_exact_when_it_comes_amid_messages() {
    const MAX: usize = 2_500;
    for subject in ["flood", "*", "flood workers"] {
        let server = server().arbiters(2).start();
        let publishers = [0, 1].map(|arbiter| server.connected_on(arbiter));
        let mut subscriber = server.connected_on(1);
        subscriber.send(&format!("SUB {subject} 1"));
        subscriber.sync_silent();
        let (left, done) = (AtomicUsize::new(MAX / 50 - 1), AtomicBool::new(false));
        let came = thread::scope(|scope| {
            for mut publisher in publishers {
                scope.spawn(|| {
                    while !done.load(Ordering::SeqCst) {
                        let may =
                            left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
                        if may.is_ok() {
                            publisher = publish(publisher, "flood", 50);
                        }
                    }
                });
            }
            let mut came = subscriber.messages(100).len();
            subscriber.send(&format!("UNSUB 1 {MAX}"));
            came += subscriber.sync_messages().len();
            left.store(2 * MAX / 50, Ordering::SeqCst);
            while left.load(Ordering::SeqCst) > 0 {
                came += subscriber.sync_messages().len();
            }
            done.store(true, Ordering::SeqCst);
            came
        });
        // The publishers have ended: what is under way now is all there will be.
        assert_eq!(came + subscriber.sync_messages().len(), MAX, "{subject}");
    }
}

/// What was delivered before UNSUB counts; a maximum that is reached already ends the subscription at once.
#[test]
fn counts_since_sub() {
    let server = server().start();
    let mut client = server.connected();
    client
        .send("SUB a 1\r\nPUB a 1\r\n1\r\nPUB a 1\r\n2\r\nUNSUB 1 3\r\nPUB a 1\r\n3\r\nPUB a 1\r\n4\r\nPING");
    client.expect("MSG a 1 1\r\n1\r\nMSG a 1 1\r\n2\r\nMSG a 1 1\r\n3\r\nPONG");
    client.send("SUB a 1\r\nPUB a 1\r\n5\r\nPUB a 1\r\n6\r\nUNSUB 1 1\r\nPUB a 1\r\n7\r\nPING");
    client.expect("MSG a 1 1\r\n5\r\nMSG a 1 1\r\n6\r\nPONG");
    eventually_equal(|| server.router().unwrap().subscriptions, 0);
}

/// The sid of a subscription that has had its last message means the next subscription, to any subject.
#[test]
fn frees_the_sid() {
    let server = server().arbiters(2).start();
    let mut publisher = server.connected_on(0);
    for arbiter in [0, 1] {
        let mut subscriber = server.connected_on(arbiter);
        for round in 0..100 {
            subscriber.send(&format!("SUB first.{round} 1\r\nUNSUB 1 2"));
            subscriber.sync_silent();
            for payload in [b"1", b"2", b"3"] {
                publisher.publish(&format!("first.{round}"), payload);
            }
            publisher.sync_silent();
            subscriber.expect(&format!(
                "MSG first.{round} 1 1\r\n1\r\nMSG first.{round} 1 1\r\n2"
            ));
            subscriber.subscribe(&format!("second.{round}"), "1");
            publisher.publish(&format!("first.{round}"), b"4");
            publisher.publish(&format!("second.{round}"), b"5");
            publisher.sync_silent();
            subscriber.expect(&format!("MSG second.{round} 1 1\r\n5"));
            subscriber.send("UNSUB 1");
            subscriber.sync_silent();
        }
        eventually_equal(|| server.router().unwrap().subscriptions, 0);
    }
}

/// It is free for the very next line.
#[test]
fn frees_the_sid_at_once() {
    let server = server().start();
    let mut client = server.connected();
    for _ in 0..20 {
        client.send("SUB a 1\r\nUNSUB 1 1\r\nPUB a 1\r\nx\r\nSUB b 1\r\nPUB a 1\r\ny\r\nPUB b 1\r\nz\r\nUNSUB 1\r\nPING");
        client.expect("MSG a 1 1\r\nx\r\nMSG b 1 1\r\nz\r\nPONG");
    }
    eventually_equal(|| server.router().unwrap().subscriptions, 0);
}

/// A later UNSUB replaces the maximum of an earlier one, and one without a maximum ends it at once.
#[test]
fn can_be_changed() {
    let server = server().start();
    let mut client = server.connected();
    client.send("SUB a 1\r\nUNSUB 1 1\r\nUNSUB 1 3\r\nPUB a 1\r\n1\r\nPUB a 1\r\n2\r\nPUB a 1\r\n3\r\nPUB a 1\r\n4\r\nPING");
    client.expect("MSG a 1 1\r\n1\r\nMSG a 1 1\r\n2\r\nMSG a 1 1\r\n3\r\nPONG");
    client.send("SUB a 2\r\nUNSUB 2 9\r\nPUB a 1\r\n1\r\nUNSUB 2\r\nPUB a 1\r\n2\r\nPING");
    client.expect("MSG a 2 1\r\n1\r\nPONG");
}
