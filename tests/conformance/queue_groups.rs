//! Queue groups.

use std::collections::BTreeMap;

use async_nats::{Client, Subscriber};
use futures_util::StreamExt as _;

use crate::server::{Server, arrived, assert_nothing_more, settle, text, texts};

async fn publish_numbers(publisher: &Client, subject: &'static str, count: usize) {
    for number in 0..count {
        publisher
            .publish(subject, number.to_string().into())
            .await
            .unwrap();
    }
    settle(publisher).await;
}

/// Asserts that the subscribers together got each number up to `count` once; returns their shares.
fn shares_of_each_once(subscribers: &mut [Subscriber], count: usize) -> Vec<usize> {
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    let mut shares = Vec::new();
    for subscriber in subscribers {
        let messages = arrived(subscriber);
        shares.push(messages.len());
        for message in messages {
            *seen.entry(text(&message).parse().unwrap()).or_default() += 1;
        }
    }
    assert_eq!(seen, (0..count).map(|number| (number, 1)).collect());
    shares
}

#[tokio::test]
async fn each_message_goes_to_one_member_and_every_member_has_its_share() {
    let server = Server::start();
    let publisher = server.client().await;
    let mut members = Vec::new();
    let mut subscribers = Vec::new();
    for _ in 0..4 {
        let member = server.client().await;
        subscribers.push(member.queue_subscribe("jobs", "workers".into()).await.unwrap());
        settle(&member).await;
        members.push(member);
    }
    publish_numbers(&publisher, "jobs", 2000).await;
    for member in &members {
        settle(member).await;
    }
    // A share is left to chance; that a member gets nothing of 2000 messages is not.
    let shares = shares_of_each_once(&mut subscribers, 2000);
    assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
}

#[tokio::test]
async fn every_queue_group_and_every_plain_subscription_gets_its_copy() {
    let server = Server::start();
    let (publisher, client) = (server.client().await, server.client().await);
    let mut red = Vec::new();
    let mut blue = Vec::new();
    for _ in 0..3 {
        red.push(client.queue_subscribe("paint", "red".into()).await.unwrap());
        blue.push(client.queue_subscribe("paint", "blue".into()).await.unwrap());
    }
    let mut plain = client.subscribe("paint").await.unwrap();
    settle(&client).await;
    publish_numbers(&publisher, "paint", 300).await;
    settle(&client).await;
    for group in [&mut red, &mut blue] {
        let shares = shares_of_each_once(group, 300);
        assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
    }
    shares_of_each_once(std::slice::from_mut(&mut plain), 300);
}

#[tokio::test]
async fn a_queue_group_is_one_group_for_all_its_subjects_that_match() {
    let server = Server::start();
    let client = server.client().await;
    let mut overlapping = Vec::new();
    for subject in ["store.in", "store.*", "store.>"] {
        overlapping.push(client.queue_subscribe(subject, "workers".into()).await.unwrap());
    }
    let mut apart = client
        .queue_subscribe("store.out", "workers".into())
        .await
        .unwrap();
    publish_numbers(&client, "store.in", 600).await;
    let shares = shares_of_each_once(&mut overlapping, 600);
    assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
    assert_nothing_more(&mut apart, &[&client]).await;
}

#[tokio::test]
async fn a_queue_group_goes_on_with_the_members_it_has() {
    let server = Server::start();
    let publisher = server.client().await;
    let (first, second) = (server.client().await, server.client().await);
    let mut subscribers = vec![first.queue_subscribe("jobs", "workers".into()).await.unwrap()];
    settle(&first).await;
    publish_numbers(&publisher, "jobs", 100).await;
    settle(&first).await;
    assert_eq!(shares_of_each_once(&mut subscribers, 100), [100]);

    subscribers.push(second.queue_subscribe("jobs", "workers".into()).await.unwrap());
    settle(&second).await;
    publish_numbers(&publisher, "jobs", 500).await;
    settle(&first).await;
    settle(&second).await;
    let shares = shares_of_each_once(&mut subscribers, 500);
    assert!(shares.iter().all(|share| *share > 0), "{shares:?}");

    let mut left = subscribers.remove(0);
    left.unsubscribe().await.unwrap();
    settle(&first).await;
    publish_numbers(&publisher, "jobs", 100).await;
    settle(&second).await;
    assert_eq!(shares_of_each_once(&mut subscribers, 100), [100]);
}

#[tokio::test]
async fn a_queue_group_keeps_answering_when_a_members_connection_is_gone() {
    let server = Server::start();
    let requester = server.client().await;
    let mut answering = Vec::new();
    for name in ["0", "1", "2"] {
        let member = server.client().await;
        let mut requests = member.queue_subscribe("service", "members".into()).await.unwrap();
        settle(&member).await;
        let responder = member.clone();
        let task = tokio::spawn(async move {
            while let Some(request) = requests.next().await {
                responder
                    .publish(request.reply.unwrap(), name.into())
                    .await
                    .unwrap();
            }
        });
        answering.push((member, task));
    }
    let mut names = Vec::new();
    for _ in 0..100 {
        names.push(text(&requester.request("service", "".into()).await.unwrap()));
    }
    names.sort();
    names.dedup();
    assert_eq!(names, ["0", "1", "2"]);

    // The subscription ends with an answered UNSUB, and then the connection with its last handle.
    let (leaving, task) = answering.remove(0);
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    settle(&leaving).await;
    drop(leaving);
    for _ in 0..100 {
        let name = text(&requester.request("service", "".into()).await.unwrap());
        assert_ne!(name, "0");
    }
}

#[tokio::test]
async fn a_group_on_a_wildcard_shares_every_subject_it_matches() {
    let server = Server::start();
    let client = server.client().await;
    let mut first = client.queue_subscribe("work.*", "workers".into()).await.unwrap();
    let mut second = client.queue_subscribe("work.*", "workers".into()).await.unwrap();
    for number in 0..200 {
        client
            .publish(format!("work.{}", number % 10), number.to_string().into())
            .await
            .unwrap();
    }
    settle(&client).await;
    let (of_first, of_second) = (arrived(&mut first).len(), arrived(&mut second).len());
    assert_eq!(of_first + of_second, 200);
    assert!(of_first > 0 && of_second > 0, "{of_first}, {of_second}");
    client.publish("work.last", "one".into()).await.unwrap();
    settle(&client).await;
    let last = arrived(&mut first).len() + arrived(&mut second).len();
    assert_eq!(last, 1);
    client.publish("elsewhere", "none".into()).await.unwrap();
    assert_nothing_more(&mut first, &[&client]).await;
    assert_nothing_more(&mut second, &[&client]).await;
    let mut plain = client.subscribe("work.0").await.unwrap();
    client.publish("work.0", "both".into()).await.unwrap();
    assert_eq!(texts(&mut plain, 1).await, ["both"]);
}
