//! What a file says of accounts.

use super::{judge, obstacles, read};
use crate::Accounts;
use vagus_auth::credentials::{Credentials, EVERYBODY};

fn accounts_of(text: &str) -> Accounts {
    let loaded = read(text).unwrap();
    assert_eq!(loaded.obstacles, [], "{text}");
    loaded.config.accounts
}

/// Each user with its account, and who those are that say nothing.
fn belongings(text: &str) -> (Vec<String>, Option<String>) {
    match read(text).unwrap().config.clients.credentials {
        Credentials::Users {
            users, no_auth_user, ..
        } => {
            let account = |account: Option<&str>| account.unwrap_or("$G").to_owned();
            let belonging = users
                .iter()
                .map(|user| format!("{} of {}", user.proof.name(), account(user.account.as_deref())));
            (belonging.collect(), no_auth_user)
        }
        Credentials::Open => (Vec::new(), None),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn which_there_are() {
    for (text, names, system) in [
        ("", "", Some("$SYS")),
        ("accounts { A {}, B {} }", "A B", Some("$SYS")),
        ("accounts: [B, A]", "A B", Some("$SYS")),
        ("accounts: [S]\nsystem_account: S", "S", Some("S")),
        ("system: S\naccounts { S {} }", "S", Some("S")),
        ("accounts { $SYS {} }", "$SYS", Some("$SYS")),
        ("no_system_account: true", "", None),
        ("no_sys_acc: false", "", Some("$SYS")),
        ("no_system: true, accounts { S {} }, system: S", "S", Some("S")),
        ("system_account: '$G'", "", Some("$G")),
        // What is referred to as a variable is no account.
        ("accounts { X: x, A { users: [{user: $X}] } }", "A", Some("$SYS")),
    ] {
        let accounts = accounts_of(text);
        let listed: Vec<_> = accounts.names.iter().map(|name| &**name).collect();
        assert_eq!(listed.join(" "), names, "{text}");
        assert_eq!(accounts.system.as_deref(), system, "{text}");
    }
    let text = "accounts { A {} }\n\nsystem_account: S";
    let told = obstacles(&read(text).unwrap());
    assert_eq!(
        told,
        "a.conf at 3:1: error resolving system account: there is no \"S\""
    );
}

#[test]
fn who_belongs_to_which() {
    let some = |name: &str| Some(name.to_owned());
    for (text, users, no_auth_user) in [
        (
            "accounts { A { users: [{user: a}] }, B { users: [{user: b}, {user: c}] } }",
            "a of A, b of B, c of B",
            None,
        ),
        (
            "accounts { A { users: [{user: a}] } }\nauthorization { users: [{user: x}] }\nno_auth_user: a",
            "x of $G, a of A",
            some("a"),
        ),
        ("accounts { A {} }", "", None),
        ("accounts { A { users: [] } }", "", None),
        // Those of the system account alone leave the server open for all others.
        (
            "accounts { $SYS { users: [{user: s}] } }",
            "s of $SYS, nats-everybody of $G",
            some(EVERYBODY),
        ),
        (
            "accounts { S { users: [{user: s}] } }, system_account: S",
            "s of S, nats-everybody of $G",
            some(EVERYBODY),
        ),
        (
            "accounts { $SYS { users: [{user: s}] } }\nauthorization { timeout: 1 }",
            "s of $SYS",
            None,
        ),
        (
            "accounts { $SYS { users: [{user: s}] } }\nno_auth_user: s",
            "s of $SYS",
            some("s"),
        ),
        (
            "accounts { $SYS { users: [{user: s}] }, A {} }",
            "s of $SYS",
            None,
        ),
    ] {
        let (belonging, nobody) = belongings(text);
        assert_eq!((&*belonging.join(", "), nobody), (users, no_auth_user), "{text}");
    }
}

#[test]
fn what_users_of_an_account_may_do() {
    let text = "authorization { default_permissions { pub: g }, users: [{user: g}] }
        accounts {
            A { default_permissions { pub: a }, users: [{user: a}, {user: own, permissions { pub: o }}] }
            B { users: [{user: b}] }
        }";
    let Credentials::Users {
        users,
        default_permissions,
        ..
    } = read(text).unwrap().config.clients.credentials
    else {
        panic!("there are users");
    };
    let may: Vec<_> = users
        .iter()
        .map(|user| user.permissions.as_ref().map(|own| own.publish.allow.join(" ")))
        .collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(may, [None, some("a"), some("o"), None]);
    assert_eq!(default_permissions.unwrap().publish.allow, ["g"]);
}

/// Where nats-server finds a mistake. Of two that exclude each other it may name either.
#[test]
fn mistakes() {
    for (text, expected) in [
        ("accounts { $G {} }", "1:11"),
        ("accounts: [A, $G]", "line 1"),
        ("accounts: [A, '$G']", "1:14"),
        ("accounts: [A, A]", "1:14"),
        ("accounts: [5]", "1:11"),
        ("accounts { A: 5 }", "1:11"),
        ("accounts { A { colour: blue } }", "1:15"),
        ("accounts { A { users: 5 } }", "1:15"),
        ("accounts { A { users: [{user: a, colour: blue}] } }", "1:33"),
        (
            "accounts { A { users: [{user: a}] }\n B { users: [{user: a}] } }",
            "2:6",
        ),
        ("accounts { A { users: [{user: a}, {user: a}] } }", "1:15"),
        (
            "authorization { users: [{user: a}] }\naccounts { A { users: [{user: a}] } }",
            "2:16",
        ),
        (
            "authorization { user: a }\naccounts { A { users: [{user: b}] } }",
            "2:16",
        ),
        (
            "accounts { A { users: [{user: b}] } }\nauthorization { token: t }",
            "1:15",
        ),
        ("authorization { token: t }\naccounts { A {} }", "valid"),
        ("system_account: 5", "1:0"),
        ("no_system_account: 5", "1:0"),
    ] {
        assert_eq!(judge(text), expected, "{text}");
    }
}
