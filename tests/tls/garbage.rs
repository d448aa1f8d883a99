//! Who sends what is no handshake, or only half of one, costs nobody anything and is forgotten.

use crate::world::{CONNECT, World};
use vagus_test_support::{Client, Rng, server};
use vagus_tls::HandshakeFirst;

/// The beginning of a ClientHello.
const HELLO: &[u8] = &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];

#[test]
fn whatever_is_sent() {
    let world = World::new();
    for first in [HandshakeFirst::Off, HandshakeFirst::On, HandshakeFirst::AUTO] {
        let settings = world.with(|tls| tls.handshake_first = first);
        let server = server().tls(settings).start();
        let mut random = Rng::with_seed(7);
        for round in 0..60 {
            let mut client = Client::silent(server.client_address());
            let mut bytes = if round % 2 == 0 {
                HELLO.to_vec()
            } else {
                Vec::new()
            };
            bytes.extend((0..random.usize(..600)).map(|_| random.u8(..)));
            client.try_send_bytes(&bytes);
            if round % 3 == 0 {
                client.break_off();
            }
        }
        let mut good = Client::silent(server.client_address());
        if first == HandshakeFirst::Off {
            good.read_info();
        }
        let mut good = good.secured(&world.connector());
        if first != HandshakeFirst::Off {
            good.read_info();
        }
        let mut good = good.connect(CONNECT);
        good.sync_silent();
        drop(good);
        server.expect_nothing_left();
    }
}

/// Damaged records of somebody who is in cost that one its connection.
#[test]
fn behind_the_handshake() {
    let world = World::new();
    let server = server().tls(world.settings.clone()).start();
    let mut other = server.client().secured(&world.connector()).connect(CONNECT);
    other.sync_silent();
    let mut bad = server.client().secured(&world.connector()).connect(CONNECT);
    bad.sync_silent();
    bad.send_beneath_tls(&[0x17, 3, 3, 0, 40, 1, 2, 3]);
    bad.send_beneath_tls(&[9; 64]);
    bad.closed();
    other.sync_silent();
    drop((other, bad));
    server.expect_nothing_left();
}
