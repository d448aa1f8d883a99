//! The form of answers.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, LOCATION, X_CONTENT_TYPE_OPTIONS};
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use std::io;

/// What went wrong before there was an answer, as text for the asker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) text: String,
}

impl Refusal {
    /// The question makes no sense.
    pub(super) fn bad(text: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            text: text.into(),
        }
    }

    /// The server ends while it is asked.
    pub(super) fn ending() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            text: "the server is at its end".to_owned(),
        }
    }

    /// The answer would be larger than any may be.
    pub(super) fn too_large() -> Self {
        Self::bad(format!(
            "the answer would be larger than {} MiB: ask for less of it, by limit and offset",
            ANSWER_AT_MOST >> 20
        ))
    }

    /// It is too large, or there is a mistake of ours.
    pub(super) fn unwritable(error: &serde_json::Error) -> Self {
        if error.is_io() {
            return Self::too_large();
        }
        log::error!("Cannot write an answer of monitoring: {error}");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            text: "the answer cannot be written".to_owned(),
        }
    }
}

/// The largest answer, in bytes.
const ANSWER_AT_MOST: usize = 32 << 20;

/// The most subscriptions that are gathered for one answer: what could not be shown anyway is not asked for.
pub(super) const SUBSCRIPTIONS_AT_MOST: usize = 512 * 1024;

/// Bytes, as many as an answer may have.
#[derive(Default)]
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > ANSWER_AT_MOST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Document {
    status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
}

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";
/// The text format of Prometheus.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Document {
    /// JSON, indented by two spaces a level.
    pub(super) fn of(value: &impl Serialize) -> Result<Self, Refusal> {
        Self::indented(value, "  ")
    }

    pub(super) fn indented(value: &impl Serialize, indent: &str) -> Result<Self, Refusal> {
        let mut body = Bounded::default();
        let formatter = PrettyFormatter::with_indent(indent.as_bytes());
        value
            .serialize(&mut Serializer::with_formatter(&mut body, formatter))
            .map_err(|error| Refusal::unwritable(&error))?;
        Ok(Self::json(StatusCode::OK, body.0))
    }

    /// JSON in one line.
    pub(super) fn compact(status: StatusCode, value: &impl Serialize) -> Result<Self, Refusal> {
        let body = serde_json::to_vec(value).map_err(|error| Refusal::unwritable(&error))?;
        Ok(Self::json(status, body))
    }

    /// What Prometheus reads.
    pub(super) fn metrics(text: String) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: METRICS,
            body: text.into_bytes(),
        }
    }

    /// JSON as programs in Go show their variables.
    pub(super) fn variables(value: &impl Serialize) -> Result<Self, Refusal> {
        Ok(Self {
            content_type: "application/json; charset=utf-8",
            ..Self::of(value)?
        })
    }

    /// Plain text.
    pub(super) fn text(text: String) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: PLAIN,
            body: text.into_bytes(),
        }
    }

    /// A page for people.
    pub(super) fn html(text: String) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: HTML,
            body: text.into_bytes(),
        }
    }

    fn json(status: StatusCode, body: Vec<u8>) -> Self {
        Self {
            status,
            content_type: JSON,
            body,
        }
    }

    /// The answer to a request; pages of other hosts may read it.
    pub(super) fn respond(self) -> HttpResponse {
        HttpResponse::build(self.status)
            .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((CONTENT_TYPE, self.content_type))
            .body(self.body)
    }
}

/// Plain text that says what is wrong.
pub(super) fn refuse(status: StatusCode, text: &str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, PLAIN))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(text.to_owned())
}

/// There is no such page.
pub(super) fn not_found() -> HttpResponse {
    refuse(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// The page is at this path of ours.
pub(super) fn redirect(path: &str, query: &str) -> HttpResponse {
    let location = if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    };
    HttpResponse::TemporaryRedirect()
        .insert_header((LOCATION, location))
        .insert_header((CONTENT_TYPE, HTML))
        .body("<p>This page has another path.</p>\n")
}

#[cfg(test)]
mod tests {
    use super::{ANSWER_AT_MOST, Document, Refusal};

    #[test]
    fn answers_are_bounded() {
        let text = "a".repeat(ANSWER_AT_MOST / 4);
        assert!(Document::of(&[&text; 3]).is_ok());
        assert_eq!(Document::of(&[&text; 4]), Err(Refusal::too_large()));
    }
}
