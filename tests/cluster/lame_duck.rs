//! A server that is about to stop sends its clients to the others, and those of the others elsewhere.

use crate::peer::Route;
use crate::world::{await_members, member, servers};
use std::time::Duration;
use vagus_test_support::{Client, Frame, TestServer};

/// A client that is told of what becomes of the cluster, once it knows of so many servers.
fn client(server: &TestServer, known: usize) -> Client {
    let mut client = server.client().connect(r#"{"verbose":false,"protocol":1}"#);
    let said = client.sync();
    let is_known = |info: &str| urls(info).len() == known;
    let knows = said
        .iter()
        .any(|frame| matches!(frame, Frame::Info(info) if is_known(info)));
    if !knows && !is_known(client.info()) {
        info_with(&mut client, known);
    }
    client
}

/// Where clients are told to connect.
fn urls(info: &str) -> Vec<String> {
    let (_, rest) = info.split_once(r#""connect_urls":["#).unwrap_or_default();
    let (urls, _) = rest.split_once(']').unwrap_or_default();
    let urls = urls.split(',').filter(|url| !url.is_empty());
    urls.map(|url| url.trim_matches('"').to_owned()).collect()
}

/// The next INFO that has so many of these.
fn info_with(client: &mut Client, count: usize) -> String {
    loop {
        if let Frame::Info(info) = client.next_frame()
            && urls(&info).len() == count
        {
            return info;
        }
    }
}

#[test]
fn clients_are_sent_to_other_servers() {
    let servers = servers(3);
    let mut own = client(&servers[0], 3);
    let mut of_another = client(&servers[1], 3);
    let address = |server: &TestServer| server.client_address().to_string();
    let leaving = address(&servers[0]);
    assert!(servers[0].enter_lame_duck_mode());
    let info = info_with(&mut own, 2);
    assert!(
        info.contains(r#""ldm":true"#) && !urls(&info).contains(&leaving),
        "{info}"
    );
    let info = info_with(&mut of_another, 2);
    assert!(
        !info.contains(r#""ldm""#) && !urls(&info).contains(&leaving),
        "{info}"
    );
    assert!(urls(&info).contains(&address(&servers[2])));
}

/// Routes stay until the server stops, and what is published goes on meanwhile.
#[test]
fn other_servers_are_told_once() {
    let server = member("a", &[])
        .lame_duck(Duration::from_secs(60), Duration::from_secs(50))
        .start();
    let more = |index| format!(r#","route_pool_size":2,"route_pool_idx":{index}"#);
    let mut first = Route::introduced(&server, &more(0));
    await_members(&server, 1);
    let mut second = Route::introduced(&server, &more(1));
    second.say("PING");
    second.line_with("PONG");
    // Without any client there would be nothing to wait for.
    let _client = server.connected();
    assert!(server.enter_lame_duck_mode());
    let info = first.line_with("INFO");
    assert!(
        info.contains(r#""ldm":true"#) && info.contains(server.id()),
        "{info}"
    );
    second.say("PING");
    let mut line = second.any_line();
    while line != "PONG" {
        assert!(!line.starts_with("INFO"), "{line}");
        line = second.any_line();
    }
    first.say("RS+ $G a\r\nPING");
    first.line_with("PONG");
    await_members(&server, 1);
}
