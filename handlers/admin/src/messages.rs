//! Publishing and subscribing over HTTP, for administrators.

mod header;
mod stream;

use crate::access::Administrator;
use crate::administration::{Administration, DOCUMENT_AT_MOST, too_large};
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Payload, Query, block as elsewhere};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, Responder};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
pub(crate) use header::{Headers, block, read as read_headers};
use serde::{Deserialize, Serialize};
pub(crate) use stream::{append_message, events};
use vagus_actors::in_process::{InProcessMessage, InProcessSubject, SubscribeInProcess};
use vagus_configs::Limits;
use vagus_delivery::outbox::WhenFull;
use vagus_routing::subject::{is_valid_literal, is_valid_subscription};

/// What may wait for one browser, in bytes, if `max_pending` is not less.
const PENDING_AT_MOST: usize = 8 * 1024 * 1024;

/// A message to be published.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Publication {
    subject: String,
    reply: Option<String>,
    #[serde(default)]
    headers: Headers,
    payload: Option<String>,
    payload_base64: Option<String>,
}

/// What became of it.
#[derive(Serialize)]
struct Published {
    /// Whether somebody took it.
    delivered: bool,
}

/// What is to be subscribed to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    subject: String,
    queue: Option<String>,
}

/// `POST /v1/publish`
pub(crate) async fn publish(
    _: Administrator,
    administration: Data<Administration>,
    request: HttpRequest,
    document: Payload,
) -> Result<impl Responder, Problem> {
    if !request.content_type().eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "a message is application/json",
        ));
    }
    let document = document
        .to_bytes_limited(DOCUMENT_AT_MOST)
        .await
        .map_err(|_| too_large())?
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let limits = administration.limits();
    // Elsewhere: it may be large, and others ask meanwhile.
    let message = elsewhere(move || message(&document, &limits)).await;
    let message = message.map_err(|_| Problem::ending())??;
    match administration.operator.publish(message).await {
        Some(delivered) => Ok(Json(Published { delivered })),
        None => Err(Problem::ending()),
    }
}

/// The message that a document describes.
fn message(document: &[u8], limits: &Limits) -> Result<InProcessMessage, Problem> {
    let publication: Publication =
        serde_json::from_slice(document).map_err(|error| Problem::bad_request(error.to_string()))?;
    let subject = subject_to_publish("subject", publication.subject)?;
    let reply = publication
        .reply
        .map(|reply| subject_to_publish("reply", reply))
        .transpose()?;
    let header = block(&publication.headers).map_err(|error| Problem::bad_request(error.to_string()))?;
    if header.is_some() && !limits.headers {
        return Err(Problem::bad_request("headers are not enabled"));
    }
    let payload = match (publication.payload, publication.payload_base64) {
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request(
                "payload and payload_base64 are two payloads",
            ));
        }
        (Some(text), None) => text.into_bytes(),
        (None, Some(coded)) => STANDARD
            .decode(coded)
            .map_err(|_| Problem::bad_request("payload_base64 is not base64"))?,
        (None, None) => Vec::new(),
    };
    if payload.len() + header.as_ref().map_or(0, Vec::len) > limits.max_payload {
        let told = format!(
            "the message is larger than max_payload, {} bytes",
            limits.max_payload
        );
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, told));
    }
    Ok(InProcessMessage {
        subject: subject.into(),
        reply: reply.map(Into::into),
        header: header.map(Into::into),
        payload: payload.into(),
        except: None,
    })
}

/// `GET /v1/subscribe`: messages as server-sent events, until the asker goes or is too slow.
pub(crate) async fn subscribe(
    _: Administrator,
    administration: Data<Administration>,
    wanted: Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    let limits = administration.limits();
    let Wanted { subject, queue } = wanted.into_inner();
    if !is_speakable(&subject, limits.max_control_line) || !is_valid_subscription(subject.as_bytes()) {
        return Err(Problem::bad_request(
            "subject is not one that can be subscribed to",
        ));
    }
    let queue = queue.filter(|queue| !queue.is_empty());
    if queue
        .as_ref()
        .is_some_and(|queue| !is_speakable(queue, limits.max_control_line))
    {
        return Err(Problem::bad_request("queue is not the name of a queue group"));
    }
    let place = administration
        .streams
        .take()
        .ok_or_else(Problem::too_many_streams)?;
    let subscribe = SubscribeInProcess {
        subjects: vec![InProcessSubject {
            subject: subject.into(),
            queue: queue.map(Into::into),
        }],
        max_pending: limits.max_pending.min(PENDING_AT_MOST),
        when_full: WhenFull::CutOff,
    };
    match administration.operator.subscribe(subscribe).await {
        Some(subscription) => {
            let messages = events(
                subscription,
                &["subscribed"],
                append_message(None),
                || true,
                place,
            );
            Ok(crate::events::response(messages))
        }
        None => Err(Problem::ending()),
    }
}

pub(crate) fn subject_to_publish(name: &str, subject: String) -> Result<String, Problem> {
    let bytes = subject.as_bytes();
    if is_speakable(&subject, usize::MAX) && is_valid_literal(bytes) && is_valid_subscription(bytes) {
        Ok(subject)
    } else {
        Err(Problem::bad_request(format!(
            "{name} is not a subject that can be published on"
        )))
    }
}

/// Whether it could stand in a line of the protocol.
pub(crate) fn is_speakable(word: &str, max_control_line: usize) -> bool {
    !word.is_empty()
        && word.len() <= max_control_line
        && !word.chars().any(|letter| letter.is_control() || letter == ' ')
}
