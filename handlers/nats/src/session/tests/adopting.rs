//! What becomes of a client when the server is set otherwise.

use super::{Peer, QUIET};
use std::sync::Arc;
use std::time::Duration;
use vagus_auth::credentials::{ConnectionTypes, Credentials, Proof, User};
use vagus_auth::permission::{Permissions, Rules};
use vagus_configs::Limits;

fn user(name: &str, password: &str, subscribe: Option<(&[&str], &[&str])>) -> User {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    User {
        proof: Proof::Password {
            name: name.to_owned(),
            password: password.to_owned(),
        },
        permissions: subscribe
            .map(|(allow, deny)| Permissions {
                publish: Rules {
                    allow: own(allow),
                    deny: own(deny),
                },
                subscribe: Rules {
                    allow: own(allow),
                    deny: own(deny),
                },
                allow_responses: None,
            })
            .map(Arc::new),
        connection_types: ConnectionTypes::default(),
        account: None,
        requires_proxy: false,
    }
}

fn users(users: Vec<User>) -> Credentials {
    Credentials::Users {
        users: users.into(),
        no_auth_user: None,
        default_permissions: None,
    }
}

const LOGIN: &str = "CONNECT {\"verbose\":false,\"protocol\":1,\"user\":\"u\",\"pass\":\"p\"}\r\n";
const REFUSED: &str = "< -ERR 'Authorization Violation'\nclose: Authentication Failure";

fn logged_in() -> Peer {
    let mut peer = Peer::new(Limits::default(), users(vec![user("u", "p", None)]));
    peer.say(LOGIN).did("");
    peer
}

#[test]
fn a_client_that_would_be_let_in_stays() {
    logged_in()
        .set(
            Limits::default(),
            users(vec![user("u", "p", None), user("v", "p", None)]),
        )
        .did("");
    logged_in().set(Limits::default(), Credentials::Open).did("");
}

#[test]
fn who_has_another_password_now_is_told_so() {
    logged_in()
        .set(Limits::default(), users(vec![user("u", "q", None)]))
        .did(REFUSED);
}

#[test]
fn who_is_no_user_any_more_is_cut_off() {
    logged_in()
        .set(Limits::default(), users(vec![user("v", "p", None)]))
        .did("close: Client Closed");
}

#[test]
fn permissions_that_are_lost_end_subscriptions() {
    logged_in()
        .say("SUB a 1\r\nSUB b 2\r\nSUB a.> 3\r\n")
        .did("subscribe 1 to a\nsubscribe 2 to b\nsubscribe 3 to a.>")
        .set(
            Limits::default(),
            users(vec![user("u", "p", Some((&["a", "a.>"], &["a.secret"])))]),
        )
        .did(
            "1 goes on except nothing
             unsubscribe 2
             < -ERR 'Permissions Violation for Subscription to \"b\" (sid \"2\")'
             3 goes on except some",
        )
        .say("PUB b 0\r\n\r\nPUB a 0\r\n\r\n")
        .did("< -ERR 'Permissions Violation for Publish to \"b\"'\nwithhold 0\npublish a");
}

#[test]
fn the_same_permissions_are_not_looked_at_again() {
    let own = || users(vec![user("u", "p", Some((&["a"], &[])))]);
    let mut peer = Peer::new(Limits::default(), own());
    peer.say(LOGIN)
        .say("SUB a 1\r\n")
        .did("subscribe 1 to a")
        .set(Limits::default(), own())
        .did("");
}

#[test]
fn a_login_that_is_asked_for_now_is_asked_of_everybody() {
    let asked = || users(vec![user("u", "p", None)]);
    // One that said CONNECT without a login.
    Peer::new(Limits::default(), Credentials::Open)
        .say(QUIET)
        .did("")
        .set(Limits::default(), asked())
        .did(REFUSED);
    // One that did something without any CONNECT.
    Peer::new(Limits::default(), Credentials::Open)
        .say("SUB a 1\r\n")
        .did("subscribe 1 to a\n< +OK")
        .set(Limits::default(), asked())
        .did(REFUSED);
    // One that is about to log in.
    Peer::new(Limits::default(), Credentials::Open)
        .set(Limits::default(), asked())
        .did("")
        .say(LOGIN)
        .did("");
    Peer::new(Limits::default(), Credentials::Open)
        .set(Limits::default(), asked())
        .after(Duration::from_secs(3))
        .did("< -ERR 'Authentication Timeout'\nclose: Authentication Timeout");
}

#[test]
fn limits_hold_at_once() {
    let limits = Limits {
        max_payload: 4,
        ..Limits::default()
    };
    logged_in()
        .say("PING\r\n")
        .did("< PONG\n< INFO")
        .set(limits, users(vec![user("u", "p", None)]))
        .did("< INFO")
        .say("PUB a 5\r\nhello\r\n")
        .did("< -ERR 'Maximum Payload Violation'\nclose: Maximum Message Payload Exceeded");
}

#[test]
fn a_client_that_says_nothing_has_the_permissions_of_its_user() {
    let mut peer = Peer::new(
        Limits::default(),
        Credentials::Users {
            users: vec![user("u", "p", Some((&["a"], &[])))].into(),
            no_auth_user: Some("u".to_owned()),
            default_permissions: None,
        },
    );
    peer.say("PUB b 0\r\n\r\n")
        .did("< -ERR 'Permissions Violation for Publish to \"b\"'\nwithhold 0");
}
