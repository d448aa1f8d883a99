//! A server that does nothing for a while, and goes on.

use crate::mesh::{ENOUGH, KILOBYTE, Mesh};
use crate::traffic::Traffic;

#[test]
fn one_that_is_given_up_comes_back() {
    let mut mesh = Mesh::new();
    let traffic = Traffic::begin(&mut mesh, 0, &[1, 2]);
    mesh.stop(2);
    mesh.await_routes(0, &[1]);
    mesh.await_routes(1, &[0]);
    mesh.await_whole();
    mesh.go_on(2);
    mesh.await_whole();
    mesh.expect_delivery();
    let outcome = traffic.end();
    outcome.heard[0].expect_all(outcome.published);
    outcome.heard[1].expect_order();
}

/// More is published than may wait for it: it is given up, and what waits here is bounded all the time.
#[test]
fn one_takes_no_more_memory_than_it_may() {
    let mut mesh = Mesh::patient();
    let mut late = mesh.client(2);
    late.subscribe("much", "1");
    mesh.have_subscribed(2, 1);
    let traffic = Traffic::begin(&mut mesh, 0, &[1]);
    mesh.stop(2);
    let mut publisher = mesh.client(0);
    for _ in 0..64 {
        for _ in 0..1024 {
            publisher.publish("much", &KILOBYTE);
        }
        publisher.sync_silent();
    }
    mesh.go_on(2);
    mesh.await_whole();
    let outcome = traffic.end();
    outcome.heard[0].expect_all(outcome.published);
    mesh.expect_delivery();
    assert!(mesh.most_memory(0) < ENOUGH, "{}", mesh.most_memory(0));
}

#[test]
fn one_that_is_back_in_time_has_missed_nothing() {
    let mut mesh = Mesh::patient();
    let mut beside = mesh.client(1);
    beside.subscribe("beside", "1");
    mesh.have_subscribed(1, 1);
    let mut late = mesh.client(2);
    late.subscribe("late", "1");
    mesh.have_subscribed(2, 1);
    mesh.await_whole();
    mesh.stop(2);
    let mut publisher = mesh.client(0);
    publisher.publish("late", b"1");
    publisher.publish("beside", b"2");
    beside.expect("MSG beside 1 1\r\n2");
    mesh.go_on(2);
    late.expect("MSG late 1 1\r\n1");
    mesh.await_whole();
    mesh.expect_delivery();
}
