//! The subject of a certificate, with its attributes grouped as they are encoded, and as the text that nats-server
//! has for it.

use crate::structure::elements;
use der::Decode;
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Tag, Tagged};
use openssl::x509::X509NameRef;
use std::fmt::Write;

/// One attribute of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) id: ObjectIdentifier,
    /// None if it is no text.
    pub(crate) value: Option<String>,
}

/// Relative distinguished names, in the order of their encoding: the outermost first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Subject(pub(crate) Vec<Vec<Attribute>>);

/// The attributes that have a name of their own, in the order in which nats-server 2.14 (Go 1.26) shows them, the last
/// first. Users are found by this text where a subject has an attribute that is not among these.
const NAMED: [(&str, &str); 9] = [
    ("2.5.4.6", "C"),
    ("2.5.4.8", "ST"),
    ("2.5.4.7", "L"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.17", "POSTALCODE"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "SERIALNUMBER"),
];

pub(crate) const DOMAIN_COMPONENT: &str = "0.9.2342.19200300.100.1.25";

/// The name of a type of attributes in a distinguished name.
pub(crate) fn type_name(id: &ObjectIdentifier) -> Option<&'static str> {
    let id = id.to_string();
    if id == DOMAIN_COMPONENT {
        return Some("DC");
    }
    NAMED.iter().find(|(of, _)| *of == id).map(|(_, name)| *name)
}

impl Subject {
    /// Nothing at all if it is not encoded as it should.
    pub(crate) fn of(name: &X509NameRef) -> Self {
        name.to_der()
            .ok()
            .and_then(|der| Self::from_der(&der))
            .unwrap_or_default()
    }

    fn from_der(der: &[u8]) -> Option<Self> {
        let names = elements(AnyRef::from_der(der).ok()?)?;
        let names = names.into_iter().map(|name| {
            let attributes = elements(name)?;
            attributes.into_iter().map(attribute).collect::<Option<Vec<_>>>()
        });
        names.collect::<Option<Vec<_>>>().map(Self)
    }

    /// All attributes, in the order of their encoding.
    fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.0.iter().flatten()
    }

    /// As nats-server shows it: the attributes that have a name in an order of its own, those of one type joined by
    /// `+`, and behind them, in the reverse order of their encoding, those that have none.
    pub(crate) fn to_full_text(&self) -> String {
        let unnamed: Vec<&Attribute> = self
            .attributes()
            .filter(|attribute| {
                let id = attribute.id.to_string();
                !NAMED.iter().any(|(named, _)| *named == id)
            })
            .collect();
        let mut text = self.to_text();
        for attribute in unnamed.into_iter().rev() {
            if !text.is_empty() {
                text.push(',');
            }
            write_unnamed(&mut text, attribute);
        }
        text
    }

    /// Like [`to_full_text`](Self::to_full_text), without the attributes that have no name.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        for (id, name) in NAMED.iter().rev() {
            let mut values: Vec<&str> = self
                .attributes()
                .filter(|attribute| attribute.id.to_string() == *id)
                .filter_map(|attribute| attribute.value.as_deref())
                .collect();
            // Of these there is one alone: the last.
            if matches!(*name, "CN" | "SERIALNUMBER") {
                values = values
                    .pop()
                    .filter(|value| !value.is_empty())
                    .into_iter()
                    .collect();
            }
            for (position, value) in values.into_iter().enumerate() {
                if position > 0 {
                    text.push('+');
                } else if !text.is_empty() {
                    text.push(',');
                }
                text.push_str(name);
                text.push('=');
                write_escaped(&mut text, value);
            }
        }
        text
    }

    /// The domain components, in the order of their encoding: `DC=example,DC=com`.
    pub(crate) fn domain_components(&self) -> String {
        let components: Vec<String> = self
            .attributes()
            .filter(|attribute| attribute.id.to_string() == DOMAIN_COMPONENT)
            .filter_map(|attribute| attribute.value.as_ref())
            .map(|value| format!("DC={value}"))
            .collect();
        components.join(",")
    }
}

fn attribute(encoded: AnyRef<'_>) -> Option<Attribute> {
    let parts = elements(encoded)?;
    let [id, value] = parts.as_slice() else {
        return None;
    };
    Some(Attribute {
        id: id.decode_as().ok()?,
        value: text(*value),
    })
}

/// The text of a value, whatever kind of text it is.
fn text(value: AnyRef<'_>) -> Option<String> {
    let bytes = value.value();
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::VisibleString => {
            std::str::from_utf8(bytes).ok().map(str::to_owned)
        }
        // It is read as Latin-1, as everybody does.
        Tag::TeletexString => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::BmpString => {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().copied().map(u16::from_be_bytes).collect();
            rest.is_empty().then(|| String::from_utf16(&units).ok())?
        }
        _ => None,
    }
}

/// `\` before what has a meaning in a distinguished name (RFC 2253).
fn write_escaped(text: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (position, sign) in value.chars().enumerate() {
        let is_special = match sign {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => true,
            ' ' => position == 0 || position == last,
            '#' => position == 0,
            _ => false,
        };
        if is_special {
            text.push('\\');
        }
        text.push(sign);
    }
}

/// `<id>=#<DER>`, in hexadecimal digits.
fn write_unnamed(text: &mut String, attribute: &Attribute) {
    const PRINTABLE: u8 = 0x13;
    const UTF8: u8 = 0x0c;
    let value = attribute.value.as_deref().unwrap_or_default();
    let is_printable = |byte: u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte);
    let tag = if value.bytes().all(is_printable) {
        PRINTABLE
    } else {
        UTF8
    };
    // Writing to a String cannot fail.
    let _ = write!(text, "{}=#{tag:02x}", attribute.id);
    let length = value.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    match value.len() {
        0 => text.push_str("00"),
        1..=127 => {}
        _ => {
            let _ = write!(text, "{:02x}", 0x80 | significant.len());
        }
    }
    for byte in significant.iter().copied().chain(value.bytes()) {
        let _ = write!(text, "{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::x509::X509NameBuilder;

    fn subject(entries: &[(&str, &str)]) -> Subject {
        let mut name = X509NameBuilder::new().unwrap();
        for (field, value) in entries {
            name.append_entry_by_text(field, value).unwrap();
        }
        Subject::of(&name.build())
    }

    /// What Go's `pkix.Name` says of the same subjects.
    #[test]
    fn texts_as_nats_server_shows_them() {
        let shown = subject(&[
            ("C", "US"),
            ("O", "Acme"),
            ("OU", "a"),
            ("OU", "b"),
            ("CN", "derek"),
        ]);
        assert_eq!(shown.to_full_text(), "CN=derek,OU=a+OU=b,O=Acme,C=US");

        let shown = subject(&[
            ("DC", "com"),
            ("DC", "example"),
            ("O", "Acme, Inc."),
            ("CN", " x#"),
        ]);
        assert_eq!(shown.to_text(), r"CN=\ x#,O=Acme\, Inc.");
        assert_eq!(shown.domain_components(), "DC=com,DC=example");
        assert_eq!(
            shown.to_full_text(),
            r"CN=\ x#,O=Acme\, Inc.,0.9.2342.19200300.100.1.25=#13076578616d706c65,0.9.2342.19200300.100.1.25=#1303636f6d"
        );

        let shown = subject(&[
            ("serialNumber", "7"),
            ("CN", "n"),
            ("OU", "u"),
            ("O", "o"),
            ("postalCode", "p"),
            ("street", "s"),
            ("L", "l"),
            ("ST", "t"),
            ("C", "US"),
        ]);
        assert_eq!(
            shown.to_text(),
            "SERIALNUMBER=7,CN=n,OU=u,O=o,POSTALCODE=p,STREET=s,L=l,ST=t,C=US"
        );

        let shown = subject(&[("CN", "one"), ("emailAddress", "a@b.c"), ("CN", "two")]);
        assert_eq!(
            shown.to_full_text(),
            "CN=two,1.2.840.113549.1.9.1=#0c056140622e63"
        );
        assert_eq!(subject(&[]).to_full_text(), "");
    }

    #[test]
    fn long_values_have_long_lengths() {
        let value = "x".repeat(200);
        let mut text = String::new();
        let id = ObjectIdentifier::new_unwrap("1.2.3");
        write_unnamed(
            &mut text,
            &Attribute {
                id,
                value: Some(value),
            },
        );
        assert!(text.starts_with("1.2.3=#1381c87878"), "{text}");
    }

    #[test]
    fn damaged_encodings_are_nothing() {
        for damaged in [
            &b"\x30\x05\x31"[..],
            b"",
            b"\x30\x03\x31\x01\x30",
            b"\x30\x02\x31\x05",
        ] {
            assert_eq!(Subject::from_der(damaged), None, "{damaged:?}");
        }
    }
}
