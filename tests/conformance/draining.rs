//! Draining: leaving without losing a message.

use std::sync::atomic::Ordering;

use async_nats::Client;
use futures_util::StreamExt as _;

use crate::server::{PATIENCE, Server, next, settle};

/// How many messages the server sent to `client`, whether a subscription still wanted them or not.
fn received(client: &Client) -> u64 {
    client.statistics().in_messages.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_queue_member_that_drains_under_load_gets_or_leaves_each_message() {
    let server = Server::start();
    let publisher = server.client().await;
    let (leaving, staying) = (server.client().await, server.client().await);
    let mut of_leaving = leaving.queue_subscribe("jobs", "workers".into()).await.unwrap();
    let mut of_staying = staying.queue_subscribe("jobs", "workers".into()).await.unwrap();
    settle(&leaving).await;
    settle(&staying).await;
    let before = received(&leaving) + received(&staying);

    let leave = tokio::spawn(async move {
        for _ in 0..200 {
            next(&mut of_leaving).await;
        }
        of_leaving.drain().await.unwrap();
        // The stream ends when the client has forgotten the subscription.
        while of_leaving.next().await.is_some() {}
    });
    let work = tokio::spawn(async move { while of_staying.next().await.is_some() {} });
    let mut published = 0;
    let mut afterwards = 0;
    while afterwards < 1000 {
        publisher
            .publish("jobs", published.to_string().into())
            .await
            .unwrap();
        published += 1;
        if published % 100 == 0 {
            settle(&publisher).await;
        }
        if leave.is_finished() {
            afterwards += 1;
        }
    }
    leave.await.unwrap();
    settle(&publisher).await;
    settle(&leaving).await;
    settle(&staying).await;
    // The client may forget a draining subscription before the server has read its UNSUB: what counts here
    // is what the server sent. Two of the messages are the answers that settled the members.
    assert_eq!(received(&leaving) + received(&staying) - before - 2, published);
    work.abort();
}

#[tokio::test]
async fn a_drained_client_still_reads_what_it_was_sent_and_is_then_closed() {
    let server = Server::start();
    let (publisher, client) = (server.client().await, server.client().await);
    let mut subscriber = client.subscribe("last.words").await.unwrap();
    settle(&client).await;
    for number in 0..5000 {
        publisher
            .publish("last.words", number.to_string().into())
            .await
            .unwrap();
    }
    settle(&publisher).await;
    settle(&client).await;
    client.drain().await.unwrap();
    let read = async {
        let mut count = 0;
        while subscriber.next().await.is_some() {
            count += 1;
        }
        count
    };
    assert_eq!(tokio::time::timeout(PATIENCE, read).await.unwrap(), 5000);
    client.subscribe("too.late").await.unwrap_err();
}
