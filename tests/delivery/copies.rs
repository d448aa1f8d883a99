//! Each message goes once to each plain subscription and to exactly one member of each queue group.

use std::collections::BTreeMap;
use std::thread;
use vagus_test_support::{Client, server};

const MESSAGES: usize = 3_000;

/// Publishes the numbers from `from` on, with a subject of its own every now and then.
fn publish(mut publisher: Client, from: usize) {
    let mut batch = String::new();
    for number in from..from + MESSAGES {
        let (subject, number) = (["work.a", "work.b"][number / 7 % 2], number.to_string());
        batch.push_str(&format!("PUB {subject} {}\r\n{number}\r\n", number.len()));
    }
    publisher.send_bytes(batch.as_bytes());
    publisher.sync_silent();
}

/// Three groups, one of them over a wildcard, with members on both arbiters and two on the same connection;
/// plain subscriptions beside them on some of the same connections.
#[test]
fn to_every_subscription_and_one_member_of_each_group() {
    let server = server().arbiters(2).start();
    let mut subscribers = Vec::new();
    for arbiter in [0, 1] {
        for _ in 0..3 {
            let mut client = server.connected_on(arbiter);
            client.send("SUB work.* first f1\r\nSUB work.* first f2\r\nSUB work.* second s");
            client.send("SUB work.a literal l\r\nSUB work.> tail t");
            client.send("SUB work.* p\r\nSUB work.> q\r\nSUB work.b b");
            client.sync_silent();
            subscribers.push(client);
        }
    }
    let publishers = [0, 1].map(|arbiter| server.connected_on(arbiter));
    thread::scope(|scope| {
        for (number, publisher) in publishers.into_iter().enumerate() {
            scope.spawn(move || publish(publisher, number * MESSAGES));
        }
    });
    let mut by_group: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for subscriber in &mut subscribers {
        let mut plain: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let mut member_of = 0;
        for message in subscriber.sync_messages() {
            let number = message.number();
            match message.sid.as_str() {
                "p" | "q" | "b" => plain.entry(message.sid).or_default().push(number),
                group => {
                    member_of += 1;
                    by_group.entry(group[..1].to_owned()).or_default().push(number);
                }
            }
        }
        for (sid, numbers) in &mut plain {
            numbers.sort_unstable();
            let wanted: Vec<u64> = (0..2 * MESSAGES as u64)
                .filter(|number| sid != "b" || number / 7 % 2 == 1)
                .collect();
            assert!(
                *numbers == wanted,
                "plain {sid}: {} instead of {}",
                numbers.len(),
                wanted.len()
            );
        }
        assert_eq!(plain.len(), 3);
        assert!(member_of > 0, "some member never got any of {MESSAGES} messages");
    }
    for (group, numbers) in &mut by_group {
        numbers.sort_unstable();
        let wanted: Vec<u64> = (0..2 * MESSAGES as u64)
            .filter(|number| group != "l" || number / 7 % 2 == 0)
            .collect();
        assert!(
            *numbers == wanted,
            "group {group}: {} instead of {}",
            numbers.len(),
            wanted.len()
        );
    }
    assert_eq!(by_group.len(), 4);
}

/// Every member gets a fair part: of 6,000 messages to three members none gets less than 1,600, which a
/// fair pick misses once in 10^28 runs.
#[test]
fn members_share_evenly() {
    let server = server().arbiters(2).start();
    let mut members = [0, 0, 1].map(|arbiter| server.connected_on(arbiter));
    for member in &mut members {
        member.join("work.*", "group", "1");
    }
    publish(server.connected(), 0);
    publish(server.connected(), MESSAGES);
    let shares = members.each_mut().map(|member| member.sync_messages().len());
    assert_eq!(shares.iter().sum::<usize>(), 2 * MESSAGES);
    assert!(shares.iter().all(|share| *share > 1_600), "{shares:?}");
}

/// For a message, members of the same name on different subjects that match it are one group.
#[test]
fn the_same_name_on_overlapping_subjects_is_one_group() {
    let server = server().arbiters(2).start();
    let mut members = [0, 1].map(|arbiter| server.connected_on(arbiter));
    members[0].join("work.a", "group", "1");
    members[1].join("work.*", "group", "2");
    publish(server.connected(), 0);
    let numbers = members.each_mut().map(|member| {
        let messages = member.sync_messages();
        messages
            .iter()
            .map(|message| (message.number(), message.subject == "work.a"))
            .collect::<Vec<_>>()
    });
    let of_a = (0..MESSAGES).filter(|number| number / 7 % 2 == 0).count();
    assert!(numbers[0].iter().all(|(_, is_a)| *is_a));
    assert!(
        !numbers[0].is_empty() && numbers[1].iter().any(|(_, is_a)| *is_a),
        "both get some of them"
    );
    assert!(numbers[0].len() < of_a);
    let mut numbers: Vec<u64> = numbers.concat().into_iter().map(|(number, _)| number).collect();
    numbers.sort_unstable();
    assert!(
        numbers == (0..MESSAGES as u64).collect::<Vec<_>>(),
        "{} messages",
        numbers.len()
    );
}
