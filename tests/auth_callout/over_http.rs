//! A service is asked about who calls over HTTP.

use crate::world::{Service, key, now};
use std::net::SocketAddr;
use std::thread;
use vagus_auth::nkey::{KeyPair, Kind};
use vagus_test_support::{Answer, TestServer, eventually, send, server};

/// `alice:p`, `other:p`
const ALICE: (&str, &str) = ("Authorization", "Basic YWxpY2U6cA==");
const OTHER: (&str, &str) = ("Authorization", "Basic b3RoZXI6cA==");

fn configuration(issuer: &KeyPair) -> String {
    format!(
        "accounts {{
            AUTH {{ users: [{{user: auth, password: p}}] }}
            APP {{ users: [{{user: known, password: p}}] }}
        }}
        authorization {{
            timeout: 5
            auth_callout {{ issuer: {}, account: AUTH, auth_users: [auth] }}
        }}
        connectors: [{{id: web, type: HTTP, listen: '127.0.0.1:-1'}}]",
        issuer.public()
    )
}

fn started() -> (TestServer, SocketAddr, Service) {
    let issuer = key(Kind::Account);
    let server = server().configured(&configuration(&issuer)).start();
    let place = || server.connectors().first().and_then(|web| web.address.clone());
    eventually(|| place().is_some());
    let address = place().unwrap().parse().unwrap();
    let client = server
        .client()
        .connect(r#"{"verbose":false,"user":"auth","pass":"p","headers":true,"no_responders":true}"#);
    let service = Service::new(client, issuer);
    (server, address, service)
}

fn publish(address: SocketAddr, subject: &'static str, who: (&'static str, &'static str)) -> Answer {
    send(address, "POST", &format!("/v1/publish/{subject}"), &[who], "hi")
}

#[test]
fn the_service_names_who_calls_and_need_not_be_asked_each_time() {
    let (server, address, mut service) = started();
    let calling = thread::spawn(move || publish(address, "a.x", ALICE));
    let asked = service.asked();
    let nats = &asked.request.nats;
    assert_eq!(
        (&*nats.connect_opts.user, &*nats.connect_opts.pass),
        ("alice", "p")
    );
    assert_eq!(
        (&*nats.client_info.host, &*nats.client_info.language),
        ("127.0.0.1", "http")
    );
    let token = service.user(&asked, "APP", |user| {
        user.nats.limits.permissions.publish.allow = vec!["a.>".to_owned()];
    });
    service.grant(&asked, &token);
    assert_eq!(calling.join().unwrap().status, 200);
    assert_eq!(publish(address, "a.y", ALICE).status, 200);
    assert_eq!(publish(address, "b", ALICE).status, 403);
    service.client.sync_silent();
    // Other users are signed by another key now: it is asked again, and its answer does not count.
    server.reconfigure(&configuration(&key(Kind::Account)));
    let calling = thread::spawn(move || publish(address, "a.x", ALICE));
    let asked = service.asked();
    let token = service.user(&asked, "APP", |_| {});
    service.grant(&asked, &token);
    assert_eq!(calling.join().unwrap().status, 401);
}

#[test]
fn who_is_refused_by_the_service_is_not_told_why() {
    let (_server, address, mut service) = started();
    let calling = thread::spawn(move || publish(address, "a.x", OTHER));
    let asked = service.asked();
    service.answer(&asked, |answer| answer.nats.error = "gone".to_owned());
    let refused = calling.join().unwrap();
    assert_eq!(refused.status, 401);
    assert!(!refused.body.contains("gone"), "{}", refused.body);
}

#[test]
fn a_token_holds_no_longer_than_the_user_that_was_named() {
    let (_server, address, mut service) = started();
    let login = thread::spawn(move || send(address, "POST", "/v1/login", &[ALICE], ""));
    let asked = service.asked();
    let token = service.user(&asked, "APP", |user| user.expires = now() + 3);
    service.grant(&asked, &token);
    let said = login.join().unwrap().json();
    assert_eq!(said["account"], "APP");
    assert!(said["expires_in"].as_u64().unwrap() <= 3, "{said}");
    let bearer = format!("Bearer {}", said["token"].as_str().unwrap());
    let publish = || {
        send(
            address,
            "POST",
            "/v1/publish/a",
            &[("Authorization", &bearer)],
            "hi",
        )
        .status
    };
    assert_eq!(publish(), 200);
    eventually(|| publish() == 401);
    service.client.sync_silent();
}

#[test]
fn nobody_puts_questions_to_the_service_in_its_place() {
    let (_server, address, mut service) = started();
    // `auth:p`
    let own = ("Authorization", "Basic YXV0aDpw");
    let asking = send(address, "POST", "/v1/publish/$SYS.REQ.USER.AUTH", &[own], "hi");
    assert_eq!(asking.status, 403);
    service.client.sync_silent();
}
