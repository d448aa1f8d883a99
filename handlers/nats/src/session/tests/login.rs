//! Who a client is, as it says in CONNECT, and what it may do then.

use super::*;

#[test]
fn a_client_that_has_to_log_in_does_so_first() {
    let token = || Credentials::Token("s3cret".to_owned());
    let refused = "< -ERR 'Authorization Violation'\nclose: Authentication Failure";
    for first in [
        "PING\r\n",
        "PUB a 0\r\n\r\n",
        "X",
        "CONNECT {}\r\n",
        "CONNECT {\"auth_token\":\"s3cre\"}\r\n",
    ] {
        Peer::new(Limits::default(), token()).say(first).did(refused);
    }
    let mut peer = Peer::new(Limits::default(), token());
    peer.say("CONNECT {\"verbose\":false,\"auth_token\":\"s3cret\"}\r\nPING\r\n")
        .did("< PONG");
    peer.after(Duration::from_millis(1900)).did("");

    let mut silent = Peer::new(Limits::default(), token());
    silent.after(Duration::from_millis(1900)).did("");
    silent
        .after(Duration::from_millis(100))
        .did("< -ERR 'Authentication Timeout'\nclose: Authentication Timeout");
}

#[test]
fn a_later_connect_changes_what_is_wanted() {
    let mut peer = Peer::new(Limits::default(), Credentials::Open);
    peer.say(QUIET)
        .say("CONNECT {\"echo\":false,\"name\":\"me\"}\r\nPUB a 1\r\nx\r\n")
        .did("publish a x without echo");
    assert_eq!(peer.session.client_info().name, "me");
    peer.say("CONNECT {\"protocol\":2}\r\n")
        .did("< -ERR 'invalid client protocol'\nclose: Bad Client Protocol Version");
}

#[test]
fn a_later_connect_need_not_prove_again_what_is_forgotten() {
    let mut peer = permitted(Permissions::default());
    let has_proofs = |peer: &Peer| peer.session.options().unwrap().proofs.is_some();
    assert!(!has_proofs(&peer), "nothing secret is kept");
    peer.say("CONNECT {\"echo\":false}\r\nCONNECT {\"user\":\"ann\"}\r\nPUB a 1\r\nx\r\n")
        .did("publish a x without echo");
    peer.say("CONNECT {\"pass\":\"pw\"}\r\nPING\r\n").did("< PONG");
    assert!(!has_proofs(&peer), "nothing secret is kept");
    let refused = "< -ERR 'Authorization Violation'\nclose: Authentication Failure";
    for claim in [
        "\"user\":\"bob\"",
        "\"pass\":\"wrong\"",
        "\"nkey\":\"\",\"pass\":\"\"",
    ] {
        let mut peer = permitted(Permissions::default());
        peer.say(&format!("CONNECT {{{claim}}}\r\n")).did(refused);
    }
    let mut peer = Peer::new(Limits::default(), Credentials::Token("s3cret".to_owned()));
    peer.say(
        "CONNECT {\"verbose\":false,\"auth_token\":\"s3cret\"}\r\nCONNECT {\"name\":\"me\"}\r\nPING\r\n",
    )
    .did("< PONG");
    assert!(!has_proofs(&peer), "nothing secret is kept");
    assert_eq!(peer.session.client_info().user, "[REDACTED]");
}

#[test]
fn users_do_what_they_are_permitted() {
    let publish = Rules {
        allow: list(&["a.*"]),
        deny: list(&["a.secret"]),
    };
    let subscribe = Rules {
        allow: list(&["a.>", "b dev.*"]),
        deny: list(&["a.secret"]),
    };
    let mut peer = permitted(Permissions {
        publish,
        subscribe,
        allow_responses: None,
    });
    peer.did("");
    peer.say("PUB a.b 1\r\nx\r\nPUB a.b 1\r\ny\r\n")
        .did("publish a.b x\nagain 1\\r\\ny\\r\\n 1");
    for subject in ["b", "a.secret"] {
        let refused = format!("< -ERR 'Permissions Violation for Publish to \"{subject}\"'\nwithhold 1");
        peer.say(&format!("PUB {subject} 1\r\nx\r\n")).did(&refused);
    }
    peer.say("SUB a.b 1\r\nSUB a.> 2\r\n")
        .did("subscribe 1 to a.b\nsubscribe 2 to a.> with exceptions");
    peer.say("SUB c 3\r\n")
        .did("< -ERR 'Permissions Violation for Subscription to \"c\"'");
    peer.say("SUB b dev.1 4\r\n").did("subscribe 4 to b in dev.1");
    peer.say("SUB b prod.1 5\r\n")
        .did("< -ERR 'Permissions Violation for Subscription to \"b\" using queue \"prod.1\"'");
}

#[test]
fn a_client_that_may_only_answer_publishes_nothing_else() {
    let mut peer = permitted(Permissions {
        allow_responses: Some(ResponsePermission::default()),
        ..Permissions::default()
    });
    peer.did("may answer");
    peer.say("PUB a 1\r\nx\r\n")
        .did("< -ERR 'Permissions Violation for Publish to \"a\"'\nwithhold 1");
    // Each is looked at: an answer may be the last.
    peer.say("PUB answer.1 1\r\nx\r\nPUB answer.1 1\r\ny\r\n")
        .did("publish answer.1 x\npublish answer.1 y");
}

#[test]
fn a_hashed_password_is_checked_before_anything_else_happens() {
    let hash = vagus_auth::password::hash("s3cret", 4).unwrap();
    let refused = "< -ERR 'Authorization Violation'\nclose: Authentication Failure";
    for (password, expected) in [("s3cret", "< PONG"), ("wrong", refused)] {
        let mut peer = Peer::new(Limits::default(), Credentials::Token(hash.clone()));
        let connect = format!("CONNECT {{\"verbose\":false,\"auth_token\":\"{password}\"}}\r\nPING\r\n");
        let progress = peer.session.receive(connect.as_bytes(), &mut peer.recorder);
        assert_eq!(
            progress,
            Progress::Waiting {
                consumed: connect.len() - 6
            }
        );
        peer.did("");
        let work = peer.session.slow_work().unwrap();
        assert!(peer.session.slow_work().is_none(), "it is asked for once");
        // It has said who it is in time, whenever that is looked at.
        peer.after(AUTH_TIMEOUT).did("");
        peer.session.answered(Some(work()), &mut peer.recorder);
        peer.say(if password == "wrong" { "" } else { "PING\r\n" })
            .did(expected);
    }
    let mut crowded = Peer::new(Limits::default(), Credentials::Token(hash));
    crowded
        .session
        .receive(b"CONNECT {\"auth_token\":\"s3cret\"}\r\n", &mut crowded.recorder);
    crowded.session.answered(None, &mut crowded.recorder);
    crowded.did(refused);
}
