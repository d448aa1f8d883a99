//! What the service is told of TLS, and its account of those that it refuses.

use crate::world::{Service, is_refused, key};
use serde_json::Value;
use vagus_auth::nkey::{KeyPair, Kind};
use vagus_test_support::{Connector, TestServer, server};
use vagus_tls::Settings;
use vagus_tls::testing::{Authority, request};

const CONNECT: &str = r#"{"verbose":false,"user":"alice","pass":"p","headers":true,"no_responders":true}"#;

fn configuration(issuer: &KeyPair) -> String {
    format!(
        "accounts {{
            AUTH {{ users: [{{user: auth, password: p}}] }}
            SYS {{ users: [{{user: sys, password: p}}] }}
            APP {{}}
        }}
        system_account: SYS
        authorization {{
            timeout: 5
            auth_callout {{ issuer: {}, account: AUTH, auth_users: [auth, sys] }}
        }}",
        issuer.public()
    )
}

#[test]
fn its_account_is_told_whom_it_has_refused_and_why() {
    let issuer = key(Kind::Account);
    let server = server().configured(&configuration(&issuer)).start();
    let enter = |user: &str| {
        let mut client = server.client().connect(&CONNECT.replace("alice", user));
        client.subscribe("$SYS.ACCOUNT.CLIENT.AUTH.ERR", "2");
        client.sync();
        client
    };
    let (mut sys, auth) = (enter("sys"), enter("auth"));
    let mut service = Service::new(auth, issuer);
    for (error, reason) in [
        ("no", "Auth callout service returned an error: no"),
        ("", "Auth callout violation: \"no reason supplied\""),
    ] {
        let mut alice = server.client().connect(CONNECT);
        let asked = service.asked();
        match error {
            "" => service.say(&asked, b""),
            error => service.answer(&asked, |answer| answer.nats.error = error.to_owned()),
        }
        is_refused(&mut alice);
        let event: Value = serde_json::from_slice(&service.client.message().payload).unwrap();
        assert_eq!(event["type"], "io.nats.server.advisory.v1.client_disconnect");
        assert_eq!(event["client"]["acc"], "AUTH");
        assert_eq!(event["client"]["user"], "alice");
        assert_eq!(event["reason"], reason);
    }
    // It is told there alone.
    sys.sync_silent();
}

fn certificates(
    server: &TestServer,
    connector: &Connector,
    service: &mut Service,
) -> (Vec<String>, Vec<Vec<String>>) {
    let mut alice = server.client().secured(connector).connect(CONNECT);
    let asked = service.asked();
    let tls = asked.request.nats.client_tls.clone().unwrap();
    assert_eq!(tls.version, "1.3");
    assert!(tls.cipher.starts_with("TLS_"), "{}", tls.cipher);
    let token = service.user(&asked, "APP", |_| {});
    service.grant(&asked, &token);
    alice.sync_silent();
    (tls.certs, tls.verified_chains)
}

#[test]
fn the_service_is_told_which_certificates_the_client_shows() {
    let issuer = key(Kind::Account);
    let authority = Authority::new("Test CA");
    let settings = Settings {
        certificates: vec![
            authority
                .issue(&request("server").host("localhost").ip("127.0.0.1"))
                .pair(),
        ],
        ca: Some(authority.ca()),
        ..Settings::default()
    };
    let client = authority.issue(&request("alice"));
    for verify in [false, true] {
        let settings = Settings {
            verify,
            ..settings.clone()
        };
        let server = server().configured(&configuration(&issuer)).tls(settings).start();
        let connector = Connector::trusting(&authority).showing(&client);
        let auth = CONNECT.replace("alice", "auth");
        let mut auth = server.client().secured(&connector).connect(&auth);
        auth.sync_silent();
        let mut service = Service::new(auth, issuer.clone());
        let (unverified, verified) = certificates(&server, &connector, &mut service);
        match verify {
            false => assert!(unverified.is_empty() && verified.is_empty()),
            true => {
                assert!(unverified.is_empty());
                let chain = verified.first().unwrap();
                assert_eq!(chain.len(), 2, "{chain:?}");
                let own = String::from_utf8(client.certificate.to_pem().unwrap()).unwrap();
                assert_eq!(chain.first(), Some(&own));
            }
        }
    }
}
