//! Clusters are connected only if the authority of a certificate has nothing against it, where that has to be known.

use crate::world::World;
use vagus_configs::{Gateway, GatewayRemote, Port, ServerUrl};
use vagus_test_support::{ServerBuilder, TestServer, eventually, server};
use vagus_tls::testing::Issued;
use vagus_tls::{Settings, Stapling, StaplingMode};

/// A cluster that is known: its name, where it is, and the TLS that is spoken with it alone.
type Known<'s> = (&'static str, &'s TestServer, Option<Settings>);

/// A server of a cluster that knows these others.
fn gateway(name: &str, tls: Settings, remotes: &[Known<'_>]) -> ServerBuilder {
    let mut gateway = Gateway {
        name: name.to_owned(),
        ..Gateway::default()
    };
    gateway.listener.listen.host = "127.0.0.1".to_owned();
    gateway.listener.listen.port = Port::Free;
    gateway.listener.tls = Some(tls);
    let remote = |(name, server, tls): &Known<'_>| {
        let url = format!("nats://{}", server.gateway_address().unwrap());
        GatewayRemote {
            name: (*name).to_owned(),
            urls: vec![ServerUrl::parse(&url).unwrap()],
            tls: tls.clone(),
        }
    };
    gateway.remotes = remotes.iter().map(remote).collect();
    server().set(|config| config.gateway = Some(gateway))
}

/// There is a connection each way.
fn await_connected(server: &TestServer) {
    eventually(|| server.gateways() == (1, 1));
}

/// It has dialled the other more than once, in vain.
fn expect_failed(server: &TestServer) {
    eventually(|| server.remote_clusters().unwrap()[0].dialling.failed > 1);
    assert_eq!(server.gateways().0, 0);
}

fn stapled(world: &World) -> Settings {
    world.shows(&world.approved(&world.request().must_staple()))
}

#[test]
fn those_that_are_approved_of_are_connected() {
    let world = World::new("gateway");
    let first = gateway("A", stapled(&world), &[]).start();
    let second = gateway("B", stapled(&world), &[("A", &first, Some(stapled(&world)))]).start();
    await_connected(&first);
    await_connected(&second);
}

/// One that is dialled has to show that it is good; about one that dials the authority is asked.
#[test]
fn one_that_was_revoked_is_not() {
    let world = World::new("gateway");
    let revoked = || world.shows(&world.revoked(&world.request().must_staple()));
    let first = gateway("A", stapled(&world), &[]).start();
    let dials = gateway("B", revoked(), &[("A", &first, None)]).start();
    expect_failed(&dials);
    assert_eq!(first.gateways().1, 0);
    let dialled = gateway("C", revoked(), &[]).start();
    expect_failed(&gateway("D", stapled(&world), &[("C", &dialled, None)]).start());
}

/// What is said of one cluster alone counts for that.
#[test]
fn a_cluster_has_to_show_it_to_those_that_speak_to_it_alone_so() {
    let world = World::new("gateway");
    let silent = || world.shows(&world.approved(&world.request()));
    let first = gateway("A", silent(), &[]).start();
    let strict = gateway("B", silent(), &[("A", &first, Some(stapled(&world)))]).start();
    expect_failed(&strict);
    let second = gateway("C", silent(), &[("A", &first, Some(silent()))]).start();
    eventually(|| second.gateways().0 == 1);
}

/// What is asked of all, and what of one cluster alone (`ocsp_peer`).
#[test]
fn the_authority_is_asked_about_both_sides() {
    let world = World::new("gateway");
    let asks = || world.asks(&world.approved(&world.request()));
    let shows = || world.shows(&world.approved(&world.request()));
    let revoked = || world.shows(&world.revoked(&world.request()));
    let first = gateway("A", asks(), &[]).start();
    let second = gateway("B", asks(), &[("A", &first, None)]).start();
    await_connected(&first);
    await_connected(&second);
    for (of_first, of_second, of_remote) in [
        // Who connects is asked about,
        (asks(), revoked(), None),
        // and who is connected to: by what holds for all, and for one.
        (revoked(), asks(), None),
        (revoked(), shows(), Some(asks())),
    ] {
        let first = gateway("A", of_first, &[]).start();
        expect_failed(&gateway("B", of_second, &[("A", &first, of_remote)]).start());
        // One way it may be: that of who does not ask.
        assert_eq!(first.gateways().1, 0);
    }
}

/// The server does not start with a certificate that is not good, nor goes on to one.
#[test]
fn certificates_that_are_not_good_are_refused() {
    let world = World::new("gateway");
    let must = |issued: &Issued| Settings {
        stapling: Some(Stapling {
            mode: StaplingMode::Must,
            urls: Vec::new(),
        }),
        ..world.shows(issued)
    };
    let good = world.approved(&world.request().must_staple());
    let revoked = world.revoked(&world.request().must_staple());
    let first = gateway("A", must(&good), &[]).start();
    for (of_all, of_remote) in [(&revoked, &good), (&good, &revoked)] {
        let builder = gateway("B", must(of_all), &[("A", &first, Some(must(of_remote)))]);
        let error = builder.try_start().unwrap_err().to_string();
        assert!(error.contains("revoked"), "{error}");
    }
    let second = gateway("B", must(&good), &[("A", &first, Some(must(&good)))]).start();
    await_connected(&second);
    let with = |issued: &Issued| {
        let mut config = second.reloads().unwrap().current.config.clone();
        config.gateway.as_mut().unwrap().remotes[0].tls = Some(must(issued));
        config
    };
    let asked = world.responder.asked();
    second.reload(with(&good)).unwrap();
    assert_eq!(world.responder.asked(), asked, "what is known is not asked again");
    let error = second.reload(with(&revoked)).unwrap_err().to_string();
    assert!(error.contains("revoked"), "{error}");
    await_connected(&second);
}
