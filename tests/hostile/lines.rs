//! Control lines that make no sense: sizes that are none or huge, too few and too many arguments.

use vagus_test_support::server;

#[test]
fn with_impossible_sizes() {
    let server = server().arbiters(2).start();
    let mut listener = server.connected();
    listener.subscribe(">", "1");
    let lines = [
        ("PUB a 1048577", "-ERR 'Maximum Payload Violation'\r\n"),
        ("PUB a 99999999", "-ERR 'Maximum Payload Violation'\r\n"),
        ("PUB a 999999999", "-ERR 'Maximum Payload Violation'\r\n"),
        // More than nine digits are no size.
        ("PUB a 2147483648", ""),
        ("PUB a 18446744073709551616", ""),
        ("PUB a 99999999999999999999999999999999999999", ""),
        ("PUB a -1", ""),
        ("PUB a 0x10", ""),
        ("PUB a 1e3", ""),
        ("PUB a b c 5", ""),
        ("PUB a", ""),
        ("PUB ", ""),
        ("HPUB a 5 3", ""),
        ("HPUB a -1 3", ""),
        ("HPUB a 99999999999999999999 3", ""),
        ("HPUB a 12 1048577", "-ERR 'Maximum Payload Violation'\r\n"),
        ("HPUB a 12", ""),
        ("SUB a", ""),
        ("SUB a b c d", ""),
        ("UNSUB", "-ERR 'Unknown Protocol Operation'\r\n"),
        ("UNSUB 1 2 3", ""),
        ("CONNECT {", ""),
        ("CONNECT []", ""),
        ("CONNECT {\"verbose\":7}", ""),
        ("INFO x", ""),
        ("-ERR 'you'", ""),
    ];
    for (line, told) in lines {
        let mut client = server.connected();
        client.send(line);
        client.try_send_bytes(b"xxxxxxxxxxxxxxxxxxxxxxx\r\nPUB a 2\r\nhi\r\n");
        assert_eq!(client.closed(), told, "{line}");
    }
    listener.sync_silent();
    drop(listener);
    server.expect_to_serve();
    server.expect_nothing_left();
}

/// A payload that is longer than it says: what follows it is no CRLF.
#[test]
fn with_payloads_that_are_longer() {
    let server = server().start();
    let mut listener = server.connected();
    listener.subscribe(">", "1");
    for size in [0, 1, 4, 70_000] {
        let mut client = server.connected();
        client.try_send_bytes(format!("PUB a {size}\r\n{}\r\n", "x".repeat(size + 2)).as_bytes());
        assert_eq!(client.closed(), "-ERR 'Unknown Protocol Operation'\r\n", "{size}");
    }
    listener.sync_silent();
}

/// Told, closed, and the megabytes that follow are not kept.
#[test]
fn that_never_end() {
    let server = server().arbiters(2).start();
    for beginning in ["SUB ", "PUB ", "CONNECT {\"name\":\"", "UNSUB ", "HPUB a "] {
        let mut client = server.client();
        client.try_send_bytes(beginning.as_bytes());
        let mut sent = 0;
        while sent < 1024 && client.try_send_bytes(&[b'x'; 64 * 1024]) {
            sent += 1;
        }
        let told = client.closed();
        assert!(
            told == "-ERR 'maximum control line exceeded'\r\n" || told.is_empty(),
            "{beginning}: {told}"
        );
        assert!(sent < 1024, "{beginning}: the server took 64 MiB of a line");
    }
    server.expect_to_serve();
    server.expect_nothing_left();
}
