//! What a file says of the admin service.

use super::read;
use crate::{Admin, AdminRole, AdminToken, AdminUser, Port};

fn admin_of(text: &str) -> Option<Admin> {
    read(text).unwrap().config.admin
}

#[track_caller]
fn check_refused(text: &str, told: &str) {
    match read(text) {
        Err(error) => assert_eq!(error.to_string(), format!("a.conf:{told}"), "{text}"),
        Ok(loaded) => panic!("{text}: {:?}", loaded.config.admin),
    }
}

fn user(name: &str, password: &str, role: AdminRole) -> AdminUser {
    AdminUser {
        name: name.to_owned(),
        password: password.to_owned(),
        role,
    }
}

#[test]
fn there_is_none_unless_it_is_asked_for() {
    assert_eq!(admin_of("port: 4333"), None);
    assert_eq!(admin_of("admin: false"), None);
    assert_eq!(admin_of("admin: true"), Some(Admin::default()));
    assert_eq!(admin_of("admin {}"), Some(Admin::default()));
    let (host, port) = ("127.0.0.1".to_owned(), Port::Fixed(8223));
    assert_eq!(Admin::default().listen, crate::Listen { host, port });
}

#[test]
fn where_it_listens() {
    for (text, host, port) in [
        ("admin: 9000", "127.0.0.1", Port::Fixed(9000)),
        ("admin: '[::1]:9000'", "::1", Port::Fixed(9000)),
        ("admin { listen: 'localhost:-1' }", "localhost", Port::Free),
        ("admin { port: -1 }", "127.0.0.1", Port::Free),
        ("admin { host: '::1', port: 9000 }", "::1", Port::Fixed(9000)),
        (
            "admin { listen: '0.0.0.0:9000', token: t }",
            "0.0.0.0",
            Port::Fixed(9000),
        ),
    ] {
        let listen = admin_of(text).unwrap().listen;
        assert_eq!((listen.host.as_str(), listen.port), (host, port), "{text}");
    }
}

#[test]
fn who_may_use_it() {
    let users =
        "admin { users: [{user: a, password: p}, {USER: b, pass: q, Role: ADMIN}], user: c, password: r }";
    assert_eq!(
        admin_of(users).unwrap().users,
        [
            user("a", "p", AdminRole::Read),
            user("b", "q", AdminRole::Admin),
            user("c", "r", AdminRole::Admin)
        ]
    );
    let tokens = "admin { tokens: [s, {token: t}, {token: u, role: admin}], protect_monitoring: true }";
    let admin = admin_of(tokens).unwrap();
    let token = |token: &str, role| AdminToken {
        token: token.to_owned(),
        role,
    };
    assert_eq!(
        admin.tokens,
        [
            token("s", AdminRole::Admin),
            token("t", AdminRole::Read),
            token("u", AdminRole::Admin)
        ]
    );
    assert!(admin.protect_monitoring);
}

#[test]
fn it_is_never_open_to_others() {
    let told = |host: &str| {
        format!(
            "1:0: admin must have users or a token to listen on {host:?}: it is not an address of this machine alone"
        )
    };
    check_refused("admin { listen: '0.0.0.0:8223' }", &told("0.0.0.0"));
    check_refused("admin { host: broker.example.org }", &told("broker.example.org"));
    check_refused("admin: '10.0.0.1:8223'", &told("10.0.0.1"));
    check_refused(
        "admin { protect_monitoring: true }",
        "1:0: protect_monitoring asks for a login, and admin has no users",
    );
}

#[test]
fn what_cannot_be_is_refused_where_it_stands() {
    check_refused("admin { colour: blue }", "1:8: unknown field \"colour\"");
    check_refused("admin: [1]", "1:0: admin must be a map, not an array");
    check_refused(
        "admin { users: [{user: a, password: p, role: king}] }",
        "1:39: role must be read or admin",
    );
    check_refused(
        "admin { users: [{user: a}] }",
        "1:17: a user of admin must have a password",
    );
    check_refused(
        "admin { users: [{user: 'a:b', password: p}] }",
        "1:17: the name of a user of admin must not have a colon or control characters",
    );
    check_refused(
        "admin { users: [{user: a, password: p}, {user: a, password: q}] }",
        "1:0: admin: duplicate user \"a\"",
    );
    check_refused("admin { token: '' }", "1:15: the token is empty");
    check_refused(
        "admin { user: '' , password: p}",
        "1:8: a user of admin must have a name",
    );
}
