//! Of several certificates a client gets the one for the host it asks for.

use crate::world::{CONNECT, World};
use vagus_test_support::server;
use vagus_tls::testing::request;

#[test]
fn by_the_name_of_the_host() {
    let world = World::new();
    let (one, two) = (
        world.issue(&request("one").host("one.test")),
        world.issue(&request("two").host("two.test")),
    );
    let settings = world.with(|tls| tls.certificates = vec![one.pair(), two.pair()]);
    let server = server().tls(settings).start();
    for (host, expected) in [
        (Some("one.test"), &one),
        (Some("two.test"), &two),
        (Some("three.test"), &one),
        (None, &one),
    ] {
        let mut connector = world.connector();
        if let Some(host) = host {
            connector = connector.host(host);
        }
        let mut client = server.client().secured(&connector).connect(CONNECT);
        client.sync_silent();
        let shown = client.server_certificate().unwrap();
        assert_eq!(
            shown.to_der().unwrap(),
            expected.certificate.to_der().unwrap(),
            "{host:?}"
        );
    }
}
