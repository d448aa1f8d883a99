//! What an account publishes reaches those who import it, as they call it.

use crate::world::{client, exporter_and_importer as configuration, start_sharing as start};
use vagus_test_support::{Client, eventually, server};

const ALL: &str = "{stream: \"s.>\"}";
const PREFIXED: &str = "{stream: {account: A, subject: \"s.>\"}, prefix: from}";

/// Everything that came, as text.
fn came(client: &mut Client) -> Vec<String> {
    let messages = client.sync_messages();
    messages
        .into_iter()
        .map(|message| {
            format!(
                "{} {} {}",
                message.subject,
                message.sid,
                String::from_utf8_lossy(&message.payload)
            )
        })
        .collect()
}

#[test]
fn messages_come_under_the_name_that_the_importer_gives_them() {
    for (imported, published, called) in [
        ("{stream: {account: A, subject: \"s.>\"}}", "s.x", "s.x"),
        (PREFIXED, "s.x", "from.s.x"),
        (
            "{stream: {account: A, subject: \"s.x\"}, to: mine}",
            "s.x",
            "mine",
        ),
        (
            "{stream: {account: A, subject: \"s.*.*\"}, to: \"mine.$2.$1\"}",
            "s.x.y",
            "mine.y.x",
        ),
    ] {
        let server = start(ALL, imported);
        let [mut a, mut b, mut c] = ["a", "b", "c"].map(|user| client(&server, user));
        b.subscribe(">", "1");
        b.subscribe(called, "2");
        b.subscribe("elsewhere", "3");
        c.subscribe(">", "1");
        for round in 0..3 {
            a.publish(published, round.to_string().as_bytes());
        }
        a.sync_silent();
        let mut came = came(&mut b);
        came.sort();
        let expected = [1, 2]
            .into_iter()
            .flat_map(|sid| (0..3).map(move |round| format!("{called} {sid} {round}")));
        assert_eq!(came, expected.collect::<Vec<_>>(), "{imported}");
        c.sync_silent();
        // It is not a way back.
        a.subscribe(">", "1");
        b.publish(called, b"");
        b.sync();
        a.sync_silent();
    }
}

#[test]
fn what_is_not_exported_or_not_to_everybody_stays() {
    let server = start(
        "{stream: \"s.x\", accounts: [B]}",
        "{stream: {account: A, subject: \"s.x\"}}",
    );
    let [mut a, mut b, mut c] = ["a", "b", "c"].map(|user| client(&server, user));
    b.subscribe("s.>", "1");
    c.subscribe("s.>", "1");
    for subject in ["s.y", "s.x", "s.x.y"] {
        a.publish(subject, b"!");
    }
    a.sync_silent();
    assert_eq!(came(&mut b), ["s.x 1 !"]);
    c.sync_silent();
}

/// PONG behind SUB says that what is published in the other account from then on comes; behind UNSUB that nothing does.
#[test]
fn a_pong_counts_for_both_accounts() {
    let server = start(ALL, PREFIXED);
    let [mut a, mut b] = ["a", "b"].map(|user| client(&server, user));
    for round in 0..200 {
        let sid = round.to_string();
        b.subscribe("from.s.x", &sid);
        a.publish("s.x", sid.as_bytes());
        a.sync_silent();
        b.send(&format!("UNSUB {sid}"));
        assert_eq!(came(&mut b), [format!("from.s.x {sid} {sid}")]);
        a.publish("s.x", b"too late");
        a.sync_silent();
        b.sync_silent();
    }
}

#[test]
fn a_maximum_counts_for_both_accounts() {
    let server = start(ALL, "{stream: {account: A, subject: \"s.>\"}}");
    let [mut a, mut b, mut other] = ["a", "b", "b"].map(|user| client(&server, user));
    b.subscribe("s.x", "1");
    b.send("UNSUB 1 3");
    b.sync_silent();
    for _ in 0..2 {
        for publisher in [&mut a, &mut other] {
            publisher.publish("s.x", b"!");
            publisher.sync_silent();
        }
    }
    assert_eq!(came(&mut b), ["s.x 1 !"; 3]);
    // The sid is free again, in both.
    b.subscribe("s.y", "1");
    a.publish("s.y", b"?");
    a.sync_silent();
    assert_eq!(came(&mut b), ["s.y 1 ?"]);
}

#[test]
fn one_member_of_a_queue_group_gets_each() {
    let server = start(ALL, PREFIXED);
    let [mut a, mut b, mut other] = ["a", "b", "b"].map(|user| client(&server, user));
    b.join("from.s.x", "workers", "1");
    other.join("from.s.*", "workers", "1");
    for round in 0..100 {
        a.publish("s.x", round.to_string().as_bytes());
    }
    a.sync_silent();
    let shares = [&mut b, &mut other].map(|member| {
        let came = came(member);
        assert!(came.iter().all(|message| message.starts_with("from.s.x 1 ")));
        came.len()
    });
    assert!(
        shares.iter().sum::<usize>() == 100 && shares.iter().all(|share| *share > 10),
        "{shares:?}"
    );
}

/// What the importer's user may not have, it does not get by way of another account.
#[test]
fn permissions_are_those_of_the_importer() {
    let text = configuration(ALL, PREFIXED).replace(
        "{user: b, password: p}",
        "{user: b, password: p, permissions: {subscribe: {allow: [\"from.>\"], deny: [\"from.s.secret\"]}}}",
    );
    let server = server().configured(&text).arbiters(2).start();
    let [mut a, mut b] = ["a", "b"].map(|user| client(&server, user));
    b.send("SUB s.> 1");
    b.expect(r#"-ERR 'Permissions Violation for Subscription to "s.>"'"#);
    b.subscribe("from.>", "2");
    for subject in ["s.secret", "s.open"] {
        a.publish(subject, b"");
    }
    a.sync_silent();
    assert_eq!(came(&mut b), ["from.s.open 2 "]);
}

/// A stream that is imported is not passed on to a third account: as in nats-server each imports from who publishes.
#[test]
fn what_is_imported_is_not_passed_on() {
    let server = server()
        .configured(
            "accounts {
                A { users: [{user: a, password: p}], exports: [{stream: s}] }
                B { users: [{user: b, password: p}], imports: [{stream: {account: A, subject: s}}], exports: [{stream: s}] }
                C { users: [{user: c, password: p}], imports: [{stream: {account: B, subject: s}}] }
            }",
        )
        .start();
    let [mut a, mut b, mut c] = ["a", "b", "c"].map(|user| client(&server, user));
    b.subscribe("s", "1");
    c.subscribe("s", "1");
    a.publish("s", b"from a");
    a.sync_silent();
    assert_eq!(came(&mut b), ["s 1 from a"]);
    c.sync_silent();
    b.publish("s", b"from b");
    b.sync();
    assert_eq!(came(&mut c), ["s 1 from b"]);
}

/// Who is subscribed gains and loses what its account imports, while it goes on.
#[test]
fn imports_that_change_change_what_comes() {
    let server = start(ALL, PREFIXED);
    let [mut a, mut b] = ["a", "b"].map(|user| client(&server, user));
    b.subscribe(">", "1");
    b.join("*.s.x", "workers", "2");
    let publish = |a: &mut Client, b: &mut Client| {
        a.publish("s.x", b"");
        a.sync_silent();
        let mut came = came(b);
        came.sort();
        came
    };
    assert_eq!(publish(&mut a, &mut b), ["from.s.x 1 ", "from.s.x 2 "]);
    server.reconfigure(&configuration(ALL, "{stream: {account: A, subject: \"s.x\"}}"));
    assert_eq!(publish(&mut a, &mut b), ["s.x 1 "]);
    server.reconfigure(&configuration(ALL, ""));
    assert_eq!(publish(&mut a, &mut b), [""; 0]);
    server.reconfigure(&configuration(
        ALL,
        &format!("{PREFIXED}, {{stream: {{account: A, subject: \"s.x\"}}, to: \"also.s.x\"}}"),
    ));
    let both = publish(&mut a, &mut b);
    let (plain, of_group): (Vec<_>, Vec<_>) = both.iter().partition(|message| message.ends_with(" 1 "));
    assert_eq!(plain, ["also.s.x 1 ", "from.s.x 1 "]);
    assert_eq!(of_group.len(), 1, "{both:?}");
}

#[test]
fn nothing_is_left_of_clients_that_are_gone() {
    let server = start(ALL, PREFIXED);
    let mut a = client(&server, "a");
    a.subscribe("inbox", "9");
    for _ in 0..5 {
        let mut b = client(&server, "b");
        for sid in 0..500 {
            b.subscribe(&format!("from.s.{sid}"), &sid.to_string());
        }
        b.sync_silent();
        a.publish("s.7", b"");
        a.sync_silent();
        assert_eq!(came(&mut b).len(), 1);
    }
    // Nobody is interested any more, and who asks is told so.
    eventually(|| {
        let frames: Vec<bool> = (0..500)
            .map(|sid| {
                a.send(&format!("PUB s.{sid} inbox 0\r\n"));
                a.sync_messages().iter().any(|message| message.headers.is_some())
            })
            .collect();
        frames.iter().all(|is_told| *is_told)
    });
}
