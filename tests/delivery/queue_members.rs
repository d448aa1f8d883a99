//! A message that one member of a queue group cannot take goes to another: nothing is lost while members
//! leave, end at their maximum or are gone.

use crate::beside::Beside;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use vagus_test_support::{Client, Message, TestServer, eventually_equal, server};

const MESSAGES: usize = 4_000;

fn take(numbers: &mut Vec<u64>, messages: Vec<Message>) {
    numbers.extend(messages.iter().map(Message::number));
}

fn messages(client: &mut Client, after: &str) -> Vec<Message> {
    client.send(after);
    client.sync_messages()
}

/// What members know of the publishers, and publishers of the members.
#[derive(Default)]
struct Meanwhile {
    all_published: AtomicBool,
    rounds: Beside,
}

impl Meanwhile {
    /// A member begins one more round, unless all is published.
    fn goes_on(&self) -> bool {
        self.rounds.round();
        !self.all_published.load(Ordering::SeqCst)
    }
}

/// Publishers on two arbiters; one member that stays, and others, on four arbiters, that come and go by
/// `come_and_go` until all is published. Every message reaches exactly one of them.
fn check(come_and_go: impl Fn(&TestServer, Client, usize, &Meanwhile) -> Vec<u64> + Sync) {
    // More threads than some machines have cores: they are interrupted anywhere.
    let server = server().arbiters(4).start();
    let members = [0, 1, 2, 3].map(|arbiter| server.connected_on(arbiter));
    let mut stays = server.connected();
    stays.join("jobs", "workers", "stays");
    let publishers = [0, 1].map(|arbiter| server.connected_on(arbiter));
    let meanwhile = Meanwhile::default();
    let ready = Barrier::new(members.len() + publishers.len());
    let mut numbers: Vec<u64> = thread::scope(|scope| {
        let (server, meanwhile, ready, come_and_go) = (&server, &meanwhile, &ready, &come_and_go);
        let members: Vec<_> = members
            .into_iter()
            .enumerate()
            .map(|(number, member)| {
                scope.spawn(move || {
                    let _until_dropped = meanwhile.rounds.until_dropped();
                    ready.wait();
                    come_and_go(server, member, number, meanwhile)
                })
            })
            .collect();
        let publishers: Vec<_> = publishers
            .into_iter()
            .enumerate()
            .map(|(number, publisher)| {
                scope.spawn(move || {
                    ready.wait();
                    publish(publisher, number * MESSAGES, &meanwhile.rounds);
                })
            })
            .collect();
        let published: Vec<_> = publishers.into_iter().map(|publisher| publisher.join()).collect();
        meanwhile.all_published.store(true, Ordering::SeqCst);
        let numbers = members
            .into_iter()
            .flat_map(|member| member.join().unwrap())
            .collect();
        published.into_iter().for_each(|published| published.unwrap());
        numbers
    });
    let by_others = numbers.len();
    assert!(by_others > 0, "nobody came and went");
    take(&mut numbers, stays.sync_messages());
    numbers.sort_unstable();
    let lost = (0..2 * MESSAGES as u64).find(|number| numbers.binary_search(number).is_err());
    let twice = numbers.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(
        (lost, twice),
        (None, None),
        "{} came, {by_others} of them to others",
        numbers.len()
    );
}

/// No faster than members come and go.
fn publish(mut publisher: Client, from: usize, rounds: &Beside) {
    for (step, first) in (from..from + MESSAGES).step_by(25).enumerate() {
        let mut batch = String::new();
        for number in first..first + 25 {
            let number = number.to_string();
            batch.push_str(&format!("PUB jobs {}\r\n{number}\r\n", number.len()));
        }
        publisher.send_bytes(batch.as_bytes());
        publisher.sync_silent();
        rounds.wait_for(step);
    }
}

/// They leave with UNSUB: what was delivered before its PONG is theirs, what comes after is another's.
#[test]
fn that_leaves() {
    check(|_, mut member, _, meanwhile| {
        let mut numbers = Vec::new();
        let mut sid = 0;
        while meanwhile.goes_on() {
            sid += 1;
            take(
                &mut numbers,
                messages(&mut member, &format!("SUB jobs workers {sid}")),
            );
            take(&mut numbers, member.sync_messages());
            take(&mut numbers, messages(&mut member, &format!("UNSUB {sid}")));
            member.sync_silent();
        }
        numbers
    });
}

/// They leave with UNSUB, and close their connection.
#[test]
fn that_leaves_and_closes_its_connection() {
    check(|server, mut member, _, meanwhile| {
        let mut numbers = Vec::new();
        while meanwhile.goes_on() {
            take(&mut numbers, messages(&mut member, "SUB jobs workers 1"));
            take(&mut numbers, messages(&mut member, "UNSUB 1"));
            member = server.connected();
        }
        numbers
    });
}

/// They end after a few messages, each of which counts.
#[test]
fn that_is_at_its_maximum() {
    check(|_, mut member, number, meanwhile| {
        let mut numbers = Vec::new();
        while meanwhile.goes_on() {
            let max = 1 + number * 3;
            let came = messages(&mut member, &format!("SUB jobs workers 1\r\nUNSUB 1 {max}"));
            let mut count = came.len();
            take(&mut numbers, came);
            while count < max && meanwhile.goes_on() {
                let came = member.sync_messages();
                count += came.len();
                take(&mut numbers, came);
            }
            assert!(count <= max, "{count} messages with a maximum of {max}");
        }
        take(&mut numbers, messages(&mut member, "UNSUB 1"));
        numbers
    });
}

/// A member whose connection is gone, without a word, gets nothing any more.
#[test]
fn that_is_gone() {
    let server = server().arbiters(2).start();
    let mut publisher = server.connected_on(1);
    for arbiter in [0, 1] {
        let mut stays = server.connected_on(arbiter);
        stays.join("jobs", "workers", "stays");
        let before = server.connections().len();
        let members: Vec<Client> = (0..20)
            .map(|_| {
                let mut member = server.connected();
                member.join("jobs", "workers", "goes");
                member
            })
            .collect();
        drop(members);
        eventually_equal(|| server.connections().len(), before);
        for _ in 0..500 {
            publisher.publish("jobs", b"x");
        }
        publisher.sync_silent();
        assert_eq!(stays.sync_messages().len(), 500);
    }
}

/// From the moment the server closes a connection, messages pass its memberships by: though it has so many
/// that to end them takes a while.
#[test]
fn whose_connection_is_being_closed() {
    let server = server().arbiters(2).start();
    let mut publisher = server.connected_on(0);
    for arbiter in [0, 1] {
        let mut stays = server.connected_on(arbiter);
        stays.join("jobs", "workers", "stays");
        let mut goes = server.connected_on(arbiter);
        goes.send(r#"CONNECT {"verbose":false,"name":"goes"}"#);
        let lines: String = (0..5_000)
            .map(|sid| format!("SUB jobs workers {sid}\r\n"))
            .collect();
        goes.send_bytes(lines.as_bytes());
        goes.sync_silent();
        // The fan-out is one that publishers hold already.
        for _ in 0..10 {
            publisher.publish("jobs", b"x");
            publisher.sync_silent();
        }
        let before = goes.sync_messages().len() + stays.sync_messages().len();
        assert_eq!(before, 10);
        let id = server.connection("goes").unwrap().id;
        assert!(server.close_connection(id, vagus::CloseReason::StaleConnection));
        for _ in 0..10 {
            publisher.publish("jobs", b"x");
            publisher.sync_silent();
        }
        assert_eq!(stays.sync_messages().len(), 10);
        assert_eq!(goes.closed(), "");
        stays.send("UNSUB stays");
        stays.sync_silent();
    }
}

/// The only member publishes without echo: nobody else may take it, and nobody does.
#[test]
fn that_wants_no_echo() {
    let server = server().start();
    let mut member = server.client().connect(r#"{"verbose":false,"echo":false}"#);
    member.join("jobs", "workers", "1");
    let mut other = server.connected();
    other.join("jobs", "workers", "2");
    for _ in 0..200 {
        member.publish("jobs", b"x");
    }
    member.sync_silent();
    assert_eq!(
        other.sync_messages().len(),
        200,
        "all of them go to the other member"
    );
    other.send("UNSUB 2");
    other.sync_silent();
    member.publish("jobs", b"x");
    member.sync_silent();
}
