//! Message headers.

use async_nats::{HeaderMap, HeaderValue};
use bytes::Bytes;

use crate::server::{Server, next, settle, text};

fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers.get_all(name).map(HeaderValue::as_str).collect()
}

#[tokio::test]
async fn headers_travel_with_a_message_whatever_its_payload() {
    let server = Server::start();
    let (publisher, client) = (server.client().await, server.client().await);
    let mut subscriber = client.subscribe("letters").await.unwrap();
    settle(&client).await;
    let mut fields = HeaderMap::new();
    fields.insert("From", "here");
    fields.insert("to", "there");
    fields.insert("X-Colon", "a: b: c");
    fields.insert("Greeting", "Grüße, 寿司");
    let every_byte: Vec<u8> = (0..=255).collect();
    let payloads: [&[u8]; 4] = [b"", b"text", b"\r\n\r\n", &every_byte];
    for payload in payloads {
        publisher
            .publish_with_reply_and_headers(
                "letters",
                "letters.answer",
                fields.clone(),
                Bytes::copy_from_slice(payload),
            )
            .await
            .unwrap();
        let message = next(&mut subscriber).await;
        assert_eq!(message.headers.as_ref(), Some(&fields));
        assert_eq!(message.reply.as_deref(), Some("letters.answer"));
        assert_eq!(message.payload, payload);
    }
    publisher.publish("letters", "bare".into()).await.unwrap();
    let bare = next(&mut subscriber).await;
    assert_eq!(text(&bare), "bare");
    assert_eq!(bare.headers, None);
}

#[tokio::test]
async fn repeated_keys_keep_all_their_values_in_order() {
    let server = Server::start();
    let client = server.client().await;
    let mut subscriber = client.subscribe("letters").await.unwrap();
    let mut fields = HeaderMap::new();
    for value in ["one", "two", "two", "three"] {
        fields.append("Key", value);
    }
    fields.append("key", "another key");
    client
        .publish_with_headers("letters", fields, "payload".into())
        .await
        .unwrap();
    let received = next(&mut subscriber).await.headers.unwrap();
    assert_eq!(values(&received, "Key"), ["one", "two", "two", "three"]);
    assert_eq!(values(&received, "key"), ["another key"]);
    assert_eq!(received.len(), 2);
}

#[tokio::test]
async fn a_value_may_be_empty() {
    let server = Server::start();
    let client = server.client().await;
    let mut subscriber = client.subscribe("letters").await.unwrap();
    let mut fields = HeaderMap::new();
    fields.insert("Empty", "");
    fields.insert("Full", "value");
    client
        .publish_with_headers("letters", fields, "payload".into())
        .await
        .unwrap();
    let message = next(&mut subscriber).await;
    let received = message.headers.as_ref().unwrap();
    assert_eq!(values(received, "Empty"), [""]);
    assert_eq!(values(received, "Full"), ["value"]);
    assert_eq!(text(&message), "payload");
}

#[tokio::test]
async fn headers_travel_both_ways_between_requester_and_responder() {
    let server = Server::start();
    let (requester, responder) = (server.client().await, server.client().await);
    let mut requests = responder.subscribe("service").await.unwrap();
    settle(&responder).await;
    let mut question = HeaderMap::new();
    question.append("Question", "why?");
    question.append("Question", "how?");
    let asking = requester.clone();
    let request =
        tokio::spawn(async move { asking.request_with_headers("service", question, "1".into()).await });
    let asked = next(&mut requests).await;
    assert_eq!(
        values(asked.headers.as_ref().unwrap(), "Question"),
        ["why?", "how?"]
    );
    let mut answer = HeaderMap::new();
    answer.append("Answer", "because");
    answer.append("Answer", "so");
    responder
        .publish_with_headers(asked.reply.unwrap(), answer, "2".into())
        .await
        .unwrap();
    let reply = request.await.unwrap().unwrap();
    assert_eq!(
        values(reply.headers.as_ref().unwrap(), "Answer"),
        ["because", "so"]
    );
    assert_eq!(text(&reply), "2");
}

#[tokio::test]
async fn a_block_of_1000_header_fields_arrives_whole() {
    let server = Server::start();
    let client = server.client().await;
    let mut subscriber = client.subscribe("letters").await.unwrap();
    let mut fields = HeaderMap::new();
    for number in 0..1000 {
        fields.insert(format!("Key-{number}"), "v".repeat(number));
    }
    client
        .publish_with_headers("letters", fields.clone(), "payload".into())
        .await
        .unwrap();
    let message = next(&mut subscriber).await;
    assert_eq!(message.headers.as_ref(), Some(&fields));
    assert_eq!(text(&message), "payload");
}

#[tokio::test]
async fn headers_reach_queue_groups_and_wildcard_subscriptions_too() {
    let server = Server::start();
    let (publisher, client) = (server.client().await, server.client().await);
    let mut subscribers = vec![
        client.subscribe("letters.a").await.unwrap(),
        client.subscribe("letters.*").await.unwrap(),
        client
            .queue_subscribe("letters.a", "readers".into())
            .await
            .unwrap(),
    ];
    settle(&client).await;
    let mut fields = HeaderMap::new();
    fields.insert("Key", "value");
    publisher
        .publish_with_headers("letters.a", fields.clone(), "payload".into())
        .await
        .unwrap();
    for subscriber in &mut subscribers {
        let message = next(subscriber).await;
        assert_eq!(message.headers.as_ref(), Some(&fields));
        assert_eq!(text(&message), "payload");
    }
}
