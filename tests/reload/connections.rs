//! There may be fewer connections: those who came last go.

use vagus_test_support::{eventually_equal, server};

#[test]
fn who_came_last_goes_first() {
    let server = server().start();
    let mut clients = [server.connected(), server.connected(), server.connected()];
    let mut config = server.reloads().unwrap().current.config.clone();
    config.limits.max_connections = 1;
    server.reload(config.clone()).unwrap();
    let [first, others @ ..] = &mut clients;
    for other in others {
        other.expect("-ERR 'maximum connections exceeded'");
        assert_eq!(other.closed(), "");
    }
    first.sync_silent();
    eventually_equal(|| server.monitor().map(|monitor| monitor.connections), Some(1));
    let mut refused = server.client();
    refused.expect("-ERR 'maximum connections exceeded'");

    config.limits.max_connections = 2;
    server.reload(config).unwrap();
    server.connected().sync_silent();
}
