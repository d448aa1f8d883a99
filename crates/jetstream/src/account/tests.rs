use super::{Account, AccountLimits, Creation, Reserved, Room, ServerRoom, Tiers};
use crate::api::{AccountAnswer, InfoAnswer, StreamInfo, answer};
use crate::config::{ServerLimits, StreamConfig, StreamConfigRequest};
use crate::error::ApiError;

mod refusals;

const ROOM: ServerRoom = ServerRoom {
    max_memory: 1 << 30,
    max_storage: 1 << 30,
    reserved: Reserved {
        memory: 0,
        storage: 0,
    },
};

fn account() -> Account {
    Account::new(Tiers::flat(AccountLimits::default()), 0)
}

fn create(account: &mut Account, name: &str, body: &str) -> Result<Creation, ApiError> {
    let request = StreamConfigRequest::from_json(body.as_bytes(), true)?;
    account.create(name, request, &ServerLimits::default(), &ROOM)
}

fn update(account: &mut Account, name: &str, body: &str) -> Result<StreamConfig, ApiError> {
    let request = StreamConfigRequest::from_json(body.as_bytes(), true)?;
    let config = account.update(name, &request, &ServerLimits::default(), &ROOM)?;
    account.updated(config.clone());
    Ok(config)
}

/// The error in short, or nothing.
fn said<T>(outcome: Result<T, ApiError>) -> String {
    match outcome {
        Ok(_) => String::new(),
        Err(error) => format!("{} {} {}", error.code, error.err_code, error.description),
    }
}

#[test]
fn names_and_texts_are_bounded() {
    let body = |name: &str, more: &str| format!(r#"{{"name":"{name}"{more}}}"#);
    let fits = "S".repeat(255);
    assert_eq!(said(create(&mut account(), &fits, &body(&fits, ""))), "");
    let long = "S".repeat(256);
    assert_eq!(
        said(create(&mut account(), &long, &body(&long, ""))),
        "500 10052 stream name is too long, maximum allowed is 255"
    );
    let text = format!(r#","description":"{}""#, "d".repeat(4097));
    assert_eq!(
        said(create(&mut account(), "S", &body("S", &text))),
        "500 10052 stream description is too long, maximum allowed is 4096"
    );
    let text = format!(r#","metadata":{{"k":"{}"}}"#, "v".repeat(200_000));
    assert_eq!(
        said(create(&mut account(), "S", &body("S", &text))),
        "500 10052 stream metadata exceeds maximum size of 131072 bytes"
    );
}

#[test]
fn to_create_again_is_nothing_unless_it_differs() {
    let mut account = account();
    let body = r#"{"name":"S","subjects":["s.>"]}"#;
    assert_eq!(create(&mut account, "S", body), Ok(Creation::New(1)));
    assert_eq!(create(&mut account, "S", body), Ok(Creation::Existing(1)));
    assert_eq!(
        said(create(
            &mut account,
            "S",
            r#"{"name":"S","subjects":["s.>"],"max_msgs":5}"#
        )),
        "400 10058 stream name already in use with a different configuration"
    );
}

/// Invariant 7.
#[test]
fn delete_and_create_under_one_name_is_never_an_update() {
    let mut account = account();
    let created = create(&mut account, "S", r#"{"name":"S","deny_delete":true}"#);
    assert_eq!(created, Ok(Creation::New(1)));
    assert_eq!(account.delete("S").unwrap().incarnation, 1);
    assert_eq!(said(account.delete("S")), "404 10059 stream not found");
    // An update could not change its storage, nor allow deletes again.
    let created = create(&mut account, "S", r#"{"name":"S","storage":"memory"}"#);
    assert_eq!(created, Ok(Creation::New(2)));
    assert_eq!(account.stream("S").unwrap().incarnation, 2);
}

#[test]
fn streams_share_no_subjects() {
    let mut account = account();
    create(&mut account, "A", r#"{"name":"A","subjects":["x.*"]}"#).unwrap();
    let overlap = "400 10065 subjects overlap with an existing stream";
    for (subject, expect) in [
        ("x.y", overlap),
        ("x.>", overlap),
        (
            "*.y",
            "500 10052 subjects that overlap with jetstream api require no-ack to be true",
        ),
        ("x.y.z", ""),
        ("x", ""),
    ] {
        let body = format!(r#"{{"name":"B","subjects":["{subject}"]}}"#);
        assert_eq!(said(create(&mut account, "B", &body)), expect, "{subject}");
        let _ = account.delete("B");
    }
}

/// Looking for overlaps costs no more than it may.
#[test]
fn many_subjects_are_compared_only_so_often() {
    let request = |pattern: &str, many: usize| {
        let subjects: Vec<String> = (0..many).map(|at| format!("\"{pattern}.{at}\"")).collect();
        format!(r#"{{"name":"S","subjects":[{}]}}"#, subjects.join(","))
    };
    let mut account = account();
    create(&mut account, "S", &request("a", 20_000)).unwrap();
    let again = request("a", 20_000).replace("\"a.19999\"", "\"a.7\"");
    assert_eq!(
        said(create(
            &mut Account::new(Tiers::flat(AccountLimits::default()), 0),
            "S",
            &again
        )),
        "500 10052 subject \"a.7\" overlaps with \"a.7\""
    );
    account.delete("S").unwrap();
    assert_eq!(
        said(create(&mut account, "S", &request("a.*", 20_000))),
        "500 10052 too many subjects"
    );
    create(&mut account, "S", &request("a.*", 100)).unwrap();
    assert_eq!(
        said(create(
            &mut account,
            "T",
            r#"{"name":"T","subjects":["b","a.x.7"]}"#
        )),
        "400 10065 subjects overlap with an existing stream"
    );
}

#[test]
fn what_a_stream_may_become() {
    for (change, expect) in [
        ("\"description\":\"new\"", ""),
        ("\"subjects\":[]", ""),
        ("\"num_replicas\":3", ""),
        ("\"sources\":[{\"name\":\"O\"}]", ""),
        (
            "\"retention\":\"workqueue\"",
            "500 10052 stream configuration update can not change retention policy to/from workqueue",
        ),
        ("\"retention\":\"interest\"", ""),
        (
            "\"storage\":\"memory\"",
            "500 10052 stream configuration update can not change storage type",
        ),
        (
            "\"max_age\":1000000000,\"duplicate_window\":5000000000",
            "500 10052 duplicates window can not be larger then max age",
        ),
        (
            "\"subjects\":[],\"mirror\":{\"name\":\"O\"}",
            "400 10055 stream mirror configuration can not be updated",
        ),
        (
            "\"allow_msg_counter\":true",
            "500 10052 stream configuration update can not change message counter setting",
        ),
        (
            "\"allow_msg_counter\":true,\"subject_delete_marker_ttl\":1000000000",
            "500 10052 counter stream cannot use message TTLs",
        ),
        ("\"republish\":{\"src\":\"u.>\",\"dest\":\"\"}", ""),
        (
            "\"name\":\"OTHER\"",
            "400 10056 stream name in subject does not match request",
        ),
        (
            "\"subjects\":[\"o.x\"]",
            "400 10065 subjects overlap with an existing stream",
        ),
        (
            "\"persist_mode\":\"async\"",
            "500 10052 stream configuration update can not change persist mode",
        ),
        (
            "\"colour\":1",
            "400 10025 invalid JSON: json: unknown field \"colour\"",
        ),
    ] {
        let mut account = account();
        create(&mut account, "O", r#"{"name":"O","subjects":["o.>"]}"#).unwrap();
        create(&mut account, "U", r#"{"name":"U","subjects":["u.>"]}"#).unwrap();
        let body = format!(r#"{{"name":"U","subjects":["u.>"],{change}}}"#);
        assert_eq!(said(update(&mut account, "U", &body)), expect, "{change}");
    }
    let missing = update(&mut account(), "NONE", r#"{"name":"NONE"}"#);
    assert_eq!(said(missing), "404 10059 stream not found");
}

#[test]
fn some_things_are_for_good() {
    for (option, expect) in [
        (
            "deny_delete",
            "500 10052 stream configuration update can not cancel deny message deletes",
        ),
        (
            "deny_purge",
            "500 10052 stream configuration update can not cancel deny purge",
        ),
        (
            "allow_msg_ttl",
            "500 10052 message TTL status can not be disabled",
        ),
        (
            "allow_msg_schedules",
            "500 10052 message schedules can not be disabled",
        ),
        ("allow_direct", ""),
        (
            "sealed",
            "500 10052 stream configuration update can not unseal a sealed stream",
        ),
    ] {
        let mut account = account();
        create(&mut account, "U", r#"{"name":"U"}"#).unwrap();
        let config = update(&mut account, "U", &format!(r#"{{"name":"U","{option}":true}}"#)).unwrap();
        if option == "sealed" {
            assert!(config.deny_delete && config.deny_purge && !config.allow_rollup);
        }
        assert_eq!(
            said(update(&mut account, "U", r#"{"name":"U"}"#)),
            expect,
            "{option}"
        );
    }
}

#[test]
fn pedantic_requests_are_not_changed_silently() {
    for (settings, expect) in [
        (
            "\"max_msgs\":-2",
            "400 10157 pedantic mode: max_msgs must be set to -1",
        ),
        (
            "\"max_age\":1000000000",
            "400 10157 pedantic mode: duplicate window cannot be bigger than max age",
        ),
        (
            "\"subject_delete_marker_ttl\":1000000000",
            "500 10052 subject delete marker cannot be set if message TTLs are disabled",
        ),
        (
            "\"republish\":{\"dest\":\"re.>\"}",
            "400 10157 pedantic mode: republish source can not be empty",
        ),
        ("\"max_msgs\":0", ""),
    ] {
        let body = |mode: &str| format!(r#"{{"name":"S","subjects":["s.>"],{settings}{mode}}}"#);
        assert_eq!(
            said(create(&mut account(), "S", &body(",\"pedantic\":true"))),
            expect
        );
        assert_eq!(said(create(&mut account(), "S", &body(""))), "", "{settings}");
    }
}

#[test]
fn accounts_have_limits() {
    let limits = AccountLimits {
        max_memory: 1 << 20,
        max_storage: 1 << 20,
        max_streams: 2,
        max_bytes_required: true,
        ..AccountLimits::default()
    };
    let mut account = Account::new(Tiers::flat(limits), 0);
    let body =
        |name: &str, bytes: i64| format!(r#"{{"name":"{name}","storage":"memory","max_bytes":{bytes}}}"#);
    assert_eq!(
        said(create(&mut account, "S1", r#"{"name":"S1"}"#)),
        "400 10113 account requires a stream config to have max bytes set"
    );
    create(&mut account, "S1", &body("S1", 1000)).unwrap();
    assert_eq!(
        said(create(&mut account, "S2", &body("S2", 10_000_000))),
        "500 10028 insufficient memory resources available"
    );
    create(&mut account, "S2", r#"{"name":"S2","max_bytes":1000}"#).unwrap();
    assert_eq!(
        said(create(&mut account, "S3", &body("S3", 1000))),
        "400 10027 maximum number of streams reached"
    );
    account.set_consumers("S1", 2);
    account.use_bytes("S1", 63);
    account.count_request(true);
    let info = answer(Ok(AccountAnswer {
        info: Some(account.info("")),
    }));
    assert_eq!(
        String::from_utf8(info).unwrap(),
        concat!(
            r#"{"type":"io.nats.jetstream.api.v1.account_info_response","memory":63,"storage":0,"#,
            r#""reserved_memory":1000,"reserved_storage":1000,"streams":2,"consumers":2,"#,
            r#""limits":{"max_memory":1048576,"max_storage":1048576,"max_streams":2,"max_consumers":-1,"#,
            r#""max_ack_pending":-1,"memory_max_stream_bytes":-1,"storage_max_stream_bytes":-1,"#,
            r#""max_bytes_required":true},"api":{"level":4,"total":1,"errors":1}}"#
        )
    );
    assert_eq!(account.room("S1", false).bytes, Some((1 << 20) - 63));
}

#[test]
fn tiers_are_counted_apart() {
    let limits = AccountLimits {
        max_memory: 100,
        max_streams: 1,
        ..AccountLimits::default()
    };
    let tiers = Tiers([("R1".to_owned(), limits)].into());
    let mut account = Account::new(tiers, 0);
    let body = r#"{"name":"S","storage":"memory"}"#;
    create(&mut account, "S", body).unwrap();
    account.use_bytes("S", 40);
    let room = account.room("S", false);
    assert_eq!(room.bytes, Some(60));
    assert_eq!(
        said(create(&mut account, "T", r#"{"name":"T","num_replicas":3}"#)),
        "400 10120 no JetStream default or applicable tiered limit present"
    );
    let info = serde_json::to_value(account.info("hub")).unwrap();
    assert_eq!(info["tiers"]["R1"]["memory"], 40);
    assert_eq!(info["tiers"]["R1"]["limits"]["max_memory"], 100);
    assert_eq!(info["limits"]["max_memory"], 0);
    assert_eq!(
        (info["memory"].as_i64(), info["domain"].as_str()),
        (Some(40), Some("hub"))
    );
    assert_eq!(account.room("NONE", true), Room::default());
}

#[test]
fn a_stream_is_shown_as_clients_expect_it() {
    let mut account = account();
    create(
        &mut account,
        "S",
        r#"{"name":"S","subjects":["s.>"],"storage":"memory"}"#,
    )
    .unwrap();
    let info = StreamInfo {
        config: account.stream("S").unwrap().config.shown("2.14.5"),
        ..StreamInfo::default()
    };
    let shown = answer(Ok(InfoAnswer {
        info: Some(info),
        ..InfoAnswer::default()
    }));
    assert_eq!(
        String::from_utf8(shown).unwrap(),
        concat!(
            r#"{"type":"io.nats.jetstream.api.v1.stream_info_response","total":0,"offset":0,"limit":0,"#,
            r#""config":{"name":"S","subjects":["s.\u003e"],"retention":"limits","max_consumers":-1,"#,
            r#""max_msgs":-1,"max_bytes":-1,"max_age":0,"max_msgs_per_subject":-1,"max_msg_size":-1,"#,
            r#""discard":"old","storage":"memory","num_replicas":1,"duplicate_window":120000000000,"#,
            r#""compression":"none","allow_direct":false,"mirror_direct":false,"sealed":false,"#,
            r#""deny_delete":false,"deny_purge":false,"allow_rollup_hdrs":false,"consumer_limits":{},"#,
            r#""allow_msg_ttl":false,"metadata":{"_nats.level":"4","_nats.req.level":"0","_nats.ver":"2.14.5"}},"#,
            r#""created":"1970-01-01T00:00:00Z","state":{"messages":0,"bytes":0,"first_seq":0,"#,
            r#""first_ts":"0001-01-01T00:00:00Z","last_seq":0,"last_ts":"0001-01-01T00:00:00Z","#,
            r#""consumer_count":0},"ts":"1970-01-01T00:00:00Z"}"#
        )
    );
}
