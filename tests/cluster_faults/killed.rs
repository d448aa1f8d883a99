//! A server that is killed.

use crate::mesh::Mesh;
use crate::traffic::Traffic;

#[test]
fn others_go_on_without_it_and_with_it_again() {
    let mut mesh = Mesh::new();
    let traffic = Traffic::begin(&mut mesh, 0, &[1, 2]);
    mesh.kill(2);
    mesh.await_whole();
    mesh.expect_delivery();
    mesh.start(2);
    mesh.listen(2);
    mesh.await_whole();
    mesh.expect_delivery();
    let outcome = traffic.end();
    outcome.heard[0].expect_all(outcome.published);
    outcome.heard[1].expect_no_gap();
}

/// What it had passed on came in order, and nothing twice.
#[test]
fn publishers_of_others_take_its_place() {
    let mut mesh = Mesh::new();
    let traffic = Traffic::begin(&mut mesh, 2, &[0, 1]);
    mesh.kill(2);
    mesh.await_whole();
    let mut others = mesh.client(0);
    others.publish("traffic", b"end");
    others.sync_silent();
    for heard in &traffic.end().heard {
        heard.expect_no_gap();
    }
    mesh.expect_delivery();
}
