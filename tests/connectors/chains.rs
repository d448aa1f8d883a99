//! From one server to another, in each language, with TLS and without.

use crate::{address, state};
use std::path::Path;
use vagus_test_support::{TestServer, eventually, server};
use vagus_tls::testing::{Authority, request};

/// Brings what is published on `logs.>` at one server to another, on `far.>`.
fn chain(language: &str, inward: &str, outward: &str) -> (TestServer, TestServer) {
    let text = format!("connectors: [{{id: in, type: {language}ToNATS, listen: '127.0.0.1:-1', {inward}}}]");
    let far = server().configured(&text).start();
    let text = format!(
        "connectors: [{{id: out, type: NATSTo{language}, subject: 'logs.>', servers: '{}', flush_interval: '5ms', {outward}}}]",
        address(&far, "in")
    );
    let near = server().configured(&text).start();
    eventually(|| near.router().unwrap().subscriptions == 1);
    (near, far)
}

#[track_caller]
fn check((near, far): (TestServer, TestServer), subject: &str) {
    const COUNT: usize = 2000;
    let mut subscriber = far.connected();
    subscriber.subscribe("far.>", "1");
    let mut client = near.connected();
    for number in 0..COUNT {
        let payload = format!("{{\"n\":{number}}}");
        client.send(&format!("PUB logs.a {}\r\n{payload}", payload.len()));
    }
    for (number, message) in subscriber.messages(COUNT).into_iter().enumerate() {
        assert_eq!(message.subject, subject);
        let payload = String::from_utf8(message.payload).unwrap();
        assert!(payload.contains(&format!("{{\"n\":{number}")), "{payload}");
    }
    eventually(|| state(&near, "out").msg_out == COUNT as u64);
    let (out, come) = (state(&near, "out"), state(&far, "in"));
    assert_eq!((out.errors, come.errors, come.msg_in), (0, 0, COUNT as u64));
    assert!(come.connected && out.connected && out.q95 > 0.0);
}

#[test]
fn in_forward() {
    check(
        chain("Forward", "tag: 'x.>', subject: 'far.>'", "tag: 'x.>'"),
        "far.a",
    );
}

#[test]
fn in_forward_with_everything() {
    let inward =
        "tag: 'x.>', subject: 'far.>', shared_key: k, self_hostname: in, users: [{user: u, password: p}]";
    let outward = "tag: 'x.>', shared_key: k, self_hostname: out, users: [{user: u, password: p}], require_ack: true, compress: gzip";
    check(chain("Forward", inward, outward), "far.a");
}

#[test]
fn in_lumberjack() {
    for compress in ["true", "false"] {
        let outward = format!("tag: 'x.>', tag_key: tag, compress: {compress}");
        check(
            chain(
                "Lumberjack",
                "tag_key: tag, tag: 'x.>', subject: 'far.>'",
                &outward,
            ),
            "far.a",
        );
    }
}

#[test]
fn in_lines_of_json() {
    check(
        chain("JSONLines", "subject: far.all", "subject_key: s"),
        "far.all",
    );
}

#[test]
fn over_tls() {
    let folder = std::env::temp_dir().join(format!("vagus-connectors-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let authority = Authority::new("authority");
    let (certificate, key) = authority
        .issue(&request("server").ip("127.0.0.1"))
        .write(&folder, "server");
    let (trusted, _) = authority.own().write(&folder, "authority");
    let shown = |path: &Path| path.display().to_string();
    let inward = format!(
        "tag: 'x.>', subject: 'far.>', tls: {{cert_file: '{}', key_file: '{}'}}",
        shown(&certificate),
        shown(&key)
    );
    let outward = format!(
        "tag: 'x.>', require_ack: true, tls: {{ca_file: '{}'}}",
        shown(&trusted)
    );
    check(chain("Forward", &inward, &outward), "far.a");
    // A peer whose certificate nobody vouches for gets nothing.
    let (near, far) = chain("Forward", &inward, "tls: {}, retry_wait: '10ms'");
    near.connected().send("PUB logs.a 1\r\nx");
    eventually(|| state(&near, "out").errors > 0);
    assert_eq!((state(&near, "out").msg_out, state(&far, "in").msg_in), (0, 0));
    std::fs::remove_dir_all(&folder).unwrap();
}
