//! What a file says of streams.

use super::settings::{sets, sets_with};
use super::{judge, obstacles, read};
use crate::{
    BatchLimits, Cipher, Encryption, GLOBAL_ACCOUNT, JetStream, StreamLimits, StreamOwners, SyncInterval,
};
use std::time::Duration;
use vagus_jetstream::account::{AccountLimits, Tiers};

#[test]
fn streams_are_kept_if_wanted() {
    for text in [
        "jetstream: true",
        "jetstream: enabled",
        "jetstream: Enable",
        "JetStream {}",
        "jetstream { enabled: true }",
    ] {
        sets(text, |config| config.jetstream = Some(JetStream::default()));
    }
    for text in [
        "jetstream: off",
        "jetstream: disabled",
        "jetstream { enabled: false, domain: hub }",
    ] {
        sets(text, |_| {});
    }
}

/// Sets what `change` does of the streams that a server keeps.
#[track_caller]
fn keeps(text: &str, change: impl FnOnce(&mut JetStream)) {
    sets(&format!("jetstream {{ {text} }}"), |config| {
        let mut jetstream = JetStream::default();
        change(&mut jetstream);
        config.jetstream = Some(jetstream);
    });
}

#[test]
fn how_much_of_them_and_where() {
    for key in ["store", "store_dir", "StoreDir"] {
        sets(&format!("jetstream {{ {key}: /s }}"), |config| {
            config.store_dir = Some("/s".into());
            config.jetstream = Some(JetStream::default());
        });
    }
    for (value, bytes) in [
        ("1GB", Some(1 << 30)),
        ("2K", Some(2000)),
        ("\"2K\"", Some(2048)),
        ("\"3T\"", Some(3 << 40)),
        ("\"\"", Some(0)),
        ("0", Some(0)),
        ("-1", None),
    ] {
        for key in ["max_mem", "max_mem_store", "max_memory_store"] {
            keeps(&format!("{key}: {value}"), |jetstream| {
                jetstream.max_memory = bytes
            });
        }
        for key in ["max_file", "max_file_store"] {
            keeps(&format!("{key}: {value}"), |jetstream| jetstream.max_file = bytes);
        }
    }
}

/// What nats-server counts, and is bounded otherwise here.
#[test]
fn what_waits_is_not_counted() {
    let publishers = "publishers wait while 8 MiB do for a stream, and none are refused";
    let keeps = |text: &str, (key, why): (&str, &str), change: &dyn Fn(&mut JetStream)| {
        let note = format!("a.conf:1:12: {key} changes nothing: {why}");
        sets_with(&format!("jetstream {{ {text} }}"), &[&note], |config| {
            let mut jetstream = JetStream::default();
            change(&mut jetstream);
            config.jetstream = Some(jetstream);
        });
    };
    keeps(
        "max_buffered_size: \"1K\"",
        ("max_buffered_size", publishers),
        &|jetstream| jetstream.inbox.bytes = 1024,
    );
    keeps(
        "max_buffered_msgs: 7",
        ("max_buffered_msgs", publishers),
        &|jetstream| jetstream.inbox.messages = 7,
    );
}

#[test]
fn what_else_there_is_to_say() {
    keeps("request_queue_limit: 5", |jetstream| {
        jetstream.request_queue_limit = 5;
        jetstream.info_queue_limit = 5;
    });
    keeps("info_queue_limit: 3", |jetstream| jetstream.info_queue_limit = 3);
    keeps("domain: hub", |jetstream| jetstream.domain = "hub".to_owned());
    keeps("strict: false", |jetstream| jetstream.strict = false);
    keeps("unique_tag: ' AZ: '", |jetstream| {
        jetstream.unique_tag = "az:".to_owned()
    });
    keeps("sync: always", |jetstream| {
        jetstream.sync_interval = SyncInterval::Always
    });
    keeps(
        "limits { max_ack_pending: 1, max_request_batch: 3, default_max_consumers: 1000, duplicate_window: 4s,
         batch { max_inflight_per_stream: 5, max_inflight_total: 6, max_msgs: 7, timeout: 8s } }",
        |jetstream| {
            jetstream.limits = StreamLimits {
                max_ack_pending: Some(1),
                max_request_batch: Some(3),
                default_max_consumers: Some(1000),
                duplicate_window: Some(Duration::from_secs(4)),
                batch: BatchLimits {
                    max_inflight_per_stream: Some(5),
                    max_inflight_total: Some(6),
                    max_messages: Some(7),
                    timeout: Some(Duration::from_secs(8)),
                },
                ..StreamLimits::default()
            };
        },
    );
    keeps("limits { max_ack_pending: -1, duplicate_window: '0s' }", |_| {});
}

#[test]
fn encryption() {
    for (text, cipher, previous_key) in [
        ("key: s3cret", Cipher::ChaCha, None),
        ("ek: s3cret, cipher: AES", Cipher::Aes, None),
        (
            "cipher: chachapoly, encryption_key: s3cret, prev_ek: old",
            Cipher::ChaCha,
            Some("old".to_owned()),
        ),
        (
            "key: s3cret, prev_key: old",
            Cipher::ChaCha,
            Some("old".to_owned()),
        ),
    ] {
        keeps(text, |jetstream| {
            jetstream.encryption = Some(Encryption {
                cipher,
                key: "s3cret".to_owned(),
                previous_key,
            });
        });
    }
    keeps("cipher: aes, key: '', prev_key: old", |_| {});
    let shown = format!("{:?}", read("jetstream { key: s3cret }").unwrap().config);
    assert!(!shown.contains("s3cret"), "{shown}");
}

/// It is said, and has no effect.
#[test]
fn what_changes_nothing_is_mentioned() {
    let alone = "streams are on one server each";
    for (text, why) in [
        ("sync_interval: 10s", "what is acknowledged is on disk"),
        ("max_outstanding_catchup: 5M", alone),
        ("meta_compact: 5", alone),
        ("meta_compact_size: 5M", alone),
        ("meta_compact_sync: true", alone),
        ("max_concurrent_io: 8", "one thread writes, and a few read"),
        ("extension_hint: No_Extend", "no other server is extended"),
    ] {
        let key = text.split(':').next().unwrap();
        let note = format!("a.conf:1:12: {key} changes nothing: {why}");
        sets_with(&format!("jetstream {{ {text} }}"), &[&note], |config| {
            let mut jetstream = JetStream::default();
            if key == "sync_interval" {
                jetstream.sync_interval = SyncInterval::Every(Duration::from_secs(10));
            }
            config.jetstream = Some(jetstream);
        });
    }
}

#[test]
fn what_cannot_be() {
    for (text, complaint) in [
        (
            "jetstream: perhaps",
            r#"a.conf:1:0: Expected 'enabled' or 'disabled' for string value, got "perhaps""#,
        ),
        (
            "jetstream: 5",
            "a.conf:1:0: Expected map, bool or string to define JetStream, got a whole number",
        ),
        ("jetstream { cats: 5 }", r#"a.conf:1:12: unknown field "cats""#),
        (
            "jetstream { tpm { keys_file: k } }",
            r#"a.conf:1:12: "tpm" is not in this version of vagus yet"#,
        ),
        (
            "store_dir: /a, jetstream { store: /b }",
            "a.conf:1:27: Duplicate 'store_dir' configuration",
        ),
        (
            "jetstream { store: /b }, storedir: /a",
            "a.conf:1:25: Duplicate 'store_dir' configuration",
        ),
        (
            "jetstream { max_mem: lots }",
            "a.conf:1:12: max_mem as text must be a number that ends in K, M, G, T",
        ),
        (
            "jetstream { max_file: \"9999999T\" }",
            "a.conf:1:12: max_file as text must be a number that ends in K, M, G, T",
        ),
        (
            "jetstream { cipher: rot13 }",
            r#"a.conf:1:12: Unknown cipher type: "rot13""#,
        ),
        (
            "jetstream { meta_compact: -1 }",
            r#"a.conf:1:12: Expected an absolute size for "meta_compact""#,
        ),
        (
            "jetstream { max_concurrent_io: 3 }",
            r#"a.conf:1:12: Expected an absolute size for "max_concurrent_io" between 4 and 8192, got 3"#,
        ),
        (
            "jetstream { limits { batch { cats: 5 } } }",
            r#"a.conf:1:29: unknown field "cats""#,
        ),
        (
            "jetstream { limits: 5 }",
            "a.conf:1:12: limits must be a map, not a whole number",
        ),
    ] {
        assert_eq!(read(text).unwrap_err().to_string(), complaint, "{text}");
    }
}

/// A check of the file passes over them, as that of nats-server does.
#[test]
fn what_keeps_a_server_from_starting() {
    for (text, obstacle) in [
        ("domain: a.b", "invalid domain name: may not contain ., * or >"),
        (
            "extension_hint: perhaps",
            r#"expected 'no_extend' or 'will_extend' for string value, got "perhaps""#,
        ),
    ] {
        let text = format!("jetstream {{ {text} }}");
        assert_eq!(judge(&text), "valid");
        let told = obstacles(&read(&text).unwrap());
        assert_eq!(told, format!("a.conf at 1:12: {obstacle}"));
    }
}

/// What the account `A`, or the global one, may keep.
fn streams_of(name: &str, text: &str) -> Option<Tiers> {
    let config = read(text).unwrap().config;
    let definition = config.accounts.definitions.get(name).cloned();
    StreamOwners::of(&config).tiers(name, definition.as_deref())
}

#[test]
fn what_accounts_may_keep() {
    let everything = Tiers::flat(AccountLimits::default());
    for (text, limits) in [
        ("jetstream: enabled", Some(everything.clone())),
        ("jetstream: on", Some(everything.clone())),
        ("jetstream {}", Some(everything.clone())),
        ("jetstream: disabled", None),
        ("users: []", None),
        (
            "jetstream { max_mem: 1, max_disk: 2, streams: 3, consumers: 4, max_ack_pending: 5,
             mem_max_stream_bytes: 6, store_max_stream_bytes: 7, max_bytes: true, cluster_traffic: owner }",
            Some(Tiers::flat(AccountLimits {
                max_memory: 1,
                max_storage: 2,
                max_streams: 3,
                max_consumers: 4,
                max_ack_pending: 5,
                memory_max_stream_bytes: 6,
                storage_max_stream_bytes: 7,
                max_bytes_required: true,
            })),
        ),
    ] {
        let text = format!("accounts {{ A {{ {text} }} }}");
        assert_eq!(streams_of("A", &text), limits, "{text}");
        assert_eq!(streams_of(GLOBAL_ACCOUNT, &text), None);
    }
    for text in ["", "accounts { S {} }, system_account: S", "mappings { a: b }"] {
        assert_eq!(
            streams_of(GLOBAL_ACCOUNT, text),
            Some(everything.clone()),
            "{text}"
        );
    }
}
