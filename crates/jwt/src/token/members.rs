//! The members of objects, read as Go reads them into what it knows: by names in any case, and without those that are null.
//!
//! Of a name that is there twice Go takes the last, or some of both. Such a token is refused: whatever limits somebody is
//! never read otherwise than it was meant.

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Reads a value.
#[derive(Clone, Copy)]
pub(super) struct Members<'k> {
    /// The names of members whose own have names that somebody gives: these are kept as they are.
    pub(super) named_freely: &'k [&'k str],
    /// Whether this is the value of such a member.
    pub(super) is_named_freely: bool,
}

impl<'k> Members<'k> {
    /// Of a whole text.
    pub(super) fn but(named_freely: &'k [&'k str]) -> Self {
        Self {
            named_freely,
            is_named_freely: false,
        }
    }

    fn under(self, name: &str) -> Self {
        Self {
            is_named_freely: !self.is_named_freely && self.named_freely.contains(&name),
            ..self
        }
    }
}

/// The name that Go knows, all of which are in small letters: by it the long s and the sign of Kelvin are letters, too.
fn known(name: &str) -> String {
    let letter = |letter: char| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        letter => letter.to_ascii_lowercase(),
    };
    name.chars().map(letter).collect()
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let each = Self {
            is_named_freely: false,
            ..self
        };
        let mut all = Vec::new();
        while let Some(element) = elements.next_element_seed(each)? {
            all.push(element);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let name = match self.is_named_freely {
                true => name,
                false => known(&name),
            };
            let value = members.next_value_seed(self.under(&name))?;
            if !value.is_null() && all.insert(name, value).is_some() && !self.is_named_freely {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(all.into())
    }
}

#[cfg(test)]
mod tests {
    use super::Members;
    use serde::de::DeserializeSeed;
    use serde_json::{Value, json};

    fn read(text: &str) -> Result<Value, serde_json::Error> {
        Members::but(&["revocations"]).deserialize(&mut serde_json::Deserializer::from_str(text))
    }

    #[test]
    fn names_are_in_any_case() {
        let read =
            read(r#"{"EXP": 1, "I\u017fs": "x", "Nats": {"Sub": {"DENY": ["A.B"]}, "to\u212aen": 1.5}}"#);
        assert_eq!(
            read.unwrap(),
            json!({"exp": 1, "iss": "x", "nats": {"sub": {"deny": ["A.B"]}, "token": 1.5}})
        );
    }

    #[test]
    fn what_is_named_freely_keeps_its_names() {
        let read = read(r#"{"Revocations": {"UA": 1, "ua": 2, "UA": 3, "B": {"X": null, "Y": true}}}"#);
        assert_eq!(
            read.unwrap(),
            json!({"revocations": {"UA": 3, "ua": 2, "B": {"y": true}}})
        );
    }

    #[test]
    fn a_name_comes_once() {
        for text in [
            r#"{"exp": 1, "exp": 2}"#,
            r#"{"exp": 1, "Exp": 0}"#,
            r#"{"nats": [{"a": {}, "A": {}}]}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(read(r#"{"exp": null, "Exp": 5}"#).unwrap(), json!({"exp": 5}));
    }
}
