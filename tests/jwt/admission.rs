//! Who is let in.

use crate::world::{TestAccount, TestOperator, now, present};
use vagus_jwt::{Activation, Claims, ShareKind};
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

/// What is imported is there at once, though nobody has been in the account that exports it.
#[test]
fn accounts_share_what_their_tokens_say() {
    let (operator, mut exporter, mut importer) =
        (TestOperator::new(), TestAccount::new(), TestAccount::new());
    exporter.claims.nats.exports = vec![
        serde_json::from_str(r#"{"subject":"news.>","type":"stream","token_req":true}"#).unwrap(),
        serde_json::from_str(r#"{"subject":"help","type":"service"}"#).unwrap(),
    ];
    let activation = {
        let mut claims = Claims::<Activation>::about(importer.key.public());
        claims.nats.subject = "news.>".to_owned();
        claims.nats.share = Some(ShareKind::Stream);
        claims.encode(&exporter.key, now()).unwrap()
    };
    let name = exporter.key.public();
    importer.claims.nats.imports = vec![
        serde_json::from_str(&format!(
            r#"{{"subject":"news.*","local_subject":"their.$1","type":"stream","account":"{name}","token":"{activation}"}}"#
        ))
        .unwrap(),
        serde_json::from_str(&format!(
            r#"{{"subject":"help","local_subject":"please","type":"service","account":"{name}"}}"#
        ))
        .unwrap(),
    ];
    let server = server()
        .configured(&operator.configuration(&[&exporter, &importer]))
        .start();
    let mut there = importer.user(|_| {}).enter(&server);
    there.subscribe("their.*", "1");
    there.subscribe("answer", "2");
    there.sync();
    let mut here = exporter.user(|_| {}).enter(&server);
    here.subscribe("help", "1");
    here.sync();
    here.send("PUB news.today 2\r\nhi");
    there.expect("MSG their.today 1 2\r\nhi");
    there.send("PUB please answer 2\r\n?!");
    let asked = here.message();
    here.publish(&asked.reply.unwrap(), b"so");
    there.expect("MSG answer 2 2\r\nso");
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
