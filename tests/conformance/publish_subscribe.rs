//! Publishing and subscribing.

use async_nats::{ConnectOptions, Event, ServerError};
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::server::{PATIENCE, Server, arrived, assert_nothing_more, next, settle, text, texts};

#[tokio::test]
async fn a_subscriber_receives_subject_reply_and_payload_as_published() {
    let server = Server::start();
    let (publisher, client) = (server.client().await, server.client().await);
    let mut subscriber = client.subscribe("orders.new").await.unwrap();
    settle(&client).await;
    publisher
        .publish_with_reply("orders.new", "orders.answer", "42 apples".into())
        .await
        .unwrap();
    publisher.publish("orders.new", Bytes::new()).await.unwrap();
    publisher
        .publish("orders.old", "not for us".into())
        .await
        .unwrap();

    let full = next(&mut subscriber).await;
    assert_eq!(full.subject.as_str(), "orders.new");
    assert_eq!(full.reply.as_deref(), Some("orders.answer"));
    assert_eq!(full.payload, "42 apples");
    assert!(full.headers.is_none());
    let empty = next(&mut subscriber).await;
    assert_eq!(
        (empty.subject.as_str(), empty.reply, empty.payload),
        ("orders.new", None, Bytes::new())
    );
    assert_nothing_more(&mut subscriber, &[&publisher, &client]).await;
}

#[tokio::test]
async fn every_client_learns_of_the_server_and_of_itself() {
    let server = Server::start();
    let (first, second) = (server.client().await, server.client().await);
    let (to_first, to_second) = (first.server_info(), second.server_info());
    assert!(to_first.client_id > 0 && to_second.client_id > 0);
    assert_ne!(to_first.client_id, to_second.client_id);
    assert_eq!(to_first.server_id, to_second.server_id);
    assert!(!to_first.server_id.is_empty() && !to_first.server_name.is_empty());
    assert_eq!(to_first.client_ip, "127.0.0.1");
    assert_eq!(to_first.host, "127.0.0.1");
    assert_eq!(to_first.max_payload, 1024 * 1024);
    assert_eq!(to_first.proto, 1);
    assert!(to_first.headers);
    assert!(!to_first.auth_required && !to_first.tls_required && !to_first.lame_duck_mode);
    assert!(first.is_server_compatible(2, 9, 0));
}

#[tokio::test]
async fn a_payload_may_hold_any_bytes() {
    let server = Server::start();
    let client = server.client().await;
    let mut subscriber = client.subscribe("bytes").await.unwrap();
    let every_byte: Vec<u8> = (0..=255).collect();
    let payloads: [&[u8]; 5] = [
        &every_byte,
        b"\r\n",
        b"PING\r\n",
        b"\r\nMSG bytes 1 3\r\nabc\r\n",
        b"\0",
    ];
    for payload in payloads {
        client
            .publish("bytes", Bytes::copy_from_slice(payload))
            .await
            .unwrap();
    }
    for payload in payloads {
        assert_eq!(next(&mut subscriber).await.payload, payload);
    }
}

#[tokio::test]
async fn a_payload_of_1_mib_arrives_whole() {
    let server = Server::start();
    let (publisher, client) = (server.client().await, server.client().await);
    let mut subscriber = client.subscribe("large").await.unwrap();
    settle(&client).await;
    let payloads: Vec<Bytes> = (1..=8_usize)
        .map(|step| {
            (0..1024 * 1024)
                .map(|at: usize| (at.wrapping_mul(step) >> 3).to_le_bytes()[0])
                .collect()
        })
        .collect();
    for payload in &payloads {
        publisher.publish("large", payload.clone()).await.unwrap();
    }
    for payload in &payloads {
        assert!(
            next(&mut subscriber).await.payload == payload,
            "a payload was changed on its way"
        );
    }
}

#[tokio::test]
async fn a_star_stands_for_exactly_one_token() {
    let server = Server::start();
    let client = server.client().await;
    let mut middle = client.subscribe("a.*.c").await.unwrap();
    let mut last = client.subscribe("a.*").await.unwrap();
    for subject in ["a.b.c", "a.x.c", "a.c", "a.b", "a", "a.b.d", "a.b.c.d", "b.b.c"] {
        client.publish(subject, subject.into()).await.unwrap();
    }
    assert_eq!(texts(&mut middle, 2).await, ["a.b.c", "a.x.c"]);
    assert_eq!(texts(&mut last, 2).await, ["a.c", "a.b"]);
    assert_nothing_more(&mut middle, &[&client]).await;
    assert_nothing_more(&mut last, &[&client]).await;
}

#[tokio::test]
async fn a_tail_stands_for_one_token_or_more() {
    let server = Server::start();
    let client = server.client().await;
    let mut tail = client.subscribe("a.>").await.unwrap();
    let mut everything = client.subscribe(">").await.unwrap();
    let subjects = ["a", "a.b", "a.b.c", "b.a", "aa.b"];
    for subject in subjects {
        client.publish(subject, subject.into()).await.unwrap();
    }
    assert_eq!(texts(&mut tail, 2).await, ["a.b", "a.b.c"]);
    for subject in subjects {
        let message = next(&mut everything).await;
        assert_eq!(
            (message.subject.as_str(), text(&message).as_str()),
            (subject, subject)
        );
    }
    // It would listen to the question that settles the client, too.
    everything.unsubscribe().await.unwrap();
    assert_nothing_more(&mut tail, &[&client]).await;
}

#[tokio::test]
async fn each_matching_subscription_of_one_client_gets_its_own_copy() {
    let server = Server::start();
    let client = server.client().await;
    let mut subscribers = Vec::new();
    for subject in ["x.y", "x.y", "x.*", "*.y", "x.>", "*.*"] {
        subscribers.push(client.subscribe(subject).await.unwrap());
    }
    client.publish("x.y", "once".into()).await.unwrap();
    for subscriber in &mut subscribers {
        let message = next(subscriber).await;
        assert_eq!(
            (message.subject.as_str(), text(&message).as_str()),
            ("x.y", "once")
        );
        assert_nothing_more(subscriber, &[&client]).await;
    }
}

#[tokio::test]
async fn a_message_reaches_each_of_64_subscribed_connections() {
    let server = Server::start();
    let publisher = server.client().await;
    let mut subscribers = Vec::new();
    for _ in 0..64 {
        let client = server.client().await;
        subscribers.push(client.subscribe("news").await.unwrap());
        settle(&client).await;
    }
    let numbers: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    for number in &numbers {
        publisher.publish("news", number.clone().into()).await.unwrap();
    }
    for subscriber in &mut subscribers {
        assert_eq!(texts(subscriber, 20).await, numbers);
    }
}

#[tokio::test]
async fn many_subjects_are_told_apart() {
    const SUBJECTS: usize = 3000;
    let server = Server::start();
    let (publisher, client) = (server.client().await, server.client().await);
    let mut subscribers = Vec::new();
    for number in 0..SUBJECTS {
        let subject = format!("sensor.{}.{number}", number % 7);
        subscribers.push((subject.clone(), client.subscribe(subject).await.unwrap()));
    }
    settle(&client).await;
    // 1009 shares no factor with 3000: each subject once, far from its neighbours.
    for number in (0..SUBJECTS).map(|step| step * 1009 % SUBJECTS) {
        let subject = format!("sensor.{}.{number}", number % 7);
        publisher.publish(subject.clone(), subject.into()).await.unwrap();
    }
    settle(&publisher).await;
    settle(&client).await;
    for (subject, subscriber) in &mut subscribers {
        let messages = arrived(subscriber);
        assert_eq!(messages.len(), 1, "{subject}");
        assert_eq!(messages[0].subject.as_str(), subject);
        assert_eq!(text(&messages[0]), *subject);
    }
}

#[tokio::test]
async fn one_publishers_messages_arrive_in_order_across_subjects() {
    const MESSAGES: usize = 50_000;
    let server = Server::start();
    let (publisher, client) = (server.client().await, server.client().await);
    let mut subscriber = client.subscribe("ordered.>").await.unwrap();
    settle(&client).await;
    for number in 0..MESSAGES {
        publisher
            .publish(format!("ordered.{}", number % 13), number.to_string().into())
            .await
            .unwrap();
    }
    for number in 0..MESSAGES {
        let message = next(&mut subscriber).await;
        assert_eq!(text(&message), number.to_string());
        assert_eq!(message.subject.as_str(), format!("ordered.{}", number % 13));
    }
}

#[tokio::test]
async fn a_client_hears_itself_unless_it_asked_not_to() {
    let server = Server::start();
    let talker = server.client().await;
    let mute = server.client_with(ConnectOptions::new().no_echo()).await.unwrap();
    let mut of_talker = talker.subscribe("echo").await.unwrap();
    let mut of_mute = mute.subscribe("echo").await.unwrap();
    settle(&talker).await;
    settle(&mute).await;
    talker.publish("echo", "talker".into()).await.unwrap();
    settle(&talker).await;
    mute.publish("echo", "mute".into()).await.unwrap();
    assert_eq!(texts(&mut of_talker, 2).await, ["talker", "mute"]);
    assert_eq!(texts(&mut of_mute, 1).await, ["talker"]);
    assert_nothing_more(&mut of_mute, &[&talker, &mute]).await;
}

#[tokio::test]
async fn nothing_is_sent_after_unsubscribing() {
    let server = Server::start();
    let (publisher, client) = (server.client().await, server.client().await);
    let mut subscriber = client.subscribe("stream").await.unwrap();
    settle(&client).await;
    publisher.publish("stream", "1".into()).await.unwrap();
    assert_eq!(texts(&mut subscriber, 1).await, ["1"]);
    subscriber.unsubscribe().await.unwrap();
    settle(&client).await;
    let before = received(&client);
    publisher.publish("stream", "2".into()).await.unwrap();
    settle(&publisher).await;
    settle(&client).await;
    assert_eq!(
        received(&client),
        before + 1,
        "only the answer that settled the client"
    );
}

#[tokio::test]
async fn unsubscribing_after_a_maximum_lets_exactly_that_many_through() {
    let server = Server::start();
    let (publisher, client) = (server.client().await, server.client().await);
    let mut fresh = client.subscribe("limited").await.unwrap();
    fresh.unsubscribe_after(3).await.unwrap();
    settle(&client).await;
    for number in 0..10 {
        publisher
            .publish("limited", number.to_string().into())
            .await
            .unwrap();
    }
    assert_eq!(texts(&mut fresh, 3).await, ["0", "1", "2"]);
    settle(&publisher).await;
    settle(&client).await;
    assert_eq!(
        received(&client),
        3 + 2,
        "three messages, and two answers that settled the client"
    );
}

#[tokio::test]
async fn a_maximum_counts_what_was_delivered_before_it_was_set() {
    let server = Server::start();
    let (publisher, client) = (server.client().await, server.client().await);
    let mut subscriber = client.subscribe("limited").await.unwrap();
    settle(&client).await;
    publisher.publish("limited", "0".into()).await.unwrap();
    publisher.publish("limited", "1".into()).await.unwrap();
    assert_eq!(texts(&mut subscriber, 2).await, ["0", "1"]);
    subscriber.unsubscribe_after(4).await.unwrap();
    settle(&client).await;
    let before = received(&client);
    for number in 2..10 {
        publisher
            .publish("limited", number.to_string().into())
            .await
            .unwrap();
    }
    assert_eq!(texts(&mut subscriber, 2).await, ["2", "3"]);
    settle(&publisher).await;
    settle(&client).await;
    assert_eq!(received(&client), before + 2 + 1);
}

#[tokio::test]
async fn a_malformed_subject_is_refused_and_the_client_stays() {
    let server = Server::start();
    let (said, mut events) = mpsc::unbounded_channel();
    let options = ConnectOptions::new().event_callback(move |event| {
        let said = said.clone();
        async move {
            // Nobody listens any more when the test is over.
            let _ = said.send(event);
        }
    });
    let client = server.client_with(options).await.unwrap();
    // The one malformed subject that async-nats lets through.
    let _refused = client.subscribe("foo.>.bar").await.unwrap();
    settle(&client).await;
    let mut seen = Vec::new();
    while let Some(event) = tokio::time::timeout(PATIENCE, events.recv()).await.unwrap() {
        seen.push(event.clone());
        if event != Event::Connected {
            break;
        }
    }
    let [Event::Connected, Event::ServerError(ServerError::Other(error))] = seen.as_slice() else {
        panic!("{seen:?}");
    };
    assert_eq!(error.to_lowercase(), "invalid subject");
    let mut subscriber = client.subscribe("foo.bar").await.unwrap();
    client.publish("foo.bar", "well formed".into()).await.unwrap();
    assert_eq!(texts(&mut subscriber, 1).await, ["well formed"]);
}

/// How many messages the server sent to `client`, whether a subscription still wanted them or not.
fn received(client: &async_nats::Client) -> u64 {
    client
        .statistics()
        .in_messages
        .load(std::sync::atomic::Ordering::Relaxed)
}
