//! What a file says of connectors.

use super::read;
use crate::{
    ConnectorLanguage, ConnectorSettings, ConnectorWay, GLOBAL_ACCOUNT, InwardSettings, OutwardSettings,
    Port, SubjectOfTag, diff,
};
use std::time::Duration;

fn connectors(text: &str) -> Vec<ConnectorSettings> {
    let text = format!("connectors: [{{ id: c, {text} }}]");
    read(&text).unwrap().config.connectors
}

fn inward(text: &str) -> InwardSettings {
    match connectors(text).remove(0).way {
        ConnectorWay::In(inward) => inward,
        other => panic!("{text}: {other:?}"),
    }
}

fn outward(text: &str) -> OutwardSettings {
    match connectors(text).remove(0).way {
        ConnectorWay::Out(outward) => outward,
        other => panic!("{text}: {other:?}"),
    }
}

#[track_caller]
fn check_refused(text: &str, told: &str) {
    match read(text) {
        Err(error) => assert_eq!(error.to_string(), format!("a.conf:{told}"), "{text}"),
        Ok(loaded) => panic!("{text}: {:?}", loaded.config.connectors),
    }
}

#[test]
fn there_are_none_unless_they_are_asked_for() {
    assert_eq!(read("port: 4333").unwrap().config.connectors, []);
    assert_eq!(read("connectors: []").unwrap().config.connectors, []);
}

#[test]
fn what_is_not_said_is_usual() {
    let forward = inward("type: ForwardToNATS");
    assert_eq!(forward.language, ConnectorLanguage::Forward { credentials: None });
    assert_eq!(forward.listen.port, Port::Fixed(24224));
    assert_eq!(forward.subject, SubjectOfTag::Mapped(">".into(), ">".into()));
    assert!(!forward.is_stored && forward.tls.is_none());
    let lumberjack = inward("type: LumberjackToJetStream, subject: beats");
    assert_eq!(lumberjack.listen.port, Port::Fixed(5044));
    assert_eq!(lumberjack.subject, SubjectOfTag::One("beats".into()));
    assert!(lumberjack.is_stored);
    let out = outward("type: NATSToForward, subject: 'logs.>', servers: ['[::1]:24224', 'h:1']");
    let servers: Vec<String> = out.servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["[::1]:24224", "h:1"]);
    assert_eq!((out.queue, out.tag), (None, None));
    assert_eq!(out.flush_interval, Duration::from_millis(250));
    let connector = connectors("type: ForwardToNATS").remove(0);
    assert_eq!((&*connector.id, &*connector.account), ("c", GLOBAL_ACCOUNT));
    assert!(!connector.is_paused);
}

#[test]
fn what_is_said_holds() {
    let forward = inward(
        "type: forwardtonats, listen: '127.0.0.1:-1', tag: 'app.*', subject: 'logs.$1', max_frame: 1MB, heartbeat_type: udp,
         max_connections: 5, shared_key: k, self_hostname: h, users: [{user: u, password: p}], paused: true",
    );
    assert_eq!(forward.listen.port, Port::Free);
    assert_eq!(
        forward.subject,
        SubjectOfTag::Mapped("app.*".into(), "logs.$1".into())
    );
    assert_eq!((forward.max_frame, forward.max_connections), (1 << 20, 5));
    assert!(forward.answers_datagrams);
    let ConnectorLanguage::Forward {
        credentials: Some(credentials),
    } = forward.language
    else {
        panic!("it has credentials");
    };
    assert_eq!(credentials.self_hostname, "h");
    assert_eq!(credentials.users.len(), 1);
    let lines = inward("type: JSONLinesToNATS, listen: 'localhost:5000', tag_key: 'a.b', subject: 'l.>'");
    assert_eq!(lines.tag_key, ["a", "b"]);
    let out = outward(
        "type: NATSToLumberjack, subject: 'logs.>', tag: 'nats.>', tag_key: tag, subject_key: s, queuename: q,
         servers: 'h:1', compress: true, max_pending: 1MB, chunk_limit_size: 1KB, flush_interval: 2s,
         connect_timeout: 1s, ack_timeout: 3, retry_wait: '100ms', retry_max_interval: '5s'",
    );
    assert_eq!(
        (out.tag.as_deref(), out.queue.as_deref()),
        (Some("nats.>"), Some("q"))
    );
    assert!(out.is_compressed);
    assert_eq!((out.max_pending, out.chunk_limit), (1 << 20, 1 << 10));
    assert_eq!(out.ack_timeout, Duration::from_secs(3));
}

#[test]
fn what_a_stream_keeps_is_brought_by_a_consumer() {
    let usual = outward("type: JetStreamToForward, stream: S, servers: 'h:1'");
    let consumer = usual.consumer.unwrap();
    assert_eq!(
        (&*usual.subject, &*consumer.stream, &*consumer.durable),
        (">", "S", "c")
    );
    let said =
        outward("type: JetStreamToForward, stream: S, durable_name: D, subject: 'a.*', servers: 'h:1'");
    let consumer = said.consumer.unwrap();
    assert_eq!((&*said.subject, &*consumer.durable), ("a.*", "D"));
    let connector = connectors("type: jetstreamtolumberjack, stream: S, servers: 'h:1'").remove(0);
    assert_eq!(connector.kind(), "JetStreamToLumberjack");
    for (keys, told) in [
        ("type: JetStreamToForward", "this connector must have a stream"),
        ("type: JetStreamToForward, stream: 'a.b'", "stream must not hold"),
        (
            "type: JetStreamToForward, stream: S, durable_name: 'a b'",
            "durable_name must not hold",
        ),
        (
            "type: JetStreamToForward, stream: S, queuename: q",
            "queuename is not for",
        ),
        (
            "type: JetStreamToForward, stream: S, max_pending: 5",
            "max_pending is not for",
        ),
        ("type: NATSToForward, subject: a, stream: S", "stream is not for"),
    ] {
        let error = read(&format!("connectors: [{{id: c, servers: 'h:1', {keys}}}]")).unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[test]
fn who_calls_over_http() {
    let ConnectorWay::Http(usual) = connectors("type: HTTP").remove(0).way else {
        panic!("it is HTTP");
    };
    assert_eq!(usual.listen.port, Port::Fixed(8080));
    assert_eq!((usual.max_body, usual.requests_a_second), (16 << 20, None));
    let text = "type: http, listen: '127.0.0.1:-1', allowed_origins: ['https://a.b', '*'], max_body: 1MB,
        max_requests_per_second: 7";
    let ConnectorWay::Http(said) = connectors(text).remove(0).way else {
        panic!("it is HTTP");
    };
    assert_eq!(said.allowed_origins, ["https://a.b", "*"]);
    assert_eq!((said.max_body, said.requests_a_second), (1 << 20, Some(7)));
    for (keys, told) in [
        ("subject: a", "subject is not for connectors"),
        ("account: A", "account is not for connectors"),
        ("allowed_origins: ['a.b']", "\"a.b\" is not an origin"),
    ] {
        let error = read(&format!("connectors: [{{id: c, type: HTTP, {keys}}}]")).unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[test]
fn mistakes_are_told_where_they_are() {
    for (text, told) in [
        ("connectors: {}", "1:0: connectors must be an array, not a map"),
        (
            "connectors: [1]",
            "1:13: a connector must be a map, not a whole number",
        ),
        (
            "connectors: [{type: ForwardToNATS}]",
            "1:14: a connector must have an id",
        ),
        ("connectors: [{id: a}]", "1:14: connector \"a\" must have a type"),
    ] {
        check_refused(text, told);
    }
    for (keys, told) in [
        ("id: 'a b', type: ForwardToNATS", "id must have 1 to 128 letters"),
        (
            "id: a, type: NATSToKafka, subject: a",
            "there is no type \"NATSToKafka\" of connectors",
        ),
        (
            "id: a, type: NATSToForward, servers: ['h:1']",
            "this connector must have a subject",
        ),
        (
            "id: a, type: NATSToForward, subject: 'a..b', servers: 'h:1'",
            "subject that can be subscribed to",
        ),
        (
            "id: a, type: NATSToForward, subject: a",
            "this connector must have servers",
        ),
        (
            "id: a, type: NATSToForward, subject: a, servers: ['h']",
            "\"h\" is not <host>:<port>",
        ),
        (
            "id: a, type: NATSToForward, subject: a, servers: ['h:0']",
            "\"h:0\" is not <host>:<port>",
        ),
        (
            "id: a, type: NATSToForward, subject: a, servers: ['h:1'], listen: 5",
            "listen is not for connectors",
        ),
        (
            "id: a, type: NATSToForward, subject: a, servers: ['h:1'], tag_key: k",
            "tag_key is not for",
        ),
        (
            "id: a, type: NATSToForward, subject: 'a.*', servers: ['h:1'], tag: '$2'",
            "tag cannot be made of",
        ),
        (
            "id: a, type: NATSToForward, subject: a, servers: ['h:1'], queuename: 'b c'",
            "must not hold spaces",
        ),
        (
            "id: a, type: LumberjackToNATS",
            "this connector must have a subject",
        ),
        (
            "id: a, type: LumberjackToNATS, subject: 'a.*'",
            "not a subject that can be published on",
        ),
        (
            "id: a, type: LumberjackToNATS, subject: a, tag: b",
            "there are no tags without tag_key",
        ),
        (
            "id: a, type: LumberjackToNATS, subject: a, shared_key: b",
            "shared_key is not for connectors",
        ),
        ("id: a, type: JSONLinesToNATS, subject: a", "must have listen"),
        (
            "id: a, type: ForwardToNATS, subject: 'a.*'",
            "subject cannot be made of tag \">\"",
        ),
        (
            "id: a, type: ForwardToNATS, users: [{user: a, password: b}]",
            "take a shared_key",
        ),
        (
            "id: a, type: ForwardToNATS, users: [{password: b}]",
            "a user must have a name",
        ),
        (
            "id: a, type: ForwardToNATS, account: NONE",
            "there is no account \"NONE\"",
        ),
        ("id: a, type: ForwardToNATS, tls: {}", ""),
        (
            "id: a, type: ForwardToNATS, mystery: 1",
            "unknown field \"mystery\"",
        ),
        (
            "id: a, type: ForwardToNATS, subject: a, permissions: {publish: b}",
            "Violation for Publish to \"a\"",
        ),
        (
            "id: a, type: NATSToForward, subject: a, servers: ['h:1'], permissions: {subscribe: b}",
            "Permissions Violation for Subscription to \"a\"",
        ),
    ] {
        let text = format!("connectors: [{{{keys}}}]");
        let found = match read(&text) {
            Err(error) => error.to_string(),
            Ok(loaded) => super::obstacles(&loaded),
        };
        assert!(found.contains(told) && !found.is_empty(), "{text}: {found}");
        assert!(found.starts_with("a.conf"), "{found}");
    }
    let twice = "connectors: [{id: a, type: ForwardToNATS}, {id: a, type: ForwardToNATS}]";
    check_refused(twice, "1:0: connectors: duplicate id \"a\"");
}

#[test]
fn they_change_while_the_server_runs() {
    let old = read("connectors: [{id: a, type: ForwardToNATS}]").unwrap().config;
    let new = read("connectors: [{id: a, type: ForwardToNATS, paused: true}]")
        .unwrap()
        .config;
    let changes = diff(&old, &new).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].to_string(), "Reloaded: connectors");
    assert_eq!(diff(&old, &old), Ok(Vec::new()));
}

#[test]
fn they_may_be_in_accounts() {
    let text = "accounts: {A: {}}\nconnectors: [{id: a, type: ForwardToNATS, account: A}]";
    assert_eq!(read(text).unwrap().config.connectors[0].account, "A");
}
