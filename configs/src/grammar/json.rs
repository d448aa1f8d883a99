//! A tree as JSON, in the form in which Go writes it: keys sorted, no blanks.

use super::value::{Entry, Kind, Map};
use std::fmt::Write;

impl Map {
    /// The content, without places, as JSON. Shows secrets.
    pub(crate) fn to_json(&self) -> String {
        let mut json = String::new();
        write_map(&mut json, self);
        json
    }
}

fn write_map(json: &mut String, map: &Map) {
    let mut entries: Vec<&Entry> = map.entries().iter().collect();
    entries.sort_by(|one, other| one.key.cmp(&other.key));
    json.push('{');
    for (number, entry) in entries.into_iter().enumerate() {
        if number > 0 {
            json.push(',');
        }
        write_text(json, &entry.key);
        json.push(':');
        write_value(json, &entry.value.kind);
    }
    json.push('}');
}

fn write_value(json: &mut String, kind: &Kind) {
    // Writing to a String cannot fail.
    let _ = match kind {
        Kind::Integer(number) => write!(json, "{number}"),
        Kind::Boolean(set) => write!(json, "{set}"),
        Kind::Float(number) => {
            write_float(json, *number);
            Ok(())
        }
        Kind::Text(text) | Kind::Date(text) => {
            write_text(json, text);
            Ok(())
        }
        Kind::Map(map) => {
            write_map(json, map);
            Ok(())
        }
        Kind::Array(values) => {
            json.push('[');
            for (number, value) in values.iter().enumerate() {
                if number > 0 {
                    json.push(',');
                }
                write_value(json, &value.kind);
            }
            json.push(']');
            Ok(())
        }
    };
}

/// The shortest digits that mean the number, with an exponent where there were many zeros.
fn write_float(json: &mut String, number: f64) {
    let size = number.abs();
    let _ = if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        let sign = if size < 1.0 { "" } else { "+" };
        write!(json, "{}", text.replace('e', &format!("e{sign}")))
    } else {
        write!(json, "{number}")
    };
}

/// Go escapes what could end a script in a web page, too.
fn write_text(json: &mut String, text: &str) {
    json.push('"');
    for sign in text.chars() {
        match sign {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(json, "\\u{:04x}", u32::from(sign));
            }
            _ => json.push(sign),
        }
    }
    json.push('"');
}
