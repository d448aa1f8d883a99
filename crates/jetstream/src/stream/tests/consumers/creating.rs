//! Which consumers are made, and what they are: as nats-server answers.

use super::desk;
use super::recorded::CREATED;
use serde_json::Value;

/// Without what is empty, and what is different each time.
fn without_nothing(value: Value) -> Option<Value> {
    match value {
        Value::Object(fields) => {
            let is_same_each_time = |name: &String| {
                !matches!(
                    &**name,
                    "created"
                        | "ts"
                        | "stream_name"
                        | "metadata"
                        | "opt_start_time"
                        | "pause_until"
                        | "pause_remaining"
                )
            };
            let kept: serde_json::Map<_, _> = fields
                .into_iter()
                .filter(|(name, _)| is_same_each_time(name))
                .filter_map(|(name, value)| Some((name, without_nothing(value)?)))
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(items) => {
            let kept: Vec<Value> = items.into_iter().filter_map(without_nothing).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        Value::Number(number) if number.as_i64() == Some(0) => None,
        Value::String(text) if text == "0001-01-01T00:00:00Z" => None,
        other => Some(other),
    }
}

#[test]
fn are_what_nats_server_makes_of_them() {
    for (subject, body, expect) in CREATED {
        let mut desk = desk("");
        desk.publish(&["p.1", "p.2", "p.3"]);
        desk.deaf.insert("to.me".to_owned());
        // The recorded stream has another name and other subjects.
        let (subject, body) = (
            subject.replacen(".S", ".P", 1).replace(".s.", ".p."),
            body.replace("\"S\"", "\"P\"").replace("\"s.", "\"p."),
        );
        let said = match desk.ask_for(&subject, &body) {
            Err(error) => format!("{} {} {}", error.code, error.err_code, error.description),
            Ok(info) => {
                let mut value = serde_json::to_value(info).unwrap();
                value.as_object_mut().unwrap().remove("name");
                let value = without_nothing(value).unwrap();
                let expected: Value = serde_json::from_str(&expect.replace("\"s.", "\"p.")).unwrap();
                assert_eq!(value, expected, "{subject} {body}");
                continue;
            }
        };
        assert_eq!(said, *expect, "{subject} {body}");
    }
}

#[test]
fn texts_may_be_only_so_long() {
    let mut desk = desk("");
    for (config, expect) in [
        (
            format!(r#""durable_name":"C","description":"{}""#, "d".repeat(4097)),
            "consumer description is too long, maximum allowed is 4096 (10107)",
        ),
        (
            format!(
                r#""durable_name":"C","metadata":{{"k":"{}"}}"#,
                "v".repeat(128 * 1024)
            ),
            "consumer metadata exceeds maximum size of 128KB (10135)",
        ),
    ] {
        let body = format!(r#"{{"stream_name":"P","config":{{{config}}}}}"#);
        let refused = desk.ask_for("DURABLE.CREATE.P.C", &body).unwrap_err();
        assert_eq!(refused.to_string(), expect);
    }
    let name = "C".repeat(256);
    let body = format!(r#"{{"stream_name":"P","config":{{"durable_name":"{name}"}}}}"#);
    let refused = desk
        .ask_for(&format!("DURABLE.CREATE.P.{name}"), &body)
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "consumer name is too long, maximum allowed is 255 (10102)"
    );
}

#[test]
fn what_a_consumer_may_become() {
    for (change, expect) in [
        (r#""description":"new""#, ""),
        (r#""filter_subjects":["p.1","p.2"]"#, ""),
        (r#""backoff":[1000000000],"max_deliver":4"#, ""),
        (r#""max_waiting":9"#, "max waiting can not be updated"),
        (r#""mem_storage":true"#, "storage type can not be updated"),
        (r#""ack_policy":"all""#, "ack policy can not be updated"),
        (r#""deliver_policy":"new""#, "deliver policy can not be updated"),
        (
            r#""replay_policy":"original""#,
            "replay policy can not be updated",
        ),
        (
            r#""deliver_subject":"to.me""#,
            "can not update pull consumer to push based",
        ),
        (
            r#""deliver_policy":"by_start_sequence","opt_start_seq":2"#,
            "deliver policy can not be updated",
        ),
    ] {
        let mut desk = desk("");
        desk.consumer("");
        let policy = match change.contains("ack_policy") {
            true => "",
            false => r#""ack_policy":"explicit","#,
        };
        let body = format!(
            r#"{{"stream_name":"P","action":"update","config":{{"durable_name":"C",{policy}{change}}}}}"#
        );
        let said = match desk.ask_for("CREATE.P.C", &body) {
            Ok(_) => String::new(),
            Err(error) => format!("{} {} {}", error.code, error.err_code, error.description),
        };
        let expect = match expect {
            "" => String::new(),
            why => format!("500 10012 {why}"),
        };
        assert_eq!(said, expect, "{change}");
    }
}

#[test]
fn consumers_of_a_work_queue_do_not_want_the_same() {
    let mut desk = desk(r#","retention":"workqueue""#);
    let mut said = |name: &str, settings: &str| {
        let body = format!(r#"{{"stream_name":"P","config":{{"durable_name":"{name}",{settings}}}}}"#);
        match desk.ask_for(&format!("DURABLE.CREATE.P.{name}"), &body) {
            Ok(_) => 0,
            Err(error) => error.err_code,
        }
    };
    let explicit = r#""ack_policy":"explicit""#;
    assert_eq!(said("A", r#""ack_policy":"none""#), 10084);
    assert_eq!(said("A", r#""ack_policy":"all""#), 10098);
    assert_eq!(said("A", &format!(r#"{explicit},"deliver_policy":"new""#)), 10101);
    for (name, filter, expect) in [
        ("A", "p.1", 0),
        ("B", "p.2", 0),
        ("C", "p.*", 10100),
        ("D", "p.1", 10100),
    ] {
        assert_eq!(
            said(name, &format!(r#"{explicit},"filter_subject":"{filter}""#)),
            expect
        );
    }
    assert_eq!(said("E", explicit), 10099);
}

#[test]
fn nobody_is_told_of_what_only_copies_use() {
    let mut desk = desk("");
    desk.consumer("");
    let of_a_copy = r#"{"stream_name":"P","config":{"name":"COPY","ack_policy":"none","direct":true,"deliver_subject":"copy"}}"#;
    desk.ask_for("CREATE.P.COPY", of_a_copy).unwrap();
    let stream = &desk.scene.stream;
    assert_eq!((stream.consumer_count(), stream.public_consumer_count()), (2, 1));
    assert_eq!(stream.consumer_names(0).shown, ["C"]);
    let shown = desk.at_work(|scene, around| scene.stream.consumer_infos(around, 0));
    assert_eq!(shown.unwrap().page.total, 1);
    desk.delete("COPY");
    assert_eq!(desk.scene.stream.public_consumer_count(), 1);
}
