//! Requests and replies.

use async_nats::client::{Request, RequestErrorKind};
use async_nats::{Client, HeaderMap, StatusCode};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::sync::oneshot;

use crate::server::{Server, assert_nothing_more, next, settle, text, texts};

/// Answers requests to `subject` with `re: ` and their payload, for as long as the client is there.
async fn echo(responder: &Client, subject: &'static str) {
    let mut requests = responder.subscribe(subject).await.unwrap();
    settle(responder).await;
    let client = responder.clone();
    tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            let answer = format!("re: {}", text(&request));
            client
                .publish(request.reply.unwrap(), answer.into())
                .await
                .unwrap();
        }
    });
}

#[tokio::test]
async fn a_request_is_answered() {
    let server = Server::start();
    let (requester, responder) = (server.client().await, server.client().await);
    echo(&responder, "service").await;
    for question in ["one", "two", "three"] {
        let reply = requester.request("service", question.into()).await.unwrap();
        assert_eq!(text(&reply), format!("re: {question}"));
    }
    let own_inbox = Request::new()
        .payload("own inbox".into())
        .inbox(requester.new_inbox());
    let reply = requester.send_request("service", own_inbox).await.unwrap();
    assert_eq!(text(&reply), "re: own inbox");
}

#[tokio::test]
async fn requests_at_once_each_get_their_own_answer() {
    let server = Server::start();
    let (requester, responder) = (server.client().await, server.client().await);
    echo(&responder, "service.*").await;
    let replies = join_all((0..1000).map(|number| {
        let requester = requester.clone();
        async move {
            requester
                .request(format!("service.{}", number % 10), number.to_string().into())
                .await
        }
    }))
    .await;
    for (number, reply) in replies.into_iter().enumerate() {
        assert_eq!(text(&reply.unwrap()), format!("re: {number}"));
    }
}

#[tokio::test]
async fn a_request_that_nobody_listens_to_fails_with_no_responders() {
    let server = Server::start();
    let client = server.client().await;
    // A server that stays silent makes these time out instead.
    let error = client.request("nobody", "?".into()).await.unwrap_err();
    assert_eq!(error.kind(), RequestErrorKind::NoResponders);
    let mut headers = HeaderMap::new();
    headers.insert("Key", "value");
    let error = client
        .request_with_headers("nobody", headers, "?".into())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), RequestErrorKind::NoResponders);
}

#[tokio::test]
async fn no_responders_is_an_empty_message_with_status_503_on_the_reply_subject() {
    let server = Server::start();
    let client = server.client().await;
    let inbox = client.new_inbox();
    let mut replies = client.subscribe(inbox.clone()).await.unwrap();
    client
        .publish_with_reply("nobody", inbox.clone(), "?".into())
        .await
        .unwrap();
    let reply = next(&mut replies).await;
    assert_eq!(
        (reply.subject.as_str(), reply.status),
        (inbox.as_str(), Some(StatusCode::NO_RESPONDERS))
    );
    assert!(reply.payload.is_empty());
    // Without a reply subject there is nobody to tell.
    client.publish("nobody", "?".into()).await.unwrap();
    assert_nothing_more(&mut replies, &[&client]).await;
}

#[tokio::test]
async fn no_responders_follows_the_interest_in_a_subject() {
    let server = Server::start();
    let (requester, responder) = (server.client().await, server.client().await);
    let mut requests = responder
        .queue_subscribe("service.>", "workers".into())
        .await
        .unwrap();
    settle(&responder).await;
    let asking = requester.clone();
    let request = tokio::spawn(async move { asking.request("service.a.b", "1".into()).await });
    let asked = next(&mut requests).await;
    responder
        .publish(asked.reply.unwrap(), "heard".into())
        .await
        .unwrap();
    assert_eq!(text(&request.await.unwrap().unwrap()), "heard");

    requests.unsubscribe().await.unwrap();
    settle(&responder).await;
    let error = requester.request("service.a.b", "2".into()).await.unwrap_err();
    assert_eq!(error.kind(), RequestErrorKind::NoResponders);
}

#[tokio::test]
async fn a_slow_responder_is_waited_for() {
    let server = Server::start();
    let (requester, responder) = (server.client().await, server.client().await);
    let mut requests = responder.subscribe("slow").await.unwrap();
    settle(&responder).await;
    let asking = requester.clone();
    let (answered, mut answer) = oneshot::channel();
    tokio::spawn(async move { answered.send(asking.request("slow", "?".into()).await) });
    let asked = next(&mut requests).await;
    settle(&requester).await;
    assert!(answer.try_recv().is_err(), "answered before the responder did");
    responder
        .publish(asked.reply.unwrap(), "at last".into())
        .await
        .unwrap();
    assert_eq!(text(&answer.await.unwrap().unwrap()), "at last");
}

#[tokio::test]
async fn of_several_responders_the_first_answer_wins() {
    let server = Server::start();
    let requester = server.client().await;
    let (first, second) = (server.client().await, server.client().await);
    let mut of_first = first.subscribe("race").await.unwrap();
    let mut of_second = second.subscribe("race").await.unwrap();
    settle(&first).await;
    settle(&second).await;
    let asking = requester.clone();
    let request = tokio::spawn(async move { asking.request("race", "?".into()).await });
    let (to_first, to_second) = (next(&mut of_first).await, next(&mut of_second).await);
    assert_eq!(to_first.reply, to_second.reply);
    second
        .publish(to_second.reply.unwrap(), "second was faster".into())
        .await
        .unwrap();
    assert_eq!(text(&request.await.unwrap().unwrap()), "second was faster");
    first
        .publish(to_first.reply.unwrap(), "too late".into())
        .await
        .unwrap();
    settle(&first).await;
    settle(&requester).await;
}

#[tokio::test]
async fn one_request_may_gather_the_answers_of_many() {
    let server = Server::start();
    let requester = server.client().await;
    let mut responders = Vec::new();
    for _ in 0..10 {
        let responder = server.client().await;
        echo(&responder, "roll.call").await;
        responders.push(responder);
    }
    let inbox = requester.new_inbox();
    let mut replies = requester.subscribe(inbox.clone()).await.unwrap();
    requester
        .publish_with_reply("roll.call", inbox, "here?".into())
        .await
        .unwrap();
    assert_eq!(texts(&mut replies, 10).await, ["re: here?"; 10]);
}
