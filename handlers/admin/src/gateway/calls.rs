//! What can be called.

use super::Session;
use super::entrance::{Caller, too_large};
use super::inbox::{Answer, Asked, Inbox};
use super::ingest::{Batch, Form};
use crate::messages::{Headers, append_message, block, events, is_speakable, subject_to_publish};
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::web::{Bytes, Data, Path, Payload, Query, block as elsewhere};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder};
use serde::Deserialize;
use serde_json::json;
use std::time::{Duration, Instant};
use vagus_actors::in_process::{InProcessMessage, InProcessSubject, SubscribeInProcess};
use vagus_auth::permission::Subscribe;
use vagus_configs::Limits;
use vagus_delivery::outbox::WhenFull;
use vagus_protocol::duration;
use vagus_protocol::publish_acknowledgement::PublishAcknowledgement;
use vagus_routing::subject::is_valid_subscription;

/// The header in which headers of messages are, `Name: value` each.
const MESSAGE_HEADER: &str = "x-nats-header";

/// How long an answer is waited for if nothing is said, and at most.
const PATIENCE: Duration = Duration::from_secs(2);
const LONGEST_PATIENCE: Duration = Duration::from_secs(25);

/// What may wait for one who listens, in bytes, if `max_pending` is not less.
pub(super) const PENDING_AT_MOST: usize = 8 * 1024 * 1024;

/// So many messages of a body are published at once.
const AT_ONCE: usize = 512;

/// How to publish.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HowToPublish {
    reply: Option<String>,
    /// Whether a stream has to have it.
    #[serde(default)]
    ack: bool,
    timeout: Option<String>,
}

/// How to ask.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HowToAsk {
    pub(super) timeout: Option<String>,
}

/// What to subscribe to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    subject: String,
    queue: Option<String>,
}

/// `POST /v1/publish/{subject}`: the body is the payload.
pub(super) async fn publish(
    caller: Caller,
    session: Data<Session>,
    how: Query<HowToPublish>,
    subject: Path<String>,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let HowToPublish { reply, ack, timeout } = how.into_inner();
    let mut message = message(&caller, &session, &subject, request.headers(), body).await?;
    if ack {
        if reply.is_some() {
            return Err(Problem::bad_request("ack and reply are two places for answers"));
        }
        let answer = ask(&caller, message, patience(timeout.as_deref())?).await?;
        return match PublishAcknowledgement::read(answer.payload()) {
            PublishAcknowledgement::Stored => Ok(HttpResponse::Ok()
                .content_type("application/json")
                .body(answer.into_payload())),
            PublishAcknowledgement::Refused(reason) => Err(Problem::unavailable(reason)),
        };
    }
    message.reply = reply
        .map(|reply| subject_to_publish("reply", reply))
        .transpose()?
        .map(Into::into);
    let began = Instant::now();
    let bytes = message.payload.len() as u64;
    let delivered = caller
        .in_process
        .publish(message)
        .await
        .ok_or_else(Problem::ending)?;
    session.connector.published(1, bytes, began.elapsed());
    Ok(HttpResponse::Ok().json(json!({ "delivered": delivered })))
}

/// `POST /v1/request/{subject}`: the body is the payload; so is that of the answer.
pub(super) async fn request(
    caller: Caller,
    session: Data<Session>,
    how: Query<HowToAsk>,
    subject: Path<String>,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let patience = patience(how.timeout.as_deref())?;
    let message = message(&caller, &session, &subject, request.headers(), body).await?;
    let (began, bytes) = (Instant::now(), message.payload.len() as u64);
    let answer = ask(&caller, message, patience).await?;
    session.connector.published(1, bytes, began.elapsed());
    session.connector.brought(1, answer.payload().len() as u64);
    let mut response = HttpResponse::Ok();
    response.content_type("application/octet-stream");
    carry(&mut response, answer.headers());
    Ok(response.body(answer.into_payload()))
}

/// Has an answer carry the headers of a message. One that HTTP cannot carry is left out.
pub(super) fn carry(response: &mut HttpResponseBuilder, headers: Headers) {
    for (name, values) in headers {
        for value in values {
            if let Ok(value) = HeaderValue::from_str(&format!("{name}: {value}")) {
                response.append_header((MESSAGE_HEADER, value));
            }
        }
    }
}

/// `POST /v1/ingest/{subject}`: each line, or each element of an array, is a message.
pub(super) async fn ingest(
    caller: Caller,
    session: Data<Session>,
    subject: Path<String>,
    request: HttpRequest,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let form = Form::of(request.content_type());
    let form = form.ok_or_else(|| {
        let told = "what is ingested is application/x-ndjson or application/json";
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, told)
    })?;
    let subject = permitted(&caller, subject.into_inner())?;
    let body = read_body(session.settings.max_body, body).await?;
    let most = caller.max_payload;
    // Elsewhere: it may be large, and others call meanwhile.
    let batch = elsewhere(move || Batch::read(body, form, most)).await;
    let batch = batch.map_err(|_| Problem::ending())?;
    let batch = batch.map_err(|error| Problem::bad_request(error.to_string()))?;
    let (began, mut count) = (Instant::now(), 0_u64);
    let mut payloads = batch.payloads().peekable();
    while payloads.peek().is_some() {
        let (mut messages, mut bytes) = (Vec::new(), 0);
        for payload in payloads.by_ref().take(AT_ONCE) {
            bytes += payload.len() as u64;
            messages.push(plain(&subject, payload));
        }
        let published = messages.len() as u64;
        caller
            .in_process
            .publish_all(messages)
            .await
            .ok_or_else(Problem::ending)?;
        session.connector.published(published, bytes, began.elapsed());
        count += published;
    }
    Ok(HttpResponse::Ok().json(json!({ "published": count })))
}

/// `GET /v1/subscribe`
pub(super) async fn subscribe(
    caller: Caller,
    session: Data<Session>,
    wanted: Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    let Wanted { subject, queue } = wanted.into_inner();
    let limits = session.limits();
    let is_word = |word: &str| is_speakable(word, limits.max_control_line);
    if !is_word(&subject) || !is_valid_subscription(subject.as_bytes()) {
        return Err(Problem::bad_request(
            "subject is not one that can be subscribed to",
        ));
    }
    let queue = queue.filter(|queue| !queue.is_empty());
    if queue.as_deref().is_some_and(|queue| !is_word(queue)) {
        return Err(Problem::bad_request("queue is not the name of a queue group"));
    }
    let may = caller
        .rights
        .may_subscribe(subject.as_bytes(), queue.as_deref().map(str::as_bytes));
    let filter = match may {
        Subscribe::Allowed => None,
        Subscribe::AllowedExcept(filter) => Some(filter),
        Subscribe::Denied => {
            let told = format!("Permissions Violation for Subscription to {subject:?}");
            return Err(Problem::new(StatusCode::FORBIDDEN, told));
        }
    };
    let place = session.streams.take().ok_or_else(Problem::too_many_streams)?;
    let subscribe = SubscribeInProcess {
        subjects: vec![InProcessSubject {
            subject: subject.into(),
            queue: queue.map(Into::into),
        }],
        max_pending: limits.max_pending.min(PENDING_AT_MOST),
        when_full: WhenFull::CutOff,
    };
    let subscription = caller.in_process.subscribe(subscribe).await;
    let subscription = subscription.ok_or_else(Problem::ending)?;
    let messages = events(
        subscription,
        &["subscribed"],
        append_message(filter),
        caller.tenure(&session),
        place,
    );
    Ok(crate::events::response(messages))
}

pub(super) fn patience(text: Option<&str>) -> Result<Duration, Problem> {
    let Some(text) = text else {
        return Ok(PATIENCE);
    };
    let nanoseconds = duration::parse(text).and_then(|nanoseconds| u64::try_from(nanoseconds).ok());
    let patience = nanoseconds.map(Duration::from_nanos);
    let patience =
        patience.filter(|patience| (Duration::from_millis(1)..=LONGEST_PATIENCE).contains(patience));
    patience.ok_or_else(|| Problem::bad_request("timeout is 1ms to 25s"))
}

/// The subject, if this caller may publish on it.
pub(super) fn permitted(caller: &Caller, subject: String) -> Result<Bytes, Problem> {
    let subject = subject_to_publish("subject", subject)?;
    if !caller.rights.may_publish(subject.as_bytes()) {
        let told = format!("Permissions Violation for Publish to {subject:?}");
        return Err(Problem::new(StatusCode::FORBIDDEN, told));
    }
    Ok(subject.into())
}

async fn message(
    caller: &Caller,
    session: &Session,
    subject: &str,
    headers: &HeaderMap,
    body: Payload,
) -> Result<InProcessMessage, Problem> {
    let subject = permitted(caller, subject.to_owned())?;
    let limits = session.limits();
    let header = header(&told(headers)?, &limits)?;
    let payload = read_body(session.settings.max_body, body).await?;
    too_long(payload.len(), header.as_deref(), caller.max_payload)?;
    Ok(InProcessMessage {
        header: header.map(Into::into),
        ..plain(&subject, payload)
    })
}

pub(super) fn plain(subject: &Bytes, payload: Bytes) -> InProcessMessage {
    InProcessMessage {
        subject: subject.clone(),
        reply: None,
        header: None,
        payload,
        except: None,
    }
}

/// What the call says of headers.
fn told(headers: &HeaderMap) -> Result<Headers, Problem> {
    let mut found = Headers::new();
    for header in headers.get_all(MESSAGE_HEADER) {
        let text = std::str::from_utf8(header.as_bytes());
        let pair = text.ok().and_then(|text| text.split_once(':'));
        let (name, value) = pair.ok_or_else(|| Problem::bad_request("X-Nats-Header is Name: value"))?;
        found
            .entry(name.trim().to_owned())
            .or_default()
            .push(value.trim().to_owned());
    }
    Ok(found)
}

/// The header block of these headers.
pub(super) fn header(headers: &Headers, limits: &Limits) -> Result<Option<Vec<u8>>, Problem> {
    let header = block(headers).map_err(|error| Problem::bad_request(error.to_string()))?;
    match header.is_some() && !limits.headers {
        true => Err(Problem::bad_request("headers are not enabled")),
        false => Ok(header),
    }
}

/// Refuses what is more than a message may be.
pub(super) fn too_long(payload: usize, header: Option<&[u8]>, most: usize) -> Result<(), Problem> {
    match payload + header.map_or(0, <[u8]>::len) > most {
        true => Err(too_large(most)),
        false => Ok(()),
    }
}

pub(super) async fn read_body(most: usize, body: Payload) -> Result<Bytes, Problem> {
    let read = body.to_bytes_limited(most).await.map_err(|_| too_large(most))?;
    read.map_err(|error| Problem::bad_request(error.to_string()))
}

/// Asks, and waits for the first answer.
pub(super) async fn ask(
    caller: &Caller,
    message: InProcessMessage,
    patience: Duration,
) -> Result<Answer, Problem> {
    let inbox = Inbox::of(caller)?;
    match inbox.ask(&caller.in_process, message, patience).await {
        Asked::Answered(answer) => Ok(answer),
        Asked::NoResponders => Err(Problem::unavailable("no responders available for request")),
        Asked::Timeout => Err(Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "nobody has answered in time",
        )),
        Asked::Ending => Err(Problem::ending()),
    }
}
