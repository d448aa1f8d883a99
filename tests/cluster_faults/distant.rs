//! Servers that are far from each other: what one says comes to the other later, or not for a while.

use crate::mesh::{Mesh, SERVERS};
use crate::traffic::Traffic;
use std::thread;
use std::time::Duration;
use vagus_test_support::eventually;

/// From one server to another.
const FAR: Duration = Duration::from_millis(100);

const AS_LONG_AS: Duration = Duration::from_millis(500);

/// Longer than what a relay passes on at a time, so that it ends within one.
const LONG: usize = 300 << 10;

/// Whether a round trip takes as long as it has to.
fn is_far(shown: &str) -> bool {
    match shown.strip_suffix("ms") {
        Some(milliseconds) => milliseconds.parse::<f64>().unwrap() >= 2.0 * FAR.as_secs_f64() * 1000.0,
        None => shown.ends_with('s') && !shown.ends_with("µs"),
    }
}

#[test]
fn all_of_it_comes_later() {
    let mut mesh = Mesh::distant(FAR);
    let traffic = Traffic::begin(&mut mesh, 0, &[1, 2]);
    for number in 0..SERVERS {
        eventually(|| {
            let shown = mesh.ask(number, "/routez");
            let mut routes = shown["routes"].as_array().unwrap().iter();
            routes.all(|route| is_far(route["rtt"].as_str().unwrap_or_default()))
        });
    }
    mesh.expect_delivery();
    let outcome = traffic.end();
    outcome.heard[0].expect_all(outcome.published);
    outcome.heard[1].expect_all(outcome.published);
}

/// What changes while it is on its way is exact in the end.
#[test]
fn interest_is_exact_behind_what_is_on_its_way() {
    let mut mesh = Mesh::distant(FAR);
    let mut clients = [mesh.client(0), mesh.client(1), mesh.client(2)];
    for round in 0..20 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(&format!(
                "SUB come.{number}.{round} {round}\r\nSUB gone.{number} 99\r\nUNSUB 99"
            ));
            client.sync_silent();
        }
    }
    for number in 0..SERVERS {
        mesh.have_subscribed(number, 20);
    }
    mesh.await_whole();
    mesh.kill(2);
    mesh.await_routes(0, &[1]);
    mesh.await_routes(1, &[0]);
    mesh.start(2);
    mesh.listen(2);
    mesh.await_whole();
    mesh.expect_delivery();
}

#[test]
fn nothing_for_a_while() {
    let mut mesh = Mesh::distant(Duration::from_millis(5));
    let traffic = Traffic::begin(&mut mesh, 0, &[1, 2]);
    mesh.hold(2);
    thread::sleep(AS_LONG_AS);
    mesh.let_go(2);
    mesh.await_whole();
    mesh.expect_delivery();
    let outcome = traffic.end();
    outcome.heard[0].expect_all(outcome.published);
    outcome.heard[1].expect_all(outcome.published);
}

#[test]
fn routes_end_in_the_middle_of_a_message() {
    let mut mesh = Mesh::distant(Duration::from_millis(5));
    let mut far = mesh.client(2);
    far.subscribe("long", "1");
    mesh.have_subscribed(2, 1);
    let traffic = Traffic::begin(&mut mesh, 0, &[1]);
    let mut publisher = mesh.client(0);
    for round in 0..5 {
        for _ in 0..8 {
            publisher.publish("long", &vec![b'0' + round; LONG]);
        }
        publisher.sync_silent();
        for number in 0..SERVERS {
            mesh.end_all(number);
        }
        mesh.await_whole();
    }
    publisher.publish("long", &vec![b'.'; LONG]);
    publisher.sync_silent();
    loop {
        let message = far.message();
        let first = message.payload[0];
        assert!(message.payload.len() == LONG && message.payload.iter().all(|byte| *byte == first));
        if first == b'.' {
            break;
        }
    }
    mesh.expect_delivery();
    let outcome = traffic.end();
    outcome.heard[0].expect_order();
}
