//! Who gets in, by which way, and what may be done then: who is refused one way is refused all others.

use super::{AUTH_TIMEOUT, ClientSettings, Peer, QUIET, list, permitted, settings};
use std::sync::Arc;
use std::time::Duration;
use vagus_auth::credentials::{ConnectionType, ConnectionTypes, Credentials, Proof, User};
use vagus_auth::permission::{Permissions, ResponsePermission, Rules};
use vagus_configs::Limits;

const REFUSED: &str = "-ERR 'Authorization Violation'";
const HASHED: &str = "$2a$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG";
/// The public key of some user.
const KEY: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

fn only(subject: &str) -> Option<Permissions> {
    let rules = || Rules {
        allow: list(&[subject]),
        deny: Vec::new(),
    };
    Some(Permissions {
        publish: rules(),
        subscribe: rules(),
        allow_responses: None,
    })
}

fn user(name: &str, password: &str, permissions: Option<Permissions>) -> User {
    User {
        proof: Proof::Password {
            name: name.to_owned(),
            password: password.to_owned(),
        },
        permissions: permissions.map(Arc::new),
        connection_types: ConnectionTypes::default(),
        account: None,
        requires_proxy: false,
    }
}

fn quiet(user: User) -> Credentials {
    let name = user.proof.name().to_owned();
    Credentials::Users {
        users: vec![user, self::user("other", "p", None)].into(),
        no_auth_user: Some(name),
        default_permissions: None,
    }
}

fn by_websocket() -> User {
    User {
        connection_types: [ConnectionType::WebSocket].into_iter().collect(),
        ..user("web", "p", only("a"))
    }
}

fn with_key() -> User {
    User {
        proof: Proof::Nkey(KEY.to_owned()),
        ..user("", "", only("a"))
    }
}

/// What somebody is let do who wants everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Refused,
    /// What the permissions of the user say.
    Limited,
    Everything,
}
use Outcome::{Everything, Limited, Refused};

const WANTS: &str = "SUB > 1\r\nSUB a 2\r\nPUB secret 0\r\n\r\nPUB a 0\r\n\r\n";

#[track_caller]
fn outcome(peer: &mut Peer, case: &str) -> Outcome {
    peer.say(WANTS);
    let did = std::mem::take(&mut peer.recorder.text);
    let has = |what| did.contains(what);
    let (wide, narrow) = (has("subscribe 1 to >"), has("subscribe 2 to a"));
    assert_eq!(
        (wide, narrow),
        (has("publish secret"), has("publish a")),
        "{case}: {did}"
    );
    match (has(REFUSED), wide, narrow) {
        (true, false, false) => Refused,
        (false, false, true) => Limited,
        (false, true, true) => Everything,
        _ => panic!("{case}: {did}"),
    }
}

/// `without` is what comes of a client that sends no CONNECT, `with` of one that says nothing in it.
#[track_caller]
fn check(credentials: &Credentials, without: Outcome, with: Outcome) {
    let new = || Peer::new(Limits::default(), credentials.clone());
    let reloaded = |before: Credentials| {
        let mut peer = Peer::new(Limits::default(), before);
        peer.set(Limits::default(), credentials.clone());
        peer
    };
    for (case, mut peer) in [
        ("a new one", new()),
        ("from open", reloaded(Credentials::Open)),
        ("from a token", reloaded(Credentials::Token("t".to_owned()))),
        ("from another user", reloaded(quiet(user("before", "p", None)))),
        ("from the same", reloaded(credentials.clone())),
    ] {
        assert_eq!(outcome(&mut peer, case), without, "{case}");
    }
    for connect in [
        "CONNECT {}\r\n",
        QUIET,
        "CONNECT {\"verbose\":true,\"pedantic\":true}\r\n",
        "connect {\"user\":\"\",\"pass\":\"\",\"auth_token\":\"\",\"nkey\":\"\"}\r\n",
        "CONNECT null\r\n",
    ] {
        assert_eq!(outcome(new().say(connect), connect), with, "{connect}");
        let mut peer = reloaded(Credentials::Token("t".to_owned()));
        assert_eq!(
            outcome(peer.say(connect), connect),
            with,
            "{connect} after a reload"
        );
    }
    if without != Refused {
        // A client that is in already has what it would have if it came now.
        let mut peer = new();
        peer.say("PING\r\n").set(Limits::default(), credentials.clone());
        assert_eq!(outcome(&mut peer, "in before"), without);
    }
    for first in ["PING\r\n", "+OK\r\n", "pub a 0\r\n\r\n"] {
        let mut peer = new();
        peer.say(first);
        let did = std::mem::take(&mut peer.recorder.text);
        assert_eq!(did.contains(REFUSED), without == Refused, "{first}: {did}");
    }
}

#[test]
fn who_is_refused_one_way_is_refused_all_others() {
    let named = |permissions| quiet(user("quiet", "p", permissions));
    check(&Credentials::Open, Everything, Everything);
    check(&Credentials::Token("t".to_owned()), Refused, Refused);
    check(&named(None), Everything, Everything);
    check(&named(only("a")), Limited, Limited);
    check(&quiet(by_websocket()), Refused, Refused);
    check(&quiet(user("hashed", HASHED, only("a"))), Refused, Refused);
    // A key is nobody's before CONNECT.
    check(&quiet(with_key()), Refused, Limited);
    let nobody = Credentials::Users {
        users: vec![user("other", "p", None)].into(),
        no_auth_user: None,
        default_permissions: None,
    };
    check(&nobody, Refused, Refused);
    let defaults = Credentials::Users {
        users: vec![user("quiet", "p", None)].into(),
        no_auth_user: Some("quiet".to_owned()),
        default_permissions: only("a"),
    };
    check(&defaults, Limited, Limited);
}

#[test]
fn a_reload_takes_the_way_in_away() {
    let limited = || quiet(user("quiet", "p", only("a")));
    for (now, expected) in [
        (quiet(by_websocket()), "close: Client Closed"),
        (
            quiet(user("quiet", HASHED, only("a"))),
            "< -ERR 'Authorization Violation'\nclose: Authentication Failure",
        ),
        (
            quiet(user("quiet", "p", only("b"))),
            "unsubscribe 1\n< -ERR 'Permissions Violation for Subscription to \"a\" (sid \"1\")'",
        ),
    ] {
        let mut peer = Peer::new(Limits::default(), limited());
        peer.say("SUB a 1\r\n").did("subscribe 1 to a\n< +OK");
        peer.set(Limits::default(), now).did(expected);
    }
}

#[test]
fn who_says_nothing_is_told_when_time_is_up() {
    let timeout = AUTH_TIMEOUT;
    let mut silent = Peer::new(Limits::default(), quiet(user("quiet", "p", None)));
    silent
        .after(timeout)
        .did("< -ERR 'Authentication Timeout'\nclose: Authentication Timeout");
    let mut speaks = Peer::new(Limits::default(), quiet(user("quiet", "p", None)));
    speaks.say("PING\r\n").did("< PONG");
    speaks.after(timeout).did("");
    let mut open = Peer::new(Limits::default(), Credentials::Open);
    open.after(timeout).did("");
}

#[test]
fn the_first_ping_waits_for_connect_or_its_interval() {
    let limits = Limits {
        ping_interval: Duration::from_secs(60),
        ..Limits::default()
    };
    for credentials in [Credentials::Open, quiet(user("quiet", "p", None))] {
        let mut peer = Peer::new(limits.clone(), credentials);
        peer.say("PING\r\n").did("< PONG");
        peer.after(Duration::from_secs(59)).did("");
        peer.after(Duration::from_secs(1)).did("< PING");
    }
}

#[test]
fn who_says_nothing_may_answer_if_its_user_may() {
    let answers = Permissions {
        publish: Rules {
            allow: list(&["nothing"]),
            deny: Vec::new(),
        },
        allow_responses: Some(ResponsePermission::default()),
        ..Permissions::default()
    };
    for first in ["PING\r\n", "CONNECT {\"verbose\":false}\r\nPING\r\n"] {
        let mut peer = Peer::new(
            Limits::default(),
            quiet(user("quiet", "p", Some(answers.clone()))),
        );
        peer.say(first).did("may answer\n< PONG");
    }
    let mut peer = Peer::new(Limits::default(), quiet(user("quiet", "p", None)));
    peer.say("PING\r\n").did("< PONG");
    peer.set(Limits::default(), quiet(user("quiet", "p", Some(answers))))
        .did("may answer");
}

/// What one user was permitted is not another's, though they come over one connection.
#[test]
fn a_later_connect_ends_the_subscriptions_before_it() {
    let mut peer = permitted(Permissions::default());
    peer.say("SUB a 1\r\nCONNECT {\"verbose\":false}\r\nPUB a 0\r\n\r\n")
        .did("subscribe 1 to a\nunsubscribe all\npublish a");
    let mut peer = Peer::new(Limits::default(), quiet(user("quiet", "p", None)));
    peer.say("SUB > 1\r\nCONNECT {\"user\":\"other\",\"pass\":\"p\",\"verbose\":false}\r\n")
        .did("subscribe 1 to >\n< +OK\nunsubscribe all");
    // Where nothing is asked, nothing changes by the first.
    let mut peer = Peer::new(Limits::default(), Credentials::Open);
    peer.say("SUB a 1\r\nCONNECT {\"verbose\":false}\r\n")
        .did("subscribe 1 to a\n< +OK");
}

/// A user may have to come by one kind of listener: which it is, the listener says.
#[test]
fn who_may_come_by_one_kind_of_listener_only() {
    let browser = User {
        connection_types: [ConnectionType::WebSocket].into_iter().collect(),
        ..user("browser", "p", None)
    };
    let connect = "CONNECT {\"verbose\":false,\"user\":\"browser\",\"pass\":\"p\"}\r\nPING\r\n";
    for (connection, outcome) in [
        (ConnectionType::WebSocket, "< PONG"),
        (
            ConnectionType::Standard,
            "< -ERR 'Authorization Violation'\nclose: Authentication Failure",
        ),
    ] {
        let settings = ClientSettings {
            connection,
            ..settings(Limits::default(), quiet(browser.clone()))
        };
        Peer::of(settings).say(connect).did(outcome);
    }
}

/// There is no room for one more in the account: it is told so, and has done nothing.
#[test]
fn an_account_that_is_full() {
    let mut peer = Peer::new(Limits::default(), quiet(user("u", "p", None)));
    peer.recorder.is_full = true;
    peer.say("CONNECT {\"verbose\":false,\"user\":\"u\",\"pass\":\"p\"}\r\nPUB a 1\r\nx\r\n")
        .did(
            "< -ERR 'maximum account active connections exceeded'
            close: Maximum Account Connections Exceeded",
        );
}
