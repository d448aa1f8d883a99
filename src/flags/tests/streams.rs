//! Whether streams are kept, and where.

use super::*;

#[test]
fn a_store_folder_without_jetstream_is_mentioned() {
    for line in ["-sd /data", "--store_dir=/data", "-js=false -sd /data"] {
        let launch = launch(line);
        let expected = Config {
            store_dir: Some("/data".into()),
            ..Config::default()
        };
        assert_eq!(launch.config, expected);
        assert_eq!(
            launch.warnings,
            ["No messages are stored in /data: JetStream is not enabled"]
        );
    }
}

#[test]
fn streams_are_kept_where_the_folder_is() {
    let launch = launch("-js -sd /data");
    let expected = Config {
        store_dir: Some("/data".into()),
        jetstream: Some(JetStream::default()),
        ..Config::default()
    };
    assert_eq!((launch.config, launch.warnings), (expected, Vec::new()));
}

#[test]
fn whether_streams_are_kept() {
    let hub = JetStream {
        domain: "hub".to_owned(),
        max_memory: Some(5),
        ..JetStream::default()
    };
    for (line, expected) in [
        ("-js -sd /data", Some(JetStream::default())),
        ("--jetstream --store_dir /data", Some(JetStream::default())),
        ("-c streams.conf", Some(hub.clone())),
        ("-c streams.conf -js", Some(hub)),
        ("-c streams.conf -js=false", None),
        ("-c streams_of_system.conf", None),
    ] {
        assert_eq!(launch(line).config.jetstream, expected, "{line}");
    }
}
