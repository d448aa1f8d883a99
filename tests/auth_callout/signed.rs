//! Where operators sign accounts.

use crate::world::{Service, is_refused, key, now};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vagus_auth::nkey::{KeyPair, Kind};
use vagus_jwt::{Account, AccountLimits, Claims, Operator, User, UserLimits};
use vagus_test_support::{Client, TestServer, server};

struct World {
    server: TestServer,
    service: Service,
    /// Whose token is presented for those who have none.
    sentinel: String,
    operator: KeyPair,
    /// Of another account, that the service may put somebody in.
    target: KeyPair,
    /// Of one that it may not.
    forbidden: KeyPair,
}

/// Where this operator has signed these accounts.
fn configuration(operator: &KeyPair, sentinel: &str, accounts: &[&Claims<Account>]) -> String {
    let token = Claims::<Operator>::about(operator.public())
        .encode(operator, now())
        .unwrap();
    let mut text = format!(
        "operator: {token}\nresolver: MEMORY\ndefault_sentinel: {sentinel}\nauthorization {{ timeout: 5 }}\n\
         resolver_preload {{\n"
    );
    for claims in accounts {
        let token = (*claims).clone().encode(operator, now()).unwrap();
        text.push_str(&format!("{}: {token}\n", claims.subject));
    }
    text + "}\n"
}

fn account(key: &KeyPair) -> Claims<Account> {
    let mut claims = Claims::<Account>::about(key.public());
    claims.nats.limits = AccountLimits::unlimited();
    claims
}

fn user(account: &KeyPair, key: &KeyPair, set: impl FnOnce(&mut Claims<User>)) -> String {
    let mut claims = Claims::<User>::about(key.public());
    claims.nats.limits = UserLimits::unlimited();
    set(&mut claims);
    claims.encode(account, now()).unwrap()
}

impl World {
    fn new() -> Self {
        let operator = key(Kind::Operator);
        let (asking, target, forbidden) = (key(Kind::Account), key(Kind::Account), key(Kind::Account));
        let (of_service, sentinel) = (key(Kind::User), key(Kind::User));
        let mut claims = account(&asking);
        claims.nats.authorization.auth_users = vec![of_service.public().to_owned()];
        claims.nats.authorization.allowed_accounts = vec![target.public().to_owned()];
        let sentinel = user(&asking, &sentinel, |user| user.nats.limits.bearer = true);
        let others = [&target, &forbidden].map(account);
        let text = configuration(&operator, &sentinel, &[&claims, &others[0], &others[1]]);
        let server = server().configured(&text).start();
        let mut client = present(&server, &user(&asking, &of_service, |_| {}), &of_service);
        client.sync_silent();
        Self {
            service: Service::new(client, asking),
            server,
            sentinel,
            operator,
            target,
            forbidden,
        }
    }
}

#[track_caller]
fn present(server: &TestServer, token: &str, key: &KeyPair) -> Client {
    let client = server.client();
    let (_, rest) = client.info().split_once("\"nonce\":\"").unwrap();
    let nonce = rest.split('"').next().unwrap().to_owned();
    let signature = URL_SAFE_NO_PAD.encode(key.sign(nonce.as_bytes()).unwrap());
    client.connect(&format!(
        r#"{{"verbose":false,"jwt":"{token}","sig":"{signature}","headers":true,"no_responders":true}}"#
    ))
}

/// Who presents no token is asked about as the sentinel.
#[test]
fn the_service_is_asked_about_who_has_no_token() {
    let World {
        server,
        mut service,
        target,
        ..
    } = World::new();
    let mut alice = server
        .client()
        .connect(r#"{"verbose":false,"user":"alice","pass":"p"}"#);
    let asked = service.asked();
    assert_eq!(asked.request.subject, service.issuer.public());
    assert_eq!(asked.request.nats.connect_opts.pass, "p");
    let own = std::mem::replace(&mut service.issuer, target.clone());
    let token = service.user(&asked, "", |_| {});
    service.issuer = own;
    service.grant(&asked, &token);
    alice.subscribe("a", "1");
    alice.send("PUB a 2\r\nhi");
    alice.expect("MSG a 1 2\r\nhi");
    service.client.send("PUB a 2\r\nno");
    service.client.sync_silent();
    alice.sync_silent();
}

#[test]
fn it_names_nobody_in_accounts_that_are_not_its() {
    let World {
        server,
        mut service,
        forbidden,
        ..
    } = World::new();
    let mut alice = server.client().connect(r#"{"verbose":false,"user":"alice"}"#);
    let asked = service.asked();
    let own = std::mem::replace(&mut service.issuer, forbidden);
    let token = service.user(&asked, "", |_| {});
    service.issuer = own;
    service.grant(&asked, &token);
    is_refused(&mut alice);
    // Nor does anybody else answer for it.
    let mut bob = server.client().connect(r#"{"verbose":false,"user":"bob"}"#);
    let asked = service.asked();
    let token = service.user(&asked, "", |_| {});
    service.issuer = key(Kind::Account);
    service.grant(&asked, &token);
    is_refused(&mut bob);
}

/// A token that does not hold is not the service's to decide about.
#[test]
fn it_is_asked_about_users_of_its_account_alone() {
    let World {
        server,
        mut service,
        target,
        ..
    } = World::new();
    let of_target = key(Kind::User);
    present(&server, &user(&target, &of_target, |_| {}), &of_target).sync_silent();
    let of_asking = key(Kind::User);
    let token = user(&service.issuer, &of_asking, |_| {});
    is_refused(&mut present(&server, &token, &key(Kind::User)));
    let mut client = present(&server, &token, &of_asking);
    let asked = service.asked();
    assert_eq!(asked.request.nats.client_info.user, of_asking.public());
    let named = service.user(&asked, "", |_| {});
    service.grant(&asked, &named);
    client.sync_silent();
}

#[test]
fn an_account_that_wants_nobody_asked_any_more_is_let_in_as_others_are() {
    let World {
        server,
        mut service,
        operator,
        sentinel,
        ..
    } = World::new();
    let key = key(Kind::User);
    let token = user(&service.issuer, &key, |_| {});
    let mut client = present(&server, &token, &key);
    let asked = service.asked();
    let named = service.user(&asked, "", |_| {});
    service.grant(&asked, &named);
    client.sync_silent();
    server.reconfigure(&configuration(&operator, &sentinel, &[&account(&service.issuer)]));
    present(&server, &token, &key).sync_silent();
    service.client.sync_silent();
}
