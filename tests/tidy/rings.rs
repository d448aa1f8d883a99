//! Arrows point inwards only: `src` → `handlers` → `monitoring` → `ocsp` → `actors` → `delivery` → `configs` → `crates`.

use crate::files::{Source, sources};
use crate::metadata::{Workspace, built_from};

/// From the inside to the outside. Tests and benches are outside of everything.
const RINGS: [&str; 9] = [
    "crates",
    "configs",
    "delivery",
    "actors",
    "ocsp",
    "monitoring",
    "handlers",
    "",
    "tests",
];

/// The ring of a package's folder.
fn ring(folder: &str) -> usize {
    let first = folder.split('/').next().unwrap_or_default();
    let first = if first == "benches" { "tests" } else { first };
    let place = RINGS.iter().position(|ring| *ring == first);
    place.unwrap_or_else(|| panic!("{folder} is in no ring of the house"))
}

/// Whether a package in `folder` may be built from the one in `used`.
fn may_use(folder: &str, used: &str) -> bool {
    match RINGS[ring(folder)] {
        "crates" | "tests" => ring(used) <= ring(folder),
        _ => ring(used) < ring(folder),
    }
}

#[test]
fn hold() {
    let workspace = Workspace::load();
    let mut checked = 0;
    for member in workspace.members() {
        for kind in [None, Some("build"), Some("dev")] {
            for used in member.uses(kind) {
                // What tests need is the root's, and only its tests'.
                let tests_of_the_root = member.folder.is_empty() && kind == Some("dev");
                assert!(
                    tests_of_the_root || may_use(&member.folder, &used),
                    "{:?} must not use {used:?} ({kind:?})",
                    member.folder
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 10, "only {checked} arrows were found");
}

#[test]
fn are_told_apart() {
    for (folder, used, may) in [
        ("crates/protocol", "crates/routing", true),
        ("crates/protocol", "configs", false),
        ("configs", "crates/protocol", true),
        ("configs", "actors", false),
        ("configs", "delivery", false),
        ("delivery", "configs", true),
        ("delivery", "actors", false),
        ("actors", "delivery", true),
        ("actors", "monitoring", false),
        ("actors", "handlers/nats", false),
        ("ocsp", "actors", true),
        ("ocsp", "handlers/nats", false),
        ("monitoring", "actors", true),
        ("monitoring", "handlers/admin", false),
        ("handlers/nats", "actors", true),
        ("handlers/admin", "monitoring", true),
        ("handlers/nats", "handlers/admin", false),
        ("handlers/nats", "", false),
        ("", "handlers/nats", true),
        ("", "tests/support", false),
        ("tests/support", "", true),
        ("benches", "tests/support", true),
    ] {
        assert_eq!(may_use(folder, used), may, "{folder:?} -> {used:?}");
    }
}

/// What is true anyway needs no runtime and no socket, not even through others.
#[test]
fn the_innermost_has_no_runtime() {
    let forbidden = [
        "actix",
        "tokio",
        "mio",
        "socket2",
        "async-",
        "futures-executor",
        "smol",
        "hyper",
    ];
    let workspace = Workspace::load();
    let inner: Vec<String> = workspace
        .members()
        .into_iter()
        .filter(|member| RINGS[ring(&member.folder)] == "crates")
        .map(|member| format!("vagus-{}", member.folder.rsplit('/').next().unwrap()))
        .collect();
    let built_from = built_from();
    assert!(inner.len() >= 2);
    assert!(
        built_from["vagus"].contains("actix"),
        "what is built from what is known"
    );
    for name in inner {
        let runtime = built_from[&name]
            .iter()
            .find(|used| forbidden.iter().any(|forbidden| used.starts_with(forbidden)));
        assert_eq!(runtime, None, "{name}");
    }
}

/// Nor does it look at a clock, or open anything, with what the standard library has.
#[test]
fn the_innermost_has_no_clock_and_no_socket() {
    let forbidden = [
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "UnixStream",
        "Instant::now",
        "SystemTime",
        "std::process",
    ];
    let inner: Vec<Source> = sources()
        .into_iter()
        .filter(|source| source.path.starts_with("crates") && source.path.iter().any(|part| part == "src"))
        .collect();
    assert!(inner.len() > 10);
    for source in inner {
        let found = forbidden
            .iter()
            .find(|forbidden| source.text.contains(**forbidden));
        assert_eq!(found, None, "{}", source.path.display());
    }
}

/// What has a mailbox, and what a message passes, know no transport of a language, no HTTP and no JSON.
#[test]
fn actors_and_delivery_know_neither_http_nor_json() {
    let workspace = Workspace::load();
    for (folder, known) in [("actors", "actix"), ("delivery", "tokio")] {
        let members = workspace.members();
        let member = members
            .iter()
            .find(|member| member.folder == folder)
            .unwrap_or_else(|| panic!("there is no {folder}"));
        let dependencies = member.dependencies();
        assert!(dependencies.contains(&known));
        for foreign in ["serde_json", "actix-web", "hyper", "openssl", "rustls"] {
            assert!(!dependencies.contains(&foreign), "{folder} uses {foreign}");
        }
    }
}

/// What a message passes has no mailbox, not even through others.
#[test]
fn delivery_knows_no_actor() {
    let built_from = built_from();
    assert!(built_from["vagus-actors"].contains("actix"));
    let delivery = &built_from["vagus-delivery"];
    assert!(delivery.contains("tokio"), "what is built from what is known");
    let actor = delivery.iter().find(|used| used.starts_with("actix"));
    assert_eq!(actor, None);
}
