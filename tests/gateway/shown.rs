//! What monitoring shows of other clusters.

use crate::world::{await_gateways, gateway, port, subscribed};
use vagus_test_support::server;

#[test]
fn connections_and_what_is_wanted_are_shown() {
    let a = gateway("a", "A", &[]).monitoring().start();
    let b = gateway("b", "B", &[("A", port(&a))]).monitoring().start();
    await_gateways(&a, 1, 1);
    await_gateways(&b, 1, 1);
    let mut subscriber = subscribed(&a, "s.* 1", &[&b]);
    subscriber.send("SUB t q 2");
    let mut publisher = b.connected();
    vagus_test_support::eventually(|| {
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
