//! What streams say to each other, and what becomes of it.

use super::{World, stream, world};
use crate::api::{DeleteMessageRequest, PurgeRequest};
use crate::error::ApiError;
use crate::stream::entry::decode;
use crate::time::SECOND;
use bytes::Bytes;

const ORIGIN: &str = r#""name":"O","subjects":["o.>"]"#;
const MIRROR: &str = r#""name":"M","mirror":{"name":"O"}"#;
const SOURCE: &str = r#""name":"A","subjects":["own"],"sources":[{"name":"O"}]"#;

/// Subjects and payloads of what was said, without what was drawn.
fn said(world: &mut World) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let said = std::mem::take(&mut world.said).into_iter();
    let said = said.map(|said| {
        let headers = text(&said.headers)
            .trim_start_matches("NATS/1.0")
            .trim()
            .replace("\r\n", "|");
        format!("{} [{headers}] {}", text(&said.subject), text(&said.payload))
    });
    said.collect()
}

#[test]
fn a_copy_asks_as_streams_of_nats_server_do() {
    let mut world = world(ORIGIN, MIRROR);
    world.pass(SECOND);
    let asked = said(&mut world).join("\n");
    let (before, rest) = asked.split_once(r#""deliver_subject":""#).unwrap();
    let (drawn, after) = rest.split_once('"').unwrap();
    assert!(drawn.starts_with("$JS.M.") && drawn.len() == 14, "{drawn}");
    assert_eq!(
        before,
        r#"$JS.API.CONSUMER.CREATE.O [Nats-Required-Api-Level: 4] {"stream_name":"O","config":{"name":"JS_MIRROR_AH1Lhb5K","deliver_policy":"all","ack_policy":"none","ack_wait":79200000000000,"max_deliver":1,"replay_policy":"instant","flow_control":true,"#
    );
    assert_eq!(
        after,
        r#","idle_heartbeat":1000000000,"inactive_threshold":10000000000,"num_replicas":0,"direct":true,"sourcing":true,"metadata":{"_nats.mirror.acc":"A","_nats.mirror.stream":"M"}}}"#
    );
}

#[test]
fn a_source_asks_for_what_it_is_configured_to() {
    for (source, subject, parts) in [
        (
            r#"{"name":"O","filter_subject":"o.a","opt_start_seq":5}"#,
            "$JS.API.CONSUMER.CREATE.O.JS_SRC_",
            &[
                r#""deliver_policy":"by_start_sequence","opt_start_seq":5"#,
                r#""filter_subject":"o.a""#,
                r#""_nats.src.stream":"A""#,
            ][..],
        ),
        (
            r#"{"name":"O","subject_transforms":[{"src":"o.*","dest":"in.$1"}]}"#,
            "$JS.API.CONSUMER.CREATE.O.JS_SRC_",
            &[r#""filter_subject":"o.*""#],
        ),
        (
            r#"{"name":"O","opt_start_time":"2026-01-01T00:00:00Z","subject_transforms":[{"src":"o.a","dest":"a"},{"src":"o.b","dest":"b"}]}"#,
            "$JS.API.CONSUMER.CREATE.O [",
            &[
                r#""filter_subjects":["o.a","o.b"]"#,
                r#""deliver_policy":"by_start_time","opt_start_time":"2026-01-01T00:00:00Z""#,
            ],
        ),
        (
            r#"{"name":"O","external":{"api":"$JS.hub.API","deliver":"from.hub"}}"#,
            "$JS.hub.API.CONSUMER.CREATE.O [",
            &[r#""deliver_subject":"from.hub.S."#],
        ),
        (
            r#"{"name":"O","consumer":{"name":"C","deliver_subject":"push.here"}}"#,
            "$JS.API.CONSUMER.RESET.O.C [Nats-Required-Api-Level: 4] ",
            &[],
        ),
    ] {
        let mut world = world(ORIGIN, &format!(r#""name":"A","sources":[{source}]"#));
        world.loses = Box::new(|| true);
        world.pass(SECOND);
        let asked = said(&mut world).join("\n");
        assert!(asked.starts_with(subject), "{asked}");
        for part in parts {
            assert!(asked.contains(part), "{part}: {asked}");
        }
    }
}

#[test]
fn a_copy_has_the_sequences_times_and_gaps_of_its_origin() {
    let mut world = world(ORIGIN, MIRROR);
    world.publish(&["o.a 1", "o.b 2 A: b|Nats-Expected-Last-Sequence: 1", "o.a 3"]);
    let first = world.now;
    world.pass(SECOND);
    assert_eq!(
        world.getter.messages(),
        ["1 o.a [] 1", "2 o.b [A: b] 2", "3 o.a [] 3"]
    );
    use crate::held::Messages;
    assert_eq!(world.getter.stream.held().time_of(1), Some(first));
    assert!(world.is_current);
    let request = DeleteMessageRequest {
        sequence: 4,
        no_erase: true,
    };
    world.loses = Box::new(|| true);
    world.publish(&["o.a 4", "o.a 5"]);
    world.origin.stream.request_delete(&request, 1).unwrap();
    world.loses = Box::new(|| false);
    // Nothing was heard of them: a sign of life says that something is missing.
    world.pass(5 * SECOND);
    assert_eq!(world.getter.messages()[3..], ["5 o.a [] 5"]);
    assert_eq!(
        world.getter.state().replace("180", ""),
        world.getter.state().replace("180", "")
    );
    assert_eq!(world.info().lag, 0);
}

#[test]
fn a_copy_begins_with_the_first_that_there_is() {
    let mut world = world(r#""name":"O","subjects":["o.>"],"first_seq":1000"#, MIRROR);
    world.publish(&["o.a 1"]);
    world.pass(SECOND);
    assert_eq!(world.getter.messages(), ["1000 o.a [] 1"]);
    assert!(
        world.getter.state().contains(" 1000-1000 "),
        "{}",
        world.getter.state()
    );
    let mut world = super::world(ORIGIN, r#""name":"M","mirror":{"name":"O","opt_start_seq":3}"#);
    world.publish(&["o.a 1", "o.a 2", "o.a 3"]);
    world.pass(SECOND);
    assert_eq!(world.getter.messages(), ["3 o.a [] 3"]);
    assert!(world.getter.state().contains(" 3-3 "), "{}", world.getter.state());
}

#[test]
fn sources_say_where_a_message_has_come_from() {
    let transforms = r#""subject_transforms":[{"src":"o.*","dest":"in.{{wildcard(1)}}"}]"#;
    let getter = format!(r#""name":"A","sources":[{{"name":"O",{transforms}}}]"#);
    let mut world = world(ORIGIN, &getter);
    world.publish(&[
        "o.a 1 Nats-Expected-Stream: O|B: c|Nats-Stream-Source: X 1 > > y",
        "o.a.b 2",
        "o.c 3",
    ]);
    world.pass(SECOND);
    assert_eq!(
        world.getter.messages(),
        [
            "1 in.a [B: c|Nats-Stream-Source: O 1 o.* in.{{wildcard(1)}} o.a] 1",
            "2 in.c [Nats-Stream-Source: O 3 o.* in.{{wildcard(1)}} o.c] 3",
        ]
    );
}

#[test]
fn who_begins_anew_goes_on_exactly_where_he_was() {
    for getter in [MIRROR, SOURCE] {
        let mut world = world(ORIGIN, getter);
        world.publish(&["o.a 1", "o.a 2"]);
        world.pass(SECOND);
        // Even where nothing of it is there any more.
        world
            .getter
            .stream
            .request_purge(&PurgeRequest::default(), 1)
            .unwrap();
        world.restart_getter();
        said(&mut world);
        world.publish(&["o.a 3"]);
        world.pass(SECOND);
        let asked = said(&mut world).join("\n");
        assert!(asked.contains(r#""opt_start_seq":3"#), "{asked}");
        let messages = world.getter.messages();
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(messages[0].starts_with("3 o.a ") && messages[0].ends_with(" 3"));
        // The log alone comes to the same.
        let mut again = stream(getter, super::super::START).stream;
        for entry in decode(Bytes::from(world.getter.log.clone())).unwrap() {
            again.apply(entry, &super::zone);
        }
        assert_eq!(again.checkpoint(), world.getter.stream.checkpoint());
    }
}

#[test]
fn what_was_seen_is_neither_stored_nor_asked_for_again() {
    let getter = r#""name":"A","sources":[{"name":"O"}],"duplicate_window":60000000000"#;
    let origin = r#""name":"O","subjects":["o.>"],"duplicate_window":100000000"#;
    let mut world = world(origin, getter);
    world.publish(&["o.a 1 Nats-Msg-Id: one"]);
    world.pass(SECOND);
    world.publish(&["o.a 2 Nats-Msg-Id: one"]);
    world.pass(SECOND);
    assert_eq!(world.getter.messages().len(), 1);
    world.restart_getter();
    said(&mut world);
    world.pass(100 * SECOND);
    assert!(said(&mut world).join("").contains(r#""opt_start_seq":3"#));
    assert_eq!(world.getter.messages().len(), 1);
}

#[test]
fn a_stream_of_the_same_name_is_another() {
    let mut world = world(ORIGIN, SOURCE);
    world.publish(&["o.a 1", "o.a 2", "o.a 3"]);
    world.pass(SECOND);
    let now = world.now;
    world.origin = stream(ORIGIN, now);
    world.publish(&["o.b 1"]);
    world.pass(30 * SECOND);
    let messages = world.getter.messages();
    assert_eq!(
        messages.last().unwrap(),
        "4 o.b [Nats-Stream-Source: O 1 > > o.b] 1"
    );
    assert_eq!(messages.len(), 4);
}

#[test]
fn what_is_refused_is_shown_and_asked_for_again_later() {
    let mut world = world(ORIGIN, MIRROR);
    world.next_answer = Some(
        r#"{"type":"io.nats.jetstream.api.v1.consumer_create_response","error":{"code":404,"err_code":10059,"description":"stream not found"}}"#
            .to_owned(),
    );
    world.pass(SECOND / 4);
    assert_eq!(world.info().error, Some(ApiError::STREAM_NOT_FOUND));
    assert_eq!(world.info().active, -1);
    world.publish(&["o.a 1"]);
    world.pass(2 * SECOND);
    assert_eq!((world.info().error, world.getter.messages().len()), (None, 1));
    // Whoever answers what is none is asked again, too.
    let mut world = super::world(ORIGIN, MIRROR);
    world.next_answer = Some("no".to_owned());
    world.pass(SECOND / 4);
    assert_eq!(world.info().error.unwrap().err_code, 10025);
    // A server that knows less is asked at once for what it knows.
    let mut world = super::world(ORIGIN, MIRROR);
    world.next_answer = Some(r#"{"error":{"code":412,"err_code":10185,"description":""}}"#.to_owned());
    world.publish(&["o.a 1"]);
    world.pass(SECOND / 4);
    let asked = said(&mut world);
    assert!(
        asked[0].contains("sourcing") && !asked[1].contains("sourcing"),
        "{asked:?}"
    );
    assert!(asked[1].contains("JS_MIRROR_AH1Lhb5K_"), "{asked:?}");
    assert_eq!(world.getter.messages().len(), 1);
}

#[test]
fn what_there_is_no_room_for_comes_when_there_is() {
    let getter = r#""name":"A","sources":[{"name":"O"}],"discard":"new","max_msgs":2"#;
    let mut world = world(ORIGIN, getter);
    world.publish(&["o.a 1", "o.a 2", "o.a 3"]);
    world.pass(3 * SECOND);
    assert_eq!(world.getter.messages().len(), 2);
    assert_eq!(
        world.info().error,
        Some(ApiError::store_failed("maximum messages exceeded"))
    );
    world
        .getter
        .stream
        .request_purge(&PurgeRequest::default(), 1)
        .unwrap();
    world.pass(3 * SECOND);
    assert_eq!(
        world.getter.messages(),
        ["3 o.a [Nats-Stream-Source: O 3 > > o.a] 3"]
    );
}

/// Messages of a work queue go when the stream that gets them has them for good, and not before.
#[test]
fn a_work_queue_lets_go_of_what_is_in_the_log_elsewhere() {
    for retention in ["workqueue", "interest"] {
        let origin = format!(r#""name":"O","subjects":["o.>"],"retention":"{retention}""#);
        let mut world = world(&origin, SOURCE);
        world.pass(SECOND);
        world.publish(&["o.a 1", "o.a 2"]);
        world.pass(3 * SECOND);
        assert_eq!(world.getter.messages().len(), 2, "{retention}");
        assert_eq!(world.origin.messages().len(), 0, "{retention}");
        // Nothing is lost while nobody listens.
        world.restart_getter();
        world.publish(&["o.a 3"]);
        assert_eq!(world.origin.messages().len(), 1);
        world.pass(15 * SECOND);
        assert_eq!(world.getter.messages().len(), 3);
        assert_eq!(world.origin.messages().len(), 0);
    }
}

#[test]
fn how_far_all_has_come_is_said_when_it_is_in_the_log() {
    let origin = r#""name":"O","subjects":["o.>"],"retention":"workqueue""#;
    let mut world = world(origin, SOURCE);
    world.pass(SECOND);
    said(&mut world);
    world.publish(&["o.a 1"]);
    world.pass(2 * SECOND);
    let confirmed = said(&mut world);
    let confirmed = confirmed.iter().find(|said| said.starts_with("$JS.FC.O.JS_SRC_"));
    assert!(
        confirmed
            .unwrap()
            .contains("[Nats-Last-Consumer: 1|Nats-Last-Stream: 1]"),
        "{confirmed:?}"
    );
}

#[test]
fn who_is_no_source_any_more_is_left() {
    let mut world = world(ORIGIN, SOURCE);
    world.publish(&["o.a 1"]);
    world.pass(SECOND);
    said(&mut world);
    let mut config = world.getter.stream.config().clone();
    config.sources.clear();
    world.getter.stream.request_update(config.clone(), 7);
    world.pass(SECOND);
    let last = said(&mut world).join("\n");
    assert!(last.starts_with("$JS.API.CONSUMER.DELETE.O.JS_SRC_"), "{last}");
    assert_eq!(
        (world.listening.len(), world.origin.stream.consumer_count()),
        (0, 0)
    );
    world.publish(&["o.a 2"]);
    // Who is one again goes on where he was.
    config.sources = stream(SOURCE, world.now).stream.config().sources.clone();
    world.getter.stream.request_update(config, 8);
    world.pass(SECOND);
    assert_eq!(world.getter.messages().len(), 2);
}

/// Counters sum up what others have counted, whatever was lost between.
#[test]
fn counters_add_up_over_streams() {
    let origin = r#""name":"O","subjects":["o.>"],"allow_msg_counter":true"#;
    let getter = r#""name":"A","subjects":["o.own"],"allow_msg_counter":true,"sources":[{"name":"O"}]"#;
    let mut world = world(origin, getter);
    for _ in 0..3 {
        let counted = world.origin.publish("o.a", "Nats-Incr: 2", "");
        assert!(counted.contains("val"), "{counted}");
    }
    world.pass(SECOND);
    let messages = world.getter.messages();
    assert_eq!(
        messages.last().unwrap(),
        r#"3 o.a [Nats-Incr: 2|Nats-Stream-Source: O 3 > > o.a|Nats-Counter-Sources: {"O":{"o.a":"6"}}] {"val":"6"}"#
    );
}

/// Who says where a message has come from is a server: what clients say of it changes nothing of where a stream goes on.
#[test]
fn clients_do_not_say_how_far_a_stream_is() {
    let mut world = world(ORIGIN, SOURCE);
    world
        .getter
        .publish("own", "Nats-Stream-Source: O 99 > > own", "");
    world.restart_getter();
    world.publish(&["o.a 1"]);
    world.pass(SECOND);
    assert_eq!(world.getter.messages().len(), 2);
}

/// What another server answers may be anything: it is neither listened to nor said.
#[test]
fn answers_that_cannot_be_are_refused() {
    for (name, deliver) in [("C", ">"), ("C", "a b"), ("C\\r\\nPUB", "to"), ("", "to")] {
        let mut world = world(ORIGIN, MIRROR);
        world.next_answer = Some(format!(
            r#"{{"name":"{name}","config":{{"deliver_subject":"{deliver}"}},"delivered":{{"stream_seq":0}}}}"#
        ));
        world.pass(SECOND / 4);
        assert_eq!(world.info().error.unwrap().err_code, 10029, "{name} {deliver}");
        assert!(world.listening.is_empty());
    }
}
