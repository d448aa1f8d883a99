//! Tokens between servers: each finds what the others have.

use crate::folder::Folder;
use crate::world::{TestAccount, TestOperator, TestUser, now};
use vagus_test_support::{TestServer, eventually, server};

struct World {
    operator: TestOperator,
    system: TestAccount,
    folders: [Folder; 2],
}

impl World {
    fn new() -> Self {
        Self {
            operator: TestOperator::new(),
            system: TestAccount::new(),
            folders: [Folder::new(), Folder::new()],
        }
    }

    /// One of two servers, with a resolver of this kind, and perhaps a route to the other.
    fn start(&self, number: usize, kind: &str, other: Option<&TestServer>) -> TestServer {
        let folder = self.folders[number].0.display();
        let name = self.system.key.public();
        let routes = other.map_or_else(String::new, |other| {
            format!("nats-route://{}", other.cluster_address().unwrap())
        });
        let text = format!(
            "server_name: s{number}
            {}system_account: {name}\nresolver_preload {{ {name}: {} }}
            cluster {{ name: c, listen: \"127.0.0.1:-1\", routes: [{routes}] }}\n",
            self.operator
                .with_resolver(&format!("{{ type: {kind}, dir: \"{folder}\" }}")),
            self.operator.token(&self.system)
        );
        let server = server().configured(&text).start();
        for server in [Some(&server), other]
            .into_iter()
            .flatten()
            .filter(|_| other.is_some())
        {
            eventually(|| server.cluster().unwrap().members.len() == 1);
        }
        server
    }

    /// Puts a token into the folder of a server that is not started yet, and gives it.
    fn put(&self, number: usize, account: &TestAccount) -> String {
        let file = self.folders[number]
            .0
            .join(format!("{}.jwt", account.key.public()));
        std::fs::create_dir_all(&self.folders[number].0).unwrap();
        let token = self.operator.token(account);
        std::fs::write(file, &token).unwrap();
        token
    }

    fn has(&self, number: usize, account: &TestAccount, token: &str) -> bool {
        let file = self.folders[number]
            .0
            .join(format!("{}.jwt", account.key.public()));
        std::fs::read_to_string(file).is_ok_and(|text| text == token)
    }
}

#[test]
fn an_account_is_looked_up_at_the_other_server() {
    for kind in ["full, interval: \"1h\"", "cache"] {
        let (world, account, stranger) = (World::new(), TestAccount::new(), TestAccount::new());
        let token = world.put(0, &account);
        let first = world.start(0, "full, interval: \"1h\"", None);
        let second = world.start(1, kind, Some(&first));
        account.user(|_| {}).enter(&second);
        // It is kept, though not before who asked is let in.
        eventually(|| world.has(1, &account, &token));
        // Who is known nowhere is refused, and no sooner than all have said so.
        stranger.user(|_| {}).is_refused(&second);
        drop(first);
        account.user(|_| {}).enter(&second);
    }
}

#[test]
fn tokens_that_nobody_trusts_are_not_taken_over() {
    let (world, account) = (World::new(), TestAccount::new());
    let forged = TestOperator::new().token(&account);
    let file = world.folders[0].0.join(format!("{}.jwt", account.key.public()));
    std::fs::create_dir_all(&world.folders[0].0).unwrap();
    std::fs::write(&file, forged).unwrap();
    let known = TestAccount::new();
    let token = world.put(0, &known);
    let first = world.start(0, "full, interval: \"1h\"", None);
    let second = world.start(1, "full, interval: \"50ms\"", Some(&first));
    account.user(|_| {}).is_refused(&second);
    // What can be believed comes over meanwhile.
    eventually(|| world.has(1, &known, &token));
    let own = world.folders[1].0.join(format!("{}.jwt", account.key.public()));
    assert!(!own.exists());
}

#[test]
fn folders_become_the_same() {
    let (world, one, mut other) = (World::new(), TestAccount::new(), TestAccount::new());
    let token = world.put(0, &one);
    world.put(0, &other);
    // An older token gives way, and closes those whom the newer does not let in.
    let user: TestUser = other.user(|_| {});
    world.put(1, &other);
    let first = world.start(0, "full, interval: \"1h\"", None);
    let mut sys = world.system.user(|_| {}).enter(&first);
    sys.subscribe("answer", "1");
    sys.sync();
    other.claims.nats.revocations.0.insert("*".to_owned(), now() + 5);
    let newer = other
        .claims
        .clone()
        .encode(&world.operator.key, now() + 5)
        .unwrap();
    sys.send(&format!(
        "PUB $SYS.REQ.CLAIMS.UPDATE answer {}\r\n{newer}",
        newer.len()
    ));
    assert!(sys.message().text().contains("jwt updated"));
    let second = world.start(1, "full, interval: \"50ms\"", None);
    let mut client = user.enter(&second);
    second.shutdown();
    client.closed();
    let second = world.start(1, "full, interval: \"50ms\"", Some(&first));
    eventually(|| world.has(1, &one, &token) && world.has(1, &other, &newer));
    user.is_refused(&second);
}
