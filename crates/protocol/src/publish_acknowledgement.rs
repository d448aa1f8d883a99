//! What a stream answers to who publishes: that it has stored the message, or why not.

use serde::Deserialize;
use std::borrow::Cow;

/// What a stream answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishAcknowledgement {
    /// It has the message, perhaps since before.
    Stored,
    /// It has not, for this reason.
    Refused(String),
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    error: Option<Error<'a>>,
    #[serde(default)]
    seq: u64,
}

#[derive(Deserialize)]
struct Error<'a> {
    #[serde(borrow, default)]
    description: Cow<'a, str>,
}

impl PublishAcknowledgement {
    /// Reads an answer.
    pub fn read(payload: &[u8]) -> Self {
        match serde_json::from_slice::<Answer<'_>>(payload) {
            Ok(Answer {
                error: None,
                seq: 1..,
            }) => Self::Stored,
            Ok(Answer {
                error: Some(error), ..
            }) => Self::Refused(error.description.into_owned()),
            Ok(_) | Err(_) => Self::Refused("what answers is no stream".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PublishAcknowledgement as Read;

    #[test]
    fn only_what_is_stored_is() {
        assert_eq!(Read::read(br#"{"stream":"S", "seq":7}"#), Read::Stored);
        assert_eq!(
            Read::read(br#"{"stream":"S","seq":7,"duplicate":true}"#),
            Read::Stored
        );
        let refused = br#"{"error":{"code":400,"err_code":10047,"description":"maximum \"bytes\""},"stream":"S","seq":0}"#;
        assert_eq!(Read::read(refused), Read::Refused("maximum \"bytes\"".to_owned()));
        for other in [
            &b""[..],
            b"{}",
            b"ok",
            br#"{"seq":0}"#,
            br#"{"error":5,"seq":1}"#,
            b"[]",
        ] {
            let refused = Read::Refused("what answers is no stream".to_owned());
            assert_eq!(Read::read(other), refused, "{other:?}");
        }
    }
}
