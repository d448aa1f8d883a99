use super::tests::{
    HASHED, Holder, NOTHING, enter, enter_with, gate, login, nkey_user, single, token, user, users,
};
use super::*;
use crate::nkey::{Kind, encode_public};
use crate::permission::Rules;

fn may_publish(gate: &Gate, name: &str, subject: &str) -> bool {
    let identity = enter(gate, &login(name, "p")).unwrap();
    identity.rights().may_publish(subject.as_bytes())
}

fn publishing(subject: &str) -> Permissions {
    Permissions {
        publish: Rules {
            allow: vec![subject.to_owned()],
            deny: Vec::new(),
        },
        ..Permissions::default()
    }
}

#[test]
fn default_permissions_are_for_those_without_their_own() {
    let with = |name, permissions: Option<Permissions>| User {
        permissions: permissions.map(Arc::new),
        ..user(name, "p")
    };
    let gate = gate(Credentials::Users {
        users: vec![
            with("none", None),
            with("own", Some(publishing("own"))),
            with("empty", Some(Permissions::default())),
        ]
        .into(),
        no_auth_user: Some("none".to_owned()),
        default_permissions: Some(publishing("default")),
    });
    for (name, subject, expected) in [
        ("none", "default", true),
        ("none", "own", false),
        ("own", "own", true),
        ("own", "default", false),
        ("empty", "default", true),
        ("empty", "anything", true),
    ] {
        assert_eq!(may_publish(&gate, name, subject), expected, "{name} {subject}");
    }
    let nobody = enter(&gate, &NOTHING).unwrap();
    assert!(!nobody.rights().may_publish(b"own"));
}

#[test]
fn bad_credentials_are_told() {
    let key = Holder::new().public;
    let error = |credentials| Gate::new(credentials).unwrap_err().to_string();
    let invalid = publishing("a..b");
    let refused = User {
        permissions: Some(Arc::new(invalid.clone())),
        ..user("a", "p")
    };
    for (credentials, expected) in [
        (Credentials::Token(String::new()), "the token is empty".to_owned()),
        (
            users(&[user("", "p")], None),
            "a user has an empty name".to_owned(),
        ),
        (
            Credentials::User {
                name: String::new(),
                password: "p".to_owned(),
            },
            "a user has an empty name".to_owned(),
        ),
        (
            users(&[user("a", "p"), user("a", "q")], None),
            "duplicate user \"a\"".to_owned(),
        ),
        (
            users(&[nkey_user(&key), nkey_user(&key)], None),
            format!("duplicate user {key:?}"),
        ),
        (
            users(&[nkey_user("SUSECRET")], None),
            "not a valid public nkey for a user: not the base32 of a public key".to_owned(),
        ),
        (
            users(&[nkey_user(&encode_public(Kind::Account, &[7; 32]))], None),
            "not a valid public nkey for a user: not a kind of public key".to_owned(),
        ),
        (
            users(&[user("a", "p")], Some("b")),
            "no_auth_user: \"b\" is none of the users".to_owned(),
        ),
        (
            users(&[refused], None),
            "invalid permissions for user \"a\": publish allow: \"a..b\" is not a valid subject".to_owned(),
        ),
        (
            Credentials::Users {
                users: [].into(),
                no_auth_user: None,
                default_permissions: Some(invalid),
            },
            "invalid default permissions: publish allow: \"a..b\" is not a valid subject".to_owned(),
        ),
    ] {
        assert_eq!(error(credentials), expected);
    }
}

#[test]
fn what_is_unwise_is_warned_of() {
    let broken = "$2a$10$broken";
    let unusable = |user: Option<&str>| Warning::UnusableHash {
        user: user.map(str::to_owned),
    };
    for (gate, expected) in [
        (gate(Credentials::Open), vec![]),
        (token("tok3n"), vec![]),
        (token(broken), vec![unusable(None)]),
        (single("a", "p"), vec![Warning::PlaintextPasswords]),
        (single("a", HASHED), vec![]),
        (gate(users(&[nkey_user(&Holder::new().public)], None)), vec![]),
        (
            gate(users(&[user("a", "p"), user("b", "p"), user("c", broken)], None)),
            vec![Warning::PlaintextPasswords, unusable(Some("c"))],
        ),
    ] {
        assert_eq!(gate.warnings(), expected);
    }
}

#[test]
fn a_new_gate_knows_who_stays() {
    let derek = Holder::new();
    let before = gate(users(
        &[user("a", "p"), user("b", HASHED), nkey_user(&derek.public)],
        Some("a"),
    ));
    let signature = derek.sign_text("nonce");
    let key_login = Login {
        nkey: &derek.public,
        signature: &signature,
        ..NOTHING
    };
    let [nobody, a, b, key] = [NOTHING, login("a", "p"), login("b", "s3cret"), key_login]
        .map(|login| enter_with(&before, &login, "nonce").unwrap());
    let everybody = [&nobody, &a, &b, &key];
    let stay = |gate: &Gate| everybody.map(|identity| gate.renew(identity, Certificate::NotAsked).is_some());

    assert_eq!(stay(&before), [true; 4]);
    assert_eq!(stay(&gate(Credentials::Open)), [true; 4]);
    assert_eq!(stay(&token("p")), [false; 4]);
    assert_eq!(stay(&single("a", "p")), [false, true, false, false]);
    assert_eq!(stay(&gate(users(&[user("a", "q")], None))), [false; 4]);
    assert_eq!(
        stay(&gate(users(&[user("b", HASHED), user("c", "p")], Some("c")))),
        [true, false, true, false]
    );
    assert_eq!(
        stay(&gate(users(&[nkey_user(&derek.public)], None))),
        [false, false, false, true]
    );
    let websocket = User {
        connection_types: [ConnectionType::WebSocket].into_iter().collect(),
        ..user("a", "p")
    };
    assert_eq!(stay(&gate(users(&[websocket], Some("a")))), [false; 4]);

    let narrowed = gate(users(
        &[User {
            permissions: Some(Arc::new(publishing("x"))),
            ..user("a", "p")
        }],
        None,
    ));
    let renewed = narrowed.renew(&a, Certificate::NotAsked).unwrap();
    assert!(!renewed.rights().may_publish(b"y"));

    let open = gate(Credentials::Open);
    let unknown = enter(&open, &login("a", "p")).unwrap();
    assert!(
        open.renew(&unknown, Certificate::NotAsked).is_some()
            && before.renew(&unknown, Certificate::NotAsked).is_none()
    );
    let holder = enter(
        &token("t"),
        &Login {
            token: "t",
            ..NOTHING
        },
    )
    .unwrap();
    assert!(
        token("t").renew(&holder, Certificate::NotAsked).is_some()
            && token("u").renew(&holder, Certificate::NotAsked).is_none()
    );
    assert_eq!(holder.user(), None);
}

#[test]
fn nothing_secret_is_shown() {
    let secret = "SUPERSECRET";
    let login = Login {
        user: "a",
        password: secret,
        token: secret,
        nkey: "",
        signature: secret,
        ..NOTHING
    };
    let credentials = [
        Credentials::Token(secret.to_owned()),
        Credentials::User {
            name: "a".to_owned(),
            password: secret.to_owned(),
        },
        users(&[user("a", secret), user("b", HASHED)], None),
    ];
    let mut shown = format!("{login:?} {:?}", nkey_user(secret));
    for credentials in credentials {
        shown += &format!(" {credentials:?}");
        let gate = gate(credentials);
        shown += &format!(
            " {gate:?} {:?} {:?}",
            gate.begin(&login, b""),
            enter(&gate, &login)
        );
        shown += &format!(" {:?}", gate.begin(&Login { user: "b", ..login }, b""));
    }
    assert!(!shown.contains("SECRET") && !shown.contains("LZYjhNQ"), "{shown}");
    assert!(shown.contains("BcryptTask") && shown.contains("Identity"));
}
