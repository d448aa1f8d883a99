//! Users who are gone, or are others now, are cut off; the others stay.

use crate::file::Configured;

fn login(user: &str, password: &str) -> String {
    format!(r#"{{"verbose":false,"user":"{user}","pass":"{password}"}}"#)
}

#[test]
fn who_is_gone_or_another_one_is_cut_off() {
    let mut server = Configured::start(
        "authorization { users: [{user: a, password: p}, {user: b, password: p}, {user: c, password: p}] }\n",
    );
    let mut clients = ["a", "b", "c"].map(|user| server.client().connect(&login(user, "p")));
    for client in &mut clients {
        client.sync_silent();
    }
    server.reload(
        "authorization { users: [{user: a, password: p}, {user: c, password: q}, {user: d, password: p}] }\n",
        2,
    );
    server.process.log_line("Reloaded: authorization users");
    let [a, b, c] = &mut clients;
    a.sync_silent();
    assert_eq!(b.closed(), "");
    c.expect("-ERR 'Authorization Violation'");
    for (user, password, welcome) in [
        ("b", "p", false),
        ("c", "p", false),
        ("c", "q", true),
        ("d", "p", true),
    ] {
        let mut client = server.client().connect(&login(user, password));
        if welcome {
            client.sync_silent();
        } else {
            client.expect("-ERR 'Authorization Violation'");
        }
    }
}

#[test]
fn a_login_that_is_asked_for_now_is_asked_of_everybody() {
    let mut server = Configured::start("max_payload: 1024\n");
    let mut client = server.client().connect(r#"{"verbose":false}"#);
    client.sync_silent();
    server.reload("authorization { user: u, password: p }\n", 2);
    client.expect("-ERR 'Authorization Violation'");
    assert_eq!(client.closed(), "");
    assert!(server.client().info().contains(r#""auth_required":true"#));
    server.reload("max_payload: 1024\n", 3);
    server.client().connect(r#"{"verbose":false}"#).sync_silent();
}

/// What flags say stays, whatever the file says.
#[test]
fn flags_stay_laid_over_the_file() {
    let mut server = Configured::start_with(
        "max_payload: 1024\n",
        &["--user", "u", "--pass", "p", "-n", "mine"],
    );
    server.reload("max_payload: 2048\nserver_name: other\nport: 7\n", 2);
    let mut client = server.client().connect(&login("u", "p"));
    client.sync_silent();
    assert!(client.info().contains(r#""server_name":"mine""#));
    assert!(client.info().contains(r#""max_payload":2048"#));
}
