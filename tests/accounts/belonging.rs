//! Who belongs to which account, and what becomes of that when the configuration changes.

use crate::world::{client, options};
use vagus_test_support::{Client, eventually, server};

const BEFORE: &str = "
    accounts {
        A { users: [{user: a, password: p}, {user: mover, password: p}] }
        B { users: [{user: b, password: p}] }
    }
    no_auth_user: b
";

/// The account that a client was told it is in.
fn account(client: &Client) -> String {
    let info = client.info();
    let (_, rest) = info.split_once("\"remote_account\":\"").expect("it was told");
    rest.split('"').next().unwrap_or_default().to_owned()
}

#[test]
fn users_belong_to_the_account_that_lists_them() {
    let server = server().configured(BEFORE).start();
    assert_eq!(account(&client(&server, "a")), "A");
    assert_eq!(account(&client(&server, "b")), "B");
    // Who gives no credentials is b.
    let mut nobody = server.client().connect(r#"{"verbose":false,"protocol":1}"#);
    nobody.sync();
    nobody.read_info();
    assert_eq!(account(&nobody), "B");
}

#[test]
fn the_system_account_is_told_apart() {
    let server = server()
        .configured("accounts { $SYS { users: [{user: s, password: p}] } }")
        .start();
    assert!(client(&server, "s").info().contains(r#""acc_is_sys":true"#));
    // With users of the system account alone, everybody else comes in as ever.
    let mut nobody = server.client().connect(r#"{"verbose":false,"protocol":1}"#);
    nobody.sync();
    nobody.read_info();
    assert_eq!(account(&nobody), "$G");
    assert!(!nobody.info().contains("acc_is_sys"));
}

/// Who stays where it was goes on without a gap; who belongs elsewhere is closed, and may come back.
#[test]
fn users_move() {
    let server = server().configured(BEFORE).start();
    let mut stays = client(&server, "a");
    stays.subscribe("x", "1");
    let mut moves = client(&server, "mover");
    let mut goes = client(&server, "b");
    server.reconfigure(
        "accounts {
            A { users: [{user: a, password: p}] }
            C { users: [{user: mover, password: p}] }
        }",
    );
    moves.closed();
    goes.closed();
    stays.send("PUB x 2\r\nhi");
    stays.expect("MSG x 1 2\r\nhi");
    assert_eq!(account(&client(&server, "mover")), "C");
    // B is gone, with its user.
    let mut gone = server.client().connect(&options("b"));
    gone.expect("-ERR 'Authorization Violation'");
    // It comes back as another, in which nothing of the old one is left.
    server.reconfigure(BEFORE);
    assert_eq!(account(&client(&server, "b")), "B");
    eventually(|| server.connections().len() == 1);
}
