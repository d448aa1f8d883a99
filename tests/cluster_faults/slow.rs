//! A cable that takes little.

use crate::mesh::{ENOUGH, KILOBYTE, Mesh};
use crate::traffic::Traffic;

/// Others get theirs at once, and it gets its own once it can.
#[test]
fn holds_up_nobody_else() {
    let mut mesh = Mesh::patient();
    let mut quick = mesh.client(1);
    let mut slow = mesh.client(2);
    for (number, client) in [(1, &mut quick), (2, &mut slow)] {
        client.subscribe("much", "1");
        mesh.have_subscribed(number, 1);
    }
    mesh.await_whole();
    mesh.network.slow_down(2, 256);
    let mut publisher = mesh.client(0);
    for number in 0..4000_u32 {
        publisher.publish("much", &[&number.to_be_bytes(), &KILOBYTE[..]].concat());
    }
    publisher.sync_silent();
    for (number, message) in (0_u32..).zip(quick.messages(4000)) {
        assert_eq!(message.payload[..4], number.to_be_bytes());
    }
    mesh.await_pending(0, 2, 1 << 20);
    mesh.network.speed_up(2);
    for (number, message) in (0_u32..).zip(slow.messages(4000)) {
        assert_eq!(message.payload[..4], number.to_be_bytes());
    }
    mesh.await_whole();
    mesh.expect_delivery();
    assert!(mesh.most_memory(0) < ENOUGH, "{}", mesh.most_memory(0));
}

/// More than may wait for it: the route ends, and there is another.
#[test]
fn takes_no_more_memory_than_it_may() {
    let mut mesh = Mesh::new();
    let mut slow = mesh.client(2);
    slow.subscribe("much", "1");
    mesh.have_subscribed(2, 1);
    let traffic = Traffic::begin(&mut mesh, 0, &[1]);
    mesh.network.slow_down(2, 64);
    let mut publisher = mesh.client(0);
    for _ in 0..64 {
        for _ in 0..1024 {
            publisher.publish("much", &KILOBYTE);
        }
        publisher.sync_silent();
    }
    mesh.network.speed_up(2);
    mesh.await_whole();
    let outcome = traffic.end();
    outcome.heard[0].expect_all(outcome.published);
    mesh.expect_delivery();
    assert!(mesh.most_memory(0) < ENOUGH, "{}", mesh.most_memory(0));
}
