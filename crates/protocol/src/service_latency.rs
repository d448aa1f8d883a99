//! How long requests to a service took: the events of ADR-3, and which requests are measured.

mod elsewhere;

pub use elsewhere::{MeasuredElsewhere, elsewhere_subject, marked_by, reply_mark, short_id};

use crate::html_safe_json;
use crate::request_info::RequestInfo;
use serde::Serialize;
use std::collections::BTreeMap;

/// The kind of the event.
const TYPE: &str = "io.nats.server.metric.v1.service_latency";

/// Headers by their names, each with its values.
pub type Headers = BTreeMap<String, Vec<String>>;

/// The event that tells of one request.
#[derive(Debug, Clone)]
pub struct ServiceLatency<'a> {
    /// What no other event has.
    pub id: &'a str,
    /// When it was made, as RFC 3339 has it.
    pub time: &'a str,
    /// What became of the request.
    pub outcome: Outcome,
    /// Who asked.
    pub requestor: Option<RequestInfo<'a>>,
    /// Who answered.
    pub responder: Option<RequestInfo<'a>>,
    /// The headers for which the request was measured.
    pub header: Option<&'a Headers>,
    /// When it was sent, as RFC 3339 has it.
    pub start: &'a str,
    /// How long the service took, in nanoseconds.
    pub service: u64,
    /// How long the server took, in nanoseconds.
    pub system: u64,
    /// How long all of it took, in nanoseconds.
    pub total: u64,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered.
    Answered,
    /// It said not where to answer.
    BadRequest,
    /// Who asked has stopped waiting for the answer.
    Abandoned,
    /// Nobody was there to answer.
    NoResponders,
    /// Nobody has answered in time.
    TimedOut,
}

impl Outcome {
    fn status(self) -> (u16, &'static str) {
        match self {
            Self::Answered => (200, ""),
            Self::BadRequest => (400, "Bad Request"),
            Self::Abandoned => (408, "Request Timeout"),
            Self::NoResponders => (503, "Service Unavailable"),
            Self::TimedOut => (504, "Service Timeout"),
        }
    }
}

#[derive(Serialize)]
struct Event<'a> {
    r#type: &'static str,
    id: &'a str,
    timestamp: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    requestor: Option<RequestInfo<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    responder: Option<RequestInfo<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<&'a Headers>,
    start: &'a str,
    service: u64,
    system: u64,
    total: u64,
}

impl ServiceLatency<'_> {
    /// As JSON.
    pub fn to_json(self) -> Vec<u8> {
        let (status, description) = self.outcome.status();
        let event = Event {
            r#type: TYPE,
            id: self.id,
            timestamp: self.time,
            status,
            description,
            requestor: self.requestor,
            responder: self.responder,
            header: self.header,
            start: self.start,
            service: self.service,
            system: self.system,
            total: self.total,
        };
        let mut json = Vec::new();
        html_safe_json::append(&mut json, &event);
        json
    }
}

/// The headers by which a tracing system has a request sampled, if it has; of a header block, from `NATS/1.0` to the empty
/// line. Those of Jaeger, Zipkin and the W3C are known.
pub fn sampled_by(header: &[u8]) -> Option<Headers> {
    let headers = read(header);
    let first = |name: &str| {
        headers
            .get(name)
            .and_then(|values| values.first())
            .map(String::as_str)
    };
    let with = |wanted: &dyn Fn(&str) -> bool| {
        let kept = headers.iter().filter(|(name, _)| wanted(name));
        Some(
            kept.map(|(name, values)| (name.clone(), values.clone()))
                .collect(),
        )
    };
    let of_b3 =
        |name: &str| ["X-B3-Sampled", "X-B3-Traceid", "X-B3-Parentspanid", "X-B3-Spanid"].contains(&name);
    if let Some(trace) = first("Uber-Trace-Id") {
        let flags = trace
            .split(':')
            .nth(3)
            .filter(|_| trace.split(':').count() == 4)?;
        let is_sampled = flags.len() <= 2 && u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
        return is_sampled
            .then(|| with(&|name| name == "Uber-Trace-Id" || name.starts_with("Uberctx-")))
            .flatten();
    }
    match first("X-B3-Sampled") {
        Some("1") => return with(&of_b3),
        Some("0") => return None,
        _ => {}
    }
    if first("X-B3-Traceid").is_some() {
        return with(&of_b3);
    }
    if let Some(b3) = first("B3") {
        let parts: Vec<&str> = b3.split('-').collect();
        let is_denied = parts.get(2) == Some(&"0") || parts == ["0"];
        return (!is_denied).then(|| with(&|name| name == "B3")).flatten();
    }
    let context = first("Traceparent")?;
    let flags = context
        .split('-')
        .nth(3)
        .filter(|_| context.split('-').count() == 4)?;
    // As in nats-server, it is a number with a sign.
    let is_sampled = flags.len() == 2 && i8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
    is_sampled
        .then(|| with(&|name| name == "Traceparent" || name == "Tracestate"))
        .flatten()
}

/// The headers by their names as Go spells them. Only those that are looked for.
fn read(header: &[u8]) -> Headers {
    let mut headers = Headers::new();
    for line in header.split(|byte| *byte == b'\n').skip(1) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (name, value) = line.split_at(colon);
        let name = canonical(&String::from_utf8_lossy(name));
        let value = String::from_utf8_lossy(&value[1..]).trim().to_owned();
        headers.entry(name).or_default().push(value);
    }
    headers
}

/// Upper case at the start and behind each hyphen, lower case elsewhere.
fn canonical(name: &str) -> String {
    let mut upper = true;
    name.trim()
        .chars()
        .map(|letter| {
            let spelled = if upper {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            };
            upper = letter == '-';
            spelled
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Headers, Outcome, ServiceLatency, sampled_by};
    use crate::request_info::RequestInfo;

    #[test]
    fn tracing_systems_say_what_is_sampled() {
        for (lines, kept) in [
            ("", None),
            ("A: b\r\n", None),
            (
                "Uber-Trace-Id: 479f:5adb:479f:1\r\nuberctx-x: y\r\nA: b\r\n",
                Some("Uber-Trace-Id Uberctx-X"),
            ),
            ("Uber-Trace-Id: 479f:5adb:479f:0\r\n", None),
            ("Uber-Trace-Id: 479f:5adb:479f:ff\r\n", Some("Uber-Trace-Id")),
            ("Uber-Trace-Id: 479f:5adb:1\r\n", None),
            (
                "X-B3-Sampled: 1\r\nX-B3-SpanId: s\r\n",
                Some("X-B3-Sampled X-B3-Spanid"),
            ),
            ("X-B3-Sampled: 0\r\nX-B3-TraceId: t\r\n", None),
            (
                "X-B3-TraceId: t\r\nX-B3-ParentSpanId: p\r\n",
                Some("X-B3-Parentspanid X-B3-Traceid"),
            ),
            ("b3: 80f1-e457-1-05e3\r\n", Some("B3")),
            ("b3: 80f1-e457-0\r\n", None),
            ("b3: 0\r\n", None),
            (
                "traceparent: 00-4bf9-00f0-01\r\ntracestate: a=b\r\n",
                Some("Traceparent Tracestate"),
            ),
            ("traceparent: 00-4bf9-00f0-00\r\n", None),
            ("traceparent: 00-4bf9-01\r\n", None),
        ] {
            let found = sampled_by(format!("NATS/1.0\r\n{lines}\r\n").as_bytes());
            let names = found.map(|headers| headers.into_keys().collect::<Vec<_>>().join(" "));
            assert_eq!(names.as_deref(), kept, "{lines}");
        }
    }

    #[test]
    fn an_event_reads_as_that_of_nats_server() {
        let headers = Headers::from([("B3".to_owned(), vec!["1".to_owned()])]);
        let event = ServiceLatency {
            id: "i",
            time: "t",
            outcome: Outcome::Answered,
            requestor: Some(RequestInfo {
                account: "B".into(),
                round_trip: 1,
                ..RequestInfo::default()
            }),
            responder: None,
            header: Some(&headers),
            start: "s",
            service: 2,
            system: 3,
            total: 4,
        };
        assert_eq!(
            String::from_utf8(event.clone().to_json()).unwrap(),
            concat!(
                r#"{"type":"io.nats.server.metric.v1.service_latency","id":"i","timestamp":"t","status":200,"#,
                r#""requestor":{"acc":"B","rtt":1},"header":{"B3":["1"]},"start":"s","service":2,"system":3,"total":4}"#
            )
        );
        for (outcome, expected) in [
            (Outcome::BadRequest, r#""status":400,"description":"Bad Request""#),
            (
                Outcome::Abandoned,
                r#""status":408,"description":"Request Timeout""#,
            ),
            (
                Outcome::NoResponders,
                r#""status":503,"description":"Service Unavailable""#,
            ),
            (
                Outcome::TimedOut,
                r#""status":504,"description":"Service Timeout""#,
            ),
        ] {
            let json = ServiceLatency {
                outcome,
                ..event.clone()
            }
            .to_json();
            assert!(String::from_utf8(json).unwrap().contains(expected));
        }
    }
}
