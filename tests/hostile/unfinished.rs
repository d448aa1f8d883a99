//! Frames that are begun and never finished hold what they must, and are let go with their connection.

use vagus_test_support::{Client, server};

#[test]
fn messages_of_a_mebibyte() {
    let server = server().arbiters(2).start();
    let mut listener = server.connected();
    listener.subscribe(">", "1");
    let mut unfinished: Vec<Client> = (0..200).map(|_| server.connected()).collect();
    for (number, client) in unfinished.iter_mut().enumerate() {
        client.send("PUB a 1048576");
        // Some send some of it, one all but the last byte.
        let much = [0, 1, 20_000, 70_000, 1_048_577][number % 5];
        client.send_bytes(&vec![b'x'; if number < 20 { much } else { much.min(1) }]);
    }
    server.expect_to_serve();
    let mut publisher = server.connected();
    publisher.publish("b", b"hi");
    // The messages of those who were served come first.
    while listener.message().subject != "b" {}
    assert_eq!(server.traffic().messages_in, 2);
    for (number, client) in unfinished.into_iter().enumerate() {
        match number % 3 {
            0 => client.break_off(),
            1 => drop(client),
            // The last byte was missing, or much more: something else comes instead.
            _ => {
                let mut client = client;
                client.try_send_bytes(b"PING\r\n");
                client.end();
            }
        }
    }
    listener.sync_silent();
    drop((listener, publisher));
    server.expect_nothing_left();
}

/// The same of other frames.
#[test]
fn lines() {
    let server = server().start();
    let mut unfinished = Vec::new();
    for beginning in [
        "P",
        "PU",
        "PUB",
        "PUB a 5\r",
        "SUB a",
        "CONNECT {",
        "PING",
        "PING\r",
        "HPUB a 12 20\r\nNATS/1.0",
    ] {
        let mut client = server.client();
        client.send_bytes(beginning.as_bytes());
        unfinished.push(client);
    }
    server.expect_to_serve();
    drop(unfinished);
    server.expect_nothing_left();
}
