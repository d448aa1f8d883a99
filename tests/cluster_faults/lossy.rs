//! A network that loses packets.

use crate::mesh::Mesh;
use crate::traffic::Traffic;
use std::thread;
use std::time::Duration;

const AS_LONG_AS: Duration = Duration::from_millis(500);

#[test]
fn three_of_ten_for_half_a_second() {
    let mut mesh = Mesh::new();
    let traffic = Traffic::begin(&mut mesh, 0, &[1, 2]);
    for other in [0, 1] {
        mesh.network.lose(30, other, 2);
        mesh.network.lose(30, 2, other);
    }
    thread::sleep(AS_LONG_AS);
    mesh.network.heal();
    mesh.await_whole();
    mesh.expect_delivery();
    let outcome = traffic.end();
    outcome.heard[0].expect_all(outcome.published);
    outcome.heard[1].expect_order();
}
