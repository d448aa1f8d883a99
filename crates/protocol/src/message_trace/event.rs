//! The event that tells of a traced message, as JSON.
//!
//! One server tells in one event where a message came in, and each place that it left for.

use super::ShownHeaders;
use crate::html_safe_json::{self as json, Text};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use thiserror::Error;

/// Of what happens to a message, an event tells so much, in bytes of its JSON, and the last thing in full.
const TOLD_AT_MOST: usize = 1024 * 1024;

/// What is at the other end of a connection, or in the place of one, by nats-server's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownKind {
    /// A client.
    Client = 0,
    /// Another server of the cluster.
    Router = 1,
    /// A server of another cluster.
    Gateway = 2,
    /// The server itself.
    System = 3,
    /// A leaf node, or the hub of one.
    LeafNode = 4,
    /// A stream.
    JetStream = 5,
}

impl Serialize for ShownKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(*self as u8)
    }
}

/// How a message came in.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Ingress<'a> {
    /// What it came from.
    pub kind: ShownKind,
    /// Number of that connection.
    #[serde(rename = "cid")]
    pub connection: u64,
    /// What that connection calls itself; perhaps nothing.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub name: &'a str,
    /// Its account.
    #[serde(rename = "acc")]
    pub account: &'a str,
    /// The subject it was published on.
    #[serde(rename = "subj", serialize_with = "as_text")]
    pub subject: &'a [u8],
    /// Why it went nowhere; empty if it may.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub error: &'a str,
}

/// The subject that a message is published on instead.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SubjectMapping<'a> {
    /// Empty if the message is lost.
    #[serde(serialize_with = "as_text")]
    pub to: &'a [u8],
}

/// That a message goes to subscriptions of an account which imports it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct StreamExport<'a> {
    /// The importing account.
    #[serde(rename = "acc")]
    pub account: &'a str,
    /// What it calls the subject.
    #[serde(serialize_with = "as_text")]
    pub to: &'a [u8],
}

/// That a message goes on into an account that exports a service.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ServiceImport<'a> {
    /// The exporting account.
    #[serde(rename = "acc")]
    pub account: &'a str,
    /// The subject in the importing account.
    #[serde(serialize_with = "as_text")]
    pub from: &'a [u8],
    /// The subject in the exporting account.
    #[serde(serialize_with = "as_text")]
    pub to: &'a [u8],
}

/// Why a message did not go to a subscription that it matches, or is lost sight of there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EgressError {
    /// It is the publisher's, which does not want its own messages.
    #[error("Not delivered because of no echo")]
    NoEcho,
    /// Its connection may not have messages on this subject.
    #[error("Not delivered because subscription denies this subject")]
    SubjectDenied,
    /// It has ended.
    #[error("Not delivered because subscription is closed")]
    SubscriptionEnded,
    /// It has had as many messages as it asked for.
    #[error("Not delivered because auto-unsubscribe exceeded")]
    MaximumReached,
    /// Its connection has ended.
    #[error("Not delivered because client is closed")]
    ConnectionEnded,
    /// Too much waits for its owner.
    #[error("Not delivered because there is no room for it")]
    NoRoom,
    /// It is only to be traced, and the server there would deliver it.
    #[error("Not delivered because remote does not support message tracing")]
    WouldBeDelivered,
    /// It did go there, and the server there does not tell of it.
    #[error(
        "Message delivered but remote does not support message tracing so no trace event generated from there"
    )]
    NotTracedThere,
}

/// A subscription that a message went to, or would have gone to.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Egress<'a> {
    /// What it belongs to.
    pub kind: ShownKind,
    /// Number of that connection.
    #[serde(rename = "cid")]
    pub connection: u64,
    /// What that connection calls itself; perhaps nothing.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub name: &'a str,
    /// By which hop it leaves for another server; empty where that is none.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub hop: &'a str,
    /// Its account, if that is another than that of the publisher.
    #[serde(rename = "acc", skip_serializing_if = "str::is_empty")]
    pub account: &'a str,
    /// The subject it is to; empty where one connection stands for many.
    #[serde(
        rename = "sub",
        skip_serializing_if = "<[u8]>::is_empty",
        serialize_with = "as_text"
    )]
    pub subscription: &'a [u8],
    /// The queue group it is in; empty where it is in none.
    #[serde(skip_serializing_if = "<[u8]>::is_empty", serialize_with = "as_text")]
    pub queue: &'a [u8],
    /// Why it did not go there, or is lost sight of there, if so.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_said")]
    pub error: Option<EgressError>,
}

fn as_said<S: Serializer>(error: &Option<EgressError>, serializer: S) -> Result<S::Ok, S::Error> {
    match error {
        Some(error) => serializer.collect_str(error),
        None => serializer.serialize_none(),
    }
}

fn as_text<S: Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    Text(bytes).serialize(serializer)
}

/// One thing that happened to a message.
#[derive(Serialize)]
struct Tagged<'a, T> {
    #[serde(rename = "type")]
    tag: &'static str,
    #[serde(rename = "ts")]
    time: &'a str,
    #[serde(flatten)]
    what: &'a T,
}

/// What was asked for.
#[derive(Serialize)]
struct Request<'a> {
    #[serde(serialize_with = "as_map")]
    header: ShownHeaders<'a>,
    #[serde(rename = "msgsize")]
    message_size: usize,
}

/// Values by name, sorted.
fn as_map<S: Serializer>(headers: &ShownHeaders<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut headers: Vec<_> = headers.iter().collect();
    headers.sort_by_key(|(name, _)| *name);
    let mut map = serializer.serialize_map(None)?;
    for same in headers.chunk_by(|(one, _), (other, _)| one == other) {
        if let [(name, _), ..] = same {
            let values: Vec<_> = same.iter().map(|(_, value)| Text(value)).collect();
            map.serialize_entry(&Text(name), &values)?;
        }
    }
    map.end()
}

/// An event while it is made.
#[derive(Debug)]
pub struct TraceEvent {
    /// The object that says what was asked for.
    request: Vec<u8>,
    /// What happened, in the order in which it did, without the brackets.
    events: Vec<u8>,
    omitted: u64,
    /// The hop by which the message has come; empty for one of a client.
    hop: Box<str>,
    /// How many hops it leaves by.
    hops: u64,
}

impl TraceEvent {
    /// Of a message of so many bytes, headers and payload, that came in so. Times are by RFC 3339.
    pub fn new(headers: ShownHeaders<'_>, message_size: usize, time: &str, ingress: &Ingress<'_>) -> Self {
        let mut event = Self {
            request: Vec::new(),
            events: Vec::new(),
            omitted: 0,
            hop: "".into(),
            hops: 0,
        };
        let request = Request {
            header: headers,
            message_size,
        };
        json::append(&mut event.request, &request);
        event.tell("in", time, ingress);
        event
    }

    /// The message has come by this hop.
    #[must_use]
    pub fn by_hop(self, hop: &str) -> Self {
        Self {
            hop: hop.into(),
            ..self
        }
    }

    /// The message leaves for one more server: by the hop of this number, behind that by which it has come.
    pub fn next_hop(&mut self) -> String {
        self.hops += 1;
        match &*self.hop {
            "" => self.hops.to_string(),
            hop => format!("{hop}.{}", self.hops),
        }
    }

    /// Tells that the message is published on another subject. As [`TraceEvent::add_egress`].
    pub fn add_mapping(&mut self, time: &str, mapping: &SubjectMapping<'_>) {
        self.add("sm", time, mapping);
    }

    /// Tells that the message goes to those who import it. As [`TraceEvent::add_egress`].
    pub fn add_stream_export(&mut self, time: &str, export: &StreamExport<'_>) {
        self.add("se", time, export);
    }

    /// Tells that the message goes on into another account. As [`TraceEvent::add_egress`].
    pub fn add_service_import(&mut self, time: &str, import: &ServiceImport<'_>) {
        self.add("si", time, import);
    }

    /// Tells of one more place that the message left for. Past a bound it is only counted.
    pub fn add_egress(&mut self, time: &str, egress: &Egress<'_>) {
        self.add("eg", time, egress);
    }

    fn add(&mut self, tag: &'static str, time: &str, what: &impl Serialize) {
        if self.is_full() {
            self.omitted += 1;
            return;
        }
        self.events.push(b',');
        self.tell(tag, time, what);
    }

    /// Whether what happens from now on is only counted.
    pub fn is_full(&self) -> bool {
        self.events.len() >= TOLD_AT_MOST
    }

    fn tell(&mut self, tag: &'static str, time: &str, what: &impl Serialize) {
        json::append(&mut self.events, &Tagged { tag, time, what });
    }

    /// The event as JSON, in nats-server's order of fields. `omitted` stands only in one that does not tell everything, and
    /// says how many things.
    ///
    /// `append_server` appends the object that says whose event it is.
    pub fn into_json(self, append_server: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.events.len() + self.request.len() + 512);
        out.extend_from_slice(b"{\"server\":");
        append_server(&mut out);
        out.extend_from_slice(b",\"request\":");
        out.extend_from_slice(&self.request);
        if self.hops > 0 {
            out.extend_from_slice(b",\"hops\":");
            json::append(&mut out, &self.hops);
        }
        out.extend_from_slice(b",\"events\":[");
        out.extend_from_slice(&self.events);
        out.push(b']');
        if self.omitted > 0 {
            out.extend_from_slice(b",\"omitted\":");
            json::append(&mut out, &self.omitted);
        }
        out.push(b'}');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Egress, EgressError, Ingress, ServiceImport, ShownKind, StreamExport, SubjectMapping, TOLD_AT_MOST,
        TraceEvent,
    };
    use crate::message_trace::TraceRequest;
    use crate::server_shown::ServerShown;
    use std::collections::BTreeMap;

    static NO_METADATA: BTreeMap<String, String> = BTreeMap::new();
    const SERVER: ServerShown<'_> = ServerShown {
        name: "n",
        host: "127.0.0.1",
        id: "N",
        cluster: "",
        domain: "",
        jetstream: false,
        version: "2.14.5",
        tags: &[],
        metadata: &NO_METADATA,
        sequence: 23,
        time: "2026-01-01T00:00:02Z",
    };
    const INGRESS: Ingress<'_> = Ingress {
        kind: ShownKind::Client,
        connection: 13,
        name: "",
        account: "$G",
        subject: b"tr.x",
        error: "",
    };
    const EGRESS: Egress<'_> = Egress {
        kind: ShownKind::Client,
        connection: 12,
        name: "",
        hop: "",
        account: "",
        subscription: b"tr.>",
        queue: b"",
        error: None,
    };

    fn event(lines: &str, ingress: &Ingress<'_>) -> TraceEvent {
        let header = format!("NATS/1.0\r\n{lines}\r\n");
        let request = TraceRequest::read(header.as_bytes()).unwrap();
        TraceEvent::new(request.headers, header.len() + 2, "2026-01-01T00:00:00Z", ingress)
    }

    fn text(event: TraceEvent, server: &ServerShown<'_>) -> String {
        String::from_utf8(event.into_json(|out| super::json::append(out, server))).unwrap()
    }

    const SHOWN: &str = r#"{"server":{"name":"n","host":"127.0.0.1","id":"N","ver":"2.14.5","feature_flags":{"js_ack_fc_v2":false,"js_raft_delete_range":false},"jetstream":false,"flags":0,"seq":23,"time":"2026-01-01T00:00:02Z"}"#;

    #[test]
    fn reads_as_nats_servers() {
        let mut event = event("Nats-Trace-Dest: dest\r\nNats-Trace-Only: true\r\n", &INGRESS);
        event.add_egress("2026-01-01T00:00:01Z", &EGRESS);
        let expect = r#","request":{"header":{"Nats-Trace-Dest":["dest"],"Nats-Trace-Only":["true"]},"msgsize":60},"events":[{"type":"in","ts":"2026-01-01T00:00:00Z","kind":0,"cid":13,"acc":"$G","subj":"tr.x"},{"type":"eg","ts":"2026-01-01T00:00:01Z","kind":0,"cid":12,"sub":"tr.\u003e"}]}"#;
        assert_eq!(text(event, &SERVER), format!("{SHOWN}{expect}"));
    }

    #[test]
    fn says_everything_in_order() {
        let ingress = Ingress {
            name: "a \"b\"",
            error: "no",
            ..INGRESS
        };
        let mut event = event(
            "b: 1\r\nNats-Trace-Dest: d\r\nB: 3\r\nb: 2\r\nempty:\r\n",
            &ingress,
        );
        let egress = Egress {
            name: "s",
            queue: b"q",
            error: Some(EgressError::NoEcho),
            ..EGRESS
        };
        event.add_egress("2026-01-01T00:00:01Z", &egress);
        let server = ServerShown {
            cluster: "C",
            ..SERVER
        };
        let shown = SHOWN.replace(r#""id":"N","#, r#""id":"N","cluster":"C","#);
        let expect = r#","request":{"header":{"B":["3"],"Nats-Trace-Dest":["d"],"b":["1","2"]},"msgsize":60},"events":[{"type":"in","ts":"2026-01-01T00:00:00Z","kind":0,"cid":13,"name":"a \"b\"","acc":"$G","subj":"tr.x","error":"no"},{"type":"eg","ts":"2026-01-01T00:00:01Z","kind":0,"cid":12,"name":"s","sub":"tr.\u003e","queue":"q","error":"Not delivered because of no echo"}]}"#;
        assert_eq!(text(event, &server), format!("{shown}{expect}"));
    }

    #[test]
    fn tells_where_a_mapped_message_is_published() {
        let mut event = event("Nats-Trace-Dest: d\r\n", &INGRESS);
        event.add_mapping("2026-01-01T00:00:01Z", &SubjectMapping { to: b"other" });
        let expect = r#"{"type":"sm","ts":"2026-01-01T00:00:01Z","to":"other"}]}"#;
        assert!(text(event, &SERVER).ends_with(expect));
    }

    #[test]
    fn tells_where_a_message_crosses_accounts() {
        let mut event = event("Nats-Trace-Dest: d\r\n", &INGRESS);
        let time = "2026-01-01T00:00:01Z";
        event.add_stream_export(
            time,
            &StreamExport {
                account: "B",
                to: b"b.x",
            },
        );
        let egress = Egress {
            account: "B",
            ..EGRESS
        };
        event.add_egress(time, &egress);
        let import = ServiceImport {
            account: "C",
            from: b"x",
            to: b"c.x",
        };
        event.add_service_import(time, &import);
        let expect = concat!(
            r#"{"type":"se","ts":"2026-01-01T00:00:01Z","acc":"B","to":"b.x"},"#,
            r#"{"type":"eg","ts":"2026-01-01T00:00:01Z","kind":0,"cid":12,"acc":"B","sub":"tr.\u003e"},"#,
            r#"{"type":"si","ts":"2026-01-01T00:00:01Z","acc":"C","from":"x","to":"c.x"}]}"#
        );
        assert!(text(event, &SERVER).ends_with(expect));
    }

    #[test]
    fn counts_the_hops_that_a_message_leaves_by() {
        for (by, hops) in [("", ["1", "2"]), ("3.1", ["3.1.1", "3.1.2"])] {
            let mut event = event("Nats-Trace-Dest: d\r\n", &INGRESS).by_hop(by);
            for _ in 0..2 {
                let hop = event.next_hop();
                let egress = Egress {
                    kind: ShownKind::Router,
                    hop: &hop,
                    subscription: b"",
                    error: Some(EgressError::NotTracedThere),
                    ..EGRESS
                };
                event.add_egress("2026-01-01T00:00:01Z", &egress);
            }
            let text = text(event, &SERVER);
            assert!(text.contains(r#""msgsize":34},"hops":2,"events":["#), "{text}");
            for hop in hops {
                let expect = format!(
                    r#"{{"type":"eg","ts":"2026-01-01T00:00:01Z","kind":1,"cid":12,"hop":"{hop}","error":"Message delivered but remote does not support message tracing so no trace event generated from there"}}"#
                );
                assert!(text.contains(&expect), "{text}");
            }
        }
    }

    #[test]
    fn does_not_tell_more_than_is_bounded() {
        let mut event = event("Nats-Trace-Dest: d\r\n", &INGRESS);
        for _ in 0..500_000 {
            event.add_egress("2026-01-01T00:00:01Z", &EGRESS);
        }
        assert!(event.is_full());
        let text = text(event, &SERVER);
        assert!(text.len() < TOLD_AT_MOST + 1024, "{}", text.len());
        let told = text.matches(r#""type":"eg""#).count();
        assert!(told > 10_000, "{told}");
        let end = format!(r#""sub":"tr.\u003e"}}],"omitted":{}}}"#, 500_000 - told);
        assert!(text.ends_with(&end), "{}", &text[text.len() - 100..]);
    }
}
