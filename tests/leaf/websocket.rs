//! Links over WebSocket: as others, behind whatever stands in between.

use crate::proxy::Proxy;
use crate::world::{OF_SERVERS, await_interest, await_links, leaf_by};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use vagus_configs::{HttpProxy, LeafRemote, ServerUrl};
use vagus_test_support::{PATIENCE, TestServer, eventually, server};
use vagus_tls::Settings;
use vagus_tls::testing::{Authority, request};
use vagus_websocket::request::Asked;

/// A hub that leaf nodes may come to by WebSocket, set like this.
fn hub(websocket: &str, more: &str) -> TestServer {
    let text = format!(
        "server_name: hub
        leafnodes {{ listen: \"127.0.0.1:-1\" }}
        websocket {{ listen: \"127.0.0.1:-1\", {websocket} }}
        {more}"
    );
    server().configured(&text).start()
}

fn url(scheme: &str, server: &TestServer) -> ServerUrl {
    let address = server.websocket_address().unwrap();
    ServerUrl::parse(&format!("{scheme}://{address}")).unwrap()
}

/// A leaf node of this hub, over WebSocket.
fn leaf(hub: &TestServer, scheme: &str, set: impl Fn(&mut LeafRemote)) -> TestServer {
    let url = url(scheme, hub);
    let leaf = leaf_by("edge", &[hub.leafnode_address().unwrap()], |remote| {
        remote.urls = vec![url.clone()];
        set(remote);
    });
    leaf.monitoring().start()
}

/// Messages of all sizes go both ways.
#[track_caller]
fn serves(hub: &TestServer, leaf: &TestServer) {
    await_links(hub, 1);
    await_links(leaf, 1);
    await_interest(hub, OF_SERVERS);
    await_interest(leaf, OF_SERVERS);
    for (here, there) in [(hub, leaf), (leaf, hub)] {
        let mut subscriber = here.connected();
        subscriber.subscribe("a", "1");
        await_interest(there, OF_SERVERS + 1);
        let mut publisher = there.connected();
        let sizes = [0, 1, 100, 200, 70_000, 1_000_000];
        for size in sizes {
            publisher.publish("a", &vec![b'.'; size]);
        }
        publisher.sync_silent();
        for size in sizes {
            assert_eq!(subscriber.message().payload.len(), size);
        }
        drop(subscriber);
        await_interest(there, OF_SERVERS);
    }
}

#[test]
fn links_go_over_websocket_as_both_ends_agree() {
    for compresses_there in [false, true] {
        let hub = hub(&format!("no_tls: true, compression: {compresses_there}"), "");
        for (compresses, without_masks) in [(false, false), (true, false), (false, true), (true, true)] {
            let leaf = leaf(&hub, "ws", |remote| {
                remote.websocket = Asked {
                    compresses,
                    without_masks,
                };
            });
            serves(&hub, &leaf);
            let link = &leaf.get("/leafz").json()["leafs"][0];
            // WebSocket has a compression of its own.
            let compression = link["compression"].as_str().unwrap_or_default();
            assert!(!compression.starts_with("s2_"), "{link}");
            drop(leaf);
            await_links(&hub, 0);
        }
        assert_eq!(hub.monitor().unwrap().connections, 0);
    }
}

/// A leaf node is none of the clients among whom it came, and its place among them is free.
#[test]
fn leaf_nodes_are_not_among_clients() {
    let hub = hub("no_tls: true", "max_connections: 1\nhttp: \"127.0.0.1:-1\"");
    let leaf = leaf(&hub, "ws", |_| {});
    await_links(&hub, 1);
    let client = hub.connected();
    let monitor = hub.monitor().unwrap();
    assert_eq!((monitor.connections, monitor.total_connections), (1, 1));
    let connz = hub.get("/connz").json();
    assert_eq!(connz["num_connections"], 1, "{connz}");
    drop((client, leaf));
    await_links(&hub, 0);
    eventually(|| hub.monitor().unwrap().connections == 0);
}

/// Who is not a leaf node is not let in as one, and where none may come none does.
#[test]
fn the_path_says_what_is_spoken() {
    let without = server()
        .configured("websocket { listen: \"127.0.0.1:-1\", no_tls: true }")
        .start();
    let fake = hub("no_tls: true", "");
    let leaf = leaf_by("edge", &[fake.leafnode_address().unwrap()], |remote| {
        remote.urls = vec![url("ws", &without)];
    });
    let leaf = leaf.start();
    eventually(|| last_error(&leaf).is_some());
    assert_eq!((leaf.links(), without.links()), (0, 0));
    without.expect_to_serve();
}

fn last_error(leaf: &TestServer) -> Option<String> {
    let hubs = leaf.hubs().unwrap();
    hubs[0].dialling.as_ref().unwrap().last_error.clone()
}

/// Below WebSocket TLS comes first, and the leaf node may have to show who it is.
#[test]
fn links_are_secured_below_websocket() {
    let authority = Authority::new("Links");
    let certificate = authority.issue(&request("hub").host("localhost").ip("127.0.0.1"));
    let folder = vagus_test_support::Folder::new("leaf-websocket");
    std::fs::create_dir(folder.path()).unwrap();
    let (certificate, key) = certificate.write(folder.path(), "hub");
    let tls = format!("tls {{ cert_file: {certificate:?}, key_file: {key:?} }}");
    let hub = hub(&tls, "");
    let trusting = Settings {
        ca: Some(authority.ca()),
        ..Settings::default()
    };
    let leaf = leaf(&hub, "wss", |remote| remote.tls = Some(trusting.clone()));
    serves(&hub, &leaf);
    let distrusting = leaf_by("other", &[hub.leafnode_address().unwrap()], |remote| {
        remote.urls = vec![url("wss", &hub)];
    });
    let distrusting = distrusting.start();
    eventually(|| last_error(&distrusting).is_some());
    assert_eq!(distrusting.links(), 0);
}

fn by_proxy(address: SocketAddr, login: Option<(&str, &str)>) -> Option<HttpProxy> {
    Some(HttpProxy {
        host: address.ip().to_string(),
        port: address.port(),
        is_secure: false,
        login: login.map(|(user, password)| (user.to_owned(), password.to_owned())),
        timeout: None,
    })
}

#[test]
fn a_proxy_connects_to_the_hub() {
    let hub = hub("no_tls: true", "");
    let proxy = Proxy::start(Some("Basic dTpw"));
    for scheme in ["ws", "nats-leaf"] {
        let address = match scheme {
            "ws" => hub.websocket_address().unwrap(),
            _ => hub.leafnode_address().unwrap(),
        };
        let leaf = leaf_by("edge", &[address], |remote| {
            remote.urls = vec![ServerUrl::parse(&format!("{scheme}://{address}")).unwrap()];
            remote.proxy = by_proxy(proxy.address(), Some(("u", "p")));
        });
        let leaf = leaf.start();
        serves(&hub, &leaf);
        assert_eq!(
            proxy.asked_for(),
            [format!("CONNECT {address} HTTP/1.1")],
            "{scheme}"
        );
        drop(leaf);
        await_links(&hub, 0);
    }
    let refused = leaf_by("edge", &[hub.websocket_address().unwrap()], |remote| {
        remote.proxy = by_proxy(proxy.address(), None);
    });
    let refused = refused.start();
    eventually(|| last_error(&refused).is_some());
    assert_eq!(refused.links(), 0);
}

/// What answers a leaf node may say what it likes: the leaf node tries again, and serves its own clients.
#[test]
fn what_is_no_hub_costs_nothing() {
    let endless = "x".repeat(100_000);
    for answer in [
        "",
        "SSH-2.0-x\r\n",
        "HTTP/1.1 404 Not Found\r\n\r\n",
        "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
        &endless,
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let leaf = leaf_by("edge", &[address], |remote| {
            remote.urls = vec![ServerUrl::parse(&format!("ws://{address}/a")).unwrap()];
        });
        let leaf = leaf.start();
        let (socket, _) = listener.accept().unwrap();
        let asked = asked(&socket);
        assert!(asked.starts_with("GET /a/leafnode HTTP/1.1\r\n"), "{asked}");
        // It may be cut off in the middle.
        let _ = (&socket).write_all(answer.as_bytes());
        let _ = socket.shutdown(std::net::Shutdown::Write);
        // Whatever it says last is of no interest.
        let _ = (&socket).read_to_end(&mut Vec::new());
        eventually(|| last_error(&leaf).is_some());
        assert_eq!(leaf.links(), 0);
        leaf.expect_to_serve();
    }
}

fn asked(socket: &TcpStream) -> String {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut lines = BufReader::new(socket).lines().map(Result::unwrap);
    let mut asked = String::new();
    for line in lines.by_ref().take_while(|line| !line.is_empty()) {
        asked.push_str(&line);
        asked.push_str("\r\n");
    }
    asked
}
