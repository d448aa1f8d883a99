//! Who is let in.

use crate::world::{TestAccount, TestOperator, now, present};
use vagus_test_support::server;

#[test]
fn users_of_signed_accounts_come_in_and_no_others() {
    let (operator, account, stranger) = (TestOperator::new(), TestAccount::new(), TestAccount::new());
    let server = server().configured(&operator.configuration(&[&account])).start();
    account.user(|_| {}).enter(&server);
    stranger.user(|_| {}).is_refused(&server);
    account.user(|user| user.expires = now() - 60).is_refused(&server);
    account
        .user(|user| user.not_before = now() + 600)
        .is_refused(&server);
    let mut nobody = server.client().connect(r#"{"user":"a","pass":"b"}"#);
    nobody.expect("-ERR 'Authorization Violation'");
    let mut silent = server.client();
    silent.send("PING");
    silent.expect("-ERR 'Authorization Violation'");
}

#[test]
fn the_key_has_to_be_proven_unless_the_token_is_for_its_bearer() {
    let (operator, account) = (TestOperator::new(), TestAccount::new());
    let server = server().configured(&operator.configuration(&[&account])).start();
    let (user, other) = (account.user(|_| {}), account.user(|_| {}));
    let mut thief = present(&server, &user.token, &other.key);
    thief.expect("-ERR 'Authorization Violation'");
    let bearer = account.user(|user| user.nats.limits.bearer = true);
    let mut client = server
        .client()
        .connect(&format!(r#"{{"verbose":false,"jwt":"{}"}}"#, bearer.token));
    client.sync_silent();
}

#[test]
fn accounts_are_apart() {
    let (operator, one, other) = (TestOperator::new(), TestAccount::new(), TestAccount::new());
    let server = server()
        .configured(&operator.configuration(&[&one, &other]))
        .start();
    let mut here = one.user(|_| {}).enter(&server);
    let mut there = other.user(|_| {}).enter(&server);
    here.subscribe(">", "1");
    here.sync();
    there.subscribe("x", "1");
    there.send("PUB x 2\r\nhi");
    there.expect("MSG x 1 2\r\nhi");
    here.sync_silent();
}

#[test]
fn the_lowest_limit_holds() {
    let (operator, mut account) = (TestOperator::new(), TestAccount::new());
    account.claims.nats.limits.subscriptions = 2;
    account.claims.nats.limits.payload = 16;
    let server = server().configured(&operator.configuration(&[&account])).start();
    let mut client = account
        .user(|user| {
            user.nats.limits.subscriptions = 1;
            user.nats.limits.payload = 32;
        })
        .enter(&server);
    client.subscribe("a", "1");
    client.send("SUB b 2");
    client.expect("-ERR 'maximum subscriptions exceeded'");
    client.send("PUB a 17\r\n0123456789abcdefg");
    client.expect("-ERR 'Maximum Payload Violation'");
}

#[test]
fn only_pinned_accounts_are_let_in_if_there_are_any() {
    let (operator, one, other) = (TestOperator::new(), TestAccount::new(), TestAccount::new());
    let mut text = operator.configuration(&[&one, &other]);
    text.push_str(&format!("resolver_pinned_accounts: [{}]\n", one.key.public()));
    let server = server().configured(&text).start();
    one.user(|_| {}).enter(&server);
    other.user(|_| {}).is_refused(&server);
}

#[test]
fn keys_can_be_trusted_without_an_operator() {
    let (operator, account) = (TestOperator::new(), TestAccount::new());
    let text = operator.configuration(&[&account]);
    let (_, resolver) = text.split_once('\n').unwrap();
    let server = server()
        .configured(&format!("trusted_keys: {}\n{resolver}", operator.key.public()))
        .start();
    account.user(|_| {}).enter(&server);
}
