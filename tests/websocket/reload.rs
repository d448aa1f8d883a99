//! What can change while clients are connected, and what cannot.

use crate::client::{CONNECT, WebSocketClient, serving, text};
use std::path::Path;
use vagus_configs::{Disk, parse};

#[test]
fn who_comes_next_goes_by_other_rules() {
    let server = serving("", "");
    let mut first = WebSocketClient::connected(&server);
    server.reconfigure(&text(
        "headers { X-New: new }, compression: true, authorization { token: t }",
        "",
    ));
    // Who is in and has said who it is not is none of those who may be.
    first.expect("-ERR 'Authorization Violation'\r\n");
    first.expect_closed(1008, "Authentication Failure");
    let (mut second, _) = WebSocketClient::informed(&server, &[crate::client::COMPRESSED]);
    assert!(second.answer.contains("X-New: new") && second.answer.contains("permessage-deflate"));
    second.send(CONNECT);
    second.expect("-ERR 'Authorization Violation'\r\n");
    server.expect_to_serve();
    server.reconfigure(&text("allowed_origins: \"http://a\"", ""));
    WebSocketClient::connected(&server);
    let elsewhere = WebSocketClient::on(
        Box::new(crate::client::connect(&server)),
        &[("Origin", "http://b")],
    );
    assert!(elsewhere.answer.starts_with("HTTP/1.1 403 "));
}

#[test]
fn the_port_stays_where_it_is() {
    let server = serving("", "");
    let refused = |text: &str| {
        let loaded = parse(text, Path::new("test.conf"), &Disk, &|_: &str| None).unwrap();
        let mut config = loaded.config;
        let current = &server.reloads().unwrap().current.config;
        config.clients.listen = current.clients.listen.clone();
        server.reload(config).unwrap_err().to_string()
    };
    let error = refused("websocket { port: 1, no_tls: true }");
    assert!(
        error.contains("config reload not supported for websocket port"),
        "{error}"
    );
    let error = refused("");
    assert!(
        error.contains("config reload not supported for websocket"),
        "{error}"
    );
    WebSocketClient::connected(&server);
}
