//! Reading one level of a JSON object with the leniency of Go's decoder, which clients have come to
//! rely on: invalid UTF-8 and lone surrogates in strings become U+FFFD, nesting is deep.

use serde::de::IgnoredAny;
use thiserror::Error;

/// Deepest nesting that is accepted.
const MAX_DEPTH: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum JsonError {
    #[error("not JSON")]
    Syntax,
    #[error("not a JSON object")]
    NotAnObject,
}

/// A value of the object, strings still escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(&'a [u8]),
    /// What stands between the quotes: see [`unescape`].
    String(&'a [u8]),
    Array,
    Object,
}

/// `text` without the blanks JSON allows around it.
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    let mut text = text;
    while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] | [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = text {
        text = rest;
    }
    text
}

/// Checks that `text` is one JSON object; `None` when it is `null`, which stands for an empty one.
pub(crate) fn check_object(text: &[u8]) -> Result<Option<Fields<'_>>, JsonError> {
    // Ignoring a value is not recursive, and does not look into strings: depth and encoding are ours.
    serde_json::from_slice::<IgnoredAny>(text).map_err(|_| JsonError::Syntax)?;
    let text = trim(text);
    match text {
        [b'{', rest @ ..] => {
            let fields = Fields { rest };
            fields.clone().try_for_each(|field| field.map(drop))?;
            Ok(Some(fields))
        }
        b"null" => Ok(None),
        _ => Err(JsonError::NotAnObject),
    }
}

/// The fields of an object in their order, keys still escaped.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    /// From behind the opening brace or the last field on; valid JSON.
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(&'a [u8], Value<'a>), JsonError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_to_token();
        match self.rest.split_first()? {
            (b'"', rest) => {
                self.rest = rest;
                Some(self.field())
            }
            _ => None,
        }
    }
}

impl<'a> Fields<'a> {
    /// The text was checked before, so what may be skipped between two tokens is just skipped.
    fn skip_to_token(&mut self) {
        while let [b' ' | b'\t' | b'\r' | b'\n' | b',' | b':', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    fn field(&mut self) -> Result<(&'a [u8], Value<'a>), JsonError> {
        let key = self.string();
        self.skip_to_token();
        Ok((key, self.value()?))
    }

    /// The next field, its value as the text it is.
    pub(crate) fn next_as_text(&mut self) -> Option<(&'a [u8], Value<'a>, &'a [u8])> {
        self.skip_to_token();
        let key = match self.rest.split_first()? {
            (b'"', rest) => {
                self.rest = rest;
                self.string()
            }
            _ => return None,
        };
        self.skip_to_token();
        let before = self.rest;
        let value = self.value().ok()?;
        let length = before.len() - self.rest.len();
        Some((key, value, before.get(..length)?))
    }

    fn value(&mut self) -> Result<Value<'a>, JsonError> {
        Ok(match self.rest.first().ok_or(JsonError::Syntax)? {
            b'"' => {
                self.take(1);
                Value::String(self.string())
            }
            b'{' => {
                self.nested()?;
                Value::Object
            }
            b'[' => {
                self.nested()?;
                Value::Array
            }
            first => {
                let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n');
                let text = self.take(self.rest.iter().position(ends).unwrap_or(self.rest.len()));
                match first {
                    b'n' => Value::Null,
                    b't' => Value::Bool(true),
                    b'f' => Value::Bool(false),
                    _ => Value::Number(text),
                }
            }
        })
    }

    /// The rest of a string whose opening quote was taken, without the closing one.
    fn string(&mut self) -> &'a [u8] {
        let mut length = 0;
        loop {
            match self.rest.get(length) {
                Some(b'\\') => length += 2,
                Some(b'"') | None => break,
                Some(_) => length += 1,
            }
        }
        let text = self.take(length);
        self.take(1);
        text
    }

    /// Takes an array or an object.
    fn nested(&mut self) -> Result<(), JsonError> {
        // The object that is walked is a level too.
        let mut depth = 1;
        while let Some(byte) = self.take(1).first() {
            match byte {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth -= 1,
                b'"' => drop(self.string()),
                _ => {}
            }
            match depth {
                1 => return Ok(()),
                2..=MAX_DEPTH => {}
                _ => break,
            }
        }
        Err(JsonError::Syntax)
    }
}

/// The text of a string, of what stands between its quotes.
pub fn unescape(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut parts = raw.split(|&byte| byte == b'\\');
    push_lossy(&mut text, parts.next().unwrap_or_default());
    // A high surrogate waits here for the low one that must follow it at once.
    let mut pending: Option<u32> = None;
    while let Some(part) = parts.next() {
        if let [b'u', rest @ ..] = part {
            let (digits, rest) = rest.split_at_checked(4).unwrap_or((rest, &[]));
            let digits = str::from_utf8(digits).unwrap_or_default();
            let unit = u32::from_str_radix(digits, 16).unwrap_or(0xFFFD);
            match (pending.take(), unit) {
                (Some(high), 0xDC00..0xE000) => {
                    push_code(&mut text, 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00));
                }
                (high, _) => {
                    if let Some(high) = high {
                        push_code(&mut text, high);
                    }
                    match unit {
                        0xD800..0xDC00 if rest.is_empty() => pending = Some(unit),
                        _ => push_code(&mut text, unit),
                    }
                }
            }
            push_lossy(&mut text, rest);
            continue;
        }
        if let Some(high) = pending.take() {
            push_code(&mut text, high);
        }
        let Some((escape, rest)) = part.split_first() else {
            // Two backslashes: what follows them is taken as it is.
            text.push('\\');
            push_lossy(&mut text, parts.next().unwrap_or_default());
            continue;
        };
        text.push(match escape {
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            other => char::from(*other),
        });
        push_lossy(&mut text, rest);
    }
    if let Some(high) = pending {
        push_code(&mut text, high);
    }
    text
}

fn push_code(text: &mut String, code: u32) {
    text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
}

fn push_lossy(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unescapes() {
        #[track_caller]
        fn check(raw: &[u8], expect: &str) {
            assert_eq!(unescape(raw), expect);
        }
        check(b"", "");
        check(b"plain", "plain");
        check(br#"a\"b\\c\/d"#, "a\"b\\c/d");
        check(br"\\\\u0041\\", r"\\u0041\");
        check(br"\b\f\n\r\t", "\x08\x0c\n\r\t");
        check(br"\u0041\u00e9\u4f8b", "Aé例");
        check(br"\ud83c\udf88!", "🎈!");
        check(br"\ud83cx\udf88", "\u{fffd}x\u{fffd}");
        check(br"\ud83c\ud83c\udf88", "\u{fffd}🎈");
        check(br"\ud83c\n", "\u{fffd}\n");
        check(br"\ud83c\\", "\u{fffd}\\");
        check(br"\udf88\ud83c", "\u{fffd}\u{fffd}");
        check(br"\u0000", "\0");
        check(b"a\xff\xfe\xe4\xbeb", "a\u{fffd}\u{fffd}\u{fffd}\u{fffd}b");
    }

    #[test]
    fn walks_one_level() {
        let text = br#" { "a" : 1 ,"b":[{"c":"]}"},[]], "d\"":"x\"}", "e":{"f":null},"g":true,"h":null,"":-1.5e3 } "#;
        let fields: Vec<_> = check_object(text).unwrap().unwrap().map(Result::unwrap).collect();
        let expect: [(&[u8], Value<'_>); 7] = [
            (b"a", Value::Number(b"1")),
            (b"b", Value::Array),
            (br#"d\""#, Value::String(br#"x\"}"#)),
            (b"e", Value::Object),
            (b"g", Value::Bool(true)),
            (b"h", Value::Null),
            (b"", Value::Number(b"-1.5e3")),
        ];
        assert_eq!(fields, expect);
    }

    #[test]
    fn nesting_is_bounded_without_recursion() {
        let nested = |depth: usize| format!(r#"{{"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(check_object(nested(MAX_DEPTH - 1).as_bytes()).is_ok());
        assert_eq!(
            check_object(nested(MAX_DEPTH).as_bytes()).err(),
            Some(JsonError::Syntax)
        );
        assert_eq!(
            check_object(nested(1_000_000).as_bytes()).err(),
            Some(JsonError::Syntax)
        );
        assert_eq!(
            check_object("[".repeat(1_000_000).as_bytes()).err(),
            Some(JsonError::Syntax)
        );
    }
}
