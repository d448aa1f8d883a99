use crate::subject::{Subject, type_name};
use std::str::FromStr;
use thiserror::Error;

/// A distinguished name (RFC 4514): the innermost name first, as it is written.
///
/// Two are the same if their relative names are, in order; those are if they have the same attributes, in any order.
/// Names of types are the same in upper and lower case.
#[derive(Debug, Clone)]
pub struct DistinguishedName {
    names: Vec<Vec<Attribute>>,
}

#[derive(Debug, Clone)]
struct Attribute {
    kind: String,
    value: String,
}

/// A text that is no [`DistinguishedName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DistinguishedNameError {
    /// There is a value without a type.
    #[error("it has a value without a type")]
    NoType,
    /// A backslash is not followed by what can be escaped.
    #[error("it has a backslash before what cannot be escaped")]
    Escape,
    /// A value is written as its encoding.
    #[error("it has a value that begins with #")]
    Encoded,
    /// What the escapes stand for is no text.
    #[error("it is not UTF-8 text")]
    NotText,
}

impl DistinguishedName {
    /// That of a certificate, if it has any attributes, and all are text and have a name.
    pub(crate) fn of(subject: &Subject) -> Option<Self> {
        let names = subject.0.iter().rev().filter(|name| !name.is_empty());
        let names = names.map(|attributes| {
            let attributes = attributes.iter().rev().map(|attribute| {
                Some(Attribute {
                    kind: type_name(&attribute.id)?.to_owned(),
                    value: attribute.value.clone()?,
                })
            });
            attributes.collect::<Option<Vec<_>>>()
        });
        let names = names.collect::<Option<Vec<_>>>()?;
        (!names.is_empty()).then_some(Self { names })
    }

    /// Whether both have the same relative names, in whatever order.
    pub fn matches_in_any_order(&self, other: &Self) -> bool {
        let mut left: Vec<&Vec<Attribute>> = other.names.iter().collect();
        self.names.len() == other.names.len()
            && self.names.iter().all(|name| {
                let position = left.iter().position(|other| is_same(name, other));
                position.map(|position| left.swap_remove(position)).is_some()
            })
    }
}

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        let mut pairs = self.names.iter().zip(&other.names);
        self.names.len() == other.names.len() && pairs.all(|(name, other)| is_same(name, other))
    }
}

fn is_same(name: &[Attribute], other: &[Attribute]) -> bool {
    let has_all = |these: &[Attribute], those: &[Attribute]| {
        those.iter().all(|that| {
            let is_that = |this: &Attribute| {
                this.value == that.value && this.kind.to_lowercase() == that.kind.to_lowercase()
            };
            these.iter().any(is_that)
        })
    };
    name.len() == other.len() && has_all(name, other) && has_all(other, name)
}

impl FromStr for DistinguishedName {
    type Err = DistinguishedNameError;

    fn from_str(text: &str) -> Result<Self, DistinguishedNameError> {
        let mut reader = NameReader::default();
        let mut rest = text.as_bytes().iter();
        while let Some(&byte) = rest.next() {
            match byte {
                b'\\' => {
                    let escaped = unescape(&mut rest)?;
                    reader.push_escaped(escaped);
                }
                b'=' => {
                    reader.kind = Some(reader.take()?);
                    if rest.as_slice().first() == Some(&b'#') {
                        return Err(DistinguishedNameError::Encoded);
                    }
                }
                b',' | b'+' => reader.end_attribute(byte == b',')?,
                b' ' if reader.part.is_empty() => {}
                _ => reader.push(byte),
            }
        }
        if !reader.part.is_empty() {
            reader.end_attribute(true)?;
        }
        Ok(Self { names: reader.names })
    }
}

/// What follows a backslash: a sign that would have a meaning, or two hexadecimal digits.
fn unescape(rest: &mut std::slice::Iter<'_, u8>) -> Result<u8, DistinguishedNameError> {
    let first = rest.next().copied().ok_or(DistinguishedNameError::Escape)?;
    if b" \"#+,;<=>\\".contains(&first) {
        return Ok(first);
    }
    let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
    let (Some(high), Some(low)) = (digit(Some(first)), digit(rest.next().copied())) else {
        return Err(DistinguishedNameError::Escape);
    };
    u8::try_from(high << 4 | low).map_err(|_| DistinguishedNameError::Escape)
}

/// A distinguished name, as far as it was read.
#[derive(Default)]
struct NameReader {
    names: Vec<Vec<Attribute>>,
    /// The relative name that is being read.
    name: Vec<Attribute>,
    kind: Option<String>,
    part: Vec<u8>,
    /// How many spaces, not escaped, are at the end of the part.
    spaces: usize,
}

impl NameReader {
    fn push(&mut self, byte: u8) {
        self.spaces = if byte == b' ' { self.spaces + 1 } else { 0 };
        self.part.push(byte);
    }

    fn push_escaped(&mut self, byte: u8) {
        self.spaces = 0;
        self.part.push(byte);
    }

    /// The part that was read, without the spaces at its end.
    fn take(&mut self) -> Result<String, DistinguishedNameError> {
        let mut part = std::mem::take(&mut self.part);
        part.truncate(part.len() - std::mem::take(&mut self.spaces));
        String::from_utf8(part).map_err(|_| DistinguishedNameError::NotText)
    }

    fn end_attribute(&mut self, ends_name: bool) -> Result<(), DistinguishedNameError> {
        let kind = self.kind.take().filter(|kind| !kind.is_empty());
        let kind = kind.ok_or(DistinguishedNameError::NoType)?;
        let value = self.take()?;
        self.name.push(Attribute { kind, value });
        if ends_name {
            self.names.push(std::mem::take(&mut self.name));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DistinguishedName {
        text.parse().unwrap()
    }

    #[test]
    fn the_same_name_written_differently() {
        for (one, other) in [
            ("CN=derek,OU=nats,O=acme", "cn = derek , ou=nats,  O=acme "),
            ("CN=a+OU=b,O=c", "OU=b+CN=a,O=c"),
            (r"O=Acme\, Inc.,CN=x", r"O=Acme\2c Inc.,CN=x"),
            (r"CN=\ a\ ", r"CN=\20a\20"),
            (r"CN=Lu\C4\8Di\C4\87", "CN=Lučić"),
        ] {
            assert_eq!(name(one), name(other), "{one}");
        }
    }

    #[test]
    fn names_in_another_order() {
        let one = name("CN=a,OU=b,DC=x,DC=y");
        let other = name("DC=y,DC=x,OU=b,CN=a");
        assert_ne!(one, other);
        assert!(one.matches_in_any_order(&other));
        assert!(!name("DC=x,DC=x").matches_in_any_order(&name("DC=x,DC=y")));
        assert!(!name("CN=a").matches_in_any_order(&name("CN=a,CN=a")));
    }

    #[test]
    fn different_names() {
        for (one, other) in [
            ("CN=a", "CN=A"),
            ("CN=a", "OU=a"),
            ("CN=a,OU=b", "CN=a+OU=b"),
            ("CN=a", "CN=a,O=b"),
        ] {
            assert_ne!(name(one), name(other), "{one}");
        }
    }

    #[test]
    fn what_is_no_name() {
        for (text, error) in [
            ("derek", DistinguishedNameError::NoType),
            ("CN=a,b", DistinguishedNameError::NoType),
            ("=a", DistinguishedNameError::NoType),
            (",", DistinguishedNameError::NoType),
            ("CN=#04024869", DistinguishedNameError::Encoded),
            (r"CN=a\", DistinguishedNameError::Escape),
            (r"CN=a\z", DistinguishedNameError::Escape),
            (r"CN=a\1", DistinguishedNameError::Escape),
            (r"CN=\ff", DistinguishedNameError::NotText),
        ] {
            assert_eq!(text.parse::<DistinguishedName>().unwrap_err(), error, "{text}");
        }
    }

    /// Every text of up to six of the signs that mean something is read to its end.
    #[test]
    fn any_text_is_read() {
        const SIGNS: &[u8] = b"\\=,+# a1\xc3\xa9";
        let mut read = 0;
        for number in 0..SIGNS.len().pow(6) {
            let mut rest = number;
            let mut bytes = Vec::new();
            while rest > 0 {
                bytes.push(SIGNS[rest % SIGNS.len()]);
                rest /= SIGNS.len();
            }
            if let Ok(text) = std::str::from_utf8(&bytes)
                && let Ok(name) = text.parse::<DistinguishedName>()
            {
                assert_eq!(name, name.clone(), "{text}");
                assert!(name.matches_in_any_order(&name), "{text}");
                read += 1;
            }
        }
        assert!(read > 1000);
    }
}
