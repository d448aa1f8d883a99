//! Messages that ask to be traced.

use super::*;
use vagus_accounts::{AccountDefinition, MappedDestination, MappingDefinition, TraceDefinition};
use vagus_protocol::message_trace::{Egress, ShownKind};

/// Of the one subscription that the recorder has where messages are taken.
pub(super) const EGRESS: Egress<'_> = Egress {
    kind: ShownKind::Client,
    connection: 2,
    name: "sub",
    hop: "",
    account: "",
    subscription: b">",
    queue: b"q",
    error: None,
};

/// The event of a trace: its subject, and of its JSON what happened, without times; or its header block, and whether it is
/// packed.
pub(super) fn made_of(mut trace: Box<dyn Trace>) -> String {
    let event = std::iter::repeat_with(|| trace.make_event()).find_map(|event| event);
    let event = event.unwrap();
    if !event.header.is_empty() {
        let how = if event.payload.starts_with(b"{") {
            "plain"
        } else {
            "packed"
        };
        return format!("{} {}{how}", text(&event.subject), text(event.header));
    }
    let payload = text(&event.payload);
    let (server, told) = payload.split_once("},\"request\":").unwrap();
    assert!(server.starts_with("{\"server\":{\"name\":\"\",\"host\":\"\",\"id\":\"N\",\"ver\":\"\","));
    let mut parts = told.split("\"ts\":\"");
    let mut shown = parts.next().unwrap().to_owned();
    for part in parts {
        shown.push_str(part.split_once("Z\",").unwrap().1);
    }
    format!("{} {shown}", text(&event.subject))
}

const CONNECT: &str = "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"name\":\"pub\",\"user\":\"ann\",\"pass\":\"pw\"}\r\n";

/// A client that may publish on `a` and `dest`, and answer.
fn peer() -> Peer {
    let mut peer = permitted(Permissions {
        publish: Rules {
            allow: list(&["a", "dest"]),
            ..Rules::default()
        },
        ..Permissions::default()
    });
    peer.say(CONNECT).did("headers");
    peer
}

/// A message with these headers, and a payload of 1.
fn message(subject: &str, lines: &str) -> String {
    let header = format!("NATS/1.0\r\n{lines}\r\n");
    let (header_size, size) = (header.len(), header.len() + 1);
    format!("HPUB {subject} {header_size} {size}\r\n{header}x\r\n")
}

const HEADERS: &str = "{\"header\":{\"Nats-Trace-Dest\":[\"dest\"]},\"msgsize\":";
const SUB: &str =
    "{\"type\":\"eg\",\"kind\":0,\"cid\":2,\"name\":\"sub\",\"sub\":\"\\u003e\",\"queue\":\"q\"}";

fn ingress(subject: &str, error: &str) -> String {
    format!(
        "{{\"type\":\"in\",\"kind\":0,\"cid\":1,\"name\":\"pub\",\"acc\":\"$G\",\"subj\":\"{subject}\"{error}}}"
    )
}

#[test]
fn an_event_tells_where_a_message_goes() {
    let traced = message("a", "Nats-Trace-Dest: dest\r\n");
    let published = "publish a NATS/1.0\\r\\nNats-Trace-Dest: dest\\r\\n\\r\\nx";
    let mut peer = peer();
    peer.say(&traced).did(&format!(
        "{published}\nevent dest {HEADERS}36}},\"events\":[{},{SUB}]}}",
        ingress("a", "")
    ));
    peer.recorder.taken = false;
    peer.say(&traced).did(&format!(
        "{published}\nevent dest {HEADERS}36}},\"events\":[{}]}}",
        ingress("a", "")
    ));
}

#[test]
fn what_is_only_traced_is_not_delivered() {
    let headers =
        "{\"header\":{\"Nats-Trace-Dest\":[\"dest\"],\"Nats-Trace-Only\":[\"true\"]},\"msgsize\":59}";
    let only = message("a", "Nats-Trace-Dest: dest\r\nNats-Trace-Only: true\r\n");
    let mut peer = peer();
    peer.say(&only).did(&format!(
        "event dest {headers},\"events\":[{},{SUB}]}}",
        ingress("a", "")
    ));
    // Though it has the control line of what was delivered before.
    let similar = only.replace("Nats-Trace-Dest: dest", "Nats-Trace-Past: deaf");
    peer.say(&[&*similar, &only, &similar].concat());
    let did = std::mem::take(&mut peer.recorder.text);
    let did: Vec<_> = did.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(did, ["publish", "event", "publish"]);
    // Nobody would have taken it.
    peer.recorder.taken = false;
    peer.say("SUB r 7\r\n").did("subscribe 7 to r");
    peer.say(&only.replace("HPUB a ", "HPUB a r ")).did(&format!(
        "event dest {headers},\"events\":[{}]}}
        < HMSG r 7 33 33\\r\\nNATS/1.0 503\\r\\nNats-Subject: a",
        ingress("a", "")
    ));
}

#[test]
fn an_event_tells_why_a_message_goes_nowhere() {
    for (subject, reply, what) in [
        ("b", "", "to \\\"b\\\""),
        ("_GR_.a", "", "to \\\"_GR_.a\\\""),
        ("a", "_R_.b ", "with Reply of \\\"_R_.b\\\""),
    ] {
        for only in ["", "Nats-Trace-Only: 1\r\n"] {
            let traced = message(subject, &format!("Nats-Trace-Dest: dest\r\n{only}"));
            let traced = traced.replacen("HPUB a ", &format!("HPUB a {reply}"), 1);
            let mut peer = peer();
            peer.say(&traced);
            let did = std::mem::take(&mut peer.recorder.text);
            let text = format!("Permissions Violation for Publish {what}");
            let said = format!("< -ERR '{}'", text.replace('\\', ""));
            let size = if only.is_empty() { 36 } else { 56 };
            let event = format!(
                "\"events\":[{}]}}",
                ingress(subject, &format!(",\"error\":\"{text}\""))
            );
            let lines: Vec<_> = did.lines().collect();
            assert_eq!(lines[..2], [said, format!("withhold {size}")], "{did}");
            assert!(lines[2].ends_with(&event), "{did}");
        }
    }
}

#[test]
fn an_event_tells_of_a_message_that_is_too_large() {
    let mut peer = Peer::new(
        Limits {
            max_payload: 100,
            ..Limits::default()
        },
        Credentials::Open,
    );
    peer.say(CONNECT).did("headers");
    let violation = "< -ERR 'Maximum Payload Violation'\nclose: Maximum Message Payload Exceeded";
    let error = ",\"error\":\"maximum payload exceeded\"";
    // What a payload says does not count.
    let header = "NATS/1.0\r\nNats-Trace-Dest: dest\r\n\r\n";
    peer.say(&format!("SUB b 1\r\nHPUB a 35 2048\r\n{header}and so on"))
        .did(&format!(
            "subscribe 1 to b\nevent dest {HEADERS}2048}},\"events\":[{}]}}\n{violation}",
            ingress("a", error)
        ));
    let mut other = Peer::new(
        Limits {
            max_payload: 100,
            ..Limits::default()
        },
        Credentials::Open,
    );
    other.say(CONNECT).did("headers");
    other
        .say("HPUB a 12 2048\r\nNATS/1.0\r\n\r\nNats-Trace-Dest: dest\r\n\r\n")
        .did(violation);
}

#[test]
fn nobody_is_sent_traces_where_it_may_not_publish() {
    for destination in ["else", "$NRG.dest", "_GR_.dest"] {
        for only in ["", "Nats-Trace-Only: 1\r\n"] {
            peer()
                .say(&message(
                    "a",
                    &format!("Nats-Trace-Dest: {destination}\r\n{only}"),
                ))
                .did(&format!(
                    "< -ERR 'Permissions Violation for Publish to \"{destination}\"'"
                ));
        }
    }
}

/// Then it is a message as any other, unless it is not to be delivered.
#[test]
fn what_cannot_be_traced_is_not() {
    for lines in [
        "Nats-Trace-Dest: no no\r\n",
        "Nats-Trace-Dest: d..t\r\n",
        "Nats-Trace-Dest: d.*\r\n",
    ] {
        let published = format!(
            "publish a NATS/1.0\\r\\n{}\\r\\nx",
            lines.replace("\r\n", "\\r\\n")
        );
        peer().say(&message("a", lines)).did(&published);
        peer()
            .say(&message("a", &format!("{lines}Nats-Trace-Only: on\r\n")))
            .did("");
    }
    let origin = "Nats-Trace-Dest: dest\r\nNats-Trace-Origin-Account: A\r\n";
    peer().say(&message("a", origin)).did(
        "publish a NATS/1.0\\r\\nNats-Trace-Origin-Account: A\\r\\nNats-Trace-Dest: trace disabled\\r\\n\\r\\nx",
    );
    peer()
        .say(&message("a", &format!("{origin}Nats-Trace-Only: on\r\n")))
        .did("");
    for lines in [
        "Nats-Trace-Dest: trace disabled\r\nNats-Trace-Only: on\r\n",
        "nats-trace-dest: dest\r\nNats-Trace-Only: on\r\n",
        "Nats-Trace-Only: on\r\n",
    ] {
        peer().say(&message("a", lines)).did(&format!(
            "publish a NATS/1.0\\r\\n{}\\r\\nx",
            lines.replace("\r\n", "\\r\\n")
        ));
    }
}

#[test]
fn a_client_that_traces_its_question_who_it_is_is_answered_unless_it_asks_not_to_be() {
    let question = |lines: &str| {
        message("$SYS.REQ.USER.INFO", &format!("Nats-Trace-Dest: dest\r\n{lines}"))
            .replacen("INFO ", "INFO r ", 1)
    };
    for (lines, answers) in [("", 1), ("Nats-Trace-Only: 1\r\n", 0)] {
        let mut peer = Peer::new(Limits::default(), Credentials::Open);
        peer.say(CONNECT).say(&question(lines));
        let text = &peer.recorder.text;
        assert_eq!(text.matches("\nanswer r ").count(), answers, "{text}");
        assert_eq!(text.matches("\nevent dest ").count(), 1, "{text}");
    }
}

#[test]
fn events_are_written_as_they_are_accepted() {
    for (encoding, header, how) in [
        ("snappy", "snappy", "packed"),
        ("gzip", "gzip", "packed"),
        ("s2", "snappy", "packed"),
        ("br", "identity", "plain"),
    ] {
        let accepts = format!("Nats-Trace-Only: 1\r\nAccept-Encoding: {encoding}\r\n");
        let traced = message("a", &format!("Nats-Trace-Dest: dest\r\n{accepts}"));
        peer().say(&traced).did(&format!(
            "event dest NATS/1.0\\r\\nContent-Encoding: {header}\\r\\n\\r\\n{how}"
        ));
    }
}

/// A client of an account whose part in others' traces is traced, one of a hundred messages at least.
fn sampled(sampling: u8, destination: &str) -> Peer {
    let account = Account::new(AccountId::default(), GLOBAL_ACCOUNT);
    account.define(&Arc::new(AccountDefinition {
        trace: Some(TraceDefinition {
            destination: destination.into(),
            sampling,
        }),
        ..AccountDefinition::default()
    }));
    let permissions = Permissions {
        publish: Rules {
            allow: list(&["a", "dest"]),
            ..Rules::default()
        },
        ..Permissions::default()
    };
    let mut peer = Peer::of(ClientSettings {
        accounts: Arc::new(AccountDirectory::new(Arc::new(account))),
        ..settings(Limits::default(), user_with(permissions))
    });
    peer.say(CONNECT).did("headers");
    peer
}

const CONTEXT: &str = "TraceParent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";

#[test]
fn an_account_may_have_messages_of_others_traces_traced() {
    let mut peer = sampled(100, "dest");
    let traced = message("a", CONTEXT);
    let published = text(traced.split_once("\r\n").unwrap().1.trim_end().as_bytes());
    let context = CONTEXT.trim_end().split_once(": ").unwrap().1;
    let event = format!(
        "event dest {{\"header\":{{\"TraceParent\":[\"{context}\"]}},\"msgsize\":83}},\"events\":[{},{SUB}]}}",
        ingress("a", "")
    );
    peer.say(&traced).did(&format!("publish a {published}\n{event}"));
    // Those that are not sampled are as any other.
    let unsampled = message("a", &CONTEXT.replace("-01\r\n", "-00\r\n"));
    let published = text(unsampled.split_once("\r\n").unwrap().1.trim_end().as_bytes());
    peer.say(&unsampled).did(&format!("publish a {published}"));
    // What has the control line of what was delivered before is looked at all the same.
    let other = traced.replace("TraceParent", "TracePatent");
    peer.say(&[&*other, &other, &traced].concat());
    let did = std::mem::take(&mut peer.recorder.text);
    let did: Vec<_> = did.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(did, ["publish", "again", "publish", "event"]);
}

#[test]
fn of_others_traces_so_many_messages_are_traced_as_the_account_says() {
    let mut peer = sampled(25, "dest");
    peer.say(&message("a", CONTEXT).repeat(2_000));
    let did = std::mem::take(&mut peer.recorder.text);
    let events = did.matches("event dest ").count();
    // That it is further off happens once in some 10^9 runs.
    assert!(events.abs_diff(500) < 120, "{events}");
    // The others are not to be traced elsewhere either.
    let disabled = did.matches("\\r\\nNats-Trace-Dest: trace disabled\\r\\n").count();
    assert_eq!(events + disabled, 2_000);
    assert_eq!(did.matches("publish a ").count(), 2_000);
}

#[test]
fn nobody_is_sent_others_traces_where_the_publisher_may_not_publish() {
    let mut peer = sampled(100, "elsewhere");
    peer.say(&message("a", CONTEXT))
        .did("< -ERR 'Permissions Violation for Publish to \"elsewhere\"'");
}

#[test]
fn an_event_tells_of_a_subject_that_is_mapped() {
    let account = Account::new(AccountId::default(), GLOBAL_ACCOUNT);
    account.define(&Arc::new(AccountDefinition {
        mappings: vec![MappingDefinition {
            source: "a".into(),
            destinations: vec![MappedDestination::only("mapped")],
        }],
        ..AccountDefinition::default()
    }));
    let mut peer = Peer::of(ClientSettings {
        accounts: Arc::new(AccountDirectory::new(Arc::new(account))),
        ..settings(Limits::default(), Credentials::Open)
    });
    peer.say(CONNECT).did("headers");
    peer.say(&message("a", "Nats-Trace-Dest: dest\r\n")).did(&format!(
        "publish mapped NATS/1.0\\r\\nNats-Trace-Dest: dest\\r\\n\\r\\nx
             event dest {HEADERS}36}},\"events\":[{},{{\"type\":\"sm\",\"to\":\"mapped\"}},{SUB}]}}",
        ingress("a", "")
    ));
}
