//! Why a text is no JSON, in the words of Go, which tools show.

use serde_json::Value;

/// What a value is called.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

pub(super) fn in_words_of_go(text: &[u8], error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    let said = error.to_string();
    let expected = [
        (
            "key must be a string",
            "looking for beginning of object key string",
        ),
        ("expected `:`", "after object key"),
        ("expected `,` or `}`", "after object key:value pair"),
        ("expected `,` or `]`", "after array element"),
        ("trailing characters", "after top-level value"),
        ("trailing comma", "looking for beginning of object key string"),
        ("expected ident", "in literal"),
        ("control character", "in string literal"),
        ("invalid escape", "in string escape code"),
        ("invalid number", "in numeric literal"),
    ];
    let place = expected
        .iter()
        .find(|(ours, _)| said.starts_with(ours))
        .map_or("looking for beginning of value", |(_, theirs)| theirs);
    match character(text, error) {
        Some(character) => format!("invalid character '{}' {place}", character.escape_default()),
        None => format!("invalid character {place}"),
    }
}

/// The one at which it ends to be JSON.
fn character(text: &[u8], error: &serde_json::Error) -> Option<char> {
    let line = text
        .split(|byte| *byte == b'\n')
        .nth(error.line().checked_sub(1)?)?;
    let rest = line.get(error.column().checked_sub(1)?..)?;
    rest.utf8_chunks().next()?.valid().chars().next()
}

#[cfg(test)]
mod tests {
    use super::in_words_of_go;
    use serde_json::Value;

    #[test]
    fn errors_name_what_is_in_the_way() {
        for (text, words) in [
            (
                "{nonsense",
                "invalid character 'n' looking for beginning of object key string",
            ),
            ("nonsense", "invalid character 'o' in literal"),
            ("x", "invalid character 'x' looking for beginning of value"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1 2}", "invalid character '2' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("{} x", "invalid character 'x' after top-level value"),
            (
                "{\n\"a\":\n?}",
                "invalid character '?' looking for beginning of value",
            ),
            ("{\"a\":", "unexpected end of JSON input"),
        ] {
            let error = serde_json::from_str::<Value>(text).unwrap_err();
            assert_eq!(in_words_of_go(text.as_bytes(), &error), words, "{text}: {error}");
        }
    }
}
