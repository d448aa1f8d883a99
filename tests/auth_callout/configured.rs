//! Where accounts are configured.

use crate::world::{Service, is_refused, key, now};
use vagus_auth::nkey::{CurveKey, KeyPair, Kind};
use vagus_test_support::{Client, TestServer, eventually, server};

struct World {
    server: TestServer,
    service: Service,
}

fn configuration(issuer: &KeyPair, more: &str) -> String {
    format!(
        "accounts {{
            AUTH {{ users: [{{user: auth, password: p}}] }}
            APP {{ users: [{{user: known, password: p}}] }}
            OTHER {{ users: [{{user: other, password: p}}] }}
        }}
        authorization {{
            timeout: 5
            auth_callout {{ issuer: {}, account: AUTH, auth_users: [auth] {more} }}
        }}",
        issuer.public()
    )
}

impl World {
    fn new(more: &str) -> Self {
        let issuer = key(Kind::Account);
        let server = server().configured(&configuration(&issuer, more)).start();
        let mut client = connect(&server, "auth");
        client.sync_silent();
        Self {
            service: Service::new(client, issuer),
            server,
        }
    }
}

#[track_caller]
fn connect(server: &TestServer, user: &str) -> Client {
    server.client().connect(&format!(
        r#"{{"verbose":false,"user":"{user}","pass":"p","name":"n","headers":true,"no_responders":true}}"#
    ))
}

#[test]
fn the_service_is_told_who_it_is_and_names_the_account() {
    let World { server, mut service } = World::new("");
    let mut alice = connect(&server, "alice");
    let asked = service.asked();
    let request = &asked.request;
    assert_eq!(request.audience, "nats-authorization-request");
    assert_eq!(request.subject, service.issuer.public());
    assert_eq!(request.issuer, server.id());
    assert!(request.expires > now());
    let nats = &request.nats;
    assert_eq!(
        (&*nats.connect_opts.user, &*nats.connect_opts.pass),
        ("alice", "p")
    );
    assert_eq!(
        (&*nats.client_info.user, &*nats.client_info.kind),
        ("alice", "Client")
    );
    assert_eq!(
        (&*nats.client_info.host, &*nats.server_id.id),
        ("127.0.0.1", server.id())
    );
    let token = service.user(&asked, "APP", |user| {
        user.nats.limits.permissions.publish.allow = vec!["a.>".to_owned()];
        user.name = "Alice".to_owned();
    });
    service.grant(&asked, &token);
    alice.subscribe("a.x", "1");
    alice.send("PUB a.x 2\r\nhi");
    alice.expect("MSG a.x 1 2\r\nhi");
    alice.send("PUB b 2\r\nhi");
    alice.expect("-ERR 'Permissions Violation for Publish to \"b\"'");
    // It is in the account that the service named.
    let mut other = connect(&server, "other");
    let asked = service.asked();
    let token = service.user(&asked, "OTHER", |_| {});
    service.grant(&asked, &token);
    other.send("PUB a.x 2\r\nno");
    other.sync_silent();
    alice.sync_silent();
}

#[test]
fn who_is_not_named_is_refused() {
    let World { server, mut service } = World::new("");
    let refused = |service: &mut Service, answer: &dyn Fn(&mut Service, &crate::world::Asked)| {
        let mut client = connect(&server, "alice");
        let asked = service.asked();
        answer(service, &asked);
        is_refused(&mut client);
    };
    refused(&mut service, &|service, asked| {
        service.answer(asked, |answer| answer.nats.error = "no".to_owned());
    });
    refused(&mut service, &|service, asked| service.say(asked, b""));
    refused(&mut service, &|service, asked| service.say(asked, b"garbage"));
    refused(&mut service, &|service, asked| {
        let token = service.user(asked, "NONE", |_| {});
        service.grant(asked, &token);
    });
    refused(&mut service, &|service, asked| {
        let token = service.user(asked, "APP", |user| user.expires = now() - 1);
        service.grant(asked, &token);
    });
    refused(&mut service, &|service, asked| {
        let token = service.user(asked, "APP", |user| {
            user.nats.limits.connection_types = vec!["MQTT".to_owned()];
        });
        service.grant(asked, &token);
    });
    let stranger = key(Kind::Account);
    refused(&mut service, &|service, asked| {
        let own = std::mem::replace(&mut service.issuer, stranger.clone());
        let token = service.user(asked, "APP", |_| {});
        service.issuer = own;
        service.grant(asked, &token);
    });
    // The answer to one question is none to another.
    let mut first = connect(&server, "alice");
    let asked_first = service.asked();
    let mut second = connect(&server, "alice");
    let asked_second = service.asked();
    let token = service.user(&asked_first, "APP", |_| {});
    service.grant(&asked_second, &token);
    is_refused(&mut second);
    service.grant(&asked_first, &token);
    first.sync_silent();
}

#[test]
fn without_a_service_nobody_else_comes_in() {
    let World { server, service } = World::new("");
    drop(service);
    eventually(|| server.connections().is_empty());
    is_refused(&mut connect(&server, "alice"));
    // Who it is is known, and it is the service's to say all the same.
    is_refused(&mut connect(&server, "known"));
    connect(&server, "auth").sync_silent();
}

#[test]
fn a_service_that_is_silent_lets_nobody_in() {
    let issuer = key(Kind::Account);
    let text = configuration(&issuer, "").replace("timeout: 5", "timeout: 1");
    let server = server().configured(&text).start();
    let mut client = connect(&server, "auth");
    client.sync_silent();
    let mut service = Service::new(client, issuer);
    let mut alice = connect(&server, "alice");
    let asked = service.asked();
    assert_eq!(alice.closed(), "-ERR 'Authorization Violation'\r\n");
    // What comes too late is for nobody.
    let token = service.user(&asked, "APP", |_| {});
    service.grant(&asked, &token);
}

#[test]
fn it_is_asked_about_some_accounts_alone_if_these_are_named() {
    let World { server, mut service } = World::new(", allowed_accounts: [APP]");
    connect(&server, "other").sync_silent();
    let mut known = connect(&server, "known");
    let asked = service.asked();
    let token = service.user(&asked, "APP", |_| {});
    service.grant(&asked, &token);
    known.sync_silent();
}

#[test]
fn questions_and_answers_are_sealed() {
    let curve = CurveKey::generate().unwrap();
    let World { server, mut service } = World::new(&format!(", xkey: {}", curve.public()));
    service.curve = Some(curve);
    let mut alice = connect(&server, "alice");
    let asked = service.asked();
    assert!(
        server
            .client()
            .info()
            .contains(&asked.request.nats.server_id.xkey)
    );
    let token = service.user(&asked, "APP", |_| {});
    service.grant(&asked, &token);
    alice.sync_silent();
    // What was sealed by somebody else is not opened.
    let mut mallory = connect(&server, "mallory");
    let asked = service.asked();
    let token = service.user(&asked, "APP", |_| {});
    service.curve = Some(CurveKey::generate().unwrap());
    service.grant(&asked, &token);
    is_refused(&mut mallory);
}

#[test]
fn who_is_named_for_a_while_is_closed_then() {
    let World { server, mut service } = World::new("");
    let mut alice = connect(&server, "alice");
    let asked = service.asked();
    let token = service.user(&asked, "APP", |user| user.expires = now() + 2);
    service.grant(&asked, &token);
    alice.expect("-ERR 'User Authentication Expired'");
    alice.closed();
}

#[test]
fn who_is_named_stays_as_long_as_the_service_does() {
    let World { server, mut service } = World::new("");
    let mut alice = connect(&server, "alice");
    let asked = service.asked();
    let token = service.user(&asked, "APP", |_| {});
    service.grant(&asked, &token);
    alice.sync_silent();
    let text = configuration(&service.issuer, "");
    server.reconfigure(&format!(
        "{text}
max_payload: 1000"
    ));
    alice.sync_silent();
    server.reconfigure(&configuration(&key(Kind::Account), ""));
    alice.closed();
}

/// Before CONNECT there is nobody to ask about, and nobody is let in as somebody else.
#[test]
fn nothing_comes_before_connect() {
    let issuer = key(Kind::Account);
    let text = format!("{}\nno_auth_user: known", configuration(&issuer, ""));
    let server = server().configured(&text).start();
    for verb in ["PING", "SUB a 1", "PUB a 2\r\nhi"] {
        let mut client = server.client();
        client.send(verb);
        is_refused(&mut client);
    }
}

#[test]
fn nobody_in_its_account_asks_in_place_of_the_server() {
    let World { server, mut service } = World::new("");
    let mut alice = connect(&server, "alice");
    let asked = service.asked();
    let token = service.user(&asked, "AUTH", |_| {});
    service.grant(&asked, &token);
    alice.send("PUB $SYS.REQ.USER.AUTH 2\r\nhi");
    alice.expect("-ERR 'Permissions Violation for Publish to \"$SYS.REQ.USER.AUTH\"'");
}

/// However many wait, each is answered by itself, and nobody else waits for them.
#[test]
fn many_wait_at_once() {
    let World { server, mut service } = World::new("");
    let mut waiting: Vec<Client> = (0..50).map(|_| connect(&server, "alice")).collect();
    let asked: Vec<_> = waiting.iter().map(|_| service.asked()).collect();
    connect(&server, "auth").sync_silent();
    for asked in asked.iter().rev() {
        let token = service.user(asked, "APP", |_| {});
        service.grant(asked, &token);
    }
    for client in &mut waiting {
        client.sync_silent();
    }
}
