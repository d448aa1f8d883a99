//! What an answer is wrapped in: who gives it, and whether it is one.

use serde::Serialize;
use vagus_protocol::server_shown::ServerShown;

/// What a request comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is answered, with this JSON.
    Data(Vec<u8>),
    /// It is done, and there is nothing to say.
    Done,
    /// It is not what it should be.
    BadRequest(String),
    /// It was asked for something that cannot be told.
    Failed(String),
    /// It was not done.
    NotDone(String),
}

#[derive(Serialize)]
struct Error<'a> {
    code: u16,
    description: &'a str,
}

impl Outcome {
    /// The answer of this server, as JSON.
    pub(crate) fn into_json(self, server: &ServerShown<'_>) -> Vec<u8> {
        let mut out = br#"{"server":"#.to_vec();
        append(&mut out, server);
        let error = |out: &mut Vec<u8>, code, description: &str| {
            out.extend_from_slice(br#","error":"#);
            append(out, &Error { code, description });
        };
        match &self {
            Self::Data(data) => {
                out.reserve_exact(data.len() + 16);
                out.extend_from_slice(br#","data":"#);
                out.extend_from_slice(data);
            }
            Self::Done => {}
            Self::BadRequest(text) => error(&mut out, 400, text),
            Self::Failed(text) => {
                // As nats-server has it, whose data is of a kind even where there is none.
                out.extend_from_slice(br#","data":null"#);
                error(&mut out, 500, text);
            }
            Self::NotDone(text) => error(&mut out, 500, text),
        }
        out.push(b'}');
        out
    }
}

/// Appends a value as JSON. It is made of texts, numbers and lists: that does not fail.
pub(crate) fn append(out: &mut Vec<u8>, value: &impl Serialize) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "{written:?}");
}

#[cfg(test)]
mod tests {
    use super::Outcome;
    use std::collections::BTreeMap;
    use vagus_protocol::info::Info;
    use vagus_protocol::server_shown::ServerShown;

    #[test]
    fn says_who_answers_and_what() {
        let metadata = BTreeMap::new();
        let info = Info::default();
        let server = ServerShown::of(&info, (&[], &metadata), 1, "2026-01-01T00:00:00Z");
        let text = |outcome: Outcome| {
            let json = String::from_utf8(outcome.into_json(&server)).unwrap();
            let (_, rest) = json.split_once(r#""time":"2026-01-01T00:00:00Z"}"#).unwrap();
            rest.to_owned()
        };
        assert_eq!(text(Outcome::Data(b"{\"a\":1}".to_vec())), r#","data":{"a":1}}"#);
        assert_eq!(text(Outcome::Done), "}");
        assert_eq!(
            text(Outcome::BadRequest("no \"b\"".to_owned())),
            r#","error":{"code":400,"description":"no \"b\""}}"#
        );
        assert_eq!(
            text(Outcome::Failed("f".to_owned())),
            r#","data":null,"error":{"code":500,"description":"f"}}"#
        );
        assert_eq!(
            text(Outcome::NotDone("n".to_owned())),
            r#","error":{"code":500,"description":"n"}}"#
        );
    }
}
