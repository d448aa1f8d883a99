//! Ten thousand connections that do nothing are carried, each is there when it says something, and all are
//! gone when they are gone.

use vagus_test_support::{Client, allow_open_files, spawn_binary};

const CONNECTIONS: usize = 10_000;

/// What a process needs beside its connections.
const OTHER_FILES: usize = 100;

#[test]
fn ten_thousand_connections() {
    // The server is a process of its own: here it would need a descriptor for each as well.
    let allowed = allow_open_files((CONNECTIONS + OTHER_FILES) as u64);
    let count = CONNECTIONS.min(usize::try_from(allowed).unwrap_or(usize::MAX) - OTHER_FILES);
    if count < CONNECTIONS {
        eprintln!("only {count} connections, as this system allows a process {allowed} open files");
    }
    let mut process = spawn_binary!("-a", "127.0.0.1", "-p", "-1");
    let address = process.client_address();
    let mut clients: Vec<Client> = (0..count)
        .map(|number| {
            let mut client = Client::to(address).connect(r#"{"verbose":false,"pedantic":false}"#);
            client.send(&format!("SUB idle.{number} 1\r\nSUB all 2"));
            client
        })
        .collect();
    for client in &mut clients {
        client.sync_silent();
    }
    for number in (0..count).step_by(97) {
        let other = (number * 31 + 7) % count;
        clients[number].send(&format!("PUB idle.{other} 2\r\nhi\r\nPING"));
        if number == other {
            clients[number].expect(&format!("MSG idle.{other} 1 2\r\nhi"));
        } else {
            clients[other].expect(&format!("MSG idle.{other} 1 2\r\nhi"));
        }
        clients[number].expect("PONG");
    }
    clients[0].send("PUB all 5\r\nhello");
    for client in &mut clients {
        client.expect("MSG all 2 5\r\nhello");
        client.sync_silent();
    }
}
