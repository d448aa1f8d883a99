//! The form of answers.

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use std::io;

/// How a question went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is answered.
    Ok,
    /// It makes no sense.
    BadRequest,
    /// There is nothing of that name.
    NotFound,
    /// The server is at fault, or not well.
    InternalError,
    /// The server cannot answer now.
    Unavailable,
}

impl Status {
    /// By the numbers of HTTP.
    pub fn code(self) -> u16 {
        match self {
            Self::Ok => 200,
            Self::BadRequest => 400,
            Self::NotFound => 404,
            Self::InternalError => 500,
            Self::Unavailable => 503,
        }
    }
}

/// What went wrong before there was an answer, as text for the asker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Whose fault it is.
    pub status: Status,
    /// In the words of nats-server, where it has any.
    pub text: String,
}

impl Refusal {
    /// The question makes no sense.
    pub(super) fn bad(text: impl Into<String>) -> Self {
        Self {
            status: Status::BadRequest,
            text: text.into(),
        }
    }

    /// Somebody else is to answer.
    pub(super) fn filtered() -> Self {
        Self::bad(FILTERED)
    }

    /// Whether somebody else is to answer: who asks several servers is not told.
    pub fn is_filtered(&self) -> bool {
        self.text == FILTERED
    }

    /// The server ends while it is asked.
    pub fn ending() -> Self {
        Self {
            status: Status::Unavailable,
            text: "the server is at its end".to_owned(),
        }
    }

    /// It is answered elsewhere.
    pub(super) fn not_here() -> Self {
        Self {
            status: Status::NotFound,
            text: "404 page not found\n".to_owned(),
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
            status: Status::InternalError,
            text: "the answer cannot be written".to_owned(),
        }
    }
}

const FILTERED: &str = "filtered response: not leader";

/// The largest answer, in bytes.
pub(super) const ANSWER_AT_MOST: usize = 32 << 20;

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
pub struct Document {
    /// How the question went.
    pub status: Status,
    /// What the body is, in the words of HTTP.
    pub content_type: &'static str,
    /// What there is to say.
    pub body: Vec<u8>,
}

const JSON: &str = "application/json";
const PLAIN: &str = "text/plain; charset=utf-8";

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
        Ok(Self::json(Status::Ok, body.0))
    }

    /// JSON in one line.
    pub(super) fn compact(status: Status, value: &impl Serialize) -> Result<Self, Refusal> {
        let mut body = Bounded::default();
        serde_json::to_writer(&mut body, value).map_err(|error| Refusal::unwritable(&error))?;
        Ok(Self::json(status, body.0))
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
            status: Status::Ok,
            content_type: PLAIN,
            body: text.into_bytes(),
        }
    }

    fn json(status: Status, body: Vec<u8>) -> Self {
        Self {
            status,
            content_type: JSON,
            body,
        }
    }
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
