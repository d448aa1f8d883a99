//! The dashboard and the alerts that are shipped ask for metrics that there are.

use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use vagus_test_support::{Folder, HeldPort, TestServer, eventually, server};

fn shipped(path: &str) -> String {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/monitoring");
    std::fs::read_to_string(root.join(path)).unwrap()
}

fn dashboard() -> Value {
    serde_json::from_str(&shipped("grafana/dashboards/vagus.json")).unwrap()
}

/// Names of metrics in an expression.
fn names(expression: &str) -> impl Iterator<Item = &str> {
    expression
        .split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_'))
        .filter(|word| {
            ["vagus_", "gnatsd_", "jetstream_", "process_"]
                .iter()
                .any(|prefix| word.starts_with(prefix))
        })
}

/// A server of a cluster, which dials these and keeps streams there, and has a hub that is not there.
fn member(routes: &[SocketAddr], folder: &Folder) -> TestServer {
    let routes: Vec<String> = routes.iter().map(|at| format!("nats-route://{at}")).collect();
    let routes = routes.join(", ");
    server()
        .configured(&format!(
            "cluster {{ name: shown, listen: '127.0.0.1:-1', pool_size: -1, routes: [{routes}] }}
             leafnodes {{ remotes: [{{ url: 'nats-leaf://{}' }}] }}
             jetstream: enabled, store_dir: '{}'",
            HeldPort::new().address(),
            folder.path().display()
        ))
        .monitoring()
        .start()
}

/// Names of the families that a server shows which has a route to another, and of the parts of histograms.
fn shown() -> BTreeSet<String> {
    let folders = [Folder::new("dashboard"), Folder::new("dashboard")];
    let other = member(&[], &folders[0]);
    let server = member(&[other.cluster_address().unwrap()], &folders[1]);
    eventually(|| server.cluster().unwrap().members.len() == 1);
    let mut text = String::new();
    // The hub is tried again and again, and between two attempts waited for.
    eventually(|| {
        text = server.get("/metrics").body;
        text.contains("vagus_leaf_next_attempt_seconds")
    });
    let mut names = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        if kind == "histogram" {
            names.extend(["_bucket", "_sum", "_count"].map(|part| format!("{name}{part}")));
        } else {
            names.insert(name.to_owned());
        }
    }
    names
}

#[test]
fn everything_asked_for_is_there() {
    let shown = shown();
    let dashboard = dashboard();
    let mut asked = 0;
    let panels = dashboard["panels"].as_array().unwrap();
    let expressions = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .map(|target| target["expr"].as_str().unwrap());
    let alerts = shipped("alerts.yml");
    for name in expressions.chain([alerts.as_str()]).flat_map(names) {
        assert!(shown.contains(name), "{name} is not shown");
        asked += 1;
    }
    assert!(asked > 30, "only {asked} were found");
}

#[test]
fn what_is_ours_is_on_the_dashboard_or_is_little() {
    let text = dashboard().to_string();
    let on_it: BTreeSet<&str> = names(&text).collect();
    for name in shown().iter().filter(|name| name.starts_with("vagus_")) {
        let is_part = name.ends_with("_sum") || name.ends_with("_count");
        assert!(
            on_it.contains(name.as_str()) || is_part,
            "{name} is not on the dashboard"
        );
    }
}

/// Every panel has a number and a place of its own, and asks the data source that is chosen.
#[test]
fn panels_are_in_order() {
    let dashboard = dashboard();
    let mut numbers = BTreeSet::new();
    let mut places = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(numbers.insert(panel["id"].as_u64().unwrap()), "{title}");
        let place = |side: &str| panel["gridPos"][side].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24, "{title}");
        for row in place("y")..place("y") + place("h") {
            for column in place("x")..place("x") + place("w") {
                assert!(places.insert((row, column)), "{title} lies over another");
            }
        }
        if panel["type"] != "row" {
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        }
    }
}
