//! What a file says of several users.

use super::read;
use std::time::Duration;
use vagus_auth::credentials::{ConnectionType, Credentials, Proof, User};
use vagus_auth::nkey;
use vagus_auth::permission::{Permissions, ResponsePermission, Rules};

/// The users, and who those are that say nothing.
fn users_of(text: &str) -> (Vec<User>, Option<String>, Option<Permissions>) {
    let loaded = read(text).unwrap();
    assert_eq!(loaded.obstacles, [], "{text}");
    match loaded.config.clients.credentials {
        Credentials::Users {
            users,
            no_auth_user,
            default_permissions,
        } => (users.to_vec(), no_auth_user, default_permissions),
        other => panic!("{text}: {other:?}"),
    }
}

fn user(name: &str, password: &str) -> User {
    User {
        proof: Proof::Password {
            name: name.to_owned(),
            password: password.to_owned(),
        },
        permissions: None,
        connection_types: [].into_iter().collect(),
        account: None,
        requires_proxy: false,
    }
}

fn list(subjects: &[&str]) -> Vec<String> {
    subjects.iter().map(|&subject| subject.to_owned()).collect()
}

fn allow(subjects: &[&str]) -> Rules {
    Rules {
        allow: list(subjects),
        deny: Vec::new(),
    }
}

#[test]
fn lists_of_users_in_all_ways_of_writing() {
    let two = [user("a", "p"), user("b", "q")];
    for text in [
        "authorization { users: [{user: a, password: p}, {username: b, pass: q}] }",
        "authorization\n{\n\tusers =\n\t[\n\t\t{ user : a, password : p }\n\t\t{ user : b, password : q }\n\t]\n}\n",
        "authorization { users = { {user: a, password: p} {user: b, password: q} } }",
        "authorization { users = {\n {user: a, pass: p},\n {user: b, pass: q}\n} }",
        "P: p\nauthorization { Q: q, users: [{User: a, PASSWORD: $P}, {user: b, password: $Q}] }",
        "LIST: [{user: a, password: p}, {user: b, password: q}]\nauthorization { users: $LIST }",
    ] {
        assert_eq!(users_of(text), (two.to_vec(), None, None), "{text}");
    }
}

#[test]
fn permissions_in_all_ways_of_writing() {
    let everything = Permissions::default;
    let publish = |rules| Permissions {
        publish: rules,
        ..everything()
    };
    let subscribe = |rules| Permissions {
        subscribe: rules,
        ..everything()
    };
    for (text, expected) in [
        ("", everything()),
        ("publish: a", publish(allow(&["a"]))),
        ("pub: [a, 'b.>']", publish(allow(&["a", "b.>"]))),
        ("import: {allow: a}", publish(allow(&["a"]))),
        ("publish: {}", everything()),
        ("publish: {allow: []}", everything()),
        (
            "publish: {allow: 'a.>', deny: [a.b, a.c]}",
            publish(Rules {
                allow: list(&["a.>"]),
                deny: list(&["a.b", "a.c"]),
            }),
        ),
        ("subscribe: 'a.*'", subscribe(allow(&["a.*"]))),
        ("sub: [a]", subscribe(allow(&["a"]))),
        (
            "export: ['a workers', '> v1.*']",
            subscribe(allow(&["a workers", "> v1.*"])),
        ),
        ("subscriber: a", subscribe(allow(&["a"]))),
    ] {
        for key in ["permission", "permissions", "authorization"] {
            let text = format!("authorization {{ users: [{{user: u, {key}: {{ {text} }}}}] }}");
            assert_eq!(
                users_of(&text).0[0].permissions.as_deref(),
                Some(&expected),
                "{text}"
            );
        }
        for key in ["default_permission", "DEFAULT_PERMISSIONS", "permissions"] {
            let text = format!("authorization {{ {key} {{ {text} }}, users: [{{user: u}}] }}");
            let (users, _, defaults) = users_of(&text);
            assert_eq!(users, [user("u", "")], "{text}");
            assert_eq!(defaults, Some(expected.clone()), "{text}");
        }
    }
}

#[test]
fn the_answers_a_user_may_give() {
    let bounds = |max, seconds: Option<u64>| {
        Some(ResponsePermission {
            max,
            expires: seconds.map(Duration::from_secs),
        })
    };
    for (text, expected) in [
        ("allow_responses: true", bounds(Some(1), Some(120))),
        ("publish_allow_responses: on", bounds(Some(1), Some(120))),
        ("allow_responses: false", None),
        ("allow_responses: {}", bounds(Some(1), Some(120))),
        (
            "allow_responses: {max: 3, expires: '10s'}",
            bounds(Some(3), Some(10)),
        ),
        (
            "allow_responses: {max_msgs: 0, ttl: '0'}",
            bounds(Some(1), Some(120)),
        ),
        (
            "allow_responses: {max_messages: -1, expiration: '-1s'}",
            bounds(None, None),
        ),
        ("allow_responses: {max_responses: 5}", bounds(Some(5), Some(120))),
    ] {
        let text = format!("authorization {{ users: [{{user: u, permissions {{ {text} }}}}] }}");
        let permissions = users_of(&text).0[0].permissions.clone().unwrap();
        assert_eq!(permissions.allow_responses, expected, "{text}");
    }
}

#[test]
fn how_a_user_may_connect() {
    for (text, standard, mqtt) in [
        ("", true, true),
        ("connection_types: []", true, true),
        ("allowed_connection_types: [STANDARD]", true, false),
        ("connection_types: [websocket, Mqtt]", false, true),
        ("clients: standard", true, false),
    ] {
        let text = format!("authorization {{ users: [{{user: u, {text}}}] }}");
        let types = users_of(&text).0[0].connection_types;
        let seen = (
            types.allow(ConnectionType::Standard),
            types.allow(ConnectionType::Mqtt),
        );
        assert_eq!(seen, (standard, mqtt), "{text}");
    }
}

#[test]
fn users_with_a_key() {
    let key = nkey::encode_public(nkey::Kind::User, &[7; 32]);
    let text =
        format!("authorization {{ users: [{{nkey: {key}, permissions: {{pub: a}}}}] }}\nno_auth_user: {key}");
    let (users, no_auth_user, _) = users_of(&text);
    assert_eq!(users[0].proof, Proof::Nkey(key.clone()));
    assert_eq!(users[0].permissions.as_ref().unwrap().publish, allow(&["a"]));
    assert_eq!(no_auth_user, Some(key));
}

#[test]
fn who_says_nothing_is_one_of_the_users() {
    for (text, expected) in [
        ("no_auth_user: u\nauthorization { users: [{user: u}] }", Some("u")),
        ("authorization { users: [{user: u}] }\nNo_Auth_User: u", Some("u")),
        ("authorization { users: [{user: u}] }\nno_auth_user: ''", None),
    ] {
        assert_eq!(users_of(text).1.as_deref(), expected, "{text}");
    }
    for text in [
        "authorization { users: [{user: u}] }\nno_auth_user: x",
        "authorization { user: x }\nno_auth_user: x",
        "\nno_auth_user: x",
    ] {
        let obstacles = read(text).unwrap().obstacles;
        assert_eq!(obstacles.len(), 1, "{text}");
        assert_eq!(
            (obstacles[0].place.line, obstacles[0].place.column),
            (2, 1),
            "{text}"
        );
    }
}

#[test]
fn what_is_worth_knowing_of_users() {
    for (text, expected) in [
        (
            "authorization { users: [] }",
            "a.conf:1:16: users is empty, so that everybody may connect",
        ),
        (
            "authorization { users: [{user: u, permissions: {subscriber: a}}] }",
            "a.conf:1:48: nats-server knows subscriber only as subscribe",
        ),
    ] {
        let loaded = read(text).unwrap();
        let told: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(told, [expected], "{text}");
        assert!(!loaded.warnings[0].fails_check, "{text}");
    }
}

/// Roles of old files: maps that are variables, and keys of them that are there for nothing else.
#[test]
fn roles_by_variables() {
    let text = "authorization\n{\n    ADMIN =\n    {\n        publish   = \">\"\n        subscribe = \">\"\n    }\n\n    \
        DEFAULT_PERMISSIONS =\n    {\n        publish   = \"SANDBOX.*\"\n        subscriber = [\"PUBLIC.>\", \"_INBOX.>\"]\n    }\n\n    \
        PASS : abcdefghijklmnopqrstuvwxyz0123456789\n\n    users =\n    {\n        \
        { user : joe, password : foo, permissions : $ADMIN }\n        { user : bob, password : $PASS }\n    }\n}\n";
    let (users, _, defaults) = users_of(text);
    let admin = Permissions {
        publish: allow(&[">"]),
        subscribe: allow(&[">"]),
        allow_responses: None,
    };
    let joe = User {
        permissions: Some(admin.into()),
        ..user("joe", "foo")
    };
    assert_eq!(users, [joe, user("bob", "abcdefghijklmnopqrstuvwxyz0123456789")]);
    let defaults = defaults.unwrap();
    assert_eq!(defaults.publish, allow(&["SANDBOX.*"]));
    assert_eq!(defaults.subscribe, allow(&["PUBLIC.>", "_INBOX.>"]));
}

#[test]
fn what_a_user_cannot_be() {
    let key = nkey::encode_public(nkey::Kind::User, &[7; 32]);
    let account = nkey::encode_public(nkey::Kind::Account, &[7; 32]);
    for (user, expected) in [
        (
            "5".to_owned(),
            "a.conf:2:1: a user must be a map, not a whole number",
        ),
        ("{}".to_owned(), "a.conf:2:1: a user must have a name or an nkey"),
        (
            "{user: ''}".to_owned(),
            "a.conf:2:2: a user must have a name or an nkey",
        ),
        (
            "{user: 5}".to_owned(),
            "a.conf:2:2: user must be text, not a whole number",
        ),
        (
            "{nkey: hush}".to_owned(),
            "a.conf:2:2: this is not the public nkey of a user",
        ),
        (
            format!("{{nkey: {account}}}"),
            "a.conf:2:2: this is not the public nkey of a user",
        ),
        (
            format!("{{user: u, nkey: {key}}}"),
            "a.conf:2:11: a user with an nkey has neither a name nor a password",
        ),
        (
            format!("{{nkey: {key}}}, {{nkey: {key}}}"),
            "a.conf:1:0: duplicate user ",
        ),
        (
            "{user: u, clients: [5]}".to_owned(),
            "a.conf:2:21: clients: a type must be text, not a whole number",
        ),
        (
            "{user: u, clients: x}".to_owned(),
            "a.conf:2:11: clients: unknown connection type \"x\"",
        ),
        (
            "{user: u, permissions: x}".to_owned(),
            "a.conf:2:11: permissions must be a map, not this text",
        ),
        (
            "{user: u, permissions: {pub: {allow: 'a b'}}}".to_owned(),
            "a.conf:2:31: allow: \"a b\" is not a valid subject",
        ),
        (
            "{user: u, permissions: {sub: {deny: ['a b..c']}}}".to_owned(),
            "a.conf:2:31: deny: \"b..c\" is not a valid queue group",
        ),
        (
            "{user: u, permissions: {sub: [a, 5]}}".to_owned(),
            "a.conf:2:34: sub: a subject must be text, not a whole number",
        ),
        (
            "{user: u, permissions: {sub: ['a..b']}}".to_owned(),
            "a.conf at 2:25: sub: \"a..b\" is not a valid subject",
        ),
        (
            "{user: u, permissions: {sub: {allowed: a}}}".to_owned(),
            "a.conf:2:31: only allow and deny are known here: there is no field \"allowed\"",
        ),
        (
            "{user: u, permissions: {allow_responses: 5}}".to_owned(),
            "a.conf:2:25: allow_responses must be true, false or a map, not a whole number",
        ),
        (
            "{user: u, permissions: {allow_responses: {max: x}}}".to_owned(),
            "a.conf:2:43: max must be a whole number, not this text",
        ),
        (
            "{user: u, permissions: {allow_responses: {expires: 5}}}".to_owned(),
            "a.conf:2:43: expires must be a duration such as \"2m\"",
        ),
    ] {
        let text = format!("authorization {{ users: [\n{user}\n] }}");
        let error = read(&text).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text}\n{error}");
        assert_eq!(error.lines().count(), 1, "{text}\n{error}");
        assert!(!error.contains("hush"), "{error}");
    }
}
