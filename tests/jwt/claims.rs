//! Tokens that are pushed, listed and deleted in the system account, as nsc does.

use crate::folder::Folder;
use crate::world::{TestAccount, TestOperator, now};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vagus_test_support::{Client, TestServer, server};

struct World {
    server: TestServer,
    operator: TestOperator,
    system: TestAccount,
    client: Client,
    _folder: Folder,
}

impl World {
    fn new(resolver: &str) -> Self {
        let (folder, operator, system) = (Folder::new(), TestOperator::new(), TestAccount::new());
        let resolver = resolver.replace("DIR", &format!("\"{}\"", folder.0.display()));
        let name = system.key.public();
        let text = format!(
            "{}system_account: {name}\nresolver_preload {{ {name}: {} }}\n",
            operator.with_resolver(&resolver),
            operator.token(&system)
        );
        let server = server().configured(&text).start();
        let mut client = system.user(|_| {}).enter(&server);
        client.subscribe("answer", "1");
        client.sync();
        Self {
            server,
            operator,
            system,
            client,
            _folder: folder,
        }
    }

    /// The answer to a request.
    #[track_caller]
    fn ask(&mut self, subject: &str, payload: &str) -> String {
        self.client
            .send(&format!("PUB {subject} answer {}\r\n{payload}", payload.len()));
        String::from_utf8(self.client.message().payload).unwrap()
    }

    fn push(&mut self, account: &TestAccount) -> String {
        self.ask("$SYS.REQ.CLAIMS.UPDATE", &self.operator.token(account))
    }
}

const FULL: &str = "{ type: full, dir: DIR, allow_delete: true }";

#[test]
fn what_is_pushed_is_in_force_at_once() {
    let mut world = World::new(FULL);
    let mut account = TestAccount::new();
    let user = account.user(|_| {});
    user.is_refused(&world.server);
    let answer = world.push(&account);
    assert!(answer.starts_with("{\"server\":{\"name\":"), "{answer}");
    let name = account.key.public().to_owned();
    assert!(answer.contains(&format!(
        "\"account\":\"{name}\",\"code\":200,\"message\":\"jwt updated\""
    )));
    let mut client = user.enter(&world.server);
    account.claims.nats.revocations.0.insert("*".to_owned(), now());
    let subject = format!("$SYS.REQ.ACCOUNT.{name}.CLAIMS.UPDATE");
    let token = world.operator.token(&account);
    assert!(world.ask(&subject, &token).contains("jwt updated"));
    client.expect("-ERR 'User Authentication Revoked'");
    assert_eq!(
        world.ask(&format!("$SYS.REQ.ACCOUNT.{name}.CLAIMS.LOOKUP"), ""),
        token
    );
    let nobody = TestAccount::new();
    let subject = format!("$SYS.REQ.ACCOUNT.{}.CLAIMS.LOOKUP", nobody.key.public());
    assert_eq!(world.ask(&subject, ""), "");
}

#[test]
fn what_is_not_to_be_believed_is_not_kept() {
    let mut world = World::new(FULL);
    let account = TestAccount::new();
    let name = account.key.public().to_owned();
    let stranger = TestOperator::new().token(&account);
    let mut wrong = TestAccount::new();
    wrong.claims.nats.cluster_traffic = "x".to_owned();
    let wrong = world.operator.token(&wrong);
    let of_another = world.operator.token(&TestAccount::new());
    for (subject, payload, expected) in [
        (
            "$SYS.REQ.CLAIMS.UPDATE",
            "nothing",
            "jwt update resulted in error - expected 3 chunks",
        ),
        ("$SYS.REQ.CLAIMS.UPDATE", &*stranger, "not trusted"),
        (
            "$SYS.REQ.CLAIMS.UPDATE",
            &*wrong,
            "jwt validation failed - validation errors: [unknown cluster",
        ),
        (
            &*format!("$SYS.REQ.ACCOUNT.{name}.CLAIMS.UPDATE"),
            &*of_another,
            "subject does not match jwt content",
        ),
    ] {
        let answer = world.ask(subject, payload);
        assert!(
            answer.contains("\"error\":{") && answer.contains("\"code\":500"),
            "{answer}"
        );
        assert!(answer.contains(expected), "{expected}: {answer}");
    }
    let listed = world.ask("$SYS.REQ.CLAIMS.LIST", "");
    assert!(
        listed.contains(&format!("\"data\":[\"{}\"]", world.system.key.public())),
        "{listed}"
    );
}

/// A token of an operator about itself, that orders these accounts to be deleted.
fn order(operator: &TestOperator, by: &TestOperator, accounts: &[&str]) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let list: Vec<String> = accounts.iter().map(|account| format!("\"{account}\"")).collect();
    let signed = format!(
        "{}.{}",
        encode(r#"{"typ":"JWT","alg":"ed25519-nkey"}"#),
        encode(&format!(
            r#"{{"iss":"{}","sub":"{}","nats":{{"accounts":[{}],"type":"generic","version":2}}}}"#,
            by.key.public(),
            operator.key.public(),
            list.join(",")
        ))
    );
    let signature = URL_SAFE_NO_PAD.encode(by.key.sign(signed.as_bytes()).unwrap());
    format!("{signed}.{signature}")
}

#[test]
fn an_operator_has_tokens_deleted_and_nobody_else() {
    let mut world = World::new(FULL);
    let account = TestAccount::new();
    world.push(&account);
    let mut client = account.user(|_| {}).enter(&world.server);
    let (name, system) = (
        account.key.public().to_owned(),
        world.system.key.public().to_owned(),
    );
    let stranger = TestOperator::new();
    for (order, expected) in [
        (order(&world.operator, &stranger, &[&name]), "not self signed"),
        (order(&stranger, &stranger, &[&name]), "not trusted"),
        (
            order(&world.operator, &world.operator, &["x"]),
            "malformed request",
        ),
        (
            order(&world.operator, &world.operator, &[&system]),
            "not allowed to delete system account",
        ),
        ("x".to_owned(), "expected 3 chunks"),
    ] {
        let answer = world.ask("$SYS.REQ.CLAIMS.DELETE", &order);
        assert!(
            answer.contains("\"code\":500") && answer.contains(expected),
            "{answer}"
        );
    }
    client.sync_silent();
    let order = order(&world.operator, &world.operator, &[&name]);
    let answer = world.ask("$SYS.REQ.CLAIMS.DELETE", &order);
    assert!(
        answer.contains("\"code\":200,\"message\":\"deleted 1 accounts\""),
        "{answer}"
    );
    client.expect("-ERR 'Account Authentication Expired'");
    client.closed();
    account.user(|_| {}).is_refused(&world.server);
}

#[test]
fn folders_are_compared_by_what_is_in_them() {
    let mut world = World::new(FULL);
    let account = TestAccount::new();
    world.push(&account);
    let mut packed = vec![world.ask("$SYS.REQ.CLAIMS.PACK", "")];
    packed.extend((0..2).map(|_| String::from_utf8(world.client.message().payload).unwrap()));
    assert_eq!(packed.pop().as_deref(), Some(""), "the end");
    let line = format!("{}|{}", account.key.public(), world.operator.token(&account));
    let name = format!("{}|", account.key.public());
    assert!(packed.iter().any(|pack| pack.starts_with(&name)), "{line}");
}

#[test]
fn without_a_folder_those_change_that_are_known() {
    let mut world = World::new("MEMORY");
    let account = TestAccount::new();
    let name = account.key.public().to_owned();
    let subject = format!("$SYS.REQ.ACCOUNT.{name}.CLAIMS.UPDATE");
    let token = world.operator.token(&account);
    assert!(world.ask(&subject, &token).contains("jwt update skipped"));
    let mut system = TestAccount {
        key: world.system.key.clone(),
        claims: world.system.claims.clone(),
    };
    system
        .claims
        .nats
        .revocations
        .0
        .insert("*".to_owned(), now() - 3600);
    let subject = format!("$SYS.REQ.ACCOUNT.{}.CLAIMS.UPDATE", system.key.public());
    let token = world.operator.token(&system);
    assert!(world.ask(&subject, &token).contains("jwt updated"));
    world.client.sync_silent();
}
