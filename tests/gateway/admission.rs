//! Who may connect clusters.

use crate::world::{await_gateways, gateway_by, port};
use vagus_auth::credentials::Credentials;
use vagus_configs::Gateway;
use vagus_test_support::{ServerBuilder, eventually};
use vagus_tls::Settings;
use vagus_tls::testing::{Authority, request};

fn with_password(name: &str, cluster: &str, remotes: &[(&str, u16)], password: &str) -> ServerBuilder {
    gateway_by(name, cluster, remotes, |gateway| {
        gateway.listener.credentials = Credentials::User {
            name: "gateway".to_owned(),
            password: password.to_owned(),
        };
    })
}

#[test]
fn servers_present_the_password_that_is_asked_for() {
    let a = with_password("a", "A", &[], "one").start();
    let b = with_password("b", "B", &[("A", port(&a))], "one").start();
    await_gateways(&a, 1, 1);
    await_gateways(&b, 1, 1);
    // The URL says another than the server's own.
    let c = gateway_by("c", "C", &[("A", port(&a))], |gateway| {
        let url = &mut gateway.remotes[0].urls[0];
        (url.user, url.password) = ("gateway".into(), Some("one".into()));
    });
    let _c = c.start();
    await_gateways(&a, 2, 2);
}

#[test]
fn who_presents_another_is_sent_away_and_tries_again() {
    let a = with_password("a", "A", &[], "one").start();
    let b = with_password("b", "B", &[("A", port(&a))], "two").start();
    eventually(|| {
        let closed = a.gateway_monitor().unwrap().closed;
        closed
            .get("Authentication Failure")
            .is_some_and(|count| *count > 1)
    });
    assert_eq!(a.gateways(), (0, 0));
    let dialled = b.remote_clusters().unwrap();
    assert_eq!(dialled.len(), 1);
}

fn with_tls(authority: &Authority, gateway: &mut Gateway) {
    let certificate = authority.issue(&request("gateway").host("localhost").ip("127.0.0.1"));
    gateway.listener.tls = Some(Settings {
        certificates: vec![certificate.pair()],
        ca: Some(authority.ca()),
        verify: true,
        ..Settings::default()
    });
}

#[test]
fn tls_is_spoken_both_ways() {
    let authority = Authority::new("Gateways");
    let a = gateway_by("a", "A", &[], |gateway| with_tls(&authority, gateway)).start();
    let b = gateway_by("b", "B", &[("A", port(&a))], |gateway| {
        with_tls(&authority, gateway)
    })
    .start();
    await_gateways(&a, 1, 1);
    await_gateways(&b, 1, 1);
    // One of another authority is none.
    let other = Authority::new("Others");
    let c = gateway_by("c", "C", &[("A", port(&a))], |gateway| with_tls(&other, gateway)).start();
    eventually(|| c.remote_clusters().unwrap()[0].dialling.failed > 1);
    assert_eq!((a.gateways(), c.gateways()), ((1, 1), (0, 0)));
}
