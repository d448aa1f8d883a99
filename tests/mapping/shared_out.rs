//! Several destinations of one source get as many messages as they weigh.

use crate::CONNECT;
use vagus_test_support::{Message, server};

/// How many of ten thousand messages on `w` come on which subject; and all of them are answered for.
fn shares(mapping: &str, subjects: &[&str]) -> Vec<usize> {
    const MESSAGES: usize = 10_000;
    let server = server()
        .configured(&format!("mappings {{ w: {mapping} }}"))
        .start();
    let mut subscriber = server.client().connect(CONNECT);
    for (sid, subject) in subjects.iter().enumerate() {
        subscriber.subscribe(subject, &sid.to_string());
    }
    let mut publisher = server.client().connect(CONNECT);
    publisher.send_bytes("PUB w 1\r\nx\r\n".repeat(MESSAGES).as_bytes());
    publisher.sync_silent();
    let messages = subscriber.sync_messages();
    let on = |subject: &&str| {
        let is_on = |message: &&Message| message.subject == *subject;
        messages.iter().filter(is_on).count()
    };
    let shares: Vec<usize> = subjects.iter().map(on).collect();
    assert_eq!(shares.iter().sum::<usize>(), messages.len());
    shares
}

/// That it is further off happens once in some 10^12 runs.
#[track_caller]
fn check(count: usize, expected: usize) {
    assert!(count.abs_diff(expected) < 350, "{count} in place of {expected}");
}

#[test]
fn by_their_weights() {
    let mapping = "[{destination: a, weight: 60%}, {dest: b, weight: 30%}, {destination: c, weight: 10}]";
    let [a, b, c] = shares(mapping, &["a", "b", "c"])[..] else {
        panic!("there are three");
    };
    assert_eq!(a + b + c, 10_000, "none is lost");
    check(a, 6_000);
    check(b, 3_000);
    check(c, 1_000);
}

#[test]
fn what_is_left_stays_where_it_is() {
    let [w, a] = shares("[{destination: a, weight: 20%}]", &["w", "a"])[..] else {
        panic!("there are two");
    };
    assert_eq!(w + a, 10_000, "none is lost");
    check(a, 2_000);
}

#[test]
fn what_a_source_that_is_named_lacks_is_lost() {
    check(shares("{destination: w, weight: 50%}", &["w"])[0], 5_000);
}

#[test]
fn random_numbers_are_as_likely_as_each_other() {
    let [zero, one, two] = shares("'r.{{random(3)}}'", &["r.0", "r.1", "r.2"])[..] else {
        panic!("there are three");
    };
    assert_eq!(zero + one + two, 10_000);
    for count in [zero, one, two] {
        check(count, 3_333);
    }
}

#[test]
fn those_of_another_cluster_do_not_count() {
    let mapping = "[{destination: a, weight: 100%, cluster: elsewhere}]";
    assert_eq!(shares(mapping, &["w", "a"]), [10_000, 0]);
}
