//! Only those come in whose keys are on the list.

use crate::world::{World, expect_sent_away};
use vagus_test_support::server;
use vagus_tls::Pin;
use vagus_tls::testing::request;

#[test]
fn by_key() {
    let world = World::new();
    let (known, unknown) = (world.issue(&request("known")), world.issue(&request("unknown")));
    let settings = world.with(|tls| {
        tls.verify = true;
        tls.pinned_certs = [Pin::of(&known.certificate).unwrap()].into_iter().collect();
    });
    let server = server().tls(settings).start();
    let mut client = server
        .client()
        .secured(&world.connector().showing(&known))
        .connect(r#"{"verbose":false,"name":"known"}"#);
    client.sync_silent();
    let facts = server.connection("known").unwrap().tls.unwrap();
    assert_eq!(facts.peer_certificates[0].subject, "CN=known");

    expect_sent_away(server.client().try_secured(&world.connector().showing(&unknown)));
    drop(client);
    server.expect_nothing_left();
}
