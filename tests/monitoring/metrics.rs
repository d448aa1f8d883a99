//! What Prometheus reads: the metrics of prometheus-nats-exporter by their names, and ours, all of them true.

use std::collections::BTreeMap;
use vagus_test_support::{TestServer, eventually, server};

/// The samples, by their names with labels; every line is looked at.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut families = BTreeMap::new();
    let mut family = "";
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().unwrap();
            assert!(help.len() > family.len() + 1, "{family} has no help");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, family);
            assert!(families.insert(name, kind).is_none(), "{name} comes twice");
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let bare = name.split('{').next().unwrap();
            let suffix = bare
                .strip_prefix(family)
                .unwrap_or_else(|| panic!("{line} in {family}"));
            match families[family] {
                "histogram" => assert!(["_bucket", "_sum", "_count"].contains(&suffix), "{line}"),
                _ => assert_eq!(suffix, "", "{line}"),
            }
            let value = value.parse().unwrap_or_else(|_| panic!("{line} has no number"));
            assert!(
                samples.insert(name.to_owned(), value).is_none(),
                "{name} comes twice"
            );
        }
    }
    samples
}

/// The samples without the label that says which server it is.
fn metrics(server: &TestServer) -> BTreeMap<String, f64> {
    let answer = server.get("/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let (alone, first) = (
        format!("{{server_id=\"{}\"}}", server.id()),
        format!("server_id=\"{}\",", server.id()),
    );
    samples(&answer.body)
        .into_iter()
        .map(|(name, value)| (name.replace(&alone, "").replace(&first, ""), value))
        .collect()
}

/// Five messages of three bytes are published, each is delivered twice.
#[test]
fn count_what_passes() {
    let server = server().monitoring().arbiters(2).start();
    let mut readers = [server.connected(), server.connected()];
    for reader in &mut readers {
        reader.send("SUB counted 1");
        reader.sync_silent();
    }
    let mut publisher = server.connected();
    publisher.send_bytes("PUB counted 3\r\nabc\r\n".repeat(5).as_bytes());
    publisher.sync_silent();
    let metrics = metrics(&server);
    for (name, value) in [
        ("gnatsd_varz_in_msgs", 5.0),
        ("gnatsd_varz_in_bytes", 15.0),
        ("gnatsd_varz_out_msgs", 10.0),
        ("gnatsd_varz_out_bytes", 30.0),
        ("gnatsd_varz_connections", 3.0),
        ("gnatsd_varz_total_connections", 3.0),
        ("gnatsd_varz_subscriptions", 2.0),
        ("gnatsd_varz_slow_consumers", 0.0),
        ("gnatsd_varz_max_payload", 1_048_576.0),
        ("gnatsd_subsz_num_subscriptions", 2.0),
        ("gnatsd_subsz_num_inserts", 2.0),
        ("gnatsd_healthz_status", 0.0),
        ("gnatsd_healthz_status_value{value=\"ok\"}", 1.0),
        ("vagus_received_messages_total", 5.0),
        ("vagus_received_bytes_total", 15.0),
        ("vagus_delivered_messages_total", 10.0),
        ("vagus_delivered_bytes_total", 30.0),
        ("vagus_connections", 3.0),
        ("vagus_connections_opened_total", 3.0),
        ("vagus_subscriptions", 2.0),
        ("vagus_pending_bytes", 0.0),
        ("vagus_slow_consumers_total{reason=\"pending_bytes\"}", 0.0),
        ("vagus_slow_consumers_total{reason=\"write_deadline\"}", 0.0),
    ] {
        assert_eq!(metrics.get(name), Some(&value), "{name}");
    }
    assert_eq!(
        metrics[&format!("gnatsd_varz_server_id{{value=\"{}\"}}", server.id())],
        1.0
    );
    let arbiters: f64 = ["0", "1"]
        .map(|number| metrics[&format!("vagus_arbiter_connections{{arbiter=\"{number}\"}}")])
        .iter()
        .sum();
    assert_eq!(arbiters, 3.0);
    for name in [
        "gnatsd_varz_mem",
        "gnatsd_varz_start",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
    ] {
        assert!(metrics[name] > 1.0, "{name}");
    }
}

/// All that the page of the server shows as a number is there under the name that the exporter gives it.
#[test]
fn have_the_names_of_the_exporter() {
    let server = server().monitoring().start();
    let shown = server.get("/varz").json();
    let metrics = metrics(&server);
    for (key, value) in shown.as_object().unwrap() {
        let name = format!("gnatsd_varz_{key}");
        assert_eq!(
            metrics.contains_key(&name),
            value.is_number() || ["start", "config_load_time"].contains(&&**key),
            "{name}"
        );
    }
    for name in [
        "gnatsd_varz_slow_consumer_stats_clients",
        "gnatsd_varz_http_req_stats_varz",
    ] {
        assert!(metrics.contains_key(name), "{name}");
    }
}

#[test]
fn have_the_prefix_that_is_set() {
    let server = server().monitoring().metrics_prefix("nats").start();
    let metrics = metrics(&server);
    assert!(metrics.contains_key("nats_varz_in_msgs") && metrics.contains_key("nats_healthz_status"));
    assert!(metrics.keys().all(|name| !name.starts_with("gnatsd")));
}

/// One by one only if that is asked for, with the labels of the exporter.
#[test]
fn tell_of_connections() {
    let without = server().monitoring().start();
    let _client = without.connected();
    assert!(
        metrics(&without)
            .keys()
            .all(|name| !name.starts_with("gnatsd_connz"))
    );
    let server = server().monitoring().metrics_of_connections().start();
    let mut client = server
        .client()
        .connect(r#"{"verbose":false,"name":"a \"quoted\" name\n","lang":"test","version":"1.0"}"#);
    client.send("SUB own 1\r\nPUB own 2\r\nhi");
    client.expect("MSG own 1 2\r\nhi");
    client.sync_silent();
    let _other = server.connected();
    let metrics = metrics(&server);
    let connection = server.connections().remove(0);
    let labels = format!(
        "cid=\"{}\",kind=\"Client\",type=\"nats\",ip=\"127.0.0.1\",port=\"{}\",name=\"a \\\"quoted\\\" name\\n\",\
         name_tag=\"\",account=\"\",account_id=\"\",lang=\"test\",version=\"1.0\",tls_version=\"\",tls_cipher_suite=\"\"",
        connection.id,
        connection.peer.port()
    );
    for (name, one, all) in [
        ("subscriptions", 1.0, 1.0),
        ("in_msgs", 1.0, 1.0),
        ("in_bytes", 2.0, 2.0),
        ("out_msgs", 1.0, 1.0),
        ("out_bytes", 2.0, 2.0),
        ("pending_bytes", 0.0, 0.0),
    ] {
        let name = format!("gnatsd_connz_{name}");
        assert_eq!(metrics.get(&format!("{name}{{{labels}}}")), Some(&one), "{name}");
        assert_eq!(metrics.get(&name), Some(&all), "{name}");
    }
    for name in ["start", "last_activity"] {
        let milliseconds = metrics[&format!("gnatsd_connz_{name}{{{labels}}}")];
        assert!((1.7e12..1e13).contains(&milliseconds), "{name} {milliseconds}");
    }
    for name in ["rtt", "uptime", "idle"] {
        assert!(
            metrics.contains_key(&format!("gnatsd_connz_{name}{{{labels}}}")),
            "{name}"
        );
    }
    for (name, value) in [
        ("num_connections", 2.0),
        ("total", 2.0),
        ("offset", 0.0),
        ("limit", 1024.0),
    ] {
        assert_eq!(metrics[&format!("gnatsd_connz_{name}")], value, "{name}");
    }
}

/// Each turn that publishes may be measured; of a hundred some are.
#[test]
fn tell_how_long_a_hand_over_takes() {
    let server = server().monitoring().arbiters(1).start();
    let mut publisher = server.connected();
    for _ in 0..100 {
        publisher.send("PUB timed 2\r\nhi");
        publisher.sync_silent();
    }
    let metrics = metrics(&server);
    let count = metrics["vagus_hand_over_seconds_count"];
    assert!((1.0..=100.0).contains(&count), "{count}");
    assert_eq!(metrics["vagus_hand_over_seconds_bucket{le=\"+Inf\"}"], count);
    assert!(metrics["vagus_hand_over_seconds_sum"] > 0.0);
    let mut ends: Vec<(f64, f64)> = metrics
        .iter()
        .filter_map(|(name, value)| {
            let end = name.strip_prefix("vagus_hand_over_seconds_bucket{le=\"")?;
            Some((end.strip_suffix("\"}")?.parse().ok()?, *value))
        })
        .collect();
    ends.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert_eq!(ends.len(), 18);
    assert!(ends.is_sorted_by(|one, other| one.1 <= other.1), "{ends:?}");
}

/// A subscriber that does not read: what waits for it shows, then why it was cut off.
#[test]
fn tell_of_slow_consumers() {
    let server = server()
        .monitoring()
        .max_pending(4 * 1024 * 1024)
        .max_payload(1024 * 1024)
        .start();
    let mut slow = server.connected_with_little_room();
    slow.send("SUB flood 1");
    slow.sync_silent();
    let mut publisher = server.connected();
    let payload = "x".repeat(512 * 1024);
    let mut publish = || {
        publisher.send_bytes(format!("PUB flood {}\r\n{payload}\r\n", payload.len()).as_bytes());
        publisher.sync_silent();
    };
    let mut waiting = 0.0;
    while waiting == 0.0 {
        publish();
        waiting = metrics(&server)["vagus_pending_bytes_max"];
    }
    assert!(metrics(&server)["vagus_pending_bytes"] >= waiting);
    let cut_off = "vagus_slow_consumers_total{reason=\"pending_bytes\"}";
    eventually(|| {
        publish();
        metrics(&server)[cut_off] == 1.0
    });
    let metrics = metrics(&server);
    assert_eq!(metrics["gnatsd_varz_slow_consumers"], 1.0);
    assert_eq!(
        metrics["vagus_connections_closed_total{reason=\"Slow Consumer (Pending Bytes)\"}"],
        1.0
    );
    assert_eq!(
        metrics["vagus_pending_bytes"], 0.0,
        "nothing waits for who has gone"
    );
}

/// Those of an account are its own; of many accounts those in which most are are shown.
#[test]
fn count_by_account() {
    let others: String = (0..300)
        .map(|number| format!("OTHER{number:03} {{ }}, "))
        .collect();
    let text = format!("accounts {{ A {{ users: [{{user: a, password: p}}] }}, {others} }}");
    let server = server().configured(&text).monitoring().start();
    let mut client = server
        .client()
        .connect(r#"{"verbose":false,"user":"a","pass":"p"}"#);
    client.subscribe("x", "1");
    client.send("PUB x 3\r\nabc");
    client.expect("MSG x 1 3\r\nabc");
    let metrics = metrics(&server);
    let of = |name: &str| {
        let labels = r#"{account="A",account_id="A",account_name="A"}"#;
        metrics[&format!("gnatsd_accstatz_{name}{labels}")]
    };
    for (name, value) in [
        ("current_connections", 1.0),
        ("total_connections", 1.0),
        ("subscriptions", 1.0),
        ("leaf_nodes", 0.0),
        ("sent_messages", 1.0),
        ("sent_bytes", 3.0),
        ("received_messages", 1.0),
        ("received_bytes", 3.0),
        ("slow_consumers", 0.0),
    ] {
        assert_eq!(of(name), value, "{name}");
    }
    assert_eq!(metrics["vagus_accounts"], 303.0);
    assert_eq!(metrics["vagus_accounts_shown"], 256.0);
    let shown = metrics
        .keys()
        .filter(|name| name.starts_with("gnatsd_accstatz_sent_bytes{"));
    assert_eq!(shown.count(), 256);
}
