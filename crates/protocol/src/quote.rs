//! Quoting of subjects in errors, in the form clients know: that of Go's `%q`.

use std::fmt::{self, Display, Formatter, Write};

/// Displays bytes in double quotes, with escapes for what cannot be printed.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a [u8]);

impl Display for Quoted<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_char('"')?;
        for chunk in self.0.utf8_chunks() {
            chunk
                .valid()
                .chars()
                .try_for_each(|letter| write_char(out, letter))?;
            chunk
                .invalid()
                .iter()
                .try_for_each(|byte| write!(out, "\\x{byte:02x}"))?;
        }
        out.write_char('"')
    }
}

/// Bytes in quotes, cut after `at_most` of them unless that is 0: three dots say so.
pub fn shortened(bytes: &[u8], at_most: usize) -> String {
    let cut = at_most != 0 && bytes.len() > at_most;
    let shown = if cut { &bytes[..at_most] } else { bytes };
    let dots = if cut { "..." } else { "" };
    format!("{:?}", format!("{}{dots}", String::from_utf8_lossy(shown)))
}

fn write_char(out: &mut Formatter<'_>, letter: char) -> fmt::Result {
    match letter {
        '"' => out.write_str("\\\""),
        '\\' => out.write_str("\\\\"),
        '\x07' => out.write_str("\\a"),
        '\x08' => out.write_str("\\b"),
        '\x0c' => out.write_str("\\f"),
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        '\x0b' => out.write_str("\\v"),
        ' '..='~' => out.write_char(letter),
        '\0'..='\x7f' => write!(out, "\\x{:02x}", u32::from(letter)),
        _ if is_printable(letter) => out.write_char(letter),
        '\u{80}'..='\u{ffff}' => write!(out, "\\u{:04x}", u32::from(letter)),
        _ => write!(out, "\\U{:08x}", u32::from(letter)),
    }
}

/// Whether a letter beyond ASCII can be shown. The standard library says so only through
/// `escape_debug`, and escapes a combining mark, printable as it is, when it comes first: hence the
/// letter before it.
fn is_printable(letter: char) -> bool {
    let mut buffer = [0; 5];
    let Some((first, rest)) = buffer.split_first_mut() else {
        return false;
    };
    *first = b'a';
    let length = 1 + letter.encode_utf8(rest).len();
    let text = buffer
        .get(..length)
        .and_then(|bytes| str::from_utf8(bytes).ok())
        .unwrap_or_default();
    text.escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::{Quoted, shortened};

    #[track_caller]
    fn check(bytes: impl AsRef<[u8]>, expect: &str) {
        assert_eq!(Quoted(bytes.as_ref()).to_string(), expect);
    }

    #[test]
    fn payloads_are_quoted_and_cut() {
        assert_eq!(shortened(b"hi", 0), r#""hi""#);
        assert_eq!(shortened(b"a \"b\"\r\n", 0), r#""a \"b\"\r\n""#);
        assert_eq!(shortened(b"0123456789", 4), r#""0123...""#);
        assert_eq!(shortened(b"0123", 4), r#""0123""#);
    }

    #[test]
    fn quotes_as_clients_expect() {
        check("foo.bar", r#""foo.bar""#);
        check("", r#""""#);
        check(r#"a"b\c'"#, r#""a\"b\\c'""#);
        check(
            "\0\x01\x07\x08\t\n\x0b\x0c\r\x1b\x7f",
            r#""\x00\x01\a\b\t\n\v\f\r\x1b\x7f""#,
        );
        check("привет.例.é.e\u{301}.🎈", "\"привет.例.é.e\u{301}.🎈\"");
        check("\u{301}", "\"\u{301}\"");
        check(
            "\u{85}\u{a0}\u{200b}\u{feff}\u{e000}",
            r#""\u0085\u00a0\u200b\ufeff\ue000""#,
        );
        check("\u{e0001}\u{10ffff}", r#""\U000e0001\U0010ffff""#);
        check(b"a\xff\xe4\xbeb", r#""a\xff\xe4\xbeb""#);
        check("\u{fffd}", "\"\u{fffd}\"");
    }
}
