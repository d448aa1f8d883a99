//! What becomes of those who are in.

use crate::world::{TestAccount, TestOperator, now, present};
use vagus_jwt::WeightedMapping;
use vagus_test_support::{eventually, server};

#[test]
fn who_has_expired_is_closed() {
    let (operator, account) = (TestOperator::new(), TestAccount::new());
    let server = server().configured(&operator.configuration(&[&account])).start();
    let mut client = account.user(|user| user.expires = now() + 2).enter(&server);
    client.expect("-ERR 'User Authentication Expired'");
    client.closed();
}

#[test]
fn an_account_that_has_expired_closes_all() {
    let (operator, mut account) = (TestOperator::new(), TestAccount::new());
    account.claims.expires = now() + 2;
    let server = server().configured(&operator.configuration(&[&account])).start();
    let user = account.user(|_| {});
    let mut client = user.enter(&server);
    client.expect("-ERR 'Account Authentication Expired'");
    client.closed();
    user.is_refused(&server);
}

#[test]
fn who_is_revoked_is_closed_at_once() {
    let (operator, mut account, other) = (TestOperator::new(), TestAccount::new(), TestAccount::new());
    let server = server()
        .configured(&operator.configuration(&[&account, &other]))
        .start();
    let (revoked, stays) = (account.user(|_| {}), account.user(|_| {}));
    let (mut goes, mut remains) = (revoked.enter(&server), stays.enter(&server));
    let mut elsewhere = other.user(|_| {}).enter(&server);
    let revocations = &mut account.claims.nats.revocations.0;
    revocations.insert(revoked.key.public().to_owned(), now());
    server.reconfigure(&operator.configuration(&[&account, &other]));
    goes.expect("-ERR 'User Authentication Revoked'");
    goes.closed();
    revoked.is_refused(&server);
    remains.sync_silent();
    account.claims.nats.revocations.0.insert("*".to_owned(), now());
    server.reconfigure(&operator.configuration(&[&account, &other]));
    remains.expect("-ERR 'User Authentication Revoked'");
    elsewhere.sync_silent();
}

#[test]
fn permissions_of_an_account_change_for_those_who_are_in() {
    let (operator, mut account) = (TestOperator::new(), TestAccount::new());
    let server = server().configured(&operator.configuration(&[&account])).start();
    let mut client = account.user(|_| {}).enter(&server);
    client.subscribe("a", "1");
    client.subscribe("b", "2");
    client.sync();
    account.claims.nats.default_permissions.subscribe.allow = vec!["a".to_owned()];
    server.reconfigure(&operator.configuration(&[&account]));
    client.expect("-ERR 'Permissions Violation for Subscription to \"b\" (sid \"2\")'");
    client.send("PUB a 2\r\nhi");
    client.expect("MSG a 1 2\r\nhi");
}

#[test]
fn a_signing_key_that_is_gone_closes_its_users() {
    let (operator, mut account, signing) = (TestOperator::new(), TestAccount::new(), TestAccount::new());
    let keys = &mut account.claims.nats.signing_keys.0;
    keys.insert(signing.key.public().to_owned(), None);
    let server = server().configured(&operator.configuration(&[&account])).start();
    let name = account.key.public().to_owned();
    let mut client = signing
        .user(|user| user.nats.issuer_account = name)
        .enter(&server);
    account.claims.nats.signing_keys.0.clear();
    server.reconfigure(&operator.configuration(&[&account]));
    client.expect("-ERR 'Authorization Violation'");
    client.closed();
}

#[test]
fn mappings_of_an_account_change_for_those_who_are_in() {
    let (operator, mut account) = (TestOperator::new(), TestAccount::new());
    let server = server().configured(&operator.configuration(&[&account])).start();
    let mut client = account.user(|_| {}).enter(&server);
    client.subscribe(">", "1");
    for (to, delivered) in [(Some("b"), "b"), (Some("c"), "c"), (None, "a")] {
        account.claims.nats.mappings = to
            .map(|subject| {
                let mapping = WeightedMapping {
                    subject: subject.to_owned(),
                    weight: 100,
                    cluster: String::new(),
                };
                ("a".to_owned(), vec![mapping])
            })
            .into_iter()
            .collect();
        server.reconfigure(&operator.configuration(&[&account]));
        client.send("PUB a 1\r\nx");
        client.expect(&format!("MSG {delivered} 1 1\r\nx"));
    }
}

/// As in nats-server: those stay who came first, and who has more than may be had is closed.
#[test]
fn limits_that_are_lowered_hold_for_those_who_are_in() {
    let (operator, mut account, other) = (TestOperator::new(), TestAccount::new(), TestAccount::new());
    let server = server()
        .configured(&operator.configuration(&[&account, &other]))
        .start();
    let user = account.user(|_| {});
    let mut clients = [(); 4].map(|()| user.enter(&server));
    let mut elsewhere = other.user(|_| {}).enter(&server);
    for sid in ["1", "2"] {
        clients[0].subscribe("x", sid);
    }
    clients[0].sync_silent();
    let limits = &mut account.claims.nats.limits;
    (limits.connections, limits.payload) = (3, 100);
    server.reconfigure(&operator.configuration(&[&account, &other]));
    clients[3].expect("-ERR 'maximum account active connections exceeded'");
    clients[3].closed();
    let mut refused = present(&server, &user.token, &user.key);
    refused.expect("-ERR 'maximum account active connections exceeded'");
    account.claims.nats.limits.subscriptions = 1;
    server.reconfigure(&operator.configuration(&[&account, &other]));
    clients[0].expect("-ERR 'maximum subscriptions exceeded'");
    clients[0].closed();
    clients[1].subscribe("x", "1");
    clients[1].sync_silent();
    clients[1].publish("x", &[b'.'; 101]);
    clients[1].expect("-ERR 'Maximum Payload Violation'");
    elsewhere.publish("x", &[b'.'; 101]);
    elsewhere.sync_silent();
}

/// What shows who is connected shows no token that lets others in.
#[test]
fn tokens_that_need_no_key_are_not_shown() {
    let (operator, account) = (TestOperator::new(), TestAccount::new());
    let server = server()
        .configured(&operator.configuration(&[&account]))
        .monitoring()
        .start();
    let bearer = account.user(|user| user.nats.limits.bearer = true);
    let mut client = server
        .client()
        .connect(&format!(r#"{{"verbose":false,"jwt":"{}"}}"#, bearer.token));
    client.sync_silent();
    let shown = |page: &str| server.get(page).body;
    for page in ["/connz?auth=true", "/connz?auth=true&subs=detail&state=any"] {
        let shown = shown(page);
        assert!(shown.contains(bearer.key.public()), "{shown}");
        assert!(!shown.contains(&bearer.token), "{shown}");
    }
    drop(client);
    eventually(|| server.connections().is_empty());
    let shown = shown("/connz?auth=true&state=closed");
    assert!(shown.contains(bearer.key.public()), "{shown}");
    assert!(!shown.contains(&bearer.token), "{shown}");
}
