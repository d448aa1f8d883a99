//! A server that does not take what is sent to it costs only itself.

use crate::peer::Route;
use crate::world::{await_interest, await_members, member};
use std::collections::HashSet;

/// More than sockets and the route itself hold.
const ROUNDS: usize = 400;

#[test]
fn others_get_what_a_slow_server_does_not_take() {
    let server = member("a", &[]).max_pending(8 * 1024 * 1024).start();
    let mut route = Route::joined(&server);
    route.say("RS+ $G flood\r\nRS+ $G flood workers 1");
    let mut subscriber = server.connected();
    subscriber.subscribe("flood", "1");
    await_interest(&server, 3);
    let mut publisher = server.connected();
    let payload = vec![b'x'; 100_000];
    for _ in 0..ROUNDS {
        publisher.publish("flood", &payload);
        assert_eq!(subscriber.message().payload.len(), payload.len());
    }
    publisher.sync_silent();
    // The route is given up meanwhile, and its interest with it.
    await_members(&server, 0);
    await_interest(&server, 1);
}

/// However late another server reads what it is told of interest, it comes to what there is.
#[test]
fn interest_is_exact_for_who_is_late() {
    let server = member("a", &[]).start();
    let mut route = Route::joined(&server);
    let mut random = fastrand::Rng::with_seed(7);
    let mut client = server.connected();
    let long = "x".repeat(200);
    let mut held = HashSet::new();
    for _ in 0..60 {
        let mut text = String::new();
        for _ in 0..500 {
            let sid = random.usize(0..300);
            if held.remove(&sid) {
                text.push_str(&format!("UNSUB {sid}\r\n"));
            } else {
                held.insert(sid);
                let queue = if sid.is_multiple_of(3) { " workers" } else { "" };
                text.push_str(&format!("SUB {long}.{}{queue} {sid}\r\n", sid / 6));
            }
        }
        client.send(text.trim_end());
        client.sync_silent();
    }
    client.subscribe("last", "1000");
    let mut told = HashSet::new();
    loop {
        let line = route.line();
        if line == "RS+ $G last" {
            break;
        }
        let (verb, rest) = line.split_at(4);
        let mut words = rest.split(' ');
        let (_, subject, queue, weight) = (words.next(), words.next().unwrap(), words.next(), words.next());
        let subject: usize = subject.rsplit('.').next().unwrap().parse().unwrap();
        told.retain(|(known, is_group, _)| (*known, *is_group) != (subject, queue.is_some()));
        if verb == "RS+ " {
            let weight = weight.map_or(1, |weight| weight.parse().unwrap());
            told.insert((subject, queue.is_some(), weight));
        }
    }
    let mut expected = HashSet::new();
    for subject in 0..50 {
        let of_it = held.iter().copied().filter(|sid| sid / 6 == subject);
        let (grouped, plain): (Vec<usize>, Vec<usize>) = of_it.partition(|sid| sid.is_multiple_of(3));
        if !plain.is_empty() {
            expected.insert((subject, false, 1));
        }
        if !grouped.is_empty() {
            expected.insert((subject, true, grouped.len()));
        }
    }
    assert_eq!(told, expected);
}
