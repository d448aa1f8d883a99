//! Too many subscriptions, or too long ones, are refused one by one: the connection and its others stay.

use vagus_test_support::server;

#[test]
fn only_so_many() {
    let server = server().max_subscriptions(2).start();
    let mut client = server.connected();
    client.send("SUB a 1\r\nSUB b workers 2\r\nSUB c 3\r\nPING");
    client.expect("-ERR 'maximum subscriptions exceeded'\r\nPONG");
    client.send("PUB a 1\r\nx\r\nPUB b 1\r\ny\r\nPUB c 1\r\nz\r\nPING");
    client.expect("MSG a 1 1\r\nx\r\nMSG b 2 1\r\ny\r\nPONG");
    // One that ends makes room.
    client.send("UNSUB 1\r\nSUB c 3\r\nSUB d 4\r\nPING");
    client.expect("-ERR 'maximum subscriptions exceeded'\r\nPONG");
    client.send("UNSUB 2 2\r\nPUB b 1\r\nx\r\nPING");
    client.expect("MSG b 2 1\r\nx\r\nPONG");
    client.send("SUB d 4\r\nPUB d 1\r\nx\r\nPING");
    client.expect("MSG d 4 1\r\nx\r\nPONG");
    assert_eq!(server.router().unwrap().subscriptions, 2);
    // The limit is each connection's own.
    let mut other = server.connected();
    other.send("SUB a 1\r\nSUB b 2");
    other.sync_silent();
}

#[test]
fn only_of_so_many_tokens() {
    let server = server().max_subscription_tokens(3).start();
    let mut client = server.connected();
    client.send(
        "SUB a.b.c 1\r\nSUB a.b.c.d 2\r\nSUB a.*.*.> q 3\r\nPUB a.b.c 0\r\n\r\nPUB a.b.c.d 0\r\n\r\nPING",
    );
    client.expect(
        "-ERR 'Permissions Violation for Subscription to \"a.b.c.d\", too many tokens'\r\n\
         -ERR 'Permissions Violation for Subscription to \"a.*.*.>\", too many tokens'\r\n\
         MSG a.b.c 1 0\r\n\r\nPONG",
    );
    assert_eq!(server.router().unwrap().subscriptions, 1);
}
