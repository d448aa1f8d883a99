//! A certificate says which user somebody is, by each of its names, and what that one may do holds.

use crate::world::{CONNECT, World, expect_sent_away};
use std::sync::Arc;
use vagus_auth::credentials::{ConnectionTypes, Credentials, Proof, User};
use vagus_auth::permission::{Permissions, Rules};
use vagus_test_support::{Connector, TestServer, server};
use vagus_tls::Settings;
use vagus_tls::testing::{Request, request};

fn mapping_server(world: &World, users: &[&str]) -> TestServer {
    mapping_server_with(world, users, None)
}

fn mapping_server_with(world: &World, users: &[&str], no_auth_user: Option<&str>) -> TestServer {
    mapping_server_of(world, users, no_auth_user, |_| {})
}

fn mapping_server_of(
    world: &World,
    users: &[&str],
    no_auth_user: Option<&str>,
    set: impl FnOnce(&mut Settings),
) -> TestServer {
    let user = |name: &&str| User {
        proof: Proof::Password {
            name: (*name).to_owned(),
            password: String::new(),
        },
        permissions: Some(Arc::new(Permissions {
            publish: Rules {
                allow: vec!["allowed".to_owned()],
                ..Rules::default()
            },
            ..Permissions::default()
        })),
        connection_types: ConnectionTypes::default(),
        account: None,
        requires_proxy: false,
    };
    server()
        .tls(world.with(|tls| {
            tls.verify_and_map = true;
            set(tls);
        }))
        .credentials(Credentials::Users {
            users: users.iter().map(user).collect(),
            no_auth_user: no_auth_user.map(str::to_owned),
            default_permissions: None,
        })
        .start()
}

/// Whether somebody with this certificate is the one user there is.
#[track_caller]
fn check(user: &str, certificate: &Request, is_in: bool) {
    let world = World::new();
    let server = mapping_server(&world, &[user]);
    let connector: Connector = world.connector().showing(&world.issue(certificate));
    let client = server.client();
    assert!(
        client.info().contains(r#""tls_verify":true"#),
        "{}",
        client.info()
    );
    assert!(
        client.info().contains(r#""auth_required":true"#),
        "{}",
        client.info()
    );
    let mut client = client.secured(&connector).connect(CONNECT);
    if !is_in {
        client.send("PING");
        assert_eq!(client.closed(), "-ERR 'Authorization Violation'\r\n");
        return;
    }
    client.send("PUB allowed 0\r\n\r\nPUB forbidden 0\r\n");
    client.expect(r#"-ERR 'Permissions Violation for Publish to "forbidden"'"#);
    client.sync_silent();
}

#[test]
fn by_each_name() {
    let certificate = request("derek")
        .email("derek@acme.test")
        .host("derek.acme.test")
        .uri("spiffe://acme.test/derek");
    check("derek@acme.test", &certificate, true);
    check("derek.acme.test", &certificate, true);
    check("spiffe://acme.test/derek", &certificate, true);
    check("CN=derek", &certificate, true);
    check("CN=other", &certificate, false);
    check("derek", &certificate, false);
}

#[test]
fn by_the_whole_subject() {
    let certificate = request("").subject(&[("O", "acme"), ("OU", "sales"), ("CN", "derek")]);
    check("CN=derek,OU=sales,O=acme", &certificate, true);
    check("O=acme,OU=sales,CN=derek", &certificate, true);
    check("CN=derek,O=acme", &certificate, false);
}

#[test]
fn without_a_certificate_nobody_is_anybody() {
    let world = World::new();
    let server = mapping_server(&world, &["CN=derek"]);
    expect_sent_away(server.client().try_secured(&world.connector()));
    server.expect_nothing_left();
}

/// Where certificates say who somebody is, nobody is the user of those who say nothing.
#[test]
fn saying_nothing_is_no_way_around_it() {
    let world = World::new();
    let server = mapping_server_with(&world, &["CN=derek"], Some("CN=derek"));
    for (subject, is_in) in [("other", false), ("derek", true)] {
        let connector = world.connector().showing(&world.issue(&request(subject)));
        for first in ["PUB allowed 0\r\n", "CONNECT {}\r\nPUB allowed 0\r\n"] {
            let mut client = server.client().secured(&connector);
            client.send(first);
            if is_in {
                client.expect("+OK");
            } else {
                assert_eq!(client.closed(), "-ERR 'Authorization Violation'\r\n", "{first}");
            }
        }
    }
}

/// Nor is a name without the certificate that it is of, over TLS or where that is optional.
#[test]
fn a_name_is_no_way_around_it() {
    let world = World::new();
    let server = mapping_server_of(&world, &["CN=derek"], None, |tls| tls.allow_non_tls = true);
    for said in [
        r#"CONNECT {"verbose":false,"user":"CN=derek"}"#,
        r#"CONNECT {"verbose":false,"user":"CN=derek","pass":""}"#,
    ] {
        let mut plain = server.client();
        plain.send(said);
        assert_eq!(plain.closed(), "-ERR 'Authorization Violation'\r\n", "{said}");
        let connector = world.connector().showing(&world.issue(&request("other")));
        let mut other = server.client().secured(&connector);
        other.send(said);
        assert_eq!(other.closed(), "-ERR 'Authorization Violation'\r\n", "{said}");
    }
}
