//! Routes speak TLS before anything else, and each side shows who it is.

use crate::world::{NAME, await_interest, await_members, clustered, in_cluster};
use std::net::{SocketAddr, TcpStream};
use vagus_auth::credentials::Credentials;
use vagus_compression::mode::{Level, Mode};
use vagus_configs::{Cluster, RouteUrl};
use vagus_test_support::{TestServer, eventually};
use vagus_tls::Settings;
use vagus_tls::testing::{Authority, Request, request};

struct World {
    authority: Authority,
}

impl World {
    fn new() -> Self {
        Self {
            authority: Authority::new("Routes"),
        }
    }

    /// The settings of a server with this certificate.
    fn shows(&self, request: &Request) -> Settings {
        Settings {
            certificates: vec![self.authority.issue(request).pair()],
            ca: Some(self.authority.ca()),
            verify: true,
            ..Settings::default()
        }
    }

    fn usual(&self) -> Settings {
        self.shows(&request("route").host("localhost").ip("127.0.0.1"))
    }
}

fn secured(settings: Settings, routes: &[SocketAddr]) -> Cluster {
    let mut cluster = clustered(Some(NAME), routes);
    cluster.listener.tls = Some(settings);
    cluster
}

fn start(name: &str, cluster: Cluster) -> TestServer {
    in_cluster(name, cluster).start()
}

fn expect_messages(servers: [&TestServer; 2]) {
    let mut subscriber = servers[0].connected();
    subscriber.subscribe("a", "1");
    await_interest(servers[1], 1);
    let mut publisher = servers[1].connected();
    publisher.publish("a", &[b'.'; 200_000]);
    assert!(subscriber.messages(1)[0].payload == [b'.'; 200_000]);
}

#[test]
fn routes_are_secured_and_compressed() {
    let world = World::new();
    let first = start("a", secured(world.usual(), &[]));
    let mut cluster = secured(world.usual(), &[first.cluster_address().unwrap()]);
    cluster.compression = Mode::Always(Level::Better);
    let second = start("b", cluster);
    let third = start("c", secured(world.usual(), &[first.cluster_address().unwrap()]));
    for server in [&first, &second, &third] {
        await_members(server, 2);
    }
    expect_messages([&first, &second]);
}

/// A member that is there shows that those who are not have been refused, or will be.
#[test]
fn who_has_no_good_certificate_is_no_member() {
    let world = World::new();
    let first = start("a", secured(world.usual(), &[]));
    let seed = [first.cluster_address().unwrap()];
    let plain = start("plain", clustered(Some(NAME), &seed));
    let stranger = World::new().usual();
    let stranger = Settings {
        ca: world.usual().ca,
        ..stranger
    };
    let stranger = start("stranger", secured(stranger, &seed));
    let other_host = start("host", secured(world.shows(&request("x").host("other")), &[]));
    let mut to_other_host = secured(world.usual(), &[]);
    to_other_host.routes = vec![route(&other_host, "localhost")];
    let to_other_host = start("to", to_other_host);
    let member = start("b", secured(world.usual(), &seed));
    await_members(&first, 1);
    await_members(&member, 1);
    for server in [&plain, &stranger, &other_host, &to_other_host] {
        assert!(server.cluster().unwrap().members.is_empty(), "{}", server.name());
    }
    // One that says nothing is left.
    let silent = TcpStream::connect(seed[0]).unwrap();
    eventually(|| std::io::Read::read(&mut &silent, &mut [0]).unwrap_or(1) == 0);
}

fn route(server: &TestServer, host: &str) -> RouteUrl {
    let port = server.cluster_address().unwrap().port();
    RouteUrl::parse(&format!("nats-route://{host}:{port}")).unwrap()
}

/// Those that others tell of are known by their addresses: they are called as the first that has a name.
#[test]
fn servers_are_called_as_the_first_that_has_a_name() {
    let world = World::new();
    let called = || world.shows(&request("route").host("localhost"));
    let first = start("a", secured(called(), &[]));
    let mut cluster = secured(called(), &[]);
    cluster.routes = vec![route(&first, "localhost")];
    let second = start("b", cluster.clone());
    let third = start("c", cluster);
    for server in [&first, &second, &third] {
        await_members(server, 2);
    }
}

#[test]
fn certificates_say_who_may_connect() {
    let world = World::new();
    let first = start("a", {
        let mut cluster = secured(
            Settings {
                verify_and_map: true,
                ..world.usual()
            },
            &[],
        );
        cluster.listener.credentials = Credentials::User {
            name: "route@example.com".into(),
            password: "unused".into(),
        };
        cluster
    });
    let known = start("known", {
        let mut cluster = secured(
            Settings {
                verify_cert_and_check_known_urls: true,
                ..world.usual()
            },
            &[],
        );
        // Nobody is there, but those may connect that are called so.
        cluster.routes = vec![RouteUrl::parse("nats-route://friend.example.com:1").unwrap()];
        cluster
    });
    let certificate = |name: &str| request(name).host(name).ip("127.0.0.1");
    for (server, refused, admitted) in [
        (
            &first,
            certificate("other"),
            certificate("x").email("route@example.com"),
        ),
        (
            &known,
            certificate("foe.example.com"),
            certificate("*.example.com"),
        ),
    ] {
        let seed = [server.cluster_address().unwrap()];
        let refused = start("refused", secured(world.shows(&refused), &seed));
        let admitted = start("admitted", secured(world.shows(&admitted), &seed));
        await_members(&admitted, 1);
        await_members(server, 1);
        assert!(refused.cluster().unwrap().members.is_empty());
        assert_eq!(server.cluster().unwrap().members, ["admitted"]);
    }
}

#[test]
fn only_keys_that_are_pinned_are_let_in() {
    let world = World::new();
    let (pinned, other) = (world.usual(), world.usual());
    let pin = |settings: &Settings| {
        let acceptor = openssl::x509::X509::from_pem(&match &settings.certificates[0].certificate {
            vagus_tls::Pem::Text(text) => text.as_bytes().to_vec(),
            vagus_tls::Pem::File(path) => std::fs::read(path).unwrap(),
        });
        vagus_tls::Pin::of(&acceptor.unwrap()).unwrap()
    };
    let first = start(
        "a",
        secured(
            Settings {
                pinned_certs: [pin(&pinned)].into(),
                ..world.usual()
            },
            &[],
        ),
    );
    let seed = [first.cluster_address().unwrap()];
    let refused = start("refused", secured(other, &seed));
    let admitted = start("admitted", secured(pinned, &seed));
    await_members(&admitted, 1);
    await_members(&first, 1);
    assert_eq!(first.cluster().unwrap().members, ["admitted"]);
    assert!(refused.cluster().unwrap().members.is_empty());
}

#[test]
fn an_insecure_server_looks_at_no_certificate_of_those_it_connects_to() {
    let world = World::new();
    let first = start("a", secured(world.shows(&request("x").host("elsewhere")), &[]));
    let insecure = Settings {
        insecure: true,
        ..world.usual()
    };
    let second = start("b", secured(insecure, &[first.cluster_address().unwrap()]));
    await_members(&second, 1);
    expect_messages([&second, &first]);
}
