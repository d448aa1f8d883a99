use super::{Patch, edit, masked, masked_text, render, restore};
use crate::MASK;
use crate::grammar::{Kind, Map, parse};
use std::path::Path;

fn read(text: &str) -> Option<Map> {
    let environment = |name: &str| (name == "HIDDEN").then(|| "outside".to_owned());
    parse(text, Path::new("a.conf"), &crate::Disk, &environment).ok()
}

fn number(key: &str, number: i64) -> (String, Patch) {
    (key.to_owned(), Patch::Replace(Kind::Integer(number)))
}

const FILE: &str = "# the head\nmax_payload: 1024 # as agreed\nauthorization {\n  # who\n  user: ann, password: s3cret\n}\nping_max = 3\n";

#[test]
fn what_is_rendered_is_read_as_the_same() {
    for text in [
        FILE,
        "a: [1, 2.0, 'x\"y', {b: c}], d: {}, e: [], f: true, g: 2020-01-02T03:04:05Z",
        "'odd key': \"tab\\t, back\\\\slash, line\\n, bell\\x07, ünï\"",
        "h: '$2a$11$abc', i: 'include', include_me: \"\"",
    ] {
        let tree = read(text).unwrap();
        let rendered = render(&tree);
        assert_eq!(read(&rendered).unwrap().to_json(), tree.to_json(), "{rendered}");
    }
}

#[test]
fn a_patch_leaves_everything_else_as_it_is_written() {
    let tree = read(FILE).unwrap();
    let user = Patch::Merge(vec![(
        "user".to_owned(),
        Patch::Replace(Kind::Text("bob".to_owned())),
    )]);
    let patch = Patch::Merge(vec![
        number("MAX_payload", 2048),
        ("ping_max".to_owned(), Patch::Remove),
        number("max_connections", 7),
        ("authorization".to_owned(), user),
    ]);
    let edited = edit(FILE, "a.conf", &tree, &patch, read).unwrap();
    assert_eq!(
        edited,
        "# the head\nmax_payload: 2048 # as agreed\nauthorization {\n  # who\n  user: \"bob\", password: s3cret\n}\n\nmax_connections: 7\n"
    );
}

#[test]
fn a_key_is_added_to_a_section_that_is_there() {
    let tree = read(FILE).unwrap();
    let patch = Patch::Merge(vec![(
        "authorization".to_owned(),
        Patch::Merge(vec![number("timeout", 3)]),
    )]);
    let edited = edit(FILE, "a.conf", &tree, &patch, read).unwrap();
    assert!(edited.contains("authorization {\n  timeout: 3\n"), "{edited}");
    assert!(edited.contains("# who"), "{edited}");
}

#[test]
fn a_text_that_would_say_something_else_is_not_written() {
    for (text, key) in [
        // The second one counts.
        ("a: 1\nA: 2\n", "a"),
        ("x: 1\na: $x\n", "a"),
        ("{\"a\": {\"b\": 1}}", "c"),
        ("x: 1\ny: $x\n", "x"),
    ] {
        let tree = read(text).unwrap();
        let patch = Patch::Merge(vec![number(key, 9)]);
        if let Ok(edited) = edit(text, "a.conf", &tree, &patch, read) {
            assert_eq!(
                read(&edited).unwrap().to_json(),
                patch.applied_to(&tree).to_json(),
                "{edited}"
            );
        }
    }
    let text = "x: 1\na: $x\n";
    let patch = Patch::Merge(vec![number("a", 9)]);
    let error = edit(text, "a.conf", &read(text).unwrap(), &patch, read).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file cannot be changed for a alone: it stands for a variable"
    );
}

#[test]
fn secrets_are_masked_wherever_they_stand() {
    let text = "PW: hush1\nauthorization { user: ann, password: $PW }\nusers: [{user: bob, pass: hush2}]\n\
                routes: ['nats://u:hush3@host:1', 'nats://host:2']\ntoken: hush4\nother { token: $HIDDEN }\n";
    let tree = read(text).unwrap();
    for shown in [
        render(&masked(&tree)),
        masked_text(text, "a.conf", &tree).unwrap(),
        format!("{tree:?}"),
    ] {
        assert!(!shown.contains("hush") && !shown.contains("outside"), "{shown}");
    }
    let shown = masked_text(text, "a.conf", &tree).unwrap();
    assert!(
        shown.contains("password: $PW") && shown.contains("user: ann"),
        "{shown}"
    );
    assert!(render(&masked(&tree)).contains("nats://u:********@host:1"));
}

#[test]
fn a_secret_in_a_comment_keeps_the_text_back() {
    let text = "# it was hush1\npassword: hush1\n";
    assert_eq!(masked_text(text, "a.conf", &read(text).unwrap()), None);
}

#[test]
fn masks_that_come_back_stand_for_what_was_there() {
    let old =
        read("users: [{user: ann, password: one}, {user: bob, password: two}], routes: ['nats://u:pw@h:1']")
            .unwrap();
    // In another order, which must not matter.
    let new = read("routes: ['nats://u:********@h:1'], users: [{user: bob, password: '********'}, {user: ann, password: x}]").unwrap();
    let restored = restore(&new, &old).unwrap().unwrap();
    let expected =
        read("routes: ['nats://u:pw@h:1'], users: [{user: bob, password: two}, {user: ann, password: x}]")
            .unwrap();
    assert_eq!(restored.to_json(), expected.to_json());
    assert!(restore(&expected, &old).unwrap().is_none(), "there are no masks");
    for text in [
        "users: [{user: eve, password: '********'}]",
        "password: '********'",
        "users: ['********']",
        "routes: ['nats://v:********@h:1']",
    ] {
        let error = restore(&read(text).unwrap(), &old).unwrap_err();
        assert!(error.to_string().contains(MASK), "{error}");
    }
}
