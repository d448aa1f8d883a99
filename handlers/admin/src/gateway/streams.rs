//! What streams keep, by the same API that clients use, so that who calls may read what such a client may.

use super::Session;
use super::calls::{HowToAsk, ask, carry, patience, permitted, plain};
use super::entrance::Caller;
use crate::messages::{Headers, read_headers};
use crate::problem::Problem;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Bytes, Data, Path, Query};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

/// That another message came in between: `JSStreamWrongLastSequenceErrF` and its constant form.
const WRONG_LAST_SEQUENCE: [u16; 2] = [10071, 10164];

/// A message of a stream.
pub(super) struct Kept {
    pub(super) subject: String,
    pub(super) sequence: u64,
    pub(super) time: String,
    pub(super) headers: Headers,
    pub(super) payload: Vec<u8>,
}

#[derive(Deserialize)]
struct Answer {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    subject: String,
    seq: u64,
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
    time: String,
}

#[derive(Deserialize)]
struct Failed {
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    code: u16,
    #[serde(default)]
    err_code: u16,
    #[serde(default)]
    description: String,
}

/// `GET /v1/streams/{stream}/messages/{sequence}`
pub(super) async fn by_sequence(
    caller: Caller,
    session: Data<Session>,
    how: Query<HowToAsk>,
    path: Path<(String, u64)>,
) -> Result<HttpResponse, Problem> {
    let (stream, sequence) = path.into_inner();
    let patience = patience(how.timeout.as_deref())?;
    let kept = get(&caller, &stream, json!({ "seq": sequence }), patience).await?;
    session.connector.brought(1, kept.payload.len() as u64);
    Ok(kept.response())
}

/// `GET /v1/streams/{stream}/last/{subject}`
pub(super) async fn last(
    caller: Caller,
    session: Data<Session>,
    how: Query<HowToAsk>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (stream, subject) = path.into_inner();
    let patience = patience(how.timeout.as_deref())?;
    let kept = get(&caller, &stream, json!({ "last_by_subj": subject }), patience).await?;
    session.connector.brought(1, kept.payload.len() as u64);
    Ok(kept.response())
}

/// The message that a request describes.
pub(super) async fn get(
    caller: &Caller,
    stream: &str,
    request: Value,
    patience: Duration,
) -> Result<Kept, Problem> {
    let Answer { message } = api(caller, "STREAM.MSG.GET", stream, request, patience).await?;
    let decoded = |text: &str| STANDARD.decode(text).map_err(|_| no_stream());
    Ok(Kept {
        headers: match decoded(&message.hdrs)? {
            none if none.is_empty() => Headers::new(),
            header => read_headers(&header),
        },
        payload: decoded(&message.data)?,
        subject: message.subject,
        sequence: message.seq,
        time: message.time,
    })
}

/// Asks something of a stream.
pub(super) async fn api<T: DeserializeOwned>(
    caller: &Caller,
    what: &str,
    stream: &str,
    request: Value,
    patience: Duration,
) -> Result<T, Problem> {
    if !is_token(stream) {
        return Err(Problem::bad_request("this is not the name of a stream"));
    }
    let subject = permitted(caller, format!("$JS.API.{what}.{stream}"))?;
    let message = plain(&subject, Bytes::from(request.to_string()));
    let answer = ask(caller, message, patience).await?;
    read(answer.payload())
}

/// Reads what a stream answers.
pub(super) fn read<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Problem> {
    match serde_json::from_slice(answer) {
        Ok(Failed { error: Some(failure) }) => Err(failure.into()),
        Ok(Failed { error: None }) => serde_json::from_slice(answer).map_err(|_| no_stream()),
        Err(_) => Err(no_stream()),
    }
}

/// Whether it is one token of a subject, without wildcards.
pub(super) fn is_token(name: &str) -> bool {
    !name.is_empty()
        && !name
            .chars()
            .any(|letter| letter.is_control() || letter.is_whitespace() || ".*>".contains(letter))
}

fn no_stream() -> Problem {
    Problem::new(StatusCode::BAD_GATEWAY, "what answers is no stream")
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let status = match StatusCode::from_u16(failure.code) {
            _ if WRONG_LAST_SEQUENCE.contains(&failure.err_code) => StatusCode::PRECONDITION_FAILED,
            Ok(status) if status.is_client_error() || status.is_server_error() => status,
            _ => StatusCode::BAD_GATEWAY,
        };
        Self::new(status, failure.description)
    }
}

impl Kept {
    /// The payload, with what else there is to say in headers.
    pub(super) fn response(self) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        response
            .content_type("application/octet-stream")
            .insert_header((header::ETAG, tag(self.sequence)))
            .insert_header(("x-nats-sequence", self.sequence));
        for (name, value) in [("x-nats-subject", &self.subject), ("x-nats-time", &self.time)] {
            // What HTTP cannot carry is left out.
            if let Ok(value) = HeaderValue::from_str(value) {
                response.insert_header((name, value));
            }
        }
        carry(&mut response, self.headers);
        response.body(self.payload)
    }
}

/// What tells one revision from another, as HTTP says it (RFC 9110, 8.8.3).
pub(super) fn tag(sequence: u64) -> String {
    format!("\"{sequence}\"")
}

#[cfg(test)]
mod tests {
    use super::{is_token, read};
    use actix_web::ResponseError;
    use serde_json::Value;

    #[test]
    fn what_is_refused_says_so_in_http() {
        for (answer, status, told) in [
            (
                r#"{"error":{"code":404,"err_code":10037,"description":"no message found"}}"#,
                404,
                "no message found",
            ),
            (
                r#"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 3"}}"#,
                412,
                "wrong last sequence: 3",
            ),
            (r#"{"error":{"code":200}}"#, 502, ""),
            ("hello", 502, "what answers is no stream"),
        ] {
            let problem = read::<Value>(answer.as_bytes()).unwrap_err();
            assert_eq!(
                (problem.status_code().as_u16(), &*problem.to_string()),
                (status, told)
            );
        }
        assert_eq!(read::<Value>(b"{\"seq\":1}").unwrap()["seq"], 1);
    }

    #[test]
    fn a_name_is_one_token() {
        assert!(is_token("ORDERS"));
        for name in ["", "a.b", "*", "a b", ">", "a\n"] {
            assert!(!is_token(name), "{name:?}");
        }
    }
}
