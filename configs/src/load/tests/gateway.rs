//! The section `gateway`.

use crate::{ConfigError, Disk, Gateway, Port, load, parse};
use std::path::Path;
use std::time::Duration;
use vagus_auth::credentials::Credentials;

#[track_caller]
fn gateway(text: &str) -> Gateway {
    let loaded = parse(text, Path::new("a.conf"), &Disk, &|_: &str| None).unwrap();
    assert_eq!(loaded.obstacles, [], "{text}");
    loaded.config.gateway.unwrap()
}

#[track_caller]
fn refusal(text: &str) -> String {
    match parse(text, Path::new("a.conf"), &Disk, &|_: &str| None) {
        Err(ConfigError::Invalid(problems)) => problems[0].message.clone(),
        other => panic!("{text}: {other:?}"),
    }
}

/// Why no server starts with this.
#[track_caller]
fn obstacle(text: &str) -> String {
    let loaded = parse(text, Path::new("a.conf"), &Disk, &|_: &str| None).unwrap();
    super::obstacles(&loaded)
}

#[test]
fn a_gateway_has_a_name_and_a_port() {
    let said = gateway(
        "gateway { name: A, port: -1, advertise: 'a:7', connect_retries: 3, connect_backoff: true,
            reject_unknown: true, write_deadline: 2s, write_timeout: close,
            authorization { user: u, password: hush, timeout: 3 }
            gateways: [{ name: B, url: 'nats://x:y@b:1' }, { name: C, urls: ['nats://c', 'nats://[::1]:2'] }] }",
    );
    assert_eq!((&*said.name, said.listener.listen.port), ("A", Port::Free));
    assert_eq!(said.listener.advertise.as_deref(), Some("a:7"));
    assert_eq!(
        (said.connect_retries, said.connect_backoff, said.rejects_unknown),
        (3, true, true)
    );
    assert_eq!(said.listener.auth_timeout, Duration::from_secs(3));
    assert!(matches!(&said.listener.credentials, Credentials::User { name, .. } if name == "u"));
    let urls = |name: &str| -> Vec<String> {
        let remote = said.remote(name).unwrap();
        remote.urls.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        (urls("B"), urls("C")),
        (vec!["b:1".into()], vec!["c:7222".into(), "[::1]:2".into()])
    );
    assert!(!format!("{:?}", said.remotes).contains("\"y\""));
}

#[test]
fn the_cluster_is_called_as_its_gateway() {
    let text = "cluster { port: -1 }, gateway { name: A, port: -1 }";
    let loaded = parse(text, Path::new("a.conf"), &Disk, &|_: &str| None).unwrap();
    assert_eq!(loaded.config.cluster.unwrap().name.as_deref(), Some("A"));
    let told = obstacle("cluster { name: B, port: -1 }, gateway { name: A, port: -1 }");
    let expected = "cluster name conflicts between cluster and gateway definitions";
    assert!(told.ends_with(expected), "{told}");
}

#[test]
fn what_is_no_gateway_is_refused() {
    for (text, expected) in [
        ("port: -1", "gateway has no name"),
        (
            "name: A",
            "gateway \"A\" has no port specified (select -1 for random port)",
        ),
        (
            "name: A, port: 0",
            "gateway \"A\" has no port specified (select -1 for random port)",
        ),
    ] {
        let told = obstacle(&format!("gateway {{ {text} }}"));
        assert!(told.ends_with(expected), "{text}: {told}");
    }
    for (text, expected) in [
        (
            "name: 'A B', port: 1",
            "gateway name cannot contain spaces or new lines",
        ),
        ("name: _, port: 1", "cluster name is reserved"),
        ("name: A, port: 1, x: 1", "unknown field \"x\""),
        (
            "name: A, port: 1, gateways: [5]",
            "a gateway must be a map, not a whole number",
        ),
        (
            "name: A, port: 1, gateways: [{url: 'nats://a:1'}]",
            "gateway in the list 0 has no name",
        ),
        (
            "name: A, port: 1, gateways: [{name: B}]",
            "gateway \"B\" has no URL",
        ),
        (
            "name: A, port: 1, gateways: [{name: B, url: 'x'}]",
            "a gateway must be a URL such as nats-gateway://host:7222",
        ),
        (
            "name: A, port: 1, gateways: [{name: B, url: 'nats://b'}, {name: B, url: 'nats://c'}]",
            "duplicate gateway \"B\"",
        ),
        (
            "name: A, port: 1, authorization { users: [{user: u, password: p}] }",
            "Gateway authorization does not allow multiple users",
        ),
        (
            "name: A, port: 1, authorization { token: t }",
            "Gateway authorization does not support tokens",
        ),
    ] {
        assert_eq!(refusal(&format!("gateway {{ {text} }}")), expected, "{text}");
    }
}

#[test]
fn the_shipped_files_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("gateway");
    let environment = |name: &str| (name == "SERVER_NAME").then(|| "one".to_owned());
    for name in [
        "east.conf",
        "west.conf",
        "settings.conf",
        "super-east.conf",
        "super-west.conf",
        "super-edge.conf",
    ] {
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let loaded = parse(&text, &path, &Disk, &environment).unwrap();
        assert_eq!(
            (&loaded.warnings[..], &loaded.obstacles[..]),
            (&[][..], &[][..]),
            "{name}"
        );
        assert_eq!(
            loaded.config.gateway.is_some(),
            name != "super-edge.conf",
            "{name}"
        );
    }
    let said = load(&folder.join("settings.conf"))
        .unwrap()
        .config
        .gateway
        .unwrap();
    let usual = Gateway {
        name: said.name.clone(),
        remotes: said.remotes.clone(),
        ..Gateway::default()
    };
    assert_eq!(said, usual);
}
