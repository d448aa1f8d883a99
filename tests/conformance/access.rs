//! Who may connect.

use async_nats::{ConnectErrorKind, ConnectOptions};

use crate::server::{Server, texts};

async fn assert_refused(server: &Server, options: ConnectOptions) {
    let error = server
        .client_with(options)
        .await
        .expect_err("the server let a stranger in");
    assert_eq!(error.kind(), ConnectErrorKind::AuthorizationViolation);
}

async fn assert_served(server: &Server, options: ConnectOptions) {
    let client = server
        .client_with(options)
        .await
        .expect("the server turned a friend away");
    let mut subscriber = client.subscribe("hello").await.unwrap();
    client.publish("hello", "world".into()).await.unwrap();
    assert_eq!(texts(&mut subscriber, 1).await, ["world"]);
}

fn token(token: &str) -> ConnectOptions {
    ConnectOptions::with_token(token.into())
}

fn user(user: &str, password: &str) -> ConnectOptions {
    ConnectOptions::with_user_and_password(user.into(), password.into())
}

#[tokio::test]
async fn a_server_with_a_token_takes_that_token_and_no_other() {
    let server = Server::start_with(&["--auth", "s3cret"]);
    assert_refused(&server, token("wrong")).await;
    assert_refused(&server, token("s3cre")).await;
    assert_refused(&server, token("s3cret2")).await;
    assert_refused(&server, user("s3cret", "s3cret")).await;
    assert_refused(&server, ConnectOptions::new()).await;
    assert_served(&server, token("s3cret")).await;
}

#[tokio::test]
async fn a_server_with_a_user_takes_that_user_and_no_other() {
    let server = Server::start_with(&["--user", "ada", "--pass", "l0velace"]);
    assert_refused(&server, user("ada", "wrong")).await;
    assert_refused(&server, user("Ada", "l0velace")).await;
    assert_refused(&server, user("ada", "")).await;
    assert_refused(&server, token("l0velace")).await;
    assert_refused(&server, ConnectOptions::new()).await;
    assert_served(&server, user("ada", "l0velace")).await;
}

#[tokio::test]
async fn a_server_that_asks_for_nothing_takes_any_credentials() {
    let server = Server::start();
    assert_served(&server, token("any")).await;
    assert_served(&server, user("any", "any")).await;
}
