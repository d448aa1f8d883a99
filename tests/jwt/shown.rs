//! What is shown of users that come by a token: to themselves, to monitoring, in the system account.

use crate::world::{TestAccount, TestOperator, TestUser, now};
use serde_json::Value;
use vagus_test_support::{Client, TestServer, server};

struct World {
    server: TestServer,
    system: TestAccount,
    account: TestAccount,
}

impl World {
    fn new() -> Self {
        let (operator, system, mut account) = (TestOperator::new(), TestAccount::new(), TestAccount::new());
        account.claims.name = "tenants".to_owned();
        let text = operator.configuration(&[&system, &account]);
        let server = server()
            .monitoring()
            .configured(&format!("{text}\nsystem_account: {}\n", system.key.public()))
            .start();
        Self {
            server,
            system,
            account,
        }
    }

    fn enter(&self, user: &TestUser) -> (Client, u64) {
        let mut client = user.enter(&self.server);
        client.subscribe("answer", "1");
        client.sync();
        let info: Value = serde_json::from_str(client.info()).unwrap();
        let number = info["client_id"].as_u64().unwrap();
        (client, number)
    }
}

#[track_caller]
fn answer(client: &mut Client) -> Value {
    serde_json::from_slice(&client.message().payload).unwrap()
}

#[test]
fn users_are_told_who_they_are_and_until_when() {
    let world = World::new();
    let user = world.account.user(|user| {
        user.name = "alice".to_owned();
        user.expires = now() + 600;
        user.nats.limits.permissions.publish.deny = vec!["no".to_owned()];
    });
    let (mut client, _) = world.enter(&user);
    client.send("PUB $SYS.REQ.USER.INFO answer 0\r\n");
    let data = &answer(&mut client)["data"];
    assert_eq!(data["user"], user.key.public());
    assert_eq!(data["account"], world.account.key.public());
    assert_eq!(data["account_name"], "tenants");
    assert_eq!(data["user_name"], "alice");
    assert_eq!(data["permissions"]["publish"]["deny"][0], "no");
    let seconds = data["expires"].as_u64().unwrap() / 1_000_000_000;
    assert!((500..=600).contains(&seconds), "{data}");
    assert_eq!(data["expires"].as_u64().unwrap() % 1_000_000_000, 0);
    // Without an end nothing is said of one.
    let (mut client, _) = world.enter(&world.account.user(|_| {}));
    client.send("PUB $SYS.REQ.USER.INFO answer 0\r\n");
    let data = answer(&mut client)["data"].clone();
    assert!(
        data.get("expires").is_none() && data.get("user_name").is_none(),
        "{data}"
    );
}

#[test]
fn the_token_of_one_who_proves_its_key_is_shown_and_that_of_a_bearer_is_not() {
    let world = World::new();
    let (mut sys, _) = world.enter(&world.system.user(|_| {}));
    let account = world.account.key.public();
    sys.subscribe(&format!("$SYS.ACCOUNT.{account}.CONNECT"), "2");
    sys.subscribe(&format!("$SYS.ACCOUNT.{account}.DISCONNECT"), "3");
    sys.sync();
    let shown = |options: &str, number: u64| {
        let connz = world.server.get(&format!("/connz?cid={number}{options}")).json();
        connz["connections"][0].get("jwt").cloned()
    };
    for is_bearer in [false, true] {
        let user = world.account.user(|user| user.nats.limits.bearer = is_bearer);
        let expected = (!is_bearer).then(|| Value::from(&*user.token));
        let (mut client, number) = world.enter(&user);
        assert_eq!(answer(&mut sys)["client"].get("jwt").cloned(), expected);
        assert_eq!(shown("&auth=1", number), expected);
        assert_eq!(shown("&subs=1", number), None);
        client.end();
        assert_eq!(answer(&mut sys)["client"].get("jwt").cloned(), expected);
        assert_eq!(shown("&auth=1&state=closed", number), expected);
    }
}

/// As nats-server looks it up then.
#[test]
fn the_system_account_is_told_of_an_account_that_nobody_has_come_to() {
    let world = World::new();
    let system_user = world.system.user(|_| {});
    let (mut system, _) = world.enter(&system_user);
    for (account, is_there) in [(&world.account, true), (&TestAccount::new(), false)] {
        let name = account.key.public();
        system.send(&format!("PUB $SYS.REQ.ACCOUNT.{name}.INFO answer 0\r\n"));
        let answer = answer(&mut system);
        match is_there {
            true => assert_eq!(answer["data"]["account_name"], name),
            false => assert_eq!(answer["error"]["code"], 500, "{answer}"),
        }
    }
}
