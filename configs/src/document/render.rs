//! A document as text, in the grammar of configuration files.

use crate::grammar::{Kind, Map};
use std::fmt::Write;

/// The text of a document: each entry on a line of its own, maps indented. Read again it gives the same document.
pub fn render(map: &Map) -> String {
    let mut text = String::new();
    entries(&mut text, map, 0);
    text
}

/// The text of one value, which begins on the line of its key.
pub(super) fn value(kind: &Kind, depth: usize) -> String {
    let mut text = String::new();
    write_value(&mut text, kind, depth);
    text
}

/// One entry without the end of its line.
pub(super) fn entry(key: &str, kind: &Kind, depth: usize) -> String {
    let mut text = String::new();
    write_key(&mut text, key);
    text.push_str(": ");
    write_value(&mut text, kind, depth);
    text
}

fn entries(text: &mut String, map: &Map, depth: usize) {
    for one in map.entries() {
        indent(text, depth);
        text.push_str(&entry(&one.key, &one.value.kind, depth));
        text.push('\n');
    }
}

fn indent(text: &mut String, depth: usize) {
    (0..depth).for_each(|_| text.push_str("  "));
}

/// Writing to a String cannot fail.
fn write_value(text: &mut String, kind: &Kind, depth: usize) {
    let _ = match kind {
        Kind::Integer(number) => write!(text, "{number}"),
        Kind::Boolean(set) => write!(text, "{set}"),
        // With its point: without one it would be a whole number.
        Kind::Float(number) => write!(text, "{number:?}"),
        Kind::Date(date) => text.write_str(date),
        Kind::Text(words) => {
            write_text(text, words);
            Ok(())
        }
        Kind::Array(values) if values.is_empty() => text.write_str("[]"),
        Kind::Array(values) => {
            text.push_str("[\n");
            for value in values {
                indent(text, depth + 1);
                write_value(text, &value.kind, depth + 1);
                text.push('\n');
            }
            indent(text, depth);
            text.write_str("]")
        }
        Kind::Map(map) if map.is_empty() => text.write_str("{}"),
        Kind::Map(map) => {
            text.push_str("{\n");
            entries(text, map, depth + 1);
            indent(text, depth);
            text.write_str("}")
        }
    };
}

/// Bare where nothing else could be meant.
fn write_key(text: &mut String, key: &str) {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if !key.is_empty() && key.bytes().all(is_bare) && !key.eq_ignore_ascii_case("include") {
        text.push_str(key);
        return;
    }
    let quote = if key.contains('"') { '\'' } else { '"' };
    text.push(quote);
    text.push_str(key);
    text.push(quote);
}

fn write_text(text: &mut String, words: &str) {
    text.push('"');
    for sign in words.chars() {
        match sign {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\0'..='\u{1f}' | '\u{7f}' => {
                let _ = write!(text, "\\x{:02x}", u32::from(sign));
            }
            _ => text.push(sign),
        }
    }
    text.push('"');
}
