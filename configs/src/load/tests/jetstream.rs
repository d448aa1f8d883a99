use super::read;
use super::settings::sets;
use crate::JetStream;

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
        "jetstream { enabled: false }",
    ] {
        sets(text, |_| {});
    }
}

#[test]
fn how_much_of_them_and_where() {
    let text =
        "jetstream { store_dir: /s, max_mem: 1GB, max_file: 2MB, domain: hub, request_queue_limit: 5 }";
    sets(text, |config| {
        config.store_dir = Some("/s".into());
        config.jetstream = Some(JetStream {
            max_memory: Some(1 << 30),
            max_file: Some(2 << 20),
            domain: "hub".to_owned(),
            request_queue_limit: 5,
        });
    });
}

#[test]
fn what_cannot_be() {
    for (text, complaint) in [
        (
            "jetstream: perhaps",
            r#"a.conf:1:0: expected "enabled" or "disabled" for string value, got "perhaps""#,
        ),
        (
            "jetstream: 5",
            "a.conf:1:0: expected map, bool or string to define JetStream, got a whole number",
        ),
        ("jetstream { cats: 5 }", r#"a.conf:1:12: unknown field "cats""#),
    ] {
        assert_eq!(read(text).unwrap_err().to_string(), complaint, "{text}");
    }
}
