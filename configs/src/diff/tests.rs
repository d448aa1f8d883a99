use super::{MASK, Shown, diff, settings};
use crate::{Config, parse};
use std::path::Path;

fn config(text: &str) -> Config {
    let loaded = parse(text, Path::new("a.conf"), &crate::Disk, &|_: &str| None).unwrap();
    assert_eq!(loaded.obstacles, [], "{text}");
    loaded.config
}

/// The lines of the log that a reload has.
#[track_caller]
fn check(old: &str, new: &str, expected: &[&str]) {
    let changes = diff(&config(old), &config(new)).unwrap();
    let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
    assert_eq!(lines, expected, "{old} -> {new}");
}

#[track_caller]
fn refused(old: &str, new: &str, expected: &[&str]) {
    let refusals = diff(&config(old), &config(new)).unwrap_err();
    let lines: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    assert_eq!(lines, expected, "{old} -> {new}");
}

#[test]
fn what_reloads_is_told_as_nats_server_tells_it() {
    check("", "", &[]);
    check(
        "max_payload: 1024",
        "max_payload: 2048",
        &["Reloaded: max_payload = 2048"],
    );
    check("", "max_connections: 5", &["Reloaded: max_connections = 5"]);
    check("", "max_connections: -1", &["Reloaded: max_connections = -1"]);
    check("", "max_connections: 0", &["Reloaded: max_connections = 0"]);
    check("", "write_timeout: retry", &["Reloaded: write_timeout = retry"]);
    check(
        "",
        "no_fast_producer_stall: true",
        &["Reloaded: no_fast_producer_stall = true"],
    );
    check(
        "",
        "max_control_line: 1024",
        &["Reloaded: max_control_line = 1024"],
    );
    check("", "max_pending: 2048000", &["Reloaded: max_pending = 2048000"]);
    check("", "ping_interval: 40s", &["Reloaded: ping_interval = 40s"]);
    check("ping_interval: 40s", "", &["Reloaded: ping_interval = 2m0s"]);
    check("", "ping_max: 4", &["Reloaded: ping_max = 4"]);
    check("", "write_deadline: 4s", &["Reloaded: write_deadline = 4s"]);
    check(
        "",
        "debug: true, trace: true",
        &["Reloaded: debug = true", "Reloaded: trace = true"],
    );
    check("", "logtime: false", &["Reloaded: logtime = false"]);
    check("", "logtime_utc: true", &["Reloaded: logtime_utc = true"]);
    check("", "log_file: '/x/y.log'", &["Reloaded: log_file = /x/y.log"]);
    check("", "max_traced_msg_len: 9", &["Reloaded: max_traced_msg_len = 9"]);
    check("", "pid_file: '/x/y.pid'", &["Reloaded: pid_file = /x/y.pid"]);
    check(
        "",
        "client_advertise: 'me:1'",
        &["Reload: client_advertise = me:1"],
    );
    check(
        "",
        "lame_duck_duration: 31s",
        &["Reloaded: lame_duck_duration = 31s"],
    );
    check(
        "authorization { user: u, password: p, timeout: 1 }",
        "authorization { user: v, password: q, timeout: 2.5 }",
        &[
            "Reloaded: authorization username",
            "Reloaded: authorization password",
            "Reloaded: authorization timeout = 2.5",
        ],
    );
    check(
        "authorization { token: t }",
        "authorization { users: [{user: u, password: p}] }",
        &["Reloaded: authorization token", "Reloaded: authorization users"],
    );
}

#[test]
fn what_does_not_reload_is_refused_and_with_it_everything() {
    refused(
        "server_name: one",
        "server_name: two, max_payload: 9",
        &["config reload not supported for server_name: old=one, new=two"],
    );
    refused(
        "port: 4222, host: a",
        "port: 4223, host: b",
        &[
            "config reload not supported for host: old=a, new=b",
            "config reload not supported for port: old=4222, new=4223",
        ],
    );
    refused(
        "",
        "no_header_support: true",
        &["config reload not supported for no_header_support: old=false, new=true"],
    );
}

#[test]
fn the_order_of_users_means_nothing() {
    check(
        "authorization { users: [{user: a, password: x}, {user: b, password: y}] }",
        "authorization { users: [{user: b, password: y}, {user: a, password: x}] }",
        &[],
    );
}

#[test]
fn who_came_and_went_is_told_and_no_secret() {
    let changes = diff(
        &config("authorization { users: [{user: a, password: s3cret1}, {user: b, password: x}] }"),
        &config("authorization { users: [{user: a, password: s3cret2}, {user: d, password: x}] }"),
    )
    .unwrap();
    let [change] = changes.as_slice() else {
        panic!("{changes:?}");
    };
    assert_eq!(
        change.detail.as_deref(),
        Some("added \"d\"; removed \"b\"; changed \"a\"")
    );
    assert_eq!(change.old, Shown::List(vec!["a".to_owned(), "b".to_owned()]));
    let changes = diff(
        &config("authorization { user: u, password: s3cret }, max_payload: 1"),
        &config("authorization { token: s3cret }"),
    )
    .unwrap();
    let shown = format!("{changes:?}");
    assert!(shown.contains(MASK) && !shown.contains("s3cret"), "{shown}");
}

#[test]
fn all_settings_are_listed_with_their_defaults() {
    let settings = settings(&config(
        "authorization { user: u, password: s3cret }, max_payload: 99",
    ));
    let value = |key: &str| {
        settings
            .iter()
            .find(|setting| setting.key == key)
            .unwrap()
            .value
            .clone()
    };
    assert_eq!(value("max_payload"), Shown::Number(99));
    assert_eq!(value("ping_interval"), Shown::Text("2m0s".to_owned()));
    assert_eq!(value("authorization.password"), Shown::Text(MASK.to_owned()));
    assert_eq!(value("client_advertise"), Shown::Nothing);
    let reloads = |key: &str| {
        settings
            .iter()
            .find(|setting| setting.key == key)
            .unwrap()
            .reloads
    };
    assert!(reloads("max_payload") && !reloads("port"));
}

#[test]
fn who_may_administrate_reloads_and_nothing_they_know_is_told() {
    let old = "admin { listen: '127.0.0.1:8223', users: [{user: ann, password: s3cret1, role: admin},
        {user: bob, password: s3cret2}], token: s3cret3 }";
    let new = "admin { listen: '127.0.0.1:8223', users: [{user: cat, password: s3cret2},
        {user: ann, password: s3cret4, role: read}], protect_monitoring: true }";
    check(
        old,
        new,
        &[
            "Reloaded: admin users",
            "Reloaded: admin tokens",
            "Reloaded: admin.protect_monitoring = true",
        ],
    );
    let changes = diff(&config(old), &config(new)).unwrap();
    assert_eq!(
        changes[0].detail.as_deref(),
        Some("added \"cat\"; removed \"bob\"; changed \"ann\"")
    );
    assert_eq!(changes[0].old.to_string(), "[ann: admin, bob: read]");
    assert_eq!(changes[1].old.to_string(), "[********: admin]");
    let listed = settings(&config(old));
    let shown = format!("{changes:?} {listed:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn where_the_admin_service_is_does_not_reload() {
    refused(
        "",
        "admin: { port: 8223 }",
        &["config reload not supported for admin: old=disabled, new=enabled"],
    );
    refused(
        "admin: { user: u, password: p }",
        "admin: false",
        &["config reload not supported for admin: old=enabled, new=disabled"],
    );
    refused(
        "admin: { port: 8223 }",
        "admin: { port: 8224, user: u, password: p }",
        &["config reload not supported for admin.listen: old=127.0.0.1:8223, new=127.0.0.1:8224"],
    );
}

/// Any free port is the one that the server has got.
#[test]
fn a_free_port_is_no_change() {
    let running = config("port: 5000, http_port: 5001");
    let settled = |text: &str| {
        let mut new = config(text);
        new.keep_free_ports(&running);
        diff(&running, &new).map_err(|refusals| refusals.len())
    };
    assert_eq!(settled("port: -1, http_port: 5001"), Ok(Vec::new()));
    assert_eq!(settled("port: 5000, http_port: -1"), Ok(Vec::new()));
    assert_eq!(settled("port: 5002, http_port: -1"), Err(1));
    assert_eq!(settled("port: -1"), Err(1));
}

#[test]
fn websocket_changes_but_for_where_it_is() {
    let with = |more: &str| format!("websocket {{ port: 1, no_tls: true, {more} }}");
    let (before, after) = (
        with("authorization { token: old }"),
        with(
            "compression: true, same_origin: true, headers { A: b }, authorization { token: new }, token_cookie: c",
        ),
    );
    check(&before, &after, &["Reloaded: websocket"; 5]);
    let changes = diff(&config(&before), &config(&after)).unwrap();
    assert!(!format!("{changes:?}").contains("new\""), "a token is a secret");
    let keys: Vec<_> = changes.iter().map(|change| change.key).collect();
    assert!(
        keys.contains(&"websocket.headers") && keys.contains(&"websocket.authorization"),
        "{keys:?}"
    );
    refused(
        "",
        &with(""),
        &["config reload not supported for websocket: old=disabled, new=enabled"],
    );
    refused(
        &with(""),
        "websocket { port: 2, no_tls: true }",
        &["config reload not supported for websocket port: old=1, new=2"],
    );
}

/// More room can be given to streams while the server runs; whatever else is said of them is fixed.
#[test]
fn room_for_streams_grows() {
    let from = "jetstream { max_mem: 1MB, max_file: 1GB }";
    check(from, from, &[]);
    check(
        from,
        "jetstream { max_mem: 2MB, max_file: 1536MB }",
        &[
            "Reloaded: JetStream max_mem_store = 2.00 MB",
            "Reloaded: JetStream max_file_store = 1.50 GB",
        ],
    );
    refused(
        from,
        "jetstream { max_mem: 1KB }",
        &[
            "config reload not supported for jetstream.max_memory_store: old=1048576, new=1024",
            "config reload not supported for jetstream.max_file_store: old=1073741824, new=",
        ],
    );
    refused(
        "jetstream {}",
        from,
        &[
            "config reload not supported for jetstream.max_memory_store: old=, new=1048576",
            "config reload not supported for jetstream.max_file_store: old=, new=1073741824",
        ],
    );
}

#[test]
fn a_server_may_begin_and_end_to_keep_streams() {
    let keeping = "jetstream { domain: a, max_mem: 1MB, key: s3cret }";
    check("", keeping, &["Reloaded: JetStream"]);
    check(keeping, "", &["Reloaded: JetStream"]);
}

#[test]
fn where_streams_are_kept_and_how_does_not_reload() {
    refused(
        "jetstream { store_dir: /a }",
        "jetstream { store_dir: /b }",
        &["config reload not supported for store_dir: old=/a, new=/b"],
    );
    check("store_dir: /a", "store_dir: /b", &["Reloaded: store_dir = /b"]);
    refused(
        "jetstream { domain: a }",
        "jetstream { domain: b, key: s3cret, limits { max_ack_pending: 5 } }",
        &[
            "config reload not supported for jetstream.domain: old=a, new=b",
            "config reload not supported for jetstream.cipher: old=, new=ChaCha20-Poly1305",
            "config reload not supported for jetstream.key: old=, new=********",
            "config reload not supported for jetstream.limits.max_ack_pending: old=, new=5",
        ],
    );
    let shown = format!(
        "{:?}",
        settings(&config("jetstream { key: s3cret, prev_key: s3cret }"))
    );
    assert!(!shown.contains("s3cret"), "{shown}");
}
