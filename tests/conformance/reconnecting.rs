//! Clients whose server goes away and comes back on the same port.

use async_nats::{Client, ConnectOptions, Event, HeaderMap};
use tokio::sync::mpsc;

use crate::server::{PATIENCE, Server, assert_nothing_more, next, settle, text, texts};

/// A client that tells when it loses and regains its server.
struct Guest {
    client: Client,
    events: mpsc::UnboundedReceiver<Event>,
}

impl Guest {
    async fn connect(server: &Server, options: ConnectOptions) -> Guest {
        let (said, events) = mpsc::unbounded_channel();
        let options = options.event_callback(move |event| {
            let said = said.clone();
            async move {
                // Nobody listens any more when the test is over.
                let _ = said.send(event);
            }
        });
        let mut guest = Guest {
            client: server.client_with(options).await.unwrap(),
            events,
        };
        guest.until(&Event::Connected).await;
        guest
    }

    async fn until(&mut self, expected: &Event) {
        let seen = async { while self.events.recv().await.as_ref() != Some(expected) {} };
        tokio::time::timeout(PATIENCE, seen)
            .await
            .unwrap_or_else(|_| panic!("not {expected}"));
    }
}

async fn restart(server: &mut Server, guests: &mut [&mut Guest]) {
    server.kill();
    for guest in &mut *guests {
        guest.until(&Event::Disconnected).await;
    }
    server.start_again();
    for guest in guests {
        guest.until(&Event::Connected).await;
        // The subscriptions were sent before this request is.
        settle(&guest.client).await;
    }
}

async fn subscriptions_come_back(server: &mut Server, options: impl Fn() -> ConnectOptions) {
    let mut publisher = Guest::connect(server, options()).await;
    let mut subscriber = Guest::connect(server, options()).await;
    let mut plain = subscriber.client.subscribe("plain").await.unwrap();
    let mut wildcard = subscriber.client.subscribe("wild.>").await.unwrap();
    let mut queued = subscriber
        .client
        .queue_subscribe("jobs", "workers".into())
        .await
        .unwrap();
    settle(&subscriber.client).await;
    let mut headers = HeaderMap::new();
    headers.insert("Key", "value");

    for round in ["before", "after", "after another"] {
        if round != "before" {
            restart(server, &mut [&mut publisher, &mut subscriber]).await;
        }
        let client = &publisher.client;
        client.publish("plain", round.into()).await.unwrap();
        client
            .publish_with_headers("wild.a.b", headers.clone(), round.into())
            .await
            .unwrap();
        client.publish("jobs", round.into()).await.unwrap();
        assert_eq!(texts(&mut plain, 1).await, [round]);
        let message = next(&mut wildcard).await;
        assert_eq!(
            (message.headers.as_ref(), text(&message).as_str()),
            (Some(&headers), round)
        );
        assert_eq!(texts(&mut queued, 1).await, [round]);
        let inbox = client.new_inbox();
        let mut replies = client.subscribe(inbox.clone()).await.unwrap();
        client
            .publish_with_reply("plain", inbox.clone(), "ask".into())
            .await
            .unwrap();
        let asked = next(&mut plain).await;
        subscriber
            .client
            .publish(asked.reply.unwrap(), "answer".into())
            .await
            .unwrap();
        assert_eq!(texts(&mut replies, 1).await, ["answer"]);
        for subscriber_of in [&mut plain, &mut wildcard, &mut queued] {
            assert_nothing_more(subscriber_of, &[&publisher.client, &subscriber.client]).await;
        }
    }
}

#[tokio::test]
async fn after_a_restart_subscriptions_come_back_and_traffic_goes_on() {
    let mut server = Server::start();
    subscriptions_come_back(&mut server, ConnectOptions::new).await;
}

#[tokio::test]
async fn clients_with_a_token_come_back_too() {
    let mut server = Server::start_with(&["--auth", "s3cret"]);
    subscriptions_come_back(&mut server, || ConnectOptions::with_token("s3cret".into())).await;
}

#[tokio::test]
async fn what_is_published_without_a_server_is_delivered_when_it_is_back() {
    let mut server = Server::start();
    let mut guest = Guest::connect(&server, ConnectOptions::new()).await;
    let mut subscriber = guest.client.subscribe("patience").await.unwrap();
    settle(&guest.client).await;
    server.kill();
    guest.until(&Event::Disconnected).await;
    for number in 0..10 {
        guest
            .client
            .publish("patience", number.to_string().into())
            .await
            .unwrap();
    }
    server.start_again();
    let numbers: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    assert_eq!(texts(&mut subscriber, 10).await, numbers);
}

#[tokio::test]
async fn a_subscription_with_a_maximum_gets_only_the_rest_after_a_restart() {
    let mut server = Server::start();
    let mut publisher = Guest::connect(&server, ConnectOptions::new()).await;
    let mut subscriber = Guest::connect(&server, ConnectOptions::new()).await;
    let mut limited = subscriber.client.subscribe("limited").await.unwrap();
    limited.unsubscribe_after(5).await.unwrap();
    settle(&subscriber.client).await;
    for number in 0..2 {
        publisher
            .client
            .publish("limited", number.to_string().into())
            .await
            .unwrap();
    }
    assert_eq!(texts(&mut limited, 2).await, ["0", "1"]);
    restart(&mut server, &mut [&mut publisher, &mut subscriber]).await;
    for number in 2..12 {
        publisher
            .client
            .publish("limited", number.to_string().into())
            .await
            .unwrap();
    }
    assert_eq!(texts(&mut limited, 3).await, ["2", "3", "4"]);
    assert_nothing_more(&mut limited, &[&publisher.client, &subscriber.client]).await;
}

#[tokio::test]
async fn a_client_that_asks_for_it_reconnects_with_its_subscriptions() {
    let server = Server::start();
    let publisher = server.client().await;
    let mut guest = Guest::connect(&server, ConnectOptions::new()).await;
    let mut subscriber = guest.client.subscribe("plain").await.unwrap();
    settle(&guest.client).await;
    let before = guest.client.server_info().client_id;
    guest.client.force_reconnect().await.unwrap();
    guest.until(&Event::Connected).await;
    settle(&guest.client).await;
    assert_ne!(guest.client.server_info().client_id, before);
    publisher.publish("plain", "found again".into()).await.unwrap();
    assert_eq!(texts(&mut subscriber, 1).await, ["found again"]);
    assert_nothing_more(&mut subscriber, &[&publisher, &guest.client]).await;
}
