//! The section `leafnodes`.

use super::obstacles;
use crate::{ConfigError, Disk, LeafListener, LeafNodes, LeafRemote, Port, load, parse};
use std::path::Path;
use std::time::Duration;
use vagus_auth::credentials::Credentials;

#[track_caller]
fn leafnodes(text: &str) -> LeafNodes {
    let loaded = parse(text, Path::new("a.conf"), &Disk, &|_: &str| None).unwrap();
    assert_eq!(loaded.obstacles, [], "{text}");
    loaded.config.leafnodes
}

#[track_caller]
fn refusal(text: &str) -> String {
    match parse(text, Path::new("a.conf"), &Disk, &|_: &str| None) {
        Err(ConfigError::Invalid(problems)) => problems[0].message.clone(),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn nobody_listens_who_does_not_say_so() {
    assert_eq!(leafnodes(""), LeafNodes::default());
    assert_eq!(
        leafnodes("leafnodes { no_advertise: true }"),
        LeafNodes::default()
    );
    let listener = leafnodes("leaf { port: -1 }").listener.unwrap();
    assert_eq!(listener.settings.listen.port, Port::Free);
}

#[test]
fn hubs_are_remotes() {
    let text = "accounts { A {} }
        leafnodes { reconnect: 3s, remotes: [
            { url: 'nats-leaf://u:p@a', account: A, hub: true, deny_imports: x, deny_exports: [y, z.>] }
            { urls: ['tls://b:1', 'nats://c:2'], no_randomize: true, disabled: true, compression: off }
        ] }";
    let leafnodes = leafnodes(text);
    assert_eq!(leafnodes.reconnect, Duration::from_secs(3));
    let [first, second] = &leafnodes.remotes[..] else {
        panic!("{leafnodes:?}");
    };
    assert_eq!(
        (first.urls[0].to_string(), &*first.account),
        ("a:7422".to_owned(), "A")
    );
    assert!(first.is_hub && first.randomizes && !first.is_disabled);
    assert_eq!(
        (&first.deny_imports[..], &first.deny_exports[..]),
        (&["x".to_owned()][..], &["y".to_owned(), "z.>".to_owned()][..])
    );
    assert_eq!((second.urls.len(), &*second.account), (2, "$G"));
    assert!(second.is_disabled && !second.randomizes);
    assert!(!format!("{leafnodes:?}").contains("\"p\""), "{leafnodes:?}");
}

#[test]
fn hubs_are_reached_by_websocket_and_by_proxies() {
    let text = "leafnodes { remotes: [
            { url: 'wss://a/b', ws_compression: true, ws_no_masking: true,
              proxy: { url: 'http://p:3128', username: u, password: secret, timeout: 3s } }
            { url: 'ws://a', proxy: { url: 'https://p' } }
            { url: 'ws://b', proxy: { } }
        ] }";
    let remotes = leafnodes(text).remotes;
    let [first, second, third] = &remotes[..] else {
        panic!("{remotes:?}");
    };
    assert!(first.urls[0].speaks_websocket() && first.websocket.compresses && first.websocket.without_masks);
    let proxy = first.proxy.as_ref().unwrap();
    assert_eq!((&*proxy.host, proxy.port, proxy.is_secure), ("p", 3128, false));
    assert_eq!(proxy.login, Some(("u".to_owned(), "secret".to_owned())));
    assert_eq!(proxy.timeout, Some(Duration::from_secs(3)));
    assert!(!format!("{remotes:?}").contains("secret"));
    let proxy = second.proxy.as_ref().unwrap();
    assert_eq!((proxy.port, proxy.is_secure, &proxy.login), (443, true, &None));
    assert_eq!(third.proxy, None);
}

#[test]
fn leaf_nodes_are_users_of_their_own() {
    let listener = |authorization: &str| {
        let text =
            format!("accounts {{ A {{}} }}, leafnodes {{ port: 7422, authorization {{ {authorization} }} }}");
        leafnodes(&text).listener.unwrap()
    };
    let users = |listener: &LeafListener| match &listener.settings.credentials {
        Credentials::Users { users, .. } => users
            .iter()
            .map(|user| format!("{} {:?}", user.proof.name(), user.account.as_deref()))
            .collect(),
        _ => Vec::new(),
    };
    let several = listener("users: [{user: a, pass: b, account: A}, {user: c}], timeout: 5");
    assert_eq!(users(&several), [r#"a Some("A")"#, "c None"]);
    assert_eq!(several.settings.auth_timeout, Duration::from_secs(5));
    assert_eq!(
        users(&listener("user: a, password: b, account: A")),
        [r#"a Some("A")"#]
    );
    let open = listener("account: A");
    assert_eq!((users(&open).len(), &*open.account), (0, "A"));
}

#[test]
fn what_is_not_there_or_makes_no_sense_is_refused() {
    for (leafnodes, expected) in [
        (
            "remotes: [{urls: ['ws://a', 'nats://b']}]",
            "remote leaf node configuration cannot have a mix of websocket and non-websocket urls",
        ),
        (
            "remotes: [{url: 'ws://a', proxy: {url: 'socks5://p'}}]",
            "proxy URL scheme must be http or https, got: socks5",
        ),
        (
            "remotes: [{url: 'ws://a', proxy: {url: 'p'}}]",
            "a proxy must be a URL such as http://host:3128",
        ),
        (
            "remotes: [{url: 'ws://a', proxy: {url: 'http://p', username: u}}]",
            "proxy username and password must both be specified or both be empty",
        ),
        ("remotes: [{url: 'ws://a', proxy: {x: 1}}]", "unknown field \"x\""),
        (
            "remotes: [{url: 'nats://a', nkey: secret}]",
            "Remote leafnode nkey is not a valid seed",
        ),
        (
            "remotes: [{url: 'nats://a', creds: x, nkey: SUAIO3FHUX5PNV2LQIIP7TZ3N4L7TX3W53MQGEIVYFIGA635OZCKEYHFLM}]",
            "Remote leafnode can not have both creds and nkey defined",
        ),
        ("remotes: [{account: A}]", "a remote must have a URL"),
        (
            "remotes: [{url: 'nats://a'}, {url: 'nats://a'}]",
            "duplicate remote a:7422",
        ),
        (
            "remotes: [{url: 'a'}]",
            "the hub of a leaf node must be a URL such as nats-leaf://host:7422",
        ),
        ("remotes: [{url: 'nats://a', x: 1}]", "unknown field \"x\""),
        (
            "remotes: [{url: 'nats://a', js_cluster_migrate: 1}]",
            "js_cluster_migrate must be true, false or a map, not a whole number",
        ),
        (
            "remotes: [{url: 'nats://a', js_cluster_migrate: {delay: 5s}}]",
            "unknown field \"delay\"",
        ),
        (
            "remotes: [{url: 'nats://a', js_cluster_migrate: {leader_migrate_delay: soon}}]",
            "leader_migrate_delay must be a duration such as \"2m\", not this text",
        ),
        ("x: 1", "unknown field \"x\""),
        (
            "port: 1, min_version: '2.7.9'",
            "the minimum version should be at least 2.8.0",
        ),
        (
            "port: 1, min_version: 'x'",
            "invalid leafnode's minimum version: invalid semver",
        ),
        (
            "port: 1, authorization {user: a, users: [{user: b}]}",
            "can not have a single user/pass and a users array",
        ),
        (
            "port: 1, authorization {users: [{user: b}, {user: b}]}",
            "duplicate user \"b\" detected in leafnode authorization",
        ),
        (
            "port: 1, authorization {nkey: x}",
            "Not a valid public nkey for leafnode authorization",
        ),
    ] {
        assert_eq!(
            refusal(&format!("leafnodes {{ {leafnodes} }}")),
            expected,
            "{leafnodes}"
        );
    }
}

/// No stream is replicated, so none is led by another server: that is said once, however many hubs there are.
#[test]
fn leaders_of_streams_do_not_move_for_a_hub_that_is_away() {
    for (value, is_told) in [
        ("true", true),
        ("false", false),
        ("{}", true),
        ("{ leader_migrate_delay: 5s }", true),
    ] {
        for key in ["jetstream_cluster_migrate", "js_cluster_migrate"] {
            let text = format!(
                "leafnodes {{ remotes: [{{url: 'nats://a', {key}: {value}}}, {{url: 'nats://b', {key}: {value}}}] }}"
            );
            let loaded = parse(&text, Path::new("a.conf"), &Disk, &|_: &str| None).unwrap();
            let told: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
            let expected = format!(
                "a.conf:1:40: {key} changes nothing: no stream of this server is replicated, so none is led elsewhere while the hub is away"
            );
            assert_eq!(told, if is_told { vec![expected] } else { Vec::new() }, "{text}");
            assert_eq!(loaded.obstacles, [], "{text}");
        }
    }
}

#[test]
fn accounts_that_are_named_have_to_be_there() {
    for (leafnodes, expected) in [
        (
            "remotes: [{url: 'nats://a', account: A}]",
            "cannot find local account \"A\" specified in leafnode remote",
        ),
        (
            "port: 1, authorization {users: [{user: a, account: A}]}",
            "cannot find local account \"A\" specified in leafnode authorization",
        ),
    ] {
        let text = format!("leafnodes {{ {leafnodes} }}");
        let loaded = parse(&text, Path::new("a.conf"), &Disk, &|_: &str| None).unwrap();
        let found = obstacles(&loaded);
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn the_shipped_files_say_the_defaults() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("leaf");
    for name in ["hub.conf", "leaf.conf", "settings.conf"] {
        let loaded = load(&folder.join(name)).unwrap();
        assert_eq!(
            (&loaded.warnings[..], &loaded.obstacles[..]),
            (&[][..], &[][..]),
            "{name}"
        );
    }
    let mut said = load(&folder.join("settings.conf")).unwrap().config.leafnodes;
    let remote = said.remotes.remove(0);
    assert_eq!(
        remote,
        LeafRemote {
            urls: remote.urls.clone(),
            ..LeafRemote::default()
        }
    );
    let usual = LeafNodes {
        listener: Some(LeafListener::default()),
        ..LeafNodes::default()
    };
    assert_eq!(said, usual);
}
