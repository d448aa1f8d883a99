//! What cannot be followed as a whole changes nothing, and why is told.

use crate::file::Configured;
use vagus::{Content, Keep, Propose, Reach, ReloadError};
use vagus_configs::Port;
use vagus_test_support::server;

#[test]
fn a_setting_that_is_fixed_keeps_the_others() {
    let server = server().start();
    let mut client = server.client();
    let mut config = server.reloads().unwrap().current.config.clone();
    config.limits.max_payload = 64;
    config.server_name = Some("another".to_owned());
    let error = server.reload(config.clone()).unwrap_err();
    let ReloadError::Refused(refusals) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(refusals.len(), 1);
    assert_eq!(
        error.to_string(),
        "config reload not supported for server_name: old=, new=another"
    );
    assert!(client.info().contains(r#""max_payload":1048576"#));
    client = server.client();
    assert!(
        client.info().contains(r#""max_payload":1048576"#),
        "{}",
        client.info()
    );
    assert_eq!(server.reloads().unwrap().current.number, 1);

    config.server_name = None;
    let outcome = server.reload(config).unwrap();
    assert_eq!((outcome.version, outcome.changes.len()), (2, 1));
    assert!(server.client().info().contains(r#""max_payload":64"#));
}

#[test]
fn a_dry_run_changes_nothing() {
    let server = server().start();
    let mut config = server.reloads().unwrap().current.config.clone();
    config.limits.max_payload = 64;
    let propose = |dry_run| Propose {
        content: Content::Config(Box::new(config.clone())),
        by: "test".to_owned(),
        expected: Vec::new(),
        reach: Reach::Machine,
        dry_run,
        keep: Keep::Memory,
    };
    let outcome = server.propose(propose(true)).unwrap();
    assert_eq!(outcome.changes[0].to_string(), "Reloaded: max_payload = 64");
    assert_eq!(outcome.impact.unwrap().connections, 0);
    assert!(server.client().info().contains(r#""max_payload":1048576"#));
    assert_eq!(server.reloads().unwrap().records.len(), 1, "only of the start");
    server.propose(propose(false)).unwrap();
    assert!(server.client().info().contains(r#""max_payload":64"#));
}

#[test]
fn mistakes_of_a_file_are_named_with_their_place() {
    let mut server = Configured::start("max_payload: 1024\n");
    for (text, named) in [
        (
            "max_payload: 2048\ncolour: blue\n",
            "server.conf:2:1: unknown field \"colour\"",
        ),
        ("max_payload: [\n", "a value or the closing ]"),
        (
            "max_payload: 2048\nserver_name: another\n",
            "config reload not supported for server_name",
        ),
        (
            "log_file: '/nonexistent/folder/x.log'\n",
            "cannot open the log file",
        ),
    ] {
        server.write(text);
        server.hang_up();
        server.process.log_line(named);
        assert!(server.client().info().contains(r#""max_payload":1024"#), "{text}");
    }
}

/// A server on any free port listens on one by now: to be told that one, or any, changes nothing.
#[test]
fn the_port_that_there_is() {
    let server = server().start();
    let port = server.client_address().port();
    let mut config = server.reloads().unwrap().current.config.clone();
    for asked in [Port::Fixed(port), Port::Free, Port::Fixed(port)] {
        config.clients.listen.port = asked;
        let outcome = server.reload(config.clone()).unwrap();
        assert_eq!(outcome.changes, []);
    }
    config.clients.listen.port = Port::Fixed(port ^ 1);
    let error = server.reload(config).unwrap_err().to_string();
    let expected = format!(
        "config reload not supported for port: old={port}, new={}",
        port ^ 1
    );
    assert_eq!(error, expected);
    server.client().sync_silent();
}
