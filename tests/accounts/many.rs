//! Ten thousand accounts of ten users each, as a configuration says: what they take, and that they work.

use crate::world::client;
use std::fmt::Write;
use vagus_monitoring::resident_bytes;
use vagus_test_support::server;

const ACCOUNTS: u64 = 10_000;

/// Each with its users, who all have the password p.
fn many_accounts() -> String {
    let mut text = "accounts {\n".to_owned();
    for account in 0..ACCOUNTS {
        let users: Vec<String> = (0..10)
            .map(|user| format!("{{user: user-{account}-{user}, password: p}}"))
            .collect();
        writeln!(text, "ACCOUNT-{account} {{ users: [{}] }}", users.join(", ")).expect("it is memory");
    }
    text + "}\n"
}

/// nats-server takes some 21 KB for such an account. Here the allocator is the system's, which gives back less, and how much
/// less differs from machine to machine: it is some 14 KB.
#[test]
fn take_little_memory() {
    let text = many_accounts();
    let before = resident_bytes();
    let server = server().configured(&text).start();
    let each = (resident_bytes() - before) / ACCOUNTS;
    assert!(each <= 16_000, "{each} bytes for each account");
    let [mut first, mut last] = ["user-0-0", "user-9999-9"].map(|user| client(&server, user));
    for client in [&mut first, &mut last] {
        client.subscribe("x", "1");
    }
    first.publish("x", b"hi");
    first.sync();
    last.sync_silent();
    // One account more, of which the others notice nothing.
    server.reconfigure(&text.replace(
        "accounts {",
        "accounts {\nNEW { users: [{user: new, password: p}] }",
    ));
    let _new = client(&server, "new");
    last.send("PUB x 2\r\nhi");
    last.expect("MSG x 1 2\r\nhi");
}
