//! `/metrics` tells of streams, consumers and the log.

use crate::world::{Folder, ask_json, asker};
use serde_json::{Value, json};
use vagus_test_support::{Client, server};

#[track_caller]
fn done(client: &mut Client, subject: &str, request: &Value) {
    let answer = ask_json(client, subject, &request.to_string());
    assert!(answer["error"].is_null(), "{subject}: {answer}");
}

/// The number of the one sample that begins with this name and has these labels.
#[track_caller]
fn sample(text: &str, name: &str, labels: &[&str]) -> f64 {
    let is_it = |line: &&str| {
        let (of, _) = line.split_once(['{', ' ']).unwrap_or_default();
        of == name && labels.iter().all(|label| line.contains(label))
    };
    let found: Vec<&str> = text.lines().filter(is_it).collect();
    let [line] = found[..] else {
        panic!("{name} {labels:?}: {found:?}");
    };
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[test]
fn metrics_of_streams_and_of_the_log() {
    let folder = Folder::new("jetstream");
    let text = format!("store_dir: '{}', jetstream: enabled", folder.path().display());
    let server = server().configured(&text).monitoring().start();
    let mut client = asker(server.client());
    done(
        &mut client,
        "$JS.API.STREAM.CREATE.S",
        &json!({"name": "S", "subjects": ["s.*"]}),
    );
    for number in 1..=3 {
        done(&mut client, &format!("s.{number}"), &json!(number));
    }
    let consumer = json!({"stream_name": "S", "config": {"durable_name": "C", "ack_policy": "explicit"}});
    done(&mut client, "$JS.API.CONSUMER.DURABLE.CREATE.S.C", &consumer);
    client.send("PUB $JS.API.CONSUMER.MSG.NEXT.S.C inbox 0\r\n");
    client.message();

    let text = server.get("/metrics").body;
    for (name, labels, value) in [
        ("jetstream_server_total_streams", &[][..], 1.0),
        ("jetstream_server_total_messages", &[], 3.0),
        (
            "jetstream_stream_total_messages",
            &["account=\"$G\"", "stream_name=\"S\""],
            3.0,
        ),
        (
            "jetstream_stream_last_seq",
            &["stream_name=\"S\"", "is_stream_leader=\"true\""],
            3.0,
        ),
        ("jetstream_stream_subject_count", &[], 3.0),
        ("jetstream_consumer_num_pending", &["consumer_name=\"C\""], 2.0),
        (
            "jetstream_consumer_num_ack_pending",
            &["consumer_name=\"C\""],
            1.0,
        ),
        (
            "jetstream_consumer_delivered_stream_seq",
            &["stream_name=\"S\""],
            1.0,
        ),
        ("vagus_streams_shown", &[], 1.0),
        ("vagus_consumers_shown", &[], 1.0),
        ("vagus_streams_ailing", &[], 0.0),
        ("vagus_stream_log_failed", &[], 0.0),
    ] {
        assert_eq!(sample(&text, name, labels), value, "{name}");
    }
    for name in [
        "vagus_consumer_lag_seconds",
        "vagus_consumer_oldest_unacknowledged_seconds",
        "vagus_stream_log_files",
        "vagus_stream_log_entries_total",
        "vagus_stream_log_sync_seconds_sum",
        "vagus_stream_log_batch_entries_count",
    ] {
        assert!(sample(&text, name, &[]) > 0.0, "{name}");
    }
}

/// One who makes streams without end does not make the text endless.
#[test]
fn streams_are_shown_one_by_one_within_bounds() {
    let folder = Folder::new("jetstream");
    let text = format!("store_dir: '{}', jetstream: enabled", folder.path().display());
    let server = server().configured(&text).monitoring().start();
    let mut client = asker(server.client());
    for number in 0..300 {
        let config = json!({"name": format!("S{number}"), "storage": "memory"});
        done(&mut client, &format!("$JS.API.STREAM.CREATE.S{number}"), &config);
    }
    let text = server.get("/metrics").body;
    assert_eq!(sample(&text, "jetstream_server_total_streams", &[]), 300.0);
    assert_eq!(sample(&text, "vagus_streams_shown", &[]), 256.0);
    let shown = text
        .lines()
        .filter(|line| line.starts_with("jetstream_stream_total_bytes{"));
    assert_eq!(shown.count(), 256);
}
