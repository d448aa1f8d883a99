use crate::world::{check, options};
use std::thread;
use vagus_test_support::Client;

#[test]
fn the_same_subject_is_another_in_another_account() {
    check(|world| {
        let mut subscribers = ["one", "other"].map(|user| {
            let mut client = world.client(user);
            client.subscribe("x.y", "1");
            client.subscribe("x.>", "2");
            client
        });
        let mut publishers = ["one", "other"].map(|user| world.client(user));
        // Again and again, so that each arbiter has its fan-outs at hand.
        for round in 0..10 {
            for (publisher, name) in publishers.iter_mut().zip(["one", "other"]) {
                publisher.publish("x.y", format!("{name} {round}").as_bytes());
                publisher.sync_silent();
            }
        }
        let traffic = world.traffic();
        assert!(traffic.fanouts_cached >= 14, "{traffic:?}");
        for (subscriber, name) in subscribers.iter_mut().zip(["one", "other"]) {
            let payloads: Vec<_> = subscriber
                .sync_messages()
                .into_iter()
                .map(|message| String::from_utf8(message.payload).unwrap())
                .collect();
            let expected: Vec<_> = (0..20).map(|copy| format!("{name} {}", copy / 2)).collect();
            assert_eq!(payloads, expected);
        }
    });
}

#[test]
fn a_queue_group_has_members_of_one_account() {
    check(|world| {
        let mut members = ["one", "other"].map(|user| {
            let mut client = world.client(user);
            client.join("jobs", "workers", "1");
            client
        });
        let mut publisher = world.client("one");
        for _ in 0..50 {
            publisher.publish("jobs", b"");
        }
        publisher.sync_silent();
        assert_eq!(members[0].sync_messages().len(), 50);
        members[1].sync_silent();
    });
}

#[test]
fn nobody_answers_from_another_account() {
    check(|world| {
        let mut responder = world.client("other");
        responder.subscribe("service", "1");
        let mut requester = world.client("one");
        requester.subscribe("inbox", "9");
        requester.send("PUB service inbox 0\r\n");
        let answer = requester.message();
        assert!(answer.headers.is_some_and(|headers| headers.contains("503")));
        responder.sync_silent();
    });
}

#[test]
fn everybody_is_told_which_account_it_is() {
    check(|world| {
        for (user, account) in [("one", "$G"), ("other", "OTHER")] {
            let mut client = world.client(user);
            let remote = format!(r#""remote_account":"{account}""#);
            assert!(client.info().contains(&remote), "{}", client.info());
            let told = format!(r#""account":"{account}""#);
            client.subscribe("inbox", "1");
            client.send("PUB $SYS.REQ.USER.INFO inbox 0\r\n");
            let answer = String::from_utf8(client.message().payload).unwrap();
            assert!(answer.contains(&told), "{answer}");
        }
    });
}

/// What it was subscribed to as the one is gone when it is the other, though it says both at once.
#[test]
fn a_client_that_becomes_another_leaves_its_account() {
    check(|world| {
        let [mut of_one, mut of_other] = ["one", "other"].map(|user| world.client(user));
        let mut client = world.client("one");
        client.subscribe("before", "1");
        let both = format!(
            "SUB during 2\r\nCONNECT {}\r\nSUB after 3\r\nPUB after 1\r\nx\r\nPING",
            options("other")
        );
        client.send(&both);
        let frames = format!("{:?}", client.until_pong());
        assert!(
            frames.contains("after"),
            "its own, in the account it is in now: {frames}"
        );
        for subject in ["before", "during", "after"] {
            of_one.publish(subject, b"one");
            of_other.publish(subject, b"other");
        }
        of_one.sync_silent();
        of_other.sync_silent();
        let came: Vec<_> = client.sync_messages().into_iter().map(|it| it.subject).collect();
        assert_eq!(came, ["after"]);
    });
}

/// Each Router waits for turns that may run, and is told of their end.
#[test]
fn interest_of_all_accounts_settles() {
    check(|world| {
        let busy = |client: &mut Client, number: usize| {
            for round in 0..300 {
                let subject = format!("s.{number}.{round}");
                client.send(&format!("SUB {subject} 1\r\nPUB {subject} 1\r\nx\r\nPING"));
                assert_eq!(client.until_pong().len(), 1);
                client.send("UNSUB 1\r\nPING");
                assert_eq!(client.until_pong().len(), 0);
            }
        };
        thread::scope(|scope| {
            for (number, user) in ["one", "other", "one", "other"].into_iter().enumerate() {
                let mut client = world.client(user);
                scope.spawn(move || busy(&mut client, number));
            }
        });
    });
}
