//! A network that is cut, and whole again. Connections do not break by it: nothing more comes, that is all.

use crate::mesh::Mesh;
use crate::traffic::Traffic;

#[test]
fn both_ways() {
    let mut mesh = Mesh::new();
    let traffic = Traffic::begin(&mut mesh, 0, &[1, 2]);
    mesh.network.cut_off(2);
    mesh.await_routes(0, &[1]);
    mesh.await_routes(1, &[0]);
    mesh.await_routes(2, &[]);
    mesh.network.heal();
    mesh.await_whole();
    mesh.expect_delivery();
    let outcome = traffic.end();
    outcome.heard[0].expect_all(outcome.published);
    outcome.heard[1].expect_order();
}

#[test]
fn one_way() {
    for (from, to) in [(0, 2), (2, 0)] {
        let mut mesh = Mesh::new();
        let traffic = Traffic::begin(&mut mesh, 0, &[1, 2]);
        mesh.network.cut(from, to);
        mesh.await_routes(0, &[1]);
        mesh.await_routes(2, &[1]);
        mesh.await_routes(1, &[0, 2]);
        mesh.network.heal();
        mesh.await_whole();
        mesh.expect_delivery();
        let outcome = traffic.end();
        outcome.heard[0].expect_all(outcome.published);
        outcome.heard[1].expect_order();
    }
}

/// What changes meanwhile is known afterwards.
#[test]
fn with_changes_on_both_sides() {
    let mut mesh = Mesh::new();
    let mut leaves = mesh.client(2);
    leaves.subscribe("old", "1");
    mesh.have_subscribed(2, 1);
    mesh.await_whole();
    mesh.network.cut_off(2);
    mesh.await_routes(0, &[1]);
    mesh.await_routes(2, &[]);
    leaves.send("UNSUB 1");
    let mut comes = mesh.client(2);
    for number in 0..1000 {
        comes.send(&format!("SUB new.{number} {number}"));
    }
    leaves.sync_silent();
    comes.sync_silent();
    mesh.have_subscribed(2, 1000);
    let mut here = mesh.client(0);
    here.subscribe("here", "1");
    mesh.have_subscribed(0, 1);
    mesh.network.heal();
    mesh.await_whole();
    mesh.expect_delivery();
    let mut publisher = mesh.client(1);
    publisher.publish("new.999", b"1");
    publisher.publish("here", b"2");
    comes.expect("MSG new.999 999 1\r\n1");
    here.expect("MSG here 1 1\r\n2");
}
