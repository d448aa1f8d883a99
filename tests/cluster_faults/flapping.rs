//! A cable that is loose.

use crate::mesh::Mesh;
use crate::traffic::Traffic;
use std::thread;
use std::time::Duration;

/// Shorter than anybody notices but the system.
const MOMENT: Duration = Duration::from_millis(100);

#[test]
fn for_moments() {
    let mut mesh = Mesh::new();
    let traffic = Traffic::begin(&mut mesh, 0, &[1, 2]);
    for _ in 0..10 {
        mesh.network.cut_off(2);
        thread::sleep(MOMENT);
        mesh.network.heal();
        thread::sleep(MOMENT);
    }
    mesh.await_whole();
    mesh.expect_delivery();
    let outcome = traffic.end();
    outcome.heard[0].expect_all(outcome.published);
    outcome.heard[1].expect_order();
}

#[test]
fn until_routes_are_given_up() {
    let mut mesh = Mesh::new();
    let traffic = Traffic::begin(&mut mesh, 0, &[1, 2]);
    for _ in 0..3 {
        mesh.network.cut_off(2);
        mesh.await_routes(0, &[1]);
        // At the other end it may still be there.
        mesh.network.heal();
        mesh.await_whole();
    }
    mesh.expect_delivery();
    let outcome = traffic.end();
    outcome.heard[0].expect_all(outcome.published);
    outcome.heard[1].expect_order();
}
