//! What a file says of the cluster.

use super::read;
use super::settings::{sets, sets_with};
use crate::{Cluster, Port, RouteUrl, WriteTimeout};
use std::time::Duration;
use vagus_auth::credentials::Credentials;
use vagus_auth::permission::{Permissions, Rules};
use vagus_compression::mode::{Level, Mode};

#[test]
fn a_cluster() {
    let nothing = "a.conf:1:0: cluster changes nothing: it does not say where to listen";
    for text in [
        "cluster { connect_retries: 3, no_advertise: true }",
        "cluster { name: c, port: 0 }",
    ] {
        sets_with(text, &[nothing], |_| {});
    }
    sets(
        "cluster { name: c, listen: \"h:7000\", routes: [nats://u:p@a:1, nats-route://b:2], no_advertise: true,
         connect_retries: 3, connect_backoff: true, ping_interval: 10s, ping_max: 4, cluster_advertise: \"x:1\",
         authorization { user: u, password: p, timeout: 3 }, pool_size: -1, compression: accept,
         write_deadline: 3s, write_timeout: close }",
        |config| {
            let mut cluster = Cluster {
                name: Some("c".into()),
                routes: ["nats://u:p@a:1", "nats://b:2"].map(|url| RouteUrl::parse(url).unwrap()).into(),
                advertises: false,
                connect_retries: 3,
                connect_backoff: true,
                ping_interval: Duration::from_secs(10),
                ping_max: Some(4),
                pool_size: 0,
                write_deadline: Some(Duration::from_secs(3)),
                write_timeout: WriteTimeout::Close,
                ..Cluster::default()
            };
            let listener = &mut cluster.listener;
            listener.listen.host = "h".into();
            listener.listen.port = Port::Fixed(7000);
            listener.advertise = Some("x:1".into());
            listener.credentials = Credentials::User {
                name: "u".into(),
                password: "p".into(),
            };
            listener.auth_timeout = Duration::from_secs(3);
            config.cluster = Some(cluster);
        },
    );
    for (text, warnings, size, accounts) in [
        ("pool_size: 5, accounts: [A, B]", vec![], 5, vec!["A", "B"]),
        ("pool_size: 0", vec![], 3, vec![]),
        ("pool_size: -3, accounts: []", vec![], 0, vec![]),
        (
            "pool_size: 1000",
            vec!["a.conf:1:22: pool_size is 256 at most"],
            256,
            vec![],
        ),
    ] {
        sets_with(
            &format!("cluster {{ port: 7000, {text} }}"),
            &warnings,
            |config| {
                let mut cluster = Cluster {
                    pool_size: size,
                    accounts: accounts.into_iter().map(str::to_owned).collect(),
                    ..Cluster::default()
                };
                cluster.listener.listen.port = Port::Fixed(7000);
                config.cluster = Some(cluster);
            },
        );
    }
    for text in [
        "cluster { port: 1, name: \"a b\" }",
        "cluster { port: 1, name: _ }",
        "cluster { port: 1, routes: [a] }",
        "cluster { port: 1, routes: nats://a:1 }",
        "cluster { port: 1, connect_retries: many }",
        "cluster { port: 1, authorization { token: t } }",
        "cluster { port: 1, permissions: { allow_responses: true } }",
        "cluster { port: 1, permissions: { export: \"a q\" } }",
        "cluster { port: 1, authorization { user: u, permissions: { export: { deny: [\"a q\"] } } } }",
        "cluster { port: 1, compression: [] }",
        "cluster { port: 1, compression: { mode: auto, rtts: [1] } }",
        "cluster { port: 1, compression: { mode: auto, colour: blue } }",
        "cluster { port: 1, authorization { users: [{user: u, password: p}] } }",
        "cluster { port: 1, pool_size: many }",
        "cluster { port: 1, pool_size: -1, accounts: [A] }",
        "cluster { port: 1, accounts: [A, B, A] }",
        "cluster { port: 1, accounts: [1] }",
        "cluster { port: 1, colour: blue }",
        "cluster: 1",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn compressed_routes() {
    let milliseconds = |numbers: &[u64]| {
        numbers
            .iter()
            .copied()
            .map(Duration::from_millis)
            .collect::<Vec<_>>()
    };
    let on = Mode::Always(Level::Fast);
    let auto = |limits: &[u64]| Mode::read("auto", &on, &milliseconds(limits)).unwrap();
    for (said, mode) in [
        ("true", on.clone()),
        ("false", Mode::Off),
        ("on", on.clone()),
        ("disabled", Mode::Off),
        ("accept", Mode::Accept),
        ("S2_Better", Mode::Always(Level::Better)),
        ("{ mode: best, rtts: [\"1s\"] }", Mode::Always(Level::Best)),
        ("s2_auto", auto(&[])),
        (
            "{ mode: s2_auto, rtt_thresholds: [\"-5ms\", 10ms, 0s] }",
            auto(&[0, 10]),
        ),
        ("{}", Mode::Accept),
    ] {
        sets(&format!("cluster {{ port: 1, compression: {said} }}"), |config| {
            let mut cluster = Cluster {
                compression: mode.clone(),
                ..Cluster::default()
            };
            cluster.listener.listen.port = Port::Fixed(1);
            config.cluster = Some(cluster);
        });
    }
    for (said, message) in [
        ("zip", "unsupported compression mode \"zip\""),
        (
            "s2_uncompressed",
            "unsupported compression mode \"s2_uncompressed\"",
        ),
        (
            "{ mode: auto, rtts: [2ms, 1ms] }",
            "RTT threshold values [2ms 1ms] should be in ascending order",
        ),
        (
            "{ mode: auto, rtts: [0s] }",
            "compression mode \"auto\" requires at least one RTT threshold",
        ),
    ] {
        let loaded = read(&format!("cluster {{ port: 1, compression: {said} }}")).unwrap();
        assert_eq!(loaded.obstacles[0].message, message);
    }
}

#[test]
fn permissions_of_routes() {
    let expected = |warnings: &[&str], text: &str| {
        sets_with(&format!("cluster {{ port: 1, {text} }}"), warnings, |config| {
            let mut cluster = Cluster {
                permissions: Some(Permissions {
                    publish: Rules {
                        allow: vec!["a.>".into()],
                        deny: vec!["a.b".into()],
                    },
                    subscribe: Rules {
                        allow: vec!["c".into()],
                        deny: Vec::new(),
                    },
                    allow_responses: None,
                }),
                ..Cluster::default()
            };
            cluster.listener.listen.port = Port::Fixed(1);
            config.cluster = Some(cluster);
        });
    };
    let permissions = "permissions { import { allow: \"a.>\", deny: [a.b] }, export: c }";
    let deprecated = "a.conf:1:19: setting \"permissions\" within cluster authorization block is deprecated";
    expected(&[], permissions);
    expected(&[deprecated], &format!("authorization {{ {permissions} }}"));
    expected(
        &[deprecated],
        &format!("authorization {{ permissions {{ import: x }} }}, {permissions}"),
    );
}
