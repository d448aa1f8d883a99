//! A server becomes a member only if the authority of its certificate has nothing against it, where that has to be known.

use crate::world::World;
use vagus_configs::{Cluster, Port, RouteUrl};
use vagus_test_support::{HeldPort, TestServer, eventually, server};
use vagus_tls::testing::{Issued, request};
use vagus_tls::{Settings, Stapling, StaplingMode};

fn member(name: &str, tls: Settings, routes: &[&TestServer]) -> TestServer {
    let mut cluster = Cluster {
        name: Some("tests".to_owned()),
        // One route to each: of several, the authority would be asked about some when they are members already.
        pool_size: 0,
        ..Cluster::default()
    };
    cluster.listener.listen.host = "127.0.0.1".to_owned();
    cluster.listener.listen.port = Port::Free;
    cluster.listener.tls = Some(tls);
    let urls = routes.iter().map(|server| {
        let address = server.cluster_address().unwrap();
        RouteUrl::parse(&format!("nats-route://{address}")).unwrap()
    });
    cluster.routes = urls.collect();
    server()
        .set(|config| {
            config.server_name = Some(name.to_owned());
            config.cluster = Some(cluster);
        })
        .monitoring()
        .start()
}

fn await_members(server: &TestServer, members: &[&str]) {
    eventually(|| server.cluster().unwrap().members == members);
}

/// It has dialled the other, in vain.
fn expect_failed(server: &TestServer) {
    eventually(|| {
        let shown = server.get("/clusterz").json();
        shown["dialled"][0]["failed"].as_u64() > Some(0)
    });
    assert!(server.cluster().unwrap().members.is_empty());
}

#[test]
fn those_that_are_approved_of_are_members() {
    let world = World::new("route");
    let approved = || world.approved(&world.request().must_staple());
    let first = member("a", world.shows(&approved()), &[]);
    let second = member("b", world.shows(&approved()), &[&first]);
    let third = member("c", world.shows(&approved()), &[&first]);
    await_members(&first, &["b", "c"]);
    await_members(&second, &["a", "c"]);
    await_members(&third, &["a", "b"]);
}

/// One that is dialled has to show that it is; about one that dials the authority is asked.
#[test]
fn one_that_was_revoked_is_none() {
    let world = World::new("route");
    let strict = |name, routes: &[&TestServer]| {
        let issued = world.approved(&world.request().must_staple());
        member(name, world.shows(&issued), routes)
    };
    let revoked = || world.shows(&world.revoked(&world.request().must_staple()));
    let first = strict("a", &[]);
    expect_failed(&member("dials", revoked(), &[&first]));
    let dialled = member("dialled", revoked(), &[]);
    expect_failed(&strict("b", &[&dialled]));
    assert!(first.cluster().unwrap().members.is_empty());
}

/// It has nothing to show, and the authority says nothing of it.
#[test]
fn one_of_which_nothing_is_known_is_none() {
    let world = World::new("route");
    let strict = |name, routes: &[&TestServer]| {
        let issued = world.approved(&world.request().must_staple());
        member(name, world.shows(&issued), routes)
    };
    let silent = world.shows(&world.authority.issue(&request("route").ip("127.0.0.1")));
    let dialled = member("dialled", silent.clone(), &[]);
    expect_failed(&strict("a", &[&dialled]));
    let first = strict("b", &[]);
    expect_failed(&member("dials", silent, &[&first]));
    let nobody = HeldPort::new();
    let gone = format!("http://{}", nobody.address());
    let unreachable = world.approved(&request("route").ip("127.0.0.1").responder(&gone));
    expect_failed(&member("unreachable", world.shows(&unreachable), &[&first]));
}

/// Who is asked stands in the configuration instead of the certificates.
#[test]
fn whom_the_configuration_names_is_asked() {
    let world = World::new("route");
    let tls = || {
        let issued = world.approved(&request("route").ip("127.0.0.1"));
        Settings {
            stapling: Some(Stapling {
                mode: StaplingMode::Always,
                urls: vec![world.responder.url().to_owned()],
            }),
            ..world.shows(&issued)
        }
    };
    let first = member("a", tls(), &[]);
    let second = member("b", tls(), &[&first]);
    await_members(&first, &["b"]);
    await_members(&second, &["a"]);
}

#[test]
fn the_authority_is_asked_about_both_sides() {
    let world = World::new("route");
    let asks =
        |name, routes: &[&TestServer]| member(name, world.asks(&world.approved(&world.request())), routes);
    let first = asks("a", &[]);
    let second = asks("b", &[&first]);
    await_members(&second, &["a"]);
    let revoked = || world.shows(&world.revoked(&world.request()));
    expect_failed(&member("dials", revoked(), &[&first]));
    let dialled = member("dialled", revoked(), &[]);
    expect_failed(&asks("c", &[&dialled]));
    await_members(&first, &["b"]);
}

/// What is not good any more is found out at the next route; a reload keeps what is known, and is refused with what is not good.
#[test]
fn certificates_are_read_anew() {
    let world = World::new("route");
    let good = world.approved(&world.request().must_staple());
    let first = member("a", world.shows(&good), &[]);
    let issued = world.approved(&world.request().must_staple());
    let second = member("b", world.shows(&issued), &[&first]);
    await_members(&second, &["a"]);
    let with = |issued: &Issued| {
        let mut config = second.reloads().unwrap().current.config.clone();
        let tls = Settings {
            stapling: Some(Stapling {
                mode: StaplingMode::Must,
                urls: Vec::new(),
            }),
            ..world.shows(issued)
        };
        config.cluster.as_mut().unwrap().listener.tls = Some(tls);
        config
    };
    let asked = world.responder.asked();
    second.reload(with(&issued)).unwrap();
    assert_eq!(world.responder.asked(), asked);
    let revoked = world.revoked(&world.request().must_staple());
    let error = second.reload(with(&revoked)).unwrap_err().to_string();
    assert!(error.contains("revoked"), "{error}");
    await_members(&second, &["a"]);
}
