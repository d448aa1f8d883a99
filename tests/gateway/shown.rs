//! What monitoring shows of other clusters.

use crate::peer::Peer;
use crate::world::{await_gateways, gateway, port};
use std::time::Duration;
use vagus_test_support::{HeldPort, TestServer, eventually, server, subscribed};

#[test]
fn connections_and_what_is_wanted_are_shown() {
    let a = gateway("a", "A", &[]).monitoring().start();
    let b = gateway("b", "B", &[("A", port(&a))]).monitoring().start();
    await_gateways(&a, 1, 1);
    await_gateways(&b, 1, 1);
    let mut subscriber = subscribed(&a, "s.* 1", &[&b]);
    subscriber.send("SUB t q 2");
    let mut publisher = b.connected();
    eventually(|| {
        publisher.send("PUB t 0\r\n");
        publisher.sync_silent();
        !subscriber.sync_messages().is_empty()
    });
    let shown = b.get("/gatewayz").json();
    assert_eq!(
        (&shown["name"], &shown["host"]),
        (&"B".into(), &"127.0.0.1".into())
    );
    assert_eq!(shown["port"], port(&b));
    let (outbound, inbound) = (
        &shown["outbound_gateways"]["A"],
        &shown["inbound_gateways"]["A"][0],
    );
    assert_eq!(
        (&outbound["configured"], &inbound["configured"]),
        (&true.into(), &false.into())
    );
    assert_eq!(outbound["connection"]["kind"], "Gateway");
    assert!(outbound["connection"]["out_msgs"].as_u64() > Some(0));
    assert!(outbound.get("accounts").is_none());

    let shown = b.get("/gatewayz?acc_name=$G&subs=1").json();
    let account = &shown["outbound_gateways"]["A"]["accounts"][0];
    assert_eq!(account["interest_mode"], "Interest-Only");
    assert_eq!(account["interest_only_threshold"], 1000);
    assert_eq!(account["num_queue_subs"], 1);
    let subjects = account["subscriptions_list"].as_array().unwrap();
    for subject in ["s.*", "t"] {
        assert!(subjects.contains(&subject.into()), "{account}");
    }
    assert!(
        !subjects.iter().any(|it| it.as_str().unwrap().starts_with("_GR_")),
        "{account}"
    );
    let inbound = &shown["inbound_gateways"]["A"][0]["accounts"][0];
    assert_eq!(
        (&inbound["name"], &inbound["interest_mode"]),
        (&"$G".into(), &"Interest-Only".into())
    );
    let detail = b.get("/gatewayz?acc_name=$G&subs=detail").json();
    let detail = &detail["outbound_gateways"]["A"]["accounts"][0]["subscriptions_list_detail"];
    let of_group = detail.as_array().unwrap().iter().find(|it| it["qgroup"] == "q");
    assert_eq!(of_group.unwrap()["subject"], "t");

    let nobody = b.get("/gatewayz?gw_name=C").json();
    assert!(nobody["outbound_gateways"].is_null(), "{nobody}");
    assert_eq!(b.get("/gatewayz?accs=x").status, 400);
    let section = &b.get("/varz").json()["gateway"];
    assert_eq!(
        (&section["name"], &section["port"]),
        (&"B".into(), &port(&b).into())
    );
    let url = format!("127.0.0.1:{}", port(&a));
    assert_eq!(section["gateways"][0]["urls"][0], url);
}

#[test]
fn nothing_is_shown_where_there_are_no_other_clusters() {
    let server = server().monitoring().start();
    let shown = server.get("/gatewayz").json();
    assert_eq!(shown["outbound_gateways"].to_string(), "{}");
    assert!(shown.get("name").is_none());
    assert_eq!(server.get("/varz").json()["gateway"].to_string(), "{}");
}

/// It is shown which cluster is not reached, why, and when it is tried again.
#[test]
fn a_cluster_that_is_not_reached_is_shown() {
    let nobody = HeldPort::new();
    let a = gateway("a", "A", &[]).start();
    let remotes = [("A", port(&a)), ("C", nobody.address().port())];
    let b = gateway("b", "B", &remotes).monitoring().start();
    await_gateways(&b, 1, 1);
    let of_c = || b.get("/gatewayz?gw_name=C").json()["remotes"][0].clone();
    // Between two attempts it is waited for.
    let mut shown = of_c();
    eventually(|| {
        shown = of_c();
        shown["failed"].as_u64() > Some(1) && shown.get("next_attempt_in").is_some()
    });
    assert_eq!(
        (&shown["name"], &shown["configured"]),
        (&"C".into(), &true.into())
    );
    assert_eq!(shown["urls"][0], nobody.address().to_string());
    assert!(
        shown["last_error"].as_str().unwrap().contains("refused"),
        "{shown}"
    );
    assert!(shown["next_attempt_in"].as_f64() < Some(1.2), "{shown}");
    let states = b.remote_clusters().unwrap();
    let states: Vec<_> = states
        .iter()
        .map(|it| (&*it.name, it.dialling.connected.is_some()))
        .collect();
    assert_eq!(states, [("A", true), ("C", false)]);

    let mut metrics = String::new();
    eventually(|| {
        metrics = b.get("/metrics").body;
        metrics.contains("vagus_gateway_next_attempt_seconds{cluster=\"C\"} ")
    });
    for sample in [
        "vagus_gateway_up{cluster=\"A\"} 1",
        "vagus_gateway_up{cluster=\"C\"} 0",
        "vagus_gateway_configured{cluster=\"A\"} 1",
        "vagus_gateway_failed_attempts{cluster=\"A\"} 0",
        "vagus_gateway_optimistic_accounts{cluster=\"A\"} 0",
        "vagus_gateway_outbound_connections 1",
        "vagus_gateway_inbound_connections 1",
    ] {
        assert!(metrics.contains(sample), "{sample}\n{metrics}");
    }
    for direction in ["outbound", "inbound"] {
        let start = format!("vagus_gateway_{direction}_round_trip_seconds{{gid=\"");
        let sample = metrics.lines().find(|line| line.starts_with(&start)).unwrap();
        assert!(sample.contains("server=\"a\",cluster=\"A\""), "{sample}");
    }
}

/// What accounts have to do with other clusters is counted apart, and in all.
#[test]
fn what_accounts_send_to_other_clusters_is_counted() {
    let a = gateway("a", "A", &[]).monitoring().start();
    let b = gateway("b", "B", &[("A", port(&a))]).monitoring().start();
    await_gateways(&a, 1, 1);
    await_gateways(&b, 1, 1);
    let traffic = |server: &TestServer, direction: &str| {
        let all = server.get("/accstatz?unused=1").json();
        let accounts = all["account_statz"].as_array().unwrap();
        let account = accounts.iter().find(|account| account["acc"] == "$G").unwrap();
        let passed = |it: &serde_json::Value| (it["msgs"].as_u64().unwrap(), it["bytes"].as_u64().unwrap());
        (
            passed(&account[direction]["gateways"]),
            passed(&account[direction]),
        )
    };
    let mut subscriber = subscribed(&a, "s 1", &[&b]);
    let mut publisher = b.connected();
    let (sent, received) = (traffic(&b, "sent"), traffic(&a, "received"));
    for _ in 0..10 {
        publisher.send("PUB s 5\r\nhello");
    }
    publisher.sync_silent();
    for _ in 0..10 {
        subscriber.message();
    }
    let more = |before: ((u64, u64), (u64, u64)), now: ((u64, u64), (u64, u64))| {
        let more = |before: (u64, u64), now: (u64, u64)| (now.0 - before.0, now.1 - before.1);
        [more(before.0, now.0), more(before.1, now.1)]
    };
    eventually(|| more(sent, traffic(&b, "sent")) == [(10, 50), (10, 50)]);
    eventually(|| more(received, traffic(&a, "received")) == [(10, 50), (10, 50)]);
    assert_eq!(traffic(&b, "received").0, (0, 0));
}

/// Who is cut off is counted by what it is.
#[test]
fn gateways_that_are_cut_off_are_counted() {
    let server = gateway("a", "A", &[])
        .set(|config| {
            config.limits.ping_interval = Duration::from_millis(20);
            config.limits.ping_max = 1;
        })
        .monitoring()
        .start();
    // It answers no PING.
    let silent = Peer::of(&server, "X");
    eventually(|| server.get("/varz").json()["stale_connection_stats"]["gateways"] == 1);
    let varz = server.get("/varz").json();
    assert_eq!(varz["stale_connections"], 1);
    assert_eq!(varz["stale_connection_stats"]["clients"], 0);
    assert_eq!(varz["slow_consumer_stats"]["gateways"], 0);
    drop(silent);
}
