//! Only so many connections at one time: the next is told so after INFO, and is remembered; and again there is room when
//! one has gone.

use vagus_test_support::{eventually_equal, server};

#[test]
fn only_so_many() {
    let server = server().max_connections(2).arbiters(2).start();
    let mut first = server.connected();
    let mut second = server.connected();
    for _ in 0..3 {
        let mut third = server.client();
        assert_eq!(third.closed(), "-ERR 'maximum connections exceeded'\r\n");
    }
    first.sync_silent();
    second.sync_silent();
    drop(first);
    eventually_equal(|| server.connections().len(), 1);
    let mut third = server.connected();
    let mut fourth = server.client();
    assert_eq!(fourth.closed(), "-ERR 'maximum connections exceeded'\r\n");
    third.subscribe("a", "1");
    second.send("PUB a 2\r\nhi");
    third.expect("MSG a 1 2\r\nhi");
    drop((second, third));
    server.expect_nothing_left();
    let monitor = server.monitor().unwrap();
    assert_eq!(monitor.total_connections, 7);
    let expected = [("Client Closed", 3), ("Maximum Connections Exceeded", 4)];
    assert_eq!(monitor.closed, expected.into());
}

/// No room at all is a limit too, and not the same as none.
#[test]
fn nobody_at_all() {
    let server = server().max_connections(0).start();
    let mut client = server.client();
    assert_eq!(client.closed(), "-ERR 'maximum connections exceeded'\r\n");
    server.expect_nothing_left();
}
