//! Lines in which servers say who they are: INFO and CONNECT, whatever they are to each other.

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::marker::PhantomData;

/// Reads what is said in a line: a JSON object.
pub(crate) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    let mut said = serde_json::Deserializer::from_slice(text);
    let object = object(&mut said)?;
    said.end()?;
    object.ok_or_else(|| serde_json::Error::custom("not an object"))
}

/// Reads an object, or null, which is none; for a field: `deserialize_with`. The fields alone in an array, which the library would
/// take for an object as well, are nothing that a server says.
pub(crate) fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_any(Object(PhantomData))
}

struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = Option<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Appends a line: its verb with the blank, what is said, and its end.
pub(crate) fn append(out: &mut Vec<u8>, verb: &[u8], said: &impl Serialize, end: &[u8]) {
    out.extend_from_slice(verb);
    // Text, numbers and booleans into memory: there is nothing in it that can fail.
    let written = serde_json::to_writer(&mut *out, said);
    debug_assert!(written.is_ok(), "{written:?}");
    out.extend_from_slice(end);
}

#[cfg(test)]
mod tests {
    use crate::gateway::GatewayInfo;
    use crate::leaf::{LeafConnect, LeafInfo};
    use crate::route::{RouteConnect, RouteInfo, SubjectRules};

    #[test]
    fn a_server_says_an_object() {
        for (text, is_object) in [
            ("{}", true),
            (" \t{ } ", true),
            ("[]", false),
            ("[1]", false),
            (" [{}]", false),
            ("[\"a\",\"b\"]", false),
            ("null", false),
            ("1", false),
            ("\"{}\"", false),
            ("{", false),
            ("{} {}", false),
            ("", false),
        ] {
            let text = text.as_bytes();
            let read = [
                RouteInfo::read(text).is_ok(),
                RouteConnect::read(text).is_ok(),
                LeafInfo::read(text).is_ok(),
                LeafConnect::read(text).is_ok(),
                GatewayInfo::read(text).is_ok(),
            ];
            assert_eq!(read, [is_object; 5], "{}", String::from_utf8_lossy(text));
        }
    }

    /// What a server wants of others, and lets them have.
    #[test]
    fn so_are_the_objects_in_it() {
        let deny = |subject: &str| SubjectRules {
            deny: vec![subject.to_owned()],
            ..SubjectRules::default()
        };
        for (rules, expected) in [
            ("{}", Some(Some(SubjectRules::default()))),
            (r#"{"deny":["a"],"others":[]}"#, Some(Some(deny("a")))),
            ("null", Some(None)),
            ("[]", None),
            (r#"[["a"],["b"]]"#, None),
            ("1", None),
            (r#""a""#, None),
            ("true", None),
        ] {
            for field in ["import", "export"] {
                let text = format!(r#"{{"{field}":{rules}}}"#);
                let of_route = RouteInfo::read(text.as_bytes()).ok();
                let of_leaf = LeafInfo::read(text.as_bytes()).ok();
                let of_route = of_route.map(|info| info.import.or(info.export));
                let of_leaf = of_leaf.map(|info| info.import.or(info.export));
                for read in [of_route, of_leaf] {
                    assert_eq!(read.map(|rules| rules.map(|rules| *rules)), expected, "{text}");
                }
            }
        }
    }
}
