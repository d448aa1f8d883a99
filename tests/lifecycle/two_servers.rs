//! Two servers live in one process and know nothing of each other.

use vagus_test_support::server;

#[test]
fn in_one_process() {
    let first = server().arbiters(2).start();
    let second = server().max_payload(4).start();
    assert_ne!(first.id(), second.id());
    assert_ne!(first.client_address(), second.client_address());
    let mut clients = [first.connected(), second.connected()];
    for client in &mut clients {
        client.send("SUB > 1\r\nSUB > workers 2");
        client.sync_silent();
    }
    clients[0].send("PUB a 5\r\nfirst");
    assert_eq!(clients[0].sync_messages().len(), 2);
    clients[1].send("PUB a 3\r\ntwo");
    assert_eq!(clients[1].sync_messages().len(), 2);
    assert_eq!(first.router().unwrap().subscriptions, 2);
    assert_eq!(second.traffic().messages_out, 2);
    first.shutdown();
    assert_eq!(clients[0].closed(), "");
    clients[1].send("PUB a 3\r\ntwo");
    assert_eq!(clients[1].sync_messages().len(), 2);
    second.expect_to_serve();
}

/// Many, one after the other: nothing of one stays for the next.
#[test]
fn one_after_the_other() {
    for round in 0..20 {
        let server = server().arbiters(1 + round % 3).start();
        let mut client = server.connected();
        client.subscribe("a", "1");
        client.send("PUB a 2\r\nhi");
        client.expect("MSG a 1 2\r\nhi");
        assert_eq!(server.connections()[0].id, 1);
        server.shutdown();
    }
}
