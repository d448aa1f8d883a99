//! What a server refuses to carry.

use async_nats::HeaderMap;
use async_nats::client::PublishErrorKind;
use bytes::Bytes;

use crate::server::{Server, next, settle, text};

#[tokio::test]
async fn a_payload_of_exactly_max_payload_passes_and_a_larger_one_is_an_error() {
    let server = Server::start();
    let (publisher, client) = (server.client().await, server.client().await);
    let mut subscriber = client.subscribe("large").await.unwrap();
    settle(&client).await;
    let limit = publisher.server_info().max_payload;
    publisher
        .publish("large", vec![b'x'; limit].into())
        .await
        .unwrap();
    assert_eq!(next(&mut subscriber).await.payload.len(), limit);
    let error = publisher
        .publish("large", vec![b'x'; limit + 1].into())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::MaxPayloadExceeded);
    publisher.publish("large", "still here".into()).await.unwrap();
    assert_eq!(text(&next(&mut subscriber).await), "still here");
}

#[tokio::test]
async fn headers_count_towards_max_payload() {
    let server = Server::start();
    let client = server.client().await;
    let mut subscriber = client.subscribe("large").await.unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("Key", "value");
    let rest = client.server_info().max_payload - "NATS/1.0\r\nKey: value\r\n\r\n".len();
    let payload = Bytes::from(vec![b'x'; rest]);
    client
        .publish_with_headers("large", headers.clone(), payload.clone())
        .await
        .unwrap();
    let message = next(&mut subscriber).await;
    assert_eq!(message.headers.as_ref(), Some(&headers));
    assert!(message.payload == payload, "the payload was changed on its way");
    let error = client
        .publish_with_headers("large", headers, vec![b'x'; rest + 1].into())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::MaxPayloadExceeded);
}
