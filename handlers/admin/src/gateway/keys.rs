//! Keys and values of buckets, as KV clients keep them in streams (ADR-8).

use super::Session;
use super::calls::{HowToAsk, PENDING_AT_MOST, ask, header, patience, permitted, plain, read_body, too_long};
use super::entrance::Caller;
use super::inbox::Inbox;
use super::streams::{Kept, api, get, is_token, read, tag};
use crate::events::append_event;
use crate::messages::{Headers, events, read_headers};
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};
use actix_web::web::{Bytes, Data, Path, Payload, Query};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::{Duration, Instant};
use vagus_actors::in_process::{InProcessMessage, InProcessSubject, SubscribeInProcess};
use vagus_delivery::outbox::WhenFull;
use vagus_protocol::neutral::NeutralMessage;

/// The header of a message that says that its key is gone.
const OPERATION: &str = "KV-Operation";
/// The header that says why a server has put a marker where messages ran out of time (ADR-43).
const MARKER: &str = "Nats-Marker-Reason";
/// The header that lets a message in only if the last one of its subject is this.
const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";

/// How to delete.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HowToDelete {
    timeout: Option<String>,
    /// Whether its history goes as well.
    #[serde(default)]
    purge: bool,
}

/// What to watch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Watched {
    /// Which keys; wildcards as in subjects.
    keys: Option<String>,
    /// Whether only changes are wanted, and not what is there.
    #[serde(default)]
    updates_only: bool,
    timeout: Option<String>,
}

#[derive(Deserialize)]
struct Stored {
    seq: u64,
}

#[derive(Deserialize)]
struct Created {
    #[serde(default)]
    num_pending: u64,
}

/// What has become of a key.
#[derive(Serialize)]
struct Entry<'a> {
    key: &'a str,
    revision: u64,
    operation: &'static str,
    /// If it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    /// If it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

/// A key of a bucket.
struct Key {
    bucket: String,
    subject: String,
}

/// `GET /v1/kv/{bucket}/{key}`
pub(super) async fn get_key(
    caller: Caller,
    session: Data<Session>,
    how: Query<HowToAsk>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let key = Key::of(path.into_inner())?;
    let kept = key.last(&caller, patience(how.timeout.as_deref())?).await?;
    if operation(&kept.headers) != "put" {
        return Err(Problem::not_found("the key was deleted"));
    }
    session.connector.brought(1, kept.payload.len() as u64);
    Ok(kept.response())
}

/// `PUT /v1/kv/{bucket}/{key}`: the body is the value. `If-Match` has it changed only from that revision, `If-None-Match: *`
/// only if there is none.
pub(super) async fn put_key(
    caller: Caller,
    session: Data<Session>,
    how: Query<HowToAsk>,
    path: Path<(String, String)>,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let key = Key::of(path.into_inner())?;
    let patience = patience(how.timeout.as_deref())?;
    let condition = Condition::of(request.headers())?;
    let value = read_body(session.settings.max_body, body).await?;
    let (began, bytes) = (Instant::now(), value.len() as u64);
    let mut put = key
        .write(&caller, &session, condition.headers(), value.clone(), patience)
        .await;
    if condition == Condition::Absent
        && put
            .as_ref()
            .is_err_and(|problem| problem.status_code() == StatusCode::PRECONDITION_FAILED)
    {
        // That it was deleted is a message, too.
        let last = key.last(&caller, patience).await?;
        if operation(&last.headers) != "put" {
            let replaced = Condition::Revision(last.sequence);
            put = key
                .write(&caller, &session, replaced.headers(), value, patience)
                .await;
        }
    }
    let revision = put?;
    session.connector.published(1, bytes, began.elapsed());
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, tag(revision)))
        .json(json!({ "revision": revision })))
}

/// `DELETE /v1/kv/{bucket}/{key}`
pub(super) async fn delete_key(
    caller: Caller,
    session: Data<Session>,
    how: Query<HowToDelete>,
    path: Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let key = Key::of(path.into_inner())?;
    let HowToDelete { timeout, purge } = how.into_inner();
    let mut headers = Condition::of(request.headers())?.headers();
    let operation = if purge { "PURGE" } else { "DEL" };
    headers.insert(OPERATION.to_owned(), vec![operation.to_owned()]);
    if purge {
        headers.insert("Nats-Rollup".to_owned(), vec!["sub".to_owned()]);
    }
    let patience = patience(timeout.as_deref())?;
    let began = Instant::now();
    let revision = key
        .write(&caller, &session, headers, Bytes::new(), patience)
        .await?;
    session.connector.published(1, 0, began.elapsed());
    Ok(HttpResponse::Ok().json(json!({ "revision": revision })))
}

/// `GET /v1/kv/{bucket}`: what is there and what becomes of it, as server-sent events.
pub(super) async fn watch(
    caller: Caller,
    session: Data<Session>,
    wanted: Query<Watched>,
    bucket: Path<String>,
) -> Result<HttpResponse, Problem> {
    let bucket = bucket.into_inner();
    let Watched {
        keys,
        updates_only,
        timeout,
    } = wanted.into_inner();
    let patience = patience(timeout.as_deref())?;
    let inbox = Inbox::of(&caller)?;
    let place = session.streams.take().ok_or_else(Problem::too_many_streams)?;
    let subscribe = SubscribeInProcess {
        subjects: vec![InProcessSubject {
            subject: inbox.subject().to_owned().into(),
            queue: None,
        }],
        max_pending: session.limits().max_pending.min(PENDING_AT_MOST),
        when_full: WhenFull::CutOff,
    };
    let subscription = caller.in_process.subscribe(subscribe).await;
    let subscription = subscription.ok_or_else(Problem::ending)?;
    let prefix = prefix(&bucket);
    let config = json!({
        "deliver_policy": if updates_only { "new" } else { "last_per_subject" },
        "deliver_subject": inbox.subject(),
        "filter_subject": format!("{prefix}{}", keys.as_deref().unwrap_or(">")),
        "ack_policy": "none",
        "mem_storage": true,
        "num_replicas": 1,
    });
    let stream = stream(&bucket);
    let request = json!({ "stream_name": stream, "config": config });
    let created: Created = api(&caller, "CONSUMER.CREATE", &stream, request, patience).await?;
    let mut is_behind = true;
    let append = move |message: &NeutralMessage<'_>, out: &mut Vec<u8>| {
        let Some((revision, pending)) = message.reply.and_then(place_of) else {
            return;
        };
        let subject = std::str::from_utf8(message.subject).unwrap_or("?");
        let operation = operation(&read_headers(message.header));
        let text = std::str::from_utf8(message.payload).ok();
        let is_put = operation == "put";
        append_event(
            out,
            "entry",
            &Entry {
                key: subject.strip_prefix(&*prefix).unwrap_or(subject),
                revision,
                operation,
                value: text.filter(|_| is_put),
                value_base64: (is_put && text.is_none()).then(|| STANDARD.encode(message.payload)),
            },
        );
        if pending == 0 && std::mem::take(&mut is_behind) {
            append_event(out, "current", &json!({}));
        }
    };
    let begin = match created.num_pending {
        0 => &["subscribed", "current"][..],
        _ => &["subscribed"],
    };
    Ok(crate::events::response(events(
        subscription,
        begin,
        append,
        caller.tenure(&session),
        place,
    )))
}

impl Key {
    fn of((bucket, key): (String, String)) -> Result<Self, Problem> {
        // ADR-8: what a key may be made of.
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-/_=.".contains(&byte);
        let is_key =
            !key.is_empty() && key.bytes().all(is_allowed) && key.split('.').all(|token| !token.is_empty());
        if !is_key || !is_token(&bucket) {
            return Err(Problem::bad_request("this is not a key of a bucket"));
        }
        Ok(Self {
            subject: prefix(&bucket) + &key,
            bucket,
        })
    }

    /// The last message of it, be it that it was deleted.
    async fn last(&self, caller: &Caller, patience: Duration) -> Result<Kept, Problem> {
        let request = json!({ "last_by_subj": self.subject });
        get(caller, &stream(&self.bucket), request, patience).await
    }

    /// Publishes on it; gives the revision.
    async fn write(
        &self,
        caller: &Caller,
        session: &Session,
        headers: Headers,
        value: Bytes,
        patience: Duration,
    ) -> Result<u64, Problem> {
        let limits = session.limits();
        let subject = permitted(caller, self.subject.clone())?;
        let header = header(&headers, &limits)?;
        too_long(value.len(), header.as_deref(), caller.max_payload)?;
        let message = InProcessMessage {
            header: header.map(Into::into),
            ..plain(&subject, value)
        };
        let answer = ask(caller, message, patience).await?;
        read(answer.payload()).map(|Stored { seq }| seq)
    }
}

/// On what condition a key is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    None,
    /// There is no value.
    Absent,
    /// This is its last revision.
    Revision(u64),
}

impl Condition {
    /// As HTTP says it (RFC 9110, 13.1).
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let text = |name: HeaderName| {
            let value = headers.get(name)?;
            Some(value.to_str().unwrap_or("?").trim())
        };
        match (text(IF_MATCH), text(IF_NONE_MATCH)) {
            (None, None) => Ok(Self::None),
            (None, Some("*")) => Ok(Self::Absent),
            (Some(revision), None) => {
                let digits = revision.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                let revision = digits.and_then(|digits| digits.parse().ok());
                let revision =
                    revision.ok_or_else(|| Problem::bad_request("If-Match is the ETag of a value"))?;
                Ok(Self::Revision(revision))
            }
            _ => Err(Problem::bad_request(
                "a value is put if If-Match has its ETag, or if If-None-Match is *",
            )),
        }
    }

    fn headers(self) -> Headers {
        let expected = match self {
            Self::None => return Headers::new(),
            Self::Absent => 0,
            Self::Revision(revision) => revision,
        };
        Headers::from([(EXPECTED.to_owned(), vec![expected.to_string()])])
    }
}

fn stream(bucket: &str) -> String {
    format!("KV_{bucket}")
}

fn prefix(bucket: &str) -> String {
    format!("$KV.{bucket}.")
}

/// What a message does to its key.
fn operation(headers: &Headers) -> &'static str {
    let first = |name: &str| Some(headers.get(name)?.first()?.as_str());
    match (first(OPERATION), first(MARKER)) {
        (Some("DEL"), _) | (None, Some("Remove")) => "delete",
        (Some("PURGE"), _) | (None, Some("MaxAge" | "Purge")) => "purge",
        _ => "put",
    }
}

/// The sequence of a message in its stream, and how many come after it, by the subject that acknowledges it (ADR-15).
fn place_of(reply: &[u8]) -> Option<(u64, u64)> {
    let tokens: Vec<&str> = std::str::from_utf8(reply).ok()?.split('.').collect();
    let numbers = match tokens.len() {
        9 => &tokens[5..],
        12.. => &tokens[7..],
        _ => return None,
    };
    Some((numbers[0].parse().ok()?, numbers[3].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Condition, Key, place_of};
    use actix_web::http::header::{HeaderMap, HeaderValue, IF_MATCH, IF_NONE_MATCH};

    #[test]
    fn keys_are_what_clients_allow() {
        let key = |key: &str| Key::of(("B".to_owned(), key.to_owned()));
        assert_eq!(key("a.b/c=_-9").ok().unwrap().subject, "$KV.B.a.b/c=_-9");
        for wrong in ["", ".a", "a.", "a..b", "*", "a.>", "a b", "ä"] {
            assert!(key(wrong).is_err(), "{wrong:?}");
        }
        assert!(Key::of(("B.C".to_owned(), "a".to_owned())).is_err());
    }

    #[test]
    fn conditions_are_those_of_http() {
        let condition = |name, value| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            Condition::of(&headers)
        };
        assert_eq!(condition(IF_MATCH, "\"7\""), Ok(Condition::Revision(7)));
        assert_eq!(condition(IF_NONE_MATCH, "*"), Ok(Condition::Absent));
        assert_eq!(Condition::of(&HeaderMap::new()), Ok(Condition::None));
        for (name, value) in [(IF_MATCH, "*"), (IF_MATCH, "7"), (IF_NONE_MATCH, "\"7\"")] {
            assert!(condition(name, value).is_err(), "{value}");
        }
    }

    #[test]
    fn both_forms_of_acknowledgements_say_where_a_message_is() {
        assert_eq!(place_of(b"$JS.ACK.KV_B.c.1.7.3.1700.42"), Some((7, 42)));
        assert_eq!(place_of(b"$JS.ACK._.h.KV_B.c.1.7.3.1700.42.r"), Some((7, 42)));
        assert_eq!(place_of(b"a.b"), None);
    }
}
