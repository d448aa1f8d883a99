//! A hundred thousand subscriptions of one connection, and ten thousand members of a queue group, work and
//! leave nothing behind.

use vagus_test_support::{eventually_equal, server};

const SUBSCRIPTIONS: usize = 100_000;
const MEMBERS: usize = 10_000;

#[test]
fn a_hundred_thousand_subscriptions_of_one_connection() {
    let server = server().arbiters(2).start();
    let mut subscriber = server.connected();
    let mut lines = String::new();
    for number in 0..SUBSCRIPTIONS {
        lines.push_str(&format!("SUB many.{number} {number}\r\n"));
    }
    subscriber.send_bytes(lines.as_bytes());
    subscriber.sync_silent();
    assert_eq!(server.router().unwrap().subscriptions, SUBSCRIPTIONS);
    let mut publisher = server.connected();
    for number in (0..SUBSCRIPTIONS).step_by(SUBSCRIPTIONS / 50) {
        publisher.publish(&format!("many.{number}"), b"x");
        subscriber.expect(&format!("MSG many.{number} {number} 1\r\nx"));
    }
    // Some end one by one, the others with their connection.
    let ended = SUBSCRIPTIONS / 4;
    let lines: String = (0..ended).map(|number| format!("UNSUB {number}\r\n")).collect();
    subscriber.send_bytes(lines.as_bytes());
    subscriber.sync_silent();
    assert_eq!(server.router().unwrap().subscriptions, SUBSCRIPTIONS - ended);
    publisher.publish("many.0", b"x");
    publisher.sync_silent();
    subscriber.sync_silent();
    drop(subscriber);
    eventually_equal(|| server.router().unwrap().subscriptions, 0);
    drop(publisher);
    server.expect_nothing_left();
}

#[test]
fn ten_thousand_members_of_a_queue_group() {
    let server = server().arbiters(2).start();
    let mut clients: Vec<_> = [0, 1].map(|arbiter| server.connected_on(arbiter)).into();
    let mut publisher = server.connected();
    for client in &mut clients {
        let lines: String = (0..MEMBERS / 2)
            .map(|sid| format!("SUB jobs workers {sid}\r\n"))
            .collect();
        client.send_bytes(lines.as_bytes());
        client.sync_silent();
    }
    let router = server.router().unwrap();
    assert_eq!((router.subscriptions, router.queue_groups), (MEMBERS, 1));
    let copied = server.queue_groups()[0].copied;
    assert!(copied < MEMBERS as u64, "{copied} copied for {MEMBERS} members");
    for _ in 0..1000 {
        publisher.publish("jobs", b"x");
    }
    publisher.sync_silent();
    let jobs: usize = clients
        .iter_mut()
        .map(|client| client.sync_messages().len())
        .sum();
    assert_eq!(jobs, 1000);
    // All but one leave: it gets everything.
    let lines: String = (1..MEMBERS / 2).map(|sid| format!("UNSUB {sid}\r\n")).collect();
    for client in &mut clients {
        client.send_bytes(lines.as_bytes());
        client.sync_silent();
    }
    clients[1].send("UNSUB 0");
    clients[1].sync_silent();
    for _ in 0..100 {
        publisher.publish("jobs", b"x");
    }
    publisher.sync_silent();
    let came = clients[0].sync_messages();
    assert_eq!(came.len(), 100);
    assert!(came.iter().all(|message| message.sid == "0"));
    clients[1].sync_silent();
    clients[0].send("UNSUB 0");
    clients[0].sync_silent();
    let router = server.router().unwrap();
    assert_eq!((router.subscriptions, router.queue_groups), (0, 0));
    drop((clients, publisher));
    server.expect_nothing_left();
}

/// They leave with their connections, in the middle of messages.
#[test]
fn members_vanish_with_their_connections() {
    let server = server().arbiters(2).start();
    let mut publisher = server.connected();
    for _ in 0..20 {
        let members: Vec<_> = (0..10)
            .map(|_| {
                let mut client = server.connected();
                let lines: String = (0..50)
                    .map(|sid| format!("SUB jobs.* workers {sid}\r\n"))
                    .collect();
                client.send_bytes(lines.as_bytes());
                client.sync_silent();
                client
            })
            .collect();
        publisher.send_bytes(b"PUB jobs.1 1\r\nx\r\n".repeat(500).as_slice());
        drop(members);
        publisher.send_bytes(b"PUB jobs.1 1\r\nx\r\n".repeat(500).as_slice());
        publisher.sync_silent();
    }
    drop(publisher);
    server.expect_nothing_left();
}
