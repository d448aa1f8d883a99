//! Services that answer at another server than the one at which they were asked: how the one tells the other how long it took.

use crate::html_safe_json;
use crate::request_info::RequestInfo;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// By how many letters of its id, the last ones, a server is known in reply subjects.
const SHORT_ID: usize = 8;

/// By what a server with this id is known in reply subjects: one token.
pub fn short_id(server_id: &str) -> &str {
    let start = server_id.len().saturating_sub(SHORT_ID);
    server_id.get(start..).unwrap_or(server_id)
}

/// Where a server is told how long services took that have answered at others. `server` is its
/// [short id](short_id).
pub fn elsewhere_subject(server: &str) -> String {
    format!("$SYS.LATENCY.M2.{server}")
}

/// What the reply subjects end with of which this server wants to be told how long the answer took at another. `server` is
/// its [short id](short_id).
pub fn reply_mark(server: &str) -> String {
    format!(".{server}.T")
}

/// The server that marked a reply subject, as its [`reply_mark`] names it; None if it has no mark.
pub fn marked_by(reply: &[u8]) -> Option<&str> {
    let marked = reply.strip_suffix(b".T")?;
    let server = marked.rsplit(|byte| *byte == b'.').next()?;
    std::str::from_utf8(server)
        .ok()
        .filter(|server| !server.is_empty() && server.len() < marked.len())
}

/// How long a service took, measured by the server that who answered is connected to: from when the request came there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasuredElsewhere {
    /// Who answered.
    pub responder: RequestInfo<'static>,
    /// How long the service took, in nanoseconds.
    pub service: u64,
}

/// What one server tells another of that.
#[derive(Debug, Serialize, Deserialize)]
struct Told<'a> {
    account: Cow<'a, str>,
    req_id: Cow<'a, str>,
    m2: ToldMeasure<'a>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ToldMeasure<'a> {
    #[serde(default)]
    r#type: Cow<'a, str>,
    #[serde(default)]
    id: Cow<'a, str>,
    #[serde(default)]
    timestamp: Cow<'a, str>,
    #[serde(default)]
    status: u16,
    #[serde(default)]
    responder: RequestInfo<'a>,
    #[serde(default)]
    start: Cow<'a, str>,
    #[serde(default)]
    service: i64,
    #[serde(default)]
    system: i64,
    #[serde(default)]
    total: i64,
}

impl MeasuredElsewhere {
    /// As another server is told of it: a request in this account, with this reply subject, which came at this time (RFC 3339).
    pub fn to_json(&self, account: &str, reply: &str, start: &str) -> Vec<u8> {
        let nanoseconds = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        let told = Told {
            account: account.into(),
            req_id: reply.into(),
            m2: ToldMeasure {
                r#type: "".into(),
                id: "".into(),
                timestamp: "0001-01-01T00:00:00Z".into(),
                status: 200,
                responder: self.responder.clone(),
                start: start.into(),
                service: nanoseconds(self.service),
                system: 0,
                total: nanoseconds(self.service.saturating_add(self.responder.round_trip)),
            },
        };
        let mut json = Vec::new();
        html_safe_json::append(&mut json, &told);
        json
    }

    /// What another server tells: of a request in which account, with which reply subject. None if it is no such thing.
    pub fn parse(json: &[u8]) -> Option<(Box<str>, Box<[u8]>, Self)> {
        let told: Told<'static> = serde_json::from_slice(json).ok()?;
        let measured = Self {
            responder: told.m2.responder,
            service: u64::try_from(told.m2.service).unwrap_or(0),
        };
        Some((told.account.into(), told.req_id.as_bytes().into(), measured))
    }
}

#[cfg(test)]
mod tests {
    use super::{MeasuredElsewhere, elsewhere_subject, marked_by, reply_mark, short_id};
    use crate::request_info::RequestInfo;

    #[test]
    fn servers_know_whom_to_tell_by_the_reply() {
        let reply = format!("_R_.abc.123{}", reply_mark("SRV"));
        assert_eq!(reply, "_R_.abc.123.SRV.T");
        assert_eq!(marked_by(reply.as_bytes()), Some("SRV"));
        assert_eq!((short_id("NABC12345678"), short_id("SRV")), ("12345678", "SRV"));
        assert_eq!(elsewhere_subject("SRV"), "$SYS.LATENCY.M2.SRV");
        for unmarked in ["_R_.abc.123", "T", ".T", "a.T", "a..T", "_INBOX.abc.t"] {
            assert_eq!(marked_by(unmarked.as_bytes()), None, "{unmarked}");
        }
    }

    #[test]
    fn what_one_server_tells_another_understands() {
        let measured = MeasuredElsewhere {
            responder: RequestInfo {
                account: "A".into(),
                user: "a".into(),
                round_trip: 5,
                ..RequestInfo::default()
            },
            service: 7,
        };
        let json = measured.to_json("A", "_R_.x.y.S.T", "s");
        assert_eq!(
            std::str::from_utf8(&json).unwrap(),
            concat!(
                r#"{"account":"A","req_id":"_R_.x.y.S.T","m2":{"type":"","id":"","timestamp":"0001-01-01T00:00:00Z","#,
                r#""status":200,"responder":{"acc":"A","user":"a","rtt":5},"start":"s","service":7,"system":0,"total":12}}"#
            )
        );
        let (account, reply, read) = MeasuredElsewhere::parse(&json).unwrap();
        assert_eq!((&*account, &*reply, read), ("A", &b"_R_.x.y.S.T"[..], measured));
        // What a server leaves out is nothing; what took no time by its clock, none.
        let (.., read) =
            MeasuredElsewhere::parse(br#"{"account":"A","req_id":"r","m2":{"service":-1}}"#).unwrap();
        assert_eq!((read.service, read.responder), (0, RequestInfo::default()));
        assert_eq!(MeasuredElsewhere::parse(b"{}"), None);
    }
}
