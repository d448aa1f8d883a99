//! JSON byte for byte as Go's encoder writes it, which escapes what HTML would take for its own.

use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;
use std::fmt::{self, Display, Write as _};
use std::io;

/// Appends a value as JSON. It must be made of texts, numbers, booleans, lists and objects with texts for keys: writing
/// those into memory cannot fail.
pub fn append(out: &mut Vec<u8>, value: &impl Serialize) {
    let written = value.serialize(&mut serde_json::Serializer::with_formatter(out, HtmlSafe));
    debug_assert!(written.is_ok(), "{written:?}");
}

/// Escapes `<`, `>`, `&` and the two line ends that only JavaScript knows.
struct HtmlSafe;

impl Formatter for HtmlSafe {
    fn write_string_fragment<W>(&mut self, out: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        // U+2028 and U+2029 begin with E2 in UTF-8.
        let is_special = |byte: &u8| matches!(byte, b'<' | b'>' | b'&' | 0xE2);
        if !fragment.as_bytes().iter().any(is_special) {
            return out.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (before, special) = rest.split_at(at);
            let mut letters = special.chars();
            let letter = letters.next().map_or(0, u32::from);
            write!(out, "{before}\\u{letter:04x}")?;
            rest = letters.as_str();
        }
        out.write_all(rest.as_bytes())
    }
}

/// Bytes from outside as text. What is not UTF-8 becomes U+FFFD, byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text<'a>(pub(crate) &'a [u8]);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.collect_str(self),
        }
    }
}

impl Display for Text<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            out.write_str(chunk.valid())?;
            for _ in chunk.invalid() {
                out.write_char(char::REPLACEMENT_CHARACTER)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Text, append};

    #[track_caller]
    fn check(bytes: impl AsRef<[u8]>, expect: &str) {
        let mut out = b"before ".to_vec();
        append(&mut out, &Text(bytes.as_ref()));
        assert_eq!(String::from_utf8(out).unwrap(), format!("before {expect}"));
    }

    #[test]
    fn reads_as_gos() {
        check("", r#""""#);
        check("foo.*", r#""foo.*""#);
        check("foo.>", r#""foo.\u003e""#);
        check("<a & b>", r#""\u003ca \u0026 b\u003e""#);
        check(
            "a\"b\\\n\r\t\x08\x0c\0\x7f",
            "\"a\\\"b\\\\\\n\\r\\t\\b\\f\\u0000\x7f\"",
        );
        check("…\u{2028}\u{2029}\u{2027}", "\"…\\u2028\\u2029\u{2027}\"");
        check(b"a\xff\xe4\xbeb>", "\"a\u{fffd}\u{fffd}\u{fffd}b\\u003e\"");
    }
}
