//! What is published, and what is not.

use super::*;

#[test]
fn own_interest_comes_before_what_is_published() {
    // The publication waits until the subscription is in force; the PONG need not wait to be said.
    check(
        "SUB a 1\r\nPING\r\nPUB a 1\r\nx\r\n",
        "subscribe 1 to a\n< PONG\npublish a x",
    );
}

#[test]
fn equal_control_lines_are_looked_at_once() {
    check(
        "PUB a 1\r\nx\r\nPUB a 1\r\ny\r\nPUB a 2\r\nzz\r\nPUB a 2\r\nz",
        "publish a x\nagain 1\\r\\ny\\r\\n 1\npublish a zz",
    );
    // A payload that does not end where it should is not taken for another message.
    check(
        "PUB a 1\r\nx\r\nPUB a 1\r\nyyy\r\n",
        "publish a x\n< -ERR 'Unknown Protocol Operation'\nclose: Protocol Violation",
    );
    check("PUB a r 1\r\nx\r\nPUB a r 1\r\ny\r\n", "publish a x\npublish a y");
}

/// The turn knows the control line of the message before it, which is not that of the refused one.
#[test]
fn what_is_refused_is_not_repeated() {
    const DENIED: &str = "Permissions Violation for Publish";
    for (line, body, refused) in [
        ("PUB $NRG.x 1", "b", format!("{DENIED} to \"$NRG.x\"")),
        ("PUB _GR_.x 1", "b", format!("{DENIED} to \"_GR_.x\"")),
        ("PUB a _R_.x 1", "b", format!("{DENIED} with Reply of \"_R_.x\"")),
    ] {
        let refused = format!("< -ERR '{refused}'\nwithhold 1\n");
        let twice = format!("{line}\r\n{body}\r\n").repeat(2);
        check(
            &format!("PUB a 1\r\nx\r\n{twice}PUB a 1\r\ny\r\n"),
            &format!("publish a x\n{refused}{refused}publish a y"),
        );
        check(
            &format!("{twice}PUB a 1\r\ny\r\n"),
            &format!("{refused}{refused}publish a y"),
        );
    }
    let mut peer = permitted(Permissions {
        publish: Rules {
            allow: list(&["a"]),
            ..Rules::default()
        },
        ..Permissions::default()
    });
    let refused = "< -ERR 'Permissions Violation for Publish to \"b\"'\nwithhold 1\n";
    peer.say("PUB a 1\r\nx\r\nPUB b 1\r\ny\r\nPUB b 1\r\nz\r\n")
        .did(&format!("publish a x\n{refused}{refused}"));
}

#[test]
fn a_request_nobody_takes_is_answered_at_once() {
    let connect =
        "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}\r\n";
    let mut peer = Peer::new(Limits::default(), Credentials::Open);
    peer.recorder.taken = false;
    peer.say(connect).did("headers");
    peer.say("SUB in.* 7\r\nPUB a in.1 1\r\nx\r\n").did(
        "subscribe 7 to in.*
        publish a x
        < HMSG in.1 7 33 33\\r\\nNATS/1.0 503\\r\\nNats-Subject: a",
    );
    peer.say("PUB a elsewhere 1\r\nx\r\nPUB a 1\r\nx\r\n")
        .did("publish a x\npublish a x");
}

#[test]
fn some_subjects_are_not_for_clients() {
    check(
        "PUB _GR_.a 1\r\nx\r\n",
        "< -ERR 'Permissions Violation for Publish to \"_GR_.a\"'\nwithhold 1",
    );
    check(
        "PUB a $JS.ACK.b 1\r\nx\r\n",
        "< -ERR 'Permissions Violation for Publish with Reply of \"$JS.ACK.b\"'\nwithhold 1",
    );
    check(
        "SUB a _sys_ 1\r\n",
        "< -ERR 'Permissions Violation for Subscription to \"a\" using queue \"_sys_\"'",
    );
    check("SUB a..b 1\r\n", "< -ERR 'Invalid Subject'");
}
