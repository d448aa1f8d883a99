//! Many messages in one body.

use actix_web::web::Bytes;
use serde::de::IgnoredAny;
use thiserror::Error;

/// How a body has its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One a line, whatever it is.
    Lines,
    /// The elements of an array of JSON.
    Array,
}

/// What cannot be ingested.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum BadBody {
    #[error("the body is not an array of JSON")]
    NoArray,
    #[error("message {0} is larger than max_payload, {1} bytes")]
    TooLarge(usize, usize),
}

/// The messages of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) payloads: Vec<Bytes>,
}

impl Form {
    /// That of a content type.
    pub(super) fn of(content_type: &str) -> Option<Self> {
        match content_type.to_ascii_lowercase().as_str() {
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "text/plain" => {
                Some(Self::Lines)
            }
            "application/json" => Some(Self::Array),
            _ => None,
        }
    }
}

impl Batch {
    /// Reads a body. Nothing of it is a message if one of its messages cannot be.
    pub(super) fn read(body: &Bytes, form: Form, most: usize) -> Result<Self, BadBody> {
        let payloads: Vec<Bytes> = match form {
            Form::Lines => body
                .split(|byte| *byte == b'\n')
                .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
                .filter(|line| !line.trim_ascii().is_empty())
                .map(|line| body.slice_ref(line))
                .collect(),
            Form::Array => {
                serde_json::from_slice::<Vec<IgnoredAny>>(body).map_err(|_| BadBody::NoArray)?;
                elements(body)
                    .into_iter()
                    .map(|element| body.slice_ref(element))
                    .collect()
            }
        };
        let too_large = payloads.iter().position(|payload| payload.len() > most);
        match too_large {
            Some(place) => Err(BadBody::TooLarge(place + 1, most)),
            None => Ok(Self { payloads }),
        }
    }
}

/// The elements of what is an array of JSON, as they are written.
fn elements(array: &[u8]) -> Vec<&[u8]> {
    let (mut elements, mut depth, mut begin) = (Vec::new(), 0_usize, 0);
    let (mut is_text, mut is_escaped) = (false, false);
    for (at, byte) in array.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            _ if is_text => {}
            b'[' | b'{' => {
                depth += 1;
                if depth == 1 {
                    begin = at + 1;
                }
            }
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        let is_end = match byte {
            b',' => depth == 1 && !is_text,
            b']' => depth == 0 && !is_text,
            _ => false,
        };
        if is_end {
            let element = array[begin..at].trim_ascii();
            elements.extend((!element.is_empty()).then_some(element));
            begin = at + 1;
        }
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::{BadBody, Batch, Form, elements};
    use actix_web::web::Bytes;

    fn read(body: &'static str, form: Form) -> Result<Vec<String>, BadBody> {
        let batch = Batch::read(&Bytes::from_static(body.as_bytes()), form, 10)?;
        let payloads = batch.payloads.iter();
        Ok(payloads
            .map(|payload| String::from_utf8(payload.to_vec()).unwrap())
            .collect())
    }

    #[test]
    fn lines_are_messages() {
        assert_eq!(
            read("{\"n\":1}\r\n\n  \nx", Form::Lines).unwrap(),
            ["{\"n\":1}", "x"]
        );
        assert_eq!(read("", Form::Lines).unwrap(), [""; 0]);
        assert_eq!(read("a\n01234567890", Form::Lines), Err(BadBody::TooLarge(2, 10)));
    }

    #[test]
    fn elements_are_messages_as_they_are_written() {
        assert_eq!(
            read("[ {\"n\": 1}, 2.50,\"x\" ]", Form::Array).unwrap(),
            ["{\"n\": 1}", "2.50", "\"x\""]
        );
        let nested = r#"[[1,[2]],{"a":[",",1]},"]\\\",["]"#;
        let nested: &'static str = nested;
        assert_eq!(
            elements(nested.as_bytes()),
            [&b"[1,[2]]"[..], br#"{"a":[",",1]}"#, br#""]\\\",[""#]
        );
        assert_eq!(read("[]", Form::Array).unwrap(), [""; 0]);
        for other in ["", "{}", "[1,]", "[1] x"] {
            assert_eq!(read(other, Form::Array), Err(BadBody::NoArray), "{other}");
        }
    }

    #[test]
    fn forms() {
        assert_eq!(Form::of("application/json"), Some(Form::Array));
        assert_eq!(Form::of("Application/X-NDJSON"), Some(Form::Lines));
        assert_eq!(Form::of("text/html"), None);
    }
}
