//! Connectors come, change and go while the server runs; the others go on.

use crate::peer::Peer;
use crate::{address, state};
use vagus_test_support::{eventually, server};

fn lines(id: &str, port: u16, subject: &str) -> String {
    let port = if port == 0 { -1 } else { i32::from(port) };
    format!("{{id: {id}, type: JSONLinesToNATS, listen: '127.0.0.1:{port}', subject: {subject}}}")
}

#[test]
fn those_that_stay_the_same_are_not_touched() {
    let (a, b) = (lines("a", 0, "a"), lines("b", 0, "b"));
    let server = server().configured(&format!("connectors: [{a}, {b}]")).start();
    let mut client = server.connected();
    client.subscribe(">", "1");
    let (mut one, mut other) = (Peer::to(address(&server, "a")), Peer::to(address(&server, "b")));
    one.send(b"1\n");
    other.send(b"1\n");
    client.messages(2);
    let c = lines("c", 0, "c");
    server.reconfigure(&format!("connectors: [{a}, {c}]"));
    eventually(|| {
        let ids: Vec<String> = server.connectors().into_iter().map(|state| state.id).collect();
        ids == ["a", "c"]
    });
    other.expect_end();
    one.send(b"{\"still\":\"there\"}\n");
    assert_eq!(client.message().subject, "a");
    assert_eq!((state(&server, "a").msg_in, state(&server, "a").connects), (2, 1));
    Peer::to(address(&server, "c")).send(b"{}\n");
    assert_eq!(client.message().subject, "c");
}

/// It listens where the one before listened.
#[test]
fn one_that_changes_begins_anew_at_its_place() {
    let free = server()
        .configured(&format!("connectors: [{}]", lines("a", 0, "old")))
        .start();
    let place = address(&free, "a");
    drop(free);
    let server = server()
        .configured(&format!("connectors: [{}]", lines("a", place.port(), "old")))
        .start();
    let mut client = server.connected();
    client.subscribe(">", "1");
    let mut before = Peer::to(place);
    before.send(b"{}\n");
    assert_eq!(client.message().subject, "old");
    server.reconfigure(&format!("connectors: [{}]", lines("a", place.port(), "new")));
    before.expect_end();
    eventually(|| {
        let connectors = server.connectors();
        connectors[0].subject == "new" && connectors[0].address.is_some()
    });
    Peer::to(place).send(b"{}\n");
    assert_eq!(client.message().subject, "new");
    assert_eq!(state(&server, "a").errors, 0);
}

#[test]
fn what_cannot_be_is_refused_as_a_whole() {
    let server = server()
        .configured(&format!("connectors: [{}]", lines("a", 0, "a")))
        .start();
    let taken = server.client_address().port();
    let text = format!("port: -1\nconnectors: [{}]", lines("b", taken, "b"));
    let loaded =
        vagus_configs::parse(&text, "test.conf".as_ref(), &vagus_configs::Disk, &|_: &str| None).unwrap();
    let mut config = server.reloads().unwrap().current.config.clone();
    config.connectors = loaded.config.connectors;
    let refused = server.reload(config).unwrap_err().to_string();
    assert!(
        refused.starts_with("Error listening on the port of connector \"b\""),
        "{refused}"
    );
    assert_eq!(server.connectors()[0].id, "a");
}
