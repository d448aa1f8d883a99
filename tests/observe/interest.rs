//! The Router shows the subscriptions and queue groups there are at that moment.

use vagus_test_support::{TestServer, eventually_equal, server};

fn shown(server: &TestServer) -> (usize, usize) {
    let router = server.router().unwrap();
    (router.subscriptions, router.queue_groups)
}

#[test]
fn is_counted() {
    let server = server().arbiters(2).start();
    let mut first = server.connected_on(0);
    let mut second = server.connected_on(1);
    assert_eq!(shown(&server), (0, 0));
    first.send("SUB a 1\r\nSUB a 2\r\nSUB a 1\r\nSUB b workers 3\r\nSUB b.* workers 4\r\nSUB b others 5");
    first.sync_silent();
    assert_eq!(shown(&server), (5, 3), "a sid that is in use stays as it is");
    second.send("SUB b workers 1\r\nSUB b workers 2");
    second.sync_silent();
    assert_eq!(shown(&server), (7, 3));
    first.send("UNSUB 3\r\nUNSUB 5\r\nUNSUB 99");
    first.sync_silent();
    assert_eq!(shown(&server), (5, 2), "the second still works");
    second.send("UNSUB 1\r\nUNSUB 2");
    second.sync_silent();
    assert_eq!(shown(&server), (3, 1));
    first.send("UNSUB 1 1\r\nUNSUB 4 1\r\nPUB a 0\r\n\r\nPUB b.c 0\r\n");
    assert_eq!(first.sync_messages().len(), 3);
    eventually_equal(|| shown(&server), (1, 0));
    drop(first);
    eventually_equal(|| shown(&server), (0, 0));
    let router = server.router().unwrap();
    assert_eq!((router.waiting_changes, router.settling), (0, 0));
}

/// A group is born and ends a hundred times, with members on both arbiters that come and go at once.
#[test]
fn of_groups_that_come_and_go() {
    let server = server().arbiters(2).start();
    let mut members = [0, 1].map(|arbiter| server.connected_on(arbiter));
    for _ in 0..100 {
        for member in &mut members {
            member.send("SUB a workers 1\r\nUNSUB 1\r\nSUB a workers 1\r\nPING");
        }
        for member in &mut members {
            member.expect("PONG");
        }
        assert_eq!(shown(&server), (2, 1));
        for member in &mut members {
            member.send("UNSUB 1\r\nPING");
        }
        for member in &mut members {
            member.expect("PONG");
        }
        assert_eq!(shown(&server), (0, 0));
    }
}

/// A group has an actor of its own that knows its members.
#[test]
fn of_each_group_apart() {
    let server = server().arbiters(2).start();
    let mut members = [0, 1].map(|arbiter| server.connected_on(arbiter));
    members[0].send("SUB a workers 1\r\nSUB a others 2");
    members[1].send("SUB a workers 1");
    for member in &mut members {
        member.sync_silent();
    }
    let mut groups = server.queue_groups();
    groups.sort_by(|one, other| one.queue.cmp(&other.queue));
    let shown: Vec<_> = groups
        .iter()
        .map(|group| (group.subject.as_str(), group.queue.as_str(), group.members))
        .collect();
    assert_eq!(shown, [("a", "others", 1), ("a", "workers", 2)]);
}

/// The last member leaves at the moment when another joins: in ten groups at a time, again and again.
#[test]
fn of_groups_that_change_hands() {
    const GROUPS: usize = 10;
    let server = server().arbiters(2).start();
    let mut pairs: Vec<_> = (0..GROUPS)
        .map(|_| [server.connected(), server.connected()])
        .collect();
    for (number, pair) in pairs.iter_mut().enumerate() {
        pair[0].join("jobs", &format!("workers.{number}"), "1");
    }
    let mut publisher = server.connected();
    for _ in 0..50 {
        for (number, pair) in pairs.iter_mut().enumerate() {
            pair[0].send("UNSUB 1\r\nPING");
            pair[1].send(&format!("SUB jobs workers.{number} 1\r\nPING"));
        }
        for pair in &mut pairs {
            for client in pair.iter_mut() {
                client.expect("PONG");
            }
            pair.swap(0, 1);
        }
        assert_eq!(shown(&server), (GROUPS, GROUPS));
        publisher.publish("jobs", b"x");
        for [member, other] in &mut pairs {
            member.expect("MSG jobs 1 1\r\nx");
            other.sync_silent();
        }
    }
}
