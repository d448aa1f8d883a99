//! Where clients have to show a certificate, only those with a good one come in.

use crate::world::{CONNECT, World, expect_sent_away};
use openssl::ssl::SslVersion;
use vagus_test_support::{Connector, server};
use vagus_tls::testing::{Authority, request};

#[test]
fn a_good_certificate_is_needed() {
    let world = World::new();
    let server = server().tls(world.with(|tls| tls.verify = true)).start();
    let good = world.issue(&request("good"));
    let expired = world.issue(&request("late").expired());
    let foreign = Authority::new("Another CA").issue(&request("stranger"));
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let connector = || world.connector().version(version);
        let mut client = server
            .client()
            .secured(&connector().showing(&good))
            .connect(CONNECT);
        client.sync_silent();
        let bad: [Connector; 3] = [
            connector(),
            connector().showing(&expired),
            connector().showing(&foreign),
        ];
        for connector in bad {
            expect_sent_away(server.client().try_secured(&connector));
        }
        drop(client);
        server.expect_nothing_left();
    }
}
