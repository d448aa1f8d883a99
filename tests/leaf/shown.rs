//! What monitoring tells of links.

use crate::world::{await_links, hub, leaf, leaf_by};
use vagus_test_support::{HeldPort, eventually};

#[test]
fn links_are_shown_at_both_ends() {
    let hub = hub("hub").monitoring().start();
    let address = hub.leafnode_address().unwrap();
    let leaf = leaf_by("edge", &[address], |remote| {
        remote.deny_imports = vec!["x".to_owned()];
    });
    let leaf = leaf.monitoring().start();
    await_links(&hub, 1);
    await_links(&leaf, 1);
    for (server, name, is_spoke) in [(&hub, "edge", false), (&leaf, "hub", true)] {
        // What is asked for comes behind the link.
        let mut leafz = server.get("/leafz?subs=1").json();
        eventually(|| {
            leafz = server.get("/leafz?subs=1").json();
            leafz["leafs"][0]["subscriptions_list"]
                .to_string()
                .contains("$LDS.")
                && leafz["leafs"][0]["compression"] != "s2_auto"
        });
        assert_eq!(leafz["leafnodes"], 1);
        let link = &leafz["leafs"][0];
        assert_eq!(
            (&link["name"], &link["account"]),
            (&name.into(), &"$G".into()),
            "{link}"
        );
        assert_eq!(link["is_spoke"], is_spoke);
        // How much depends on the round trip.
        let compression = link["compression"].as_str().unwrap();
        assert!(compression.starts_with("s2_"), "{compression}");
        let asked: Vec<&str> = link["subscriptions_list"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|subject| subject.as_str())
            .collect();
        assert!(asked.iter().any(|subject| subject.starts_with("$LDS.")), "{link}");
        assert_eq!(server.get("/leafz?acc=OTHER").json()["leafnodes"], 0);
        assert_eq!(server.get("/varz").json()["leafnodes"], 1);
    }
    let varz = hub.get("/varz").json();
    assert_eq!(varz["leaf"]["port"], address.port());
    let varz = leaf.get("/varz").json();
    let remote = &varz["leaf"]["remotes"][0];
    assert_eq!(remote["local_account"], "$G");
    assert_eq!(remote["urls"][0], address.to_string());
    assert_eq!(remote["deny"]["imports"][0], "x");
}

/// Whoever looks sees which hub is not reached, why, and when it is tried again.
#[test]
fn a_hub_that_is_not_reached_is_shown() {
    let nobody = HeldPort::new();
    let leaf = leaf("edge", &[nobody.address()]);
    let leaf = leaf
        .set(|config| config.leafnodes.reconnect = std::time::Duration::from_secs(3600))
        .monitoring()
        .start();
    let hub = || leaf.get("/leafz").json()["remotes"][0].clone();
    eventually(|| hub()["failed"] == 1);
    let hub = hub();
    assert_eq!(hub["account"], "$G", "{hub}");
    assert_eq!(hub["urls"][0], nobody.address().to_string(), "{hub}");
    assert!(
        hub["last_error"].as_str().unwrap().contains("Connection refused"),
        "{hub}"
    );
    let next = hub["next_attempt_in"].as_f64().unwrap();
    assert!((3590.0..=7200.0).contains(&next), "{hub}");
    let metrics = leaf.get("/metrics").body;
    let labels = format!("{{account=\"$G\",urls=\"{}\"}}", nobody.address());
    for sample in [
        format!("vagus_leaf_hub_up{labels} 0"),
        format!("vagus_leaf_failed_attempts{labels} 1"),
        format!("vagus_leaf_next_attempt_seconds{labels} "),
        "vagus_leaf_links 0".to_owned(),
    ] {
        assert!(metrics.contains(&sample), "{sample}\n{metrics}");
    }
}
