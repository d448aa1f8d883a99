//! What a file says of WebSocket.

use super::settings::{sets, sets_with};
use super::{obstacles, read};
use crate::{Config, Listen, Port, WebSocket, WebSocketLogin};
use std::time::Duration;
use vagus_auth::credentials::Credentials;
use vagus_websocket::upgrade::{CookieNames, Origin};

fn at(port: u16) -> WebSocket {
    WebSocket {
        no_tls: true,
        ..WebSocket::at(Listen {
            port: Port::Fixed(port),
            ..Listen::default()
        })
    }
}

#[test]
fn where_clients_connect() {
    for text in [
        "websocket { port: 8080, no_tls: true }",
        "ws { listen: 8080, no_tls: true }",
        "WebSocket { Listen: \"0.0.0.0:8080\", No_TLS: true }",
    ] {
        sets(text, |config| config.websocket = Some(at(8080)));
    }
    sets(
        "websocket { listen: \"h:1\", advertise: \"x:2\", no_tls: true }",
        |config| {
            let mut websocket = at(1);
            websocket.listen.host = "h".into();
            websocket.advertise = Some("x:2".into());
            config.websocket = Some(websocket);
        },
    );
    sets("websocket { }", |_| {});
    for text in [
        "websocket { no_tls: true }",
        "websocket { port: 0, compression: true }",
    ] {
        let nothing = "a.conf:1:0: websocket changes nothing: it does not say where to listen";
        sets_with(text, &[nothing], |_| {});
    }
}

#[test]
fn how_they_connect() {
    sets(
        "websocket { port: 1, no_tls: true, same_origin: true, origins: [\"http://a\", \"https://b:9\"],
         compress: true, handshake_timeout: \"1500ms\", ping_interval: 7s, headers { A: b, C: \"d e\" },
         user_cookie: u, pass_cookie: p, token_cookie: t }",
        |config| {
            let mut websocket = at(1);
            websocket.allowed_origins = vec!["http://a".into(), "https://b:9".into()];
            websocket.handshake_timeout = Some(Duration::from_millis(1500));
            websocket.ping_interval = Some(Duration::from_secs(7));
            let upgrade = &mut websocket.upgrade;
            upgrade.origins.same = true;
            let origins = ["http://a", "https://b:9"].map(|text| Origin::parse(text).unwrap());
            upgrade.origins.allowed = origins.to_vec();
            upgrade.compresses = true;
            upgrade.headers = vec![("A".into(), "b".into()), ("C".into(), "d e".into())];
            upgrade.cookies = CookieNames {
                jwt: None,
                user: Some("u".into()),
                password: Some("p".into()),
                token: Some("t".into()),
            };
            config.websocket = Some(websocket);
        },
    );
    let origin = read("websocket { port: 1, no_tls: true, origin: \"http://a\" }").unwrap();
    assert_eq!(origin.config.websocket.unwrap().allowed_origins, ["http://a"]);
}

/// The credentials of a file.
fn credentials(text: &str) -> Credentials {
    let Config { websocket, .. } = read(text).unwrap().config;
    websocket.unwrap().credentials(&read(text).unwrap().config)
}

#[test]
fn who_may_connect() {
    let with = |own: &str, rest: &str| format!("websocket {{ port: 1, no_tls: true, {own} }}\n{rest}");
    let read = |text: &str| read(text).unwrap().config.websocket.unwrap();
    let own = read(&with("authorization { user: u, pass: p, timeout: 3 }", ""));
    assert_eq!(own.auth_timeout, Some(Duration::from_secs(3)));
    assert!(!format!("{own:?}").contains("\"p\""));
    assert_eq!(
        own.login,
        WebSocketLogin::User {
            name: "u".into(),
            password: "p".into()
        }
    );
    let others = "authorization { user: x, password: y }";
    assert!(matches!(
        credentials(&with("", others)),
        Credentials::User { name, .. } if name == "x"
    ));
    assert!(matches!(
        credentials(&with("authentication { token: t }", others)),
        Credentials::Token(token) if token == "t"
    ));
    let users = "authorization { users: [{user: a, password: b}, {user: c, password: d}] }\nno_auth_user: a";
    let as_default = |own| match credentials(&with(own, users)) {
        Credentials::Users { no_auth_user, .. } => no_auth_user,
        other => panic!("{other:?}"),
    };
    assert_eq!(as_default("").as_deref(), Some("a"));
    assert_eq!(as_default("no_auth_user: c").as_deref(), Some("c"));
}

#[track_caller]
fn kept_from_starting(text: &str, message: &str) {
    let obstacles = obstacles(&read(text).unwrap());
    assert!(
        obstacles.starts_with("a.conf at ") && obstacles.contains(message),
        "{obstacles}"
    );
}

/// A check of the file passes over these, as that of nats-server does.
#[test]
fn no_server_starts_with_what_cannot_be() {
    let with = |own: &str| format!("websocket {{ port: 1, no_tls: true, {own} }}\n");
    kept_from_starting("websocket { port: 1 }", "websocket requires TLS configuration");
    for (own, message) in [
        ("allowed_origins: [\"a\"]", "must hold URLs"),
        ("allowed_origins: [\"ftp://a\"]", "must hold URLs"),
        ("headers { Upgrade: x }", "invalid header \"Upgrade\" not allowed"),
        (
            "headers { Sec-WebSocket-X: x }",
            "invalid header \"Sec-WebSocket-X\" not allowed",
        ),
        ("jwt_cookie: j", "trusted operators configuration is required"),
        ("no_auth_user: u", "there are none"),
    ] {
        kept_from_starting(&with(own), message);
    }
    let users = "authorization { users: [{user: a, password: b}] }";
    for (own, message) in [
        ("no_auth_user: u", "\"u\" is none of the users"),
        (
            "authorization { user: u }",
            "not compatible with presence of users/nkeys",
        ),
        (
            "authorization { token: t }",
            "not compatible with presence of users/nkeys",
        ),
    ] {
        kept_from_starting(&(with(own) + users), message);
    }
}
