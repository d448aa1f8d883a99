//! Events of JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::fmt;
use vagus_configs::OutwardSettings;
use vagus_protocol::neutral::NeutralMessage;

/// The text, or number, where these keys lead in an object; empty if there is none.
pub(crate) fn tag_of(json: &[u8], keys: &[String]) -> Bytes {
    if keys.is_empty() {
        return Bytes::new();
    }
    let Ok(object) = serde_json::from_slice::<Map<String, Value>>(json) else {
        return Bytes::new();
    };
    let object = Value::Object(object);
    let found = keys.iter().try_fold(&object, |value, key| value.get(key));
    match found {
        Some(Value::String(text)) => Bytes::copy_from_slice(text.as_bytes()),
        Some(Value::Number(number)) => number.to_string().into(),
        _ => Bytes::new(),
    }
}

/// An object of JSON, of which nothing is kept.
struct Object;

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for Object {
    type Value = Self;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Self, A::Error> {
        while pairs.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self)
    }
}

/// Whether this is an object of JSON.
pub(crate) fn is_object(json: &[u8]) -> bool {
    serde_json::from_slice::<Object>(json).is_ok()
}

/// Under which keys the tag and the subject of a message are put into its event, if they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Additions {
    tag_key: Option<String>,
    subject_key: Option<String>,
}

impl Additions {
    pub(crate) fn of(settings: &OutwardSettings) -> Self {
        Self {
            tag_key: settings.tag_key.clone(),
            subject_key: settings.subject_key.clone(),
        }
    }

    /// Appends the event of a message, in one line: an object as it is, text under `message`, anything else as Base64 under
    /// `data`.
    pub(crate) fn append(&self, message: &NeutralMessage<'_>, tag: &[u8], out: &mut Vec<u8>) {
        let payload = message.payload.trim_ascii();
        if let Some(inner) = payload.strip_suffix(b"}")
            && is_object(payload)
        {
            // Line ends of an object are between its parts, never in them.
            out.extend(inner.iter().map(|byte| match byte {
                b'\n' | b'\r' => b' ',
                byte => *byte,
            }));
        } else {
            out.push(b'{');
            match std::str::from_utf8(message.payload) {
                Ok(text) => append_pair("message", text, out),
                Err(_) => append_pair("data", &STANDARD.encode(message.payload), out),
            }
        }
        for (key, value) in [(&self.tag_key, tag), (&self.subject_key, message.subject)] {
            if let Some(key) = key {
                append_pair(key, &String::from_utf8_lossy(value), out);
            }
        }
        out.push(b'}');
    }
}

/// Appends a pair to an object that is open.
fn append_pair(key: &str, value: &str, out: &mut Vec<u8>) {
    if out.trim_ascii_end().last() != Some(&b'{') {
        out.push(b',');
    }
    // Writing text into a vector does not fail.
    let _ = serde_json::to_writer(&mut *out, key);
    out.push(b':');
    let _ = serde_json::to_writer(out, value);
}

#[cfg(test)]
mod tests {
    use super::{Additions, is_object, tag_of};
    use vagus_protocol::neutral::NeutralMessage;

    #[test]
    fn tags_are_where_keys_lead() {
        let keys = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
        let json = br#"{"@metadata":{"beat":"filebeat","n":5},"x":[]}"#;
        for (path, tag) in [
            ("@metadata.beat", "filebeat"),
            ("@metadata.n", "5"),
            ("@metadata", ""),
            ("x", ""),
            ("none.at.all", ""),
        ] {
            assert_eq!(tag_of(json, &keys(path)), tag.as_bytes(), "{path}");
        }
        assert_eq!(tag_of(b"no json", &keys("a")), b""[..]);
        assert_eq!(tag_of(json, &[]), b""[..]);
    }

    #[test]
    fn objects_are_told_from_others() {
        for object in ["{}", r#"{"a":{"b":[1]}}"#, " {} "] {
            assert!(is_object(object.as_bytes()), "{object}");
        }
        for other in ["", "1", "[]", "{", "{}{}", "{\"a\"}", "\"{}\""] {
            assert!(!is_object(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn messages_are_events_of_one_line() {
        let plain = Additions::default();
        let all = Additions {
            tag_key: Some("tag".to_owned()),
            subject_key: Some("s".to_owned()),
        };
        for (payload, without, with) in [
            (&br#"{"a":1}"#[..], r#"{"a":1}"#, r#"{"a":1,"tag":"t","s":"x.y"}"#),
            (b"{\r\n}\n", "{  }", r#"{  "tag":"t","s":"x.y"}"#),
            (
                b"a\nb",
                r#"{"message":"a\nb"}"#,
                r#"{"message":"a\nb","tag":"t","s":"x.y"}"#,
            ),
            (
                b"[1]",
                r#"{"message":"[1]"}"#,
                r#"{"message":"[1]","tag":"t","s":"x.y"}"#,
            ),
            (
                b"\xff",
                r#"{"data":"/w=="}"#,
                r#"{"data":"/w==","tag":"t","s":"x.y"}"#,
            ),
        ] {
            let message = NeutralMessage {
                subject: b"x.y",
                payload,
                ..NeutralMessage::default()
            };
            for (additions, expected) in [(&plain, without), (&all, with)] {
                let mut out = Vec::new();
                additions.append(&message, b"t", &mut out);
                assert_eq!(String::from_utf8(out).unwrap(), expected);
            }
        }
    }
}
