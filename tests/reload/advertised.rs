//! Clients are told the address that is advertised, as host and port, from the start and after a change.

use vagus_test_support::{TestServer, server};

/// Whether a new client is told of this host and this port, and of no others.
#[track_caller]
fn check(server: &TestServer, host: &str, port: u16) {
    let client = server.client();
    let info = client.info();
    assert!(
        info.contains(&format!(r#""host":"{host}","port":{port},"#)),
        "{info}"
    );
    assert!(!info.contains("connect_urls"), "{info}");
}

#[test]
fn is_told_as_host_and_port() {
    let server = server()
        .set(|config| config.clients.advertise = Some("me:1".to_owned()))
        .start();
    check(&server, "me", 1);
    let listens = server.client_address().port();
    let mut config = server.reloads().unwrap().current.config.clone();
    for (advertised, host, port) in [
        (Some("you"), "you", listens),
        (Some("[::1]:4222"), "::1", 4222),
        (Some("you:0"), "you", listens),
        (None, "127.0.0.1", listens),
        (Some("me:2"), "me", 2),
    ] {
        config.clients.advertise = advertised.map(str::to_owned);
        server.reload(config.clone()).unwrap();
        check(&server, host, port);
    }
}
