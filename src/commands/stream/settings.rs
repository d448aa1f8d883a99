//! The settings of a stream: the flag of each, and how it is read and shown.

use super::usage;
use crate::commands::arguments::{self, Argument, flag};
use crate::commands::error::ToolError;
use crate::flags::syntax::{Flag, Kind, Parsed};
use serde_json::{Map, Value, json};
use std::time::Duration;
use vagus_protocol::duration;
use vagus_protocol::size::Size;

/// What kind of value a setting has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Form {
    Text,
    /// Several, with commas between.
    Texts,
    Number,
    /// A number of bytes.
    Size,
    /// Nanoseconds.
    Time,
    Switch,
    /// Of one name and one value each, with a flag for each.
    Notes,
    /// The name of a stream.
    Stream,
    /// Names of streams, with a flag for each.
    Streams,
}

/// The key of the API, the flag, and what it takes.
pub(in crate::commands) type Setting = (&'static str, &'static [&'static str], Form);

/// What can be said of a stream.
pub(in crate::commands) const OF_STREAMS: &[Setting] = &[
    ("subjects", &["subjects"], Form::Texts),
    ("description", &["description"], Form::Text),
    ("storage", &["storage"], Form::Text),
    ("retention", &["retention"], Form::Text),
    ("discard", &["discard"], Form::Text),
    ("discard_new_per_subject", &["discard-per-subject"], Form::Switch),
    ("max_msgs", &["max-msgs"], Form::Number),
    ("max_bytes", &["max-bytes"], Form::Size),
    ("max_age", &["max-age"], Form::Time),
    ("max_msg_size", &["max-msg-size"], Form::Size),
    ("max_msgs_per_subject", &["max-msgs-per-subject"], Form::Number),
    ("max_consumers", &["max-consumers"], Form::Number),
    ("duplicate_window", &["dupe-window"], Form::Time),
    ("compression", &["compression"], Form::Text),
    ("num_replicas", &["replicas"], Form::Number),
    ("first_seq", &["first-seq"], Form::Number),
    ("metadata", &["metadata"], Form::Notes),
    ("mirror", &["mirror"], Form::Stream),
    ("sources", &["source"], Form::Streams),
    ("allow_direct", &["allow-direct"], Form::Switch),
    ("allow_rollup_hdrs", &["allow-rollup"], Form::Switch),
    ("allow_msg_ttl", &["allow-msg-ttl"], Form::Switch),
    (
        "subject_delete_marker_ttl",
        &["subject-del-markers-ttl"],
        Form::Time,
    ),
    ("allow_msg_counter", &["allow-msg-counter"], Form::Switch),
    ("allow_msg_schedules", &["allow-msg-schedules"], Form::Switch),
    ("allow_atomic", &["allow-atomic"], Form::Switch),
    ("allow_batched", &["allow-batched"], Form::Switch),
    ("persist_mode", &["persist-mode"], Form::Text),
    ("deny_delete", &["deny-delete"], Form::Switch),
    ("deny_purge", &["deny-purge"], Form::Switch),
    ("no_ack", &["no-ack"], Form::Switch),
    ("sealed", &["sealed"], Form::Switch),
];

/// Those of all settings.
pub(in crate::commands) fn flags(settings: &'static [Setting]) -> impl Iterator<Item = Flag<Argument>> {
    settings.iter().map(|(key, names, form)| {
        let kind = match form {
            Form::Switch => Kind::Bool,
            Form::Number => Kind::Integer,
            _ => Kind::Text,
        };
        flag(Argument::Setting(key), names, kind)
    })
}

/// Sets what flags say.
pub(in crate::commands) fn lay_over(
    settings: &[Setting],
    config: &mut Map<String, Value>,
    parsed: &Parsed<Argument>,
) -> Result<(), ToolError> {
    let mut streams = Vec::new();
    for given in &parsed.given {
        let Argument::Setting(key) = given.id else {
            continue;
        };
        let form = settings.iter().find(|(known, ..)| *known == key);
        let text = given.value.text();
        let cannot = |what: &str| usage(&format!("--{} takes {what}, not {text:?}", given.name));
        let value = match form.map_or(Form::Text, |(_, _, form)| *form) {
            Form::Text => json!(text),
            Form::Texts => json!(text.split(',').map(str::trim).collect::<Vec<_>>()),
            Form::Number => json!(given.value.integer()),
            Form::Switch => json!(given.value.is_true()),
            Form::Size => json!(size(text).ok_or_else(|| cannot("a size such as 64KB or 1GB, or -1"))?),
            Form::Time => json!(nanoseconds(text).ok_or_else(|| cannot("a time such as 90s, 24h or 7d"))?),
            Form::Notes => {
                let (name, note) = text.split_once('=').ok_or_else(|| cannot("a name=value"))?;
                let mut notes = config.get(key).cloned().unwrap_or_else(|| json!({}));
                if let Some(notes) = notes.as_object_mut() {
                    notes.insert(name.to_owned(), json!(note));
                }
                notes
            }
            Form::Stream => json!({ "name": text }),
            Form::Streams => {
                streams.push(json!({ "name": text }));
                json!(streams)
            }
        };
        config.insert(key.to_owned(), value);
    }
    Ok(())
}

/// A setting for people; None where it is off, or nothing is set.
pub(in crate::commands) fn shown(settings: &[Setting], key: &str, value: &Value) -> Option<String> {
    let form = settings.iter().find(|(known, ..)| *known == key);
    let form = form.map(|(_, _, form)| *form);
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::Bool(true) => Some("yes".to_owned()),
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => match (form, number.as_i64()) {
            (_, Some(-1)) => Some("unlimited".to_owned()),
            (_, Some(0)) => None,
            (Some(Form::Size), Some(bytes)) => u64::try_from(bytes).ok().map(|bytes| Size(bytes).to_string()),
            (Some(Form::Time), Some(time)) => {
                let time = u64::try_from(time).ok()?;
                Some(duration::shown(Duration::from_nanos(time)))
            }
            _ => Some(number.to_string()),
        },
        Value::Array(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .filter_map(|part| shown(settings, "", part))
                .collect();
            Some(parts.join(", ")).filter(|text| !text.is_empty())
        }
        Value::Object(parts) => {
            // What servers note for each other is not for people.
            let parts = parts.iter().filter(|(key, _)| !key.starts_with("_nats."));
            let parts =
                parts.filter_map(|(key, part)| Some(format!("{key}={}", shown(settings, key, part)?)));
            let parts: Vec<String> = parts.collect();
            Some(parts.join(", ")).filter(|text| !text.is_empty())
        }
    }
}

/// A number of bytes such as 64KB, 1.5GiB, 2M, 100; units are of 1024. -1 is none.
fn size(text: &str) -> Option<i64> {
    if text == "-1" {
        return Some(-1);
    }
    let at = text
        .find(|sign: char| sign.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let unit = match unit.to_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" | "kib" => 1024_f64,
        "m" | "mb" | "mib" => 1024_f64.powi(2),
        "g" | "gb" | "gib" => 1024_f64.powi(3),
        "t" | "tb" | "tib" => 1024_f64.powi(4),
        _ => return None,
    };
    let bytes = number.trim().parse::<f64>().ok()? * unit;
    (0.0..9e18).contains(&bytes).then_some(bytes as i64)
}

fn nanoseconds(text: &str) -> Option<i64> {
    let time = arguments::read_duration(text)?;
    i64::try_from(time.as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::syntax;

    fn set(line: &str, mut config: Value) -> Result<Value, String> {
        let flags: Vec<_> = flags(OF_STREAMS).collect();
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let parsed = syntax::parse(&flags, &args).unwrap();
        lay_over(OF_STREAMS, config.as_object_mut().unwrap(), &parsed).map_err(|error| error.to_string())?;
        Ok(config)
    }

    #[test]
    fn flags_set_what_the_api_calls_otherwise() {
        for (line, expected) in [
            ("--subjects a,b.>", json!({"subjects": ["a", "b.>"]})),
            (
                "--max-msgs -1 --max-bytes 1.5KB",
                json!({"max_msgs": -1, "max_bytes": 1536}),
            ),
            (
                "--max-age 7d --dupe-window 0",
                json!({"max_age": 604_800_000_000_000_i64, "duplicate_window": 0}),
            ),
            (
                "--deny-delete --sealed=false",
                json!({"deny_delete": true, "sealed": false}),
            ),
            (
                "--metadata a=1 --metadata b=x=y",
                json!({"metadata": {"kept": "0", "a": "1", "b": "x=y"}}),
            ),
            (
                "--source A --source B",
                json!({"sources": [{"name": "A"}, {"name": "B"}]}),
            ),
            ("--mirror M", json!({"mirror": {"name": "M"}})),
        ] {
            let before = match expected.get("metadata") {
                Some(_) => json!({"metadata": {"kept": "0"}}),
                None => json!({}),
            };
            assert_eq!(set(line, before).unwrap(), expected, "{line}");
        }
        for (line, complaint) in [
            (
                "--max-bytes much",
                r#"--max-bytes takes a size such as 64KB or 1GB, or -1, not "much""#,
            ),
            (
                "--max-age -1s",
                r#"--max-age takes a time such as 90s, 24h or 7d, not "-1s""#,
            ),
            ("--metadata a", r#"--metadata takes a name=value, not "a""#),
        ] {
            assert_eq!(set(line, json!({})).unwrap_err(), complaint);
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("100", Some(100)),
            ("2K", Some(2048)),
            ("1gib", Some(1 << 30)),
            ("-1", Some(-1)),
            ("-2", None),
            ("1X", None),
            ("99999999T", None),
            ("", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
    }
}
