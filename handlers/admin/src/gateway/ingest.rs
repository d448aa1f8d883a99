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

/// The messages of a body: as many as there are bytes, perhaps, so they are not made all at once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch {
    body: Bytes,
    form: Form,
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
    pub(super) fn read(body: Bytes, form: Form, most: usize) -> Result<Self, BadBody> {
        if form == Form::Array {
            // What is passed over is not looked at as text.
            let text = std::str::from_utf8(&body).map_err(|_| BadBody::NoArray)?;
            serde_json::from_str::<Vec<IgnoredAny>>(text).map_err(|_| BadBody::NoArray)?;
        }
        let batch = Self { body, form };
        let too_large = batch.payloads().position(|payload| payload.len() > most);
        match too_large {
            Some(place) => Err(BadBody::TooLarge(place + 1, most)),
            None => Ok(batch),
        }
    }

    /// The payload of each message, as it is written.
    pub(super) fn payloads(&self) -> impl Iterator<Item = Bytes> {
        let (lines, elements) = match self.form {
            Form::Lines => (Some(lines(&self.body)), None),
            Form::Array => (None, Some(Elements::of(&self.body))),
        };
        let payloads = lines.into_iter().flatten().chain(elements.into_iter().flatten());
        payloads.map(|payload| self.body.slice_ref(payload))
    }
}

fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.trim_ascii().is_empty())
}

/// The elements of what is an array of JSON, as they are written.
struct Elements<'a> {
    /// What comes behind the bracket, or the last comma.
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    fn of(array: &'a [u8]) -> Self {
        let array = array.trim_ascii();
        Self {
            rest: array.strip_prefix(b"[").unwrap_or_default(),
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
        let end = self.rest.iter().position(|byte| {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_text => is_escaped = true,
                b'"' => is_text = !is_text,
                _ if is_text => {}
                b',' | b']' if depth == 0 => return true,
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            false
        })?;
        let (element, rest) = self.rest.split_at_checked(end)?;
        let is_last = rest.first() == Some(&b']');
        self.rest = rest.get(1..).filter(|_| !is_last).unwrap_or_default();
        Some(element.trim_ascii()).filter(|element| !element.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::{BadBody, Batch, Elements, Form};
    use actix_web::web::Bytes;

    fn read(body: &'static str, form: Form) -> Result<Vec<String>, BadBody> {
        let batch = Batch::read(Bytes::from_static(body.as_bytes()), form, 10)?;
        let payloads = batch.payloads();
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
            Elements::of(nested.as_bytes()).collect::<Vec<_>>(),
            [&b"[1,[2]]"[..], br#"{"a":[",",1]}"#, br#""]\\\",[""#]
        );
        assert_eq!(read("[]", Form::Array).unwrap(), [""; 0]);
        for other in ["", "{}", "[1,]", "[1] x"] {
            assert_eq!(read(other, Form::Array), Err(BadBody::NoArray), "{other}");
        }
    }

    /// Whatever is changed in a body: what is taken of an array is what is in it, and nothing panics.
    #[test]
    fn any_bytes() {
        let mut random = fastrand::Rng::with_seed(7);
        let whole = r#"[ {"a": [1, "]\\\",["]}, [[], {}], "\\", -2.5e3 ,null,"ü" ]"#;
        let pieces = b"[]{},:\"\\ \n\r1e-ntrue";
        for _ in 0..20_000 {
            let mut body = whole.as_bytes().to_vec();
            for _ in 0..random.usize(0..4) {
                let place = random.usize(0..body.len());
                match random.u8(0..3) {
                    0 => body[place] = pieces[random.usize(0..pieces.len())],
                    1 => drop(body.drain(place..random.usize(place..body.len()))),
                    _ => body.insert(place, random.u8(..)),
                }
            }
            let lines = Batch::read(body.clone().into(), Form::Lines, 1000).unwrap();
            assert!(lines.payloads().all(|line| !line.contains(&b'\n')));
            let Ok(values) = serde_json::from_slice::<Vec<serde_json::Value>>(&body) else {
                assert_eq!(Batch::read(body.into(), Form::Array, 1000), Err(BadBody::NoArray));
                continue;
            };
            let batch = Batch::read(body.into(), Form::Array, 1000).unwrap();
            let read = batch
                .payloads()
                .map(|payload| serde_json::from_slice(&payload).unwrap());
            assert_eq!(read.collect::<Vec<serde_json::Value>>(), values);
        }
    }

    #[test]
    fn forms() {
        assert_eq!(Form::of("application/json"), Some(Form::Array));
        assert_eq!(Form::of("Application/X-NDJSON"), Some(Form::Lines));
        assert_eq!(Form::of("text/html"), None);
    }
}
