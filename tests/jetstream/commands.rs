//! What people type about streams, consumers and buckets is done by a server, and shown.

use crate::world::Folder;
use serde_json::Value;
use std::process::{Command, Stdio};
use vagus_test_support::{TestServer, server};

pub(crate) fn keeping(folder: &Folder) -> TestServer {
    let text = format!("store_dir: '{}', jetstream: enabled", folder.path().display());
    server().configured(&text).start()
}

/// Runs a command, given as words; those of `last` may have spaces. Whether it ended well, and what it said.
fn run(server: &TestServer, line: &str, last: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_vagus"))
        .args(line.split(' ').chain(last.iter().copied()))
        .env("NATS_URL", server.client_address().to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[track_caller]
pub(crate) fn done(server: &TestServer, line: &str) -> String {
    let (is_done, said) = run(server, line, &[]);
    assert!(is_done, "{line}: {said}");
    said
}

#[track_caller]
pub(crate) fn refused(server: &TestServer, line: &str, why: &str) {
    let (is_done, said) = run(server, line, &[]);
    assert!(!is_done && said.contains(why), "{line}: {said}");
}

#[track_caller]
pub(crate) fn json(server: &TestServer, line: &str) -> Value {
    serde_json::from_str(&done(server, line)).unwrap()
}

#[test]
fn streams_are_made_changed_and_deleted() {
    let folder = Folder::new("jetstream");
    let server = keeping(&folder);
    assert_eq!(done(&server, "stream ls --names"), "");
    done(&server, "stream add ORDERS --subjects orders.* --max-msgs 10");
    for message in ["one", "two"] {
        done(&server, &format!("req orders.new {message}"));
    }
    let info = json(&server, "stream info ORDERS --json");
    assert_eq!(
        (&info["config"]["max_msgs"], &info["state"]["messages"]),
        (&10.into(), &2.into())
    );
    assert!(done(&server, "stream ls").contains("orders.*"));
    assert!(done(&server, "stream report").contains("20 %"));
    assert!(done(&server, "stream info ORDERS --subjects >").contains("orders.new"));
    assert_eq!(done(&server, "stream get ORDERS 2 --raw"), "two\n");
    assert!(done(&server, "stream edit ORDERS --max-age 1h").contains("max_age: 0 -> 3600000000000"));
    refused(&server, "stream purge ORDERS", "--force does it without asking");
    assert_eq!(
        done(&server, "stream purge ORDERS -f"),
        "Removed 2 messages from ORDERS\n"
    );
    assert_eq!(done(&server, "stream rm ORDERS -f"), "Deleted ORDERS\n");
    refused(&server, "stream info ORDERS", "stream not found (10059)");
}

#[test]
fn consumers_are_made_used_paused_and_deleted() {
    let folder = Folder::new("jetstream");
    let server = keeping(&folder);
    done(&server, "stream add S --subjects s.*");
    for number in 1..=3 {
        done(&server, &format!("req s.{number} m{number}"));
    }
    let made = done(&server, "consumer add S C --ack-wait 1m --filter s.*");
    assert!(made.contains("ack_wait:                 1m0s"), "{made}");
    assert_eq!(done(&server, "consumer next S C"), "[#1] s.1: 'm1'\n");
    assert_eq!(done(&server, "consumer next S C -c 2 --no-ack --raw"), "m2\nm3\n");
    let info = json(&server, "consumer info S C --json");
    assert_eq!(
        (&info["ack_floor"]["stream_seq"], &info["num_ack_pending"]),
        (&1.into(), &2.into())
    );
    assert!(done(&server, "consumer ls S").contains("pull"));
    assert_eq!(done(&server, "consumer ls S --names"), "C\n");
    refused(&server, "consumer next S C --wait 10ms", "no answer within 10ms");
    assert!(done(&server, "consumer pause S C 1h").starts_with("Paused C until "));
    assert!(done(&server, "consumer info S C").contains("Paused for:               59m"));
    assert_eq!(done(&server, "consumer resume S C"), "C goes on\n");
    assert_eq!(done(&server, "consumer rm S C -f"), "Deleted C\n");
    refused(&server, "consumer info S C", "consumer not found (10014)");
    refused(&server, "consumer info S", "name a stream and a consumer");
}

#[test]
fn buckets_hold_values() {
    let folder = Folder::new("jetstream");
    let server = keeping(&folder);
    assert_eq!(done(&server, "kv add B --history 3"), "Made the bucket B\n");
    assert_eq!(
        done(&server, "kv put B limits.eu 5"),
        "limits.eu is at revision 1\n"
    );
    assert_eq!(
        done(&server, "kv put B limits.eu 6 --revision 1"),
        "limits.eu is at revision 2\n"
    );
    refused(
        &server,
        "kv put B limits.eu 7 --revision 1",
        "wrong last sequence: 2 (10071)",
    );
    refused(
        &server,
        "kv put B limits.eu 7 --create",
        "wrong last sequence: 2 (10071)",
    );
    let (is_done, said) = run(&server, "kv put B theme", &["dark and quiet"]);
    assert!(is_done, "{said}");
    assert_eq!(done(&server, "kv get B theme --raw"), "dark and quiet\n");
    assert!(done(&server, "kv get B limits.eu").starts_with("limits.eu is at revision 2 since "));
    assert_eq!(done(&server, "kv ls B"), "limits.eu\ntheme\n");
    assert!(done(&server, "kv ls").contains("B"));
    assert_eq!(
        done(&server, "kv history B limits.eu"),
        "[1] limits.eu = 5\n[2] limits.eu = 6\n"
    );
    assert_eq!(
        done(&server, "kv watch B -c 2"),
        "[2] limits.eu = 6\n[3] theme = dark and quiet\n"
    );
    assert_eq!(done(&server, "kv rm B limits.eu -f"), "Deleted limits.eu\n");
    assert_eq!(done(&server, "kv ls B"), "theme\n");
    refused(
        &server,
        "kv get B limits.eu",
        "limits.eu was deleted at revision 4",
    );
    assert_eq!(done(&server, "kv watch B limits.* -c 1"), "[4] limits.eu DEL\n");
    assert_eq!(
        done(&server, "kv rm B limits.eu --purge -f"),
        "Deleted limits.eu\n"
    );
    assert_eq!(done(&server, "kv history B limits.eu"), "[5] limits.eu PURGE\n");
    refused(&server, "kv get B nothing", "no message found (10037)");
    assert_eq!(done(&server, "kv del B -f"), "Deleted B\n");
    refused(&server, "kv ls B", "stream not found (10059)");
}

#[test]
fn stores_hold_objects() {
    let folder = Folder::new("jetstream");
    let server = keeping(&folder);
    let files = Folder::new("objects");
    std::fs::create_dir(files.path()).unwrap();
    let file = files.path().join("report.txt");
    // Of several pieces.
    let content: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
    std::fs::write(&file, &content).unwrap();
    let (file, copy) = (file.to_str().unwrap(), files.path().join("copy"));
    let copy = copy.to_str().unwrap();

    assert_eq!(
        done(&server, "object add STORE --storage memory"),
        "Made the store STORE\n"
    );
    assert_eq!(
        done(&server, &format!("object put STORE {file}")),
        "Put report.txt, 300000 bytes\n"
    );
    let get = format!("object get STORE report.txt -O {copy}");
    assert!(done(&server, &get).starts_with("Wrote 300000 bytes to "));
    assert_eq!(std::fs::read(copy).unwrap(), content);
    refused(&server, &get, "cannot write");
    // What replaces it leaves nothing of it.
    std::fs::write(file, "short").unwrap();
    assert_eq!(
        done(&server, &format!("object put STORE {file}")),
        "Put report.txt, 5 bytes\n"
    );
    assert!(done(&server, &format!("{get} -f")).starts_with("Wrote 5 bytes to "));
    assert_eq!(std::fs::read(copy).unwrap(), b"short");
    assert_eq!(
        json(&server, "stream info OBJ_STORE --json")["state"]["messages"],
        2
    );
    assert_eq!(done(&server, "object get STORE report.txt -O -"), "short");
    assert!(done(&server, "object ls STORE").contains("report.txt"));
    assert!(done(&server, "object ls").contains("STORE"));
    assert!(done(&server, "object watch STORE -c 1").contains("report.txt (5 B)"));
    assert_eq!(
        done(&server, "object rm STORE report.txt -f"),
        "Deleted report.txt\n"
    );
    refused(&server, &get, "there is no object \"report.txt\" in STORE");
    assert!(!done(&server, "object ls STORE").contains("report.txt"));
    assert_eq!(done(&server, "object del STORE -f"), "Deleted STORE\n");
    refused(&server, "object ls STORE", "stream not found (10059)");
}
