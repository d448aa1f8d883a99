//! What is published in one cluster comes to those who want it in the others, once.

use crate::world::{await_gateways, gateway, in_cluster, port, two};
use vagus_test_support::{Client, Message, TestServer, eventually, subscribed};

#[test]
fn messages_go_both_ways() {
    let [a, b] = two();
    for (here, there) in [(&a, &b), (&b, &a)] {
        let mut subscriber = subscribed(here, "s.* 1", &[there]);
        let mut publisher = there.connected();
        publisher.send("PUB s.1 2\r\nhi\r\nHPUB s.2 reply 12 14\r\nNATS/1.0\r\n\r\nho");
        let [first, second] = [subscriber.message(), subscriber.message()];
        assert_eq!((&*first.subject, &*first.payload), ("s.1", &b"hi"[..]));
        assert_eq!(
            (&*second.subject, second.reply.as_deref(), &*second.payload),
            ("s.2", Some("reply"), &b"ho"[..])
        );
        assert!(subscriber.sync_messages().is_empty());
    }
}

/// Who asks has just subscribed to the answer, and the other cluster cannot know of that yet.
#[test]
fn answers_find_back_to_who_has_just_subscribed() {
    let [a, b] = two();
    let mut service = subscribed(&b, "service 1", &[&a]);
    for number in 0..200 {
        let mut client = a.connected();
        let inbox = format!("_INBOX.{number}");
        client.send(&format!("SUB {inbox} 1\r\nPUB service {inbox} 2\r\nhi"));
        answer(&mut service, &inbox);
        let answer = client.message();
        assert_eq!((&*answer.subject, &*answer.payload), (&*inbox, &b"ho"[..]));
        assert!(client.sync_messages().is_empty());
    }
}

/// Answers the next request, which has to show its reply as it was.
#[track_caller]
fn answer(service: &mut Client, reply: &str) {
    let request = service.message();
    assert_eq!(request.reply.as_deref(), Some(reply));
    service.send(&format!("PUB {reply} 2\r\nho"));
}

/// Requests come to one server of a cluster, are answered at another, and the answers come to a third that passes them on.
#[test]
fn answers_find_back_by_other_servers() {
    let a1 = in_cluster(gateway("a1", "A", &[]), "A", &[]).start();
    let a2 = in_cluster(gateway("a2", "A", &[]), "A", &[a1.cluster_address().unwrap()]).start();
    let b1 = in_cluster(gateway("b1", "B", &[("A", port(&a1))]), "B", &[]).start();
    let b2 = in_cluster(
        gateway("b2", "B", &[("A", port(&a2))]),
        "B",
        &[b1.cluster_address().unwrap()],
    )
    .start();
    for server in [&a1, &a2, &b1, &b2] {
        eventually(|| server.gateways().0 == 1);
        eventually(|| server.cluster().unwrap().members.len() == 1);
    }
    for (asked, answering) in [(&a1, &b1), (&a1, &b2), (&a2, &b1), (&a2, &b2)] {
        let mut service = subscribed(answering, "service 1", &[asked]);
        for number in 0..50 {
            let mut client = asked.connected();
            let inbox = format!("_INBOX.{number}");
            client.send(&format!("SUB {inbox} 1\r\nPUB service {inbox} 2\r\nhi"));
            answer(&mut service, &inbox);
            assert_eq!(client.message().payload, b"ho");
            assert!(client.sync_messages().is_empty());
        }
    }
}

/// What is on its way between servers is shown to nobody, whatever they want.
#[test]
fn who_wants_everything_is_shown_what_was_published() {
    let [a, b] = two();
    let mut service = subscribed(&b, "service 1", &[&a]);
    let mut all = b.connected();
    all.send("SUB > 1");
    all.sync_silent();
    let mut client = a.connected();
    eventually(|| {
        client.send("PUB probe 0\r\n");
        client.sync_silent();
        !all.sync_messages().is_empty()
    });
    client.send("SUB inbox 1\r\nPUB service inbox 2\r\nhi");
    answer(&mut service, "inbox");
    assert_eq!(client.message().payload, b"ho");
    // The answer comes back from there, as it is wanted here as well.
    let mut came = Vec::new();
    while came.len() < 2 {
        let message = all.message();
        if message.subject != "probe" {
            came.push((message.subject, message.reply.unwrap_or_default()));
        }
    }
    assert_eq!(
        came,
        [
            ("service".into(), "inbox".into()),
            ("inbox".into(), String::new())
        ]
    );
}

/// A member that is here comes first; without one those of the other cluster get all.
#[test]
fn queue_groups_are_served_where_they_are_near() {
    let [a, b] = two();
    let mut far = subscribed(&b, "s q 1", &[&a]);
    let mut near = subscribed(&a, "s q 1", &[]);
    let mut publisher = a.connected();
    publisher.send("PUB s 1\r\n1\r\n".repeat(20).trim_end());
    publisher.sync_silent();
    assert_eq!(near.sync_messages().len(), 20);
    near.send("UNSUB 1");
    near.sync_silent();
    publisher.send("PUB s inbox 1\r\n2\r\n".repeat(20).trim_end());
    publisher.sync_silent();
    let came: Vec<Message> = (0..20).map(|_| far.message()).collect();
    assert!(came.iter().all(|message| message.payload == b"2"));
    assert!(far.sync_messages().is_empty());
}

fn three() -> [TestServer; 3] {
    let a = gateway("a", "A", &[]).start();
    let b = gateway("b", "B", &[("A", port(&a))]).start();
    await_gateways(&b, 1, 1);
    // It knows one of them, which tells it of the other.
    let c = gateway("c", "C", &[("A", port(&a))]).start();
    for server in [&a, &b, &c] {
        await_gateways(server, 2, 2);
    }
    [a, b, c]
}

/// A message takes one step from cluster to cluster, and comes once.
#[test]
fn three_clusters_find_each_other_and_nothing_comes_twice() {
    let servers = three();
    for (number, at) in servers.iter().enumerate() {
        let others: Vec<&TestServer> = servers.iter().filter(|other| !std::ptr::eq(*other, at)).collect();
        let mut publisher = at.connected();
        let subject = format!("s.{number}");
        let subscription = format!("{subject} 1");
        let mut subscribers: Vec<Client> = others
            .iter()
            .map(|other| subscribed(other, &subscription, &[at]))
            .collect();
        publisher.send(format!("PUB {subject} 1\r\n1\r\n").repeat(50).trim_end());
        publisher.sync_silent();
        for subscriber in &mut subscribers {
            for _ in 0..50 {
                assert_eq!(subscriber.message().subject, subject);
            }
        }
        // What would come twice comes by way of the third, behind this.
        for other in &others {
            other.connected().publish("s.end", b"");
        }
        for (subscriber, other) in subscribers.iter_mut().zip(&others) {
            other.connected().sync_silent();
            assert!(subscriber.sync_messages().is_empty());
        }
    }
}

/// Each cluster has a member, and one of all gets a message: with none at home, one of another cluster.
#[test]
fn a_queue_group_of_several_clusters_is_served_once() {
    let [a, b, c] = three();
    let mut members = [subscribed(&b, "s q 1", &[&a]), subscribed(&c, "s q 1", &[&a])];
    let mut publisher = a.connected();
    publisher.send("PUB s 1\r\n1\r\n".repeat(100).trim_end());
    publisher.sync_silent();
    let mut came = 0;
    eventually(|| {
        came += members
            .iter_mut()
            .map(|member| member.sync_messages().len())
            .sum::<usize>();
        came == 100
    });
    assert!(members.iter_mut().all(|member| member.sync_messages().is_empty()));
}
