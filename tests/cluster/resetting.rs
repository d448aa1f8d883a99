//! What a reload changes of a cluster without opening any route anew.

use crate::peer::Route;
use crate::world::{NAME, await_members, clustered, in_cluster, member};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use vagus::{Config, Process, Server, Setup};
use vagus_configs::Cluster;
use vagus_test_support::{Client, HeldPort, TestServer, eventually, server};
use vagus_tls::Settings;
use vagus_tls::testing::{Authority, request};

/// Sets the cluster of a server otherwise.
fn set(server: &TestServer, change: impl FnOnce(&mut Cluster)) {
    let mut config = server.reloads().unwrap().current.config.clone();
    change(config.cluster.as_mut().unwrap());
    server.reload(config).unwrap();
}

/// As in nats-server, members stay, by whatever name they call the cluster, and those who come have to call it as it is called
/// now.
#[test]
fn the_cluster_is_called_otherwise() {
    let first = member("a", &[]).start();
    let mut route = Route::joined(&first);
    set(&first, |cluster| cluster.name = Some("others".to_owned()));
    eventually(|| first.client().info().contains(r#""cluster":"others""#));
    route.say("PING");
    route.line_with("PONG");
    let mut late = Route::to_any(&first);
    late.say(r#"CONNECT {"name":"NL","cluster":"tests"}"#);
    assert_eq!(
        late.rest(),
        "-ERR 'Rejecting connection, cluster name \"tests\" does not match \"others\"'"
    );
    let other = in_cluster(
        "b",
        clustered(Some("others"), &[first.cluster_address().unwrap()]),
    );
    let other = other.start();
    await_members(&other, 1);
    await_members(&first, 2);
    // Without a name it keeps the one that it has.
    set(&first, |cluster| cluster.name = None);
    assert_eq!(first.cluster().unwrap().name, "others");
}

#[test]
fn other_servers_are_told_where_clients_connect_or_not() {
    let first = member("a", &[]).start();
    let mut route = Route::joined(&first);
    let address = format!(r#""connect_urls":["{}"]"#, first.client_address());
    assert!(route.info().contains(&address), "{}", route.info());
    for advertises in [false, true] {
        set(&first, |cluster| cluster.advertises = advertises);
        let info = route.line_with("INFO ");
        assert_eq!(info.contains(&address), advertises, "{info}");
    }
}

/// Who is refused for its certificate is let in with another.
#[test]
fn certificates_are_read_anew() {
    let authority = Authority::new("Routes");
    let shows = |host: &str| Settings {
        certificates: vec![
            authority
                .issue(&request("route").host(host).ip("127.0.0.2"))
                .pair(),
        ],
        ca: Some(authority.ca()),
        verify: true,
        ..Settings::default()
    };
    let secured = |settings: Settings, routes: &[SocketAddr]| {
        let mut cluster = clustered(Some(NAME), routes);
        cluster.listener.tls = Some(settings);
        cluster
    };
    let first = in_cluster("a", secured(shows("elsewhere"), &[])).start();
    let port = first.cluster_address().unwrap().port();
    let mut cluster = secured(shows("localhost"), &[]);
    let url = format!("nats-route://localhost:{port}");
    cluster.routes = vec![vagus_configs::RouteUrl::parse(&url).unwrap()];
    let second = in_cluster("b", cluster).monitoring().start();
    eventually(|| {
        let shown = second.get("/clusterz").json();
        shown["dialled"][0]["failed"].as_u64() > Some(0)
    });
    assert!(second.cluster().unwrap().members.is_empty());
    set(&first, |cluster| cluster.listener.tls = Some(shows("localhost")));
    await_members(&second, 1);
    await_members(&first, 1);
}

/// A server that others tell of, and that is not there, is tried as often as is said now.
#[test]
fn attempts_are_as_many_as_is_said() {
    let nobody = HeldPort::new();
    let missed = nobody.address();
    let first = member("a", &[]).monitoring().start();
    set(&first, |cluster| cluster.connect_retries = 1);
    let mut route = Route::joined(&first);
    route.say(&format!(
        r#"INFO {{"server_id":"NM","server_name":"m","host":"127.0.0.1","port":{port},"ip":"nats-route://{missed}/","gossip_mode":0}}"#,
        port = missed.port()
    ));
    eventually(|| {
        let shown = first.get("/clusterz").json();
        let dialled = shown["dialled"].as_array().unwrap();
        dialled.iter().any(|server| {
            server["address"] == missed.to_string() && server["failed"] == 2 && server["given_up"] == true
        })
    });
}

/// Says that a reload is being prepared, and waits until it may go on.
struct Halting {
    begun: Sender<()>,
    goes_on: Receiver<()>,
}

impl Process for Halting {
    fn prepare(&mut self, _: &Config, _: &Config) -> Result<Box<dyn FnOnce() + Send>, String> {
        self.begun.send(()).unwrap();
        self.goes_on.recv().unwrap();
        Ok(Box::new(|| {}))
    }
}

/// What becomes of the cluster between the preparation of a reload and its end is not forgotten by it.
#[test]
fn a_member_that_comes_during_a_reload_is_told_of() {
    let mut config = None;
    let _ = member("a", &[]).set(|with| config = Some(with.clone()));
    let (begun, has_begun) = channel();
    let (go_on, goes_on) = channel();
    let setup = Setup {
        process: Box::new(Halting { begun, goes_on }),
        ..Setup::default()
    };
    let first = Server::start_in(config.unwrap(), setup).unwrap();
    let info = || Client::to(first.client_address()).info().to_owned();
    let mut config = first.reloads().unwrap().current.config.clone();
    config.limits.max_payload = 1000;
    let other = std::thread::scope(|scope| {
        let reload = scope.spawn(|| first.reload(config).unwrap());
        has_begun.recv().unwrap();
        let other = server()
            .set(|config| {
                config.server_name = Some("b".to_owned());
                config.cluster = Some(clustered(Some(NAME), &[first.cluster_address().unwrap()]));
            })
            .start();
        eventually(|| info().contains(&other.client_address().to_string()));
        go_on.send(()).unwrap();
        reload.join().unwrap();
        other
    });
    let info = info();
    assert!(
        info.contains(r#""max_payload":1000,"#) && info.contains(&other.client_address().to_string()),
        "{info}"
    );
}
