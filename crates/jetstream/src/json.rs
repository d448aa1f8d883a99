//! JSON as nats-server reads it: what is wrong with it is answered in the words of Go's decoder, which clients and their
//! tests compare.

pub(crate) mod reading;

use std::borrow::Cow;

/// So deep values may be nested; reading them is recursive.
const MAX_DEPTH: usize = 128;

/// A value, its texts unescaped.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'a str),
    /// With how it is written, quotes and all.
    Text(Cow<'a, str>, &'a [u8]),
    Array(Vec<Value<'a>>),
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

/// Why a text is no JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// It ends too early.
    End,
    /// This byte cannot stand where it does.
    Unexpected {
        byte: u8,
        at: usize,
        place: &'static str,
    },
    /// It is nested too deep, at this byte.
    Depth { at: usize },
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::End => out.write_str("unexpected EOF"),
            Self::Unexpected { byte, at, place } => {
                out.write_str("invalid character ")?;
                match byte {
                    b'\'' => out.write_str(r"'\''")?,
                    b'"' => out.write_str("'\"'")?,
                    byte => {
                        let letter = char::from(*byte).to_string();
                        let quoted = vagus_protocol::quote::Quoted(letter.as_bytes()).to_string();
                        write!(out, "'{}'", &quoted[1..quoted.len() - 1])?;
                    }
                }
                write!(out, " {place} at offset {}", at + 1)
            }
            Self::Depth { at } => write!(out, "exceeded max depth at offset {}", at + 1),
        }
    }
}

/// The values of a text, one behind the other, each read when it is asked for: what follows one may be anything.
pub(crate) fn values(text: &[u8]) -> impl Iterator<Item = Result<Value<'_>, Malformed>> {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    let mut is_over = false;
    std::iter::from_fn(move || {
        parser.skip_blanks();
        if is_over || parser.at == text.len() {
            return None;
        }
        let value = parser.value();
        is_over = value.is_err();
        Some(value)
    })
}

/// All values of a text.
pub(crate) fn parse(text: &[u8]) -> Result<Vec<Value<'_>>, Malformed> {
    values(text).collect()
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

const VALUE: &str = "looking for beginning of value";
const DIGIT: &str = "in numeric literal";

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    /// That the byte here cannot stand there.
    fn unexpected(&self, place: &'static str) -> Malformed {
        match self.peek() {
            None => Malformed::End,
            Some(byte) => {
                let at = self.at;
                Malformed::Unexpected { byte, at, place }
            }
        }
    }

    fn deeper(&mut self) -> Result<(), Malformed> {
        self.depth += 1;
        match self.depth > MAX_DEPTH {
            true => Err(Malformed::Depth { at: self.at }),
            false => {
                self.at += 1;
                self.skip_blanks();
                Ok(())
            }
        }
    }

    fn value(&mut self) -> Result<Value<'a>, Malformed> {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => {
                let (text, raw) = self.text()?;
                Ok(Value::Text(text, raw))
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'n') => self.word("null", Value::Null),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            _ => Err(self.unexpected(VALUE)),
        }
    }

    fn word(&mut self, word: &'static str, value: Value<'a>) -> Result<Value<'a>, Malformed> {
        let places = match word {
            "null" => [
                "in literal null (expecting 'u')",
                "in literal null (expecting 'l')",
                "in literal null (expecting 'l')",
                "",
            ],
            "true" => [
                "in literal true (expecting 'r')",
                "in literal true (expecting 'u')",
                "in literal true (expecting 'e')",
                "",
            ],
            _ => [
                "in literal false (expecting 'a')",
                "in literal false (expecting 'l')",
                "in literal false (expecting 's')",
                "in literal false (expecting 'e')",
            ],
        };
        self.at += 1;
        for (letter, place) in word.bytes().skip(1).zip(places) {
            if self.peek() != Some(letter) {
                return Err(self.unexpected(place));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn object(&mut self) -> Result<Value<'a>, Malformed> {
        self.deeper()?;
        let mut fields = Vec::new();
        if self.peek() != Some(b'}') {
            loop {
                self.skip_blanks();
                if self.peek() != Some(b'"') {
                    return Err(self.unexpected("looking for beginning of object key string"));
                }
                let (key, _) = self.text()?;
                self.skip_blanks();
                if self.peek() != Some(b':') {
                    return Err(self.unexpected("after object key"));
                }
                self.at += 1;
                self.skip_blanks();
                fields.push((key, self.value()?));
                self.skip_blanks();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => break,
                    _ => return Err(self.unexpected("after object key:value pair")),
                }
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(Value::Object(fields))
    }

    fn array(&mut self) -> Result<Value<'a>, Malformed> {
        self.deeper()?;
        let mut values = Vec::new();
        if self.peek() != Some(b']') {
            loop {
                self.skip_blanks();
                values.push(self.value()?);
                self.skip_blanks();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b']') => break,
                    _ => return Err(self.unexpected("after array element")),
                }
            }
        }
        self.at += 1;
        self.depth -= 1;
        Ok(Value::Array(values))
    }

    fn number(&mut self) -> Result<Value<'a>, Malformed> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits(DIGIT)?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        Ok(Value::Number(str::from_utf8(text).unwrap_or_default()))
    }

    fn digits(&mut self, place: &'static str) -> Result<(), Malformed> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected(place));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    /// A text that begins here, and how it is written.
    fn text(&mut self) -> Result<(Cow<'a, str>, &'a [u8]), Malformed> {
        let start = self.at;
        self.at += 1;
        let mut is_escaped = false;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    is_escaped = true;
                    self.at += 1;
                    match self.peek() {
                        Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => self.at += 1,
                        Some(b'u') => {
                            self.at += 1;
                            for _ in 0..4 {
                                if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                                    return Err(self.unexpected("in \\u hexadecimal character escape"));
                                }
                                self.at += 1;
                            }
                        }
                        _ => return Err(self.unexpected("in string escape code")),
                    }
                }
                Some(b' '..) => self.at += 1,
                _ => return Err(self.unexpected("in string literal")),
            }
        }
        self.at += 1;
        let raw = self.text.get(start..self.at).unwrap_or_default();
        let inside = raw.get(1..raw.len() - 1).unwrap_or_default();
        let text = match (is_escaped, str::from_utf8(inside)) {
            (false, Ok(text)) => Cow::Borrowed(text),
            _ => Cow::Owned(vagus_protocol::json::unescape(inside)),
        };
        Ok((text, raw))
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, parse};

    #[test]
    fn reads_values() {
        let text = br#" {"a":[1,-2.5e3,"x\n\u0041"],"b":{"c":null}, "d":true} [] "#;
        let values = parse(text).unwrap();
        assert_eq!(values.len(), 2);
        let Value::Object(fields) = &values[0] else {
            panic!("{values:?}")
        };
        assert_eq!(fields.len(), 3);
        let Value::Array(items) = &fields[0].1 else {
            panic!("{fields:?}")
        };
        assert_eq!(items[1], Value::Number("-2.5e3"));
        assert_eq!(items[2], Value::Text("x\nA".into(), br#""x\n\u0041""#));
        assert_eq!(values[1], Value::Array(Vec::new()));
        assert_eq!(parse(b" \n"), Ok(Vec::new()));
    }

    #[test]
    fn says_what_is_wrong_as_go_does() {
        for (text, expect) in [
            (
                "x",
                "invalid character 'x' looking for beginning of value at offset 1",
            ),
            (r#"{"name":"S""#, "unexpected EOF"),
            (
                r#"{"name" "S"}"#,
                "invalid character '\"' after object key at offset 9",
            ),
            (
                r#"{"a":1 "b""#,
                "invalid character '\"' after object key:value pair at offset 8",
            ),
            (
                "{a",
                "invalid character 'a' looking for beginning of object key string at offset 2",
            ),
            (
                r#"{"a":1,}"#,
                "invalid character '}' looking for beginning of object key string at offset 8",
            ),
            ("[1 2]", "invalid character '2' after array element at offset 4"),
            (
                "nil",
                "invalid character 'i' in literal null (expecting 'u') at offset 2",
            ),
            ("-x", "invalid character 'x' in numeric literal at offset 2"),
            (
                "1.x",
                "invalid character 'x' after decimal point in numeric literal at offset 3",
            ),
            ("\"\n\"", r"invalid character '\n' in string literal at offset 2"),
            (
                r#""\x""#,
                "invalid character 'x' in string escape code at offset 3",
            ),
            (
                "{} '",
                r"invalid character '\'' looking for beginning of value at offset 4",
            ),
            ("01", ""),
        ] {
            let said = parse(text.as_bytes()).map_or_else(|error| error.to_string(), |_| String::new());
            assert_eq!(said, expect, "{text}");
        }
    }

    #[test]
    fn what_follows_a_value_is_read_when_it_is_asked_for() {
        let mut read = super::values(br#""a": 1"#);
        assert!(read.next().is_some_and(|value| value.is_ok()));
        assert!(read.next().is_some_and(|value| value.is_err()));
        assert!(read.next().is_none());
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(parse(&b"[".repeat(1_000_000)).is_err());
        let nested = [b"[".repeat(128), b"]".repeat(128)].concat();
        assert!(parse(&nested).is_ok());
    }
}
